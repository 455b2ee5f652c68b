"""The loader of the ants and bees, on miniature files."""

import pytest
import torch
from PIL import Image

from cells import namespace

load_hymenoptera = namespace("09_finetune", "real-thing")["load_hymenoptera"]


@pytest.fixture
def insects(tmp_path):
    """A tree like the archive's, with two pictures a class."""
    for part in ("train", "val"):
        for name in ("ants", "bees"):
            folder = tmp_path / part / name
            folder.mkdir(parents=True)
            for k in range(2):
                size = (300 + 40 * k, 280)
                Image.new("RGB", size, "white").save(folder / f"{k}.jpg")
    return tmp_path


def test_photos_are_cropped_and_normalised(insects):
    sets = load_hymenoptera(insects)
    assert set(sets) == {"train", "val"}
    for data in sets.values():
        assert data.classes == ["ants", "bees"] and len(data) == 4
        X, y = data[3]
        assert X.shape == (3, 224, 224) and y == 1
    white = (1 - torch.tensor([0.485, 0.456, 0.406])) / torch.tensor(
        [0.229, 0.224, 0.225]
    )
    X, _ = sets["val"][0]
    torch.testing.assert_close(X.mean((1, 2)), white, rtol=0, atol=0.02)


def test_what_is_missing_is_named(insects):
    with pytest.raises(FileNotFoundError, match="none"):
        load_hymenoptera(insects / "none")
    for path in (insects / "val" / "bees").iterdir():
        path.unlink()
    with pytest.raises(FileNotFoundError, match="bees"):
        load_hymenoptera(insects)


def test_a_damaged_photo_is_named(insects):
    path = insects / "val" / "bees" / "1.jpg"
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(ValueError, match=r"bees/1\.jpg is damaged"):
        load_hymenoptera(insects)


def test_a_hidden_folder_is_no_class(insects):
    for part in ("train", "val"):
        hidden = insects / part / ".ipynb_checkpoints"
        hidden.mkdir()
        Image.new("RGB", (9, 9)).save(hidden / "0.jpg")
    with pytest.raises(ValueError, match="different classes"):
        load_hymenoptera(insects)


def test_the_classes_of_both_parts_must_agree(insects):
    (insects / "val" / "ants").rename(insects / "val" / "wasps")
    with pytest.raises(ValueError, match="different classes"):
        load_hymenoptera(insects)
