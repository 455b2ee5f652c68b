"""The openers of hymenoptera and CIFAR-10, on miniature files."""

import PIL.Image
import pytest

from cells import namespace

NS = namespace("03_data", "real-thing")
open_insects, open_cifar = NS["open_insects"], NS["open_cifar"]


@pytest.fixture
def insects(tmp_path):
    """Three photos of different sizes in each of the four folders."""
    for folder in ("train/ants", "train/bees", "val/ants", "val/bees"):
        (tmp_path / folder).mkdir(parents=True)
        for i in range(3):
            photo = PIL.Image.new("RGB", (40 + i, 30), (200, 10 * i, 0))
            photo.save(tmp_path / folder / f"{i}.jpg")
    return tmp_path


def refuses(opener, root, one_line):
    """What an opener says in its one line when it returns None."""
    assert opener(root) is None
    said = one_line()
    assert "unpack" in said
    return said


def test_the_insects_are_two_image_folders(insects):
    for part in open_insects(insects):
        assert part.class_to_idx == {"ants": 0, "bees": 1}
        assert part.targets == [0, 0, 0, 1, 1, 1]


def test_missing_insects_are_told_in_one_line(tmp_path, one_line):
    assert "No such file" in refuses(open_insects, tmp_path / "a", one_line)


def test_a_class_without_photos_is_told_in_one_line(insects, one_line):
    for path in (insects / "val" / "bees").iterdir():
        path.unlink()
    assert "bees" in refuses(open_insects, insects, one_line)


def test_shifted_labels_are_told_in_one_line(insects, one_line):
    (insects / "val" / "ants").rename(insects / "val" / "Ants")
    assert "other classes" in refuses(open_insects, insects, one_line)


@pytest.mark.parametrize("keep", [0, 300])
def test_a_photo_cut_short_is_named_in_one_line(insects, one_line, keep):
    path = insects / "train" / "bees" / "1.jpg"
    path.write_bytes(path.read_bytes()[:keep])
    assert f"{path} is damaged" in refuses(open_insects, insects, one_line)


def test_missing_or_changed_cifar_is_told_in_one_line(tmp_path, one_line):
    refuses(open_cifar, tmp_path, one_line)
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    (folder / "test_batch").write_bytes(b"no pickle, and never opened as one")
    refuses(open_cifar, tmp_path, one_line)
