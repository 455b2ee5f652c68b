"""The loaders of chapter 9, on miniature files."""

import hashlib

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from cells import namespace

NS = namespace("09_finetune", "real-thing")
load_hymenoptera = NS["load_hymenoptera"]
load_cifar10 = NS["load_cifar10"]
load_pretrained = NS["load_pretrained"]


def said(capsys):
    """The one line that was printed."""
    text = capsys.readouterr().out
    assert text.count("\n") == 1
    return text


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


def test_missing_photos_are_told_in_one_line(tmp_path, capsys):
    assert load_hymenoptera(tmp_path / "none") is None
    assert "unpack" in said(capsys)


def test_an_empty_class_is_told_in_one_line(insects, capsys):
    for path in (insects / "val" / "bees").iterdir():
        path.unlink()
    assert load_hymenoptera(insects) is None
    assert "damaged" in said(capsys)


def write_cifar(folder, part, classes):
    """A binary batch: a byte of class, then red, green and blue planes."""
    records = np.zeros((len(classes), 3073), dtype=np.uint8)
    records[:, 0] = classes
    records[:, 1:1025] = 255
    records[:, 1025] = 51  # green of the first pixel
    (folder / f"data_batch_{part}.bin").write_bytes(records.tobytes())


def test_cifar_records_become_pictures(tmp_path):
    for part in range(1, 6):
        write_cifar(tmp_path, part, [part, 9])
    X, y = load_cifar10(tmp_path)
    assert X.shape == (10, 3, 32, 32) and X.dtype == torch.float32
    assert y.tolist() == [1, 9, 2, 9, 3, 9, 4, 9, 5, 9]
    assert (X[:, 0] == 1).all() and (X[:, 2] == 0).all()
    assert X[0, 1, 0, 0].item() == pytest.approx(0.2)
    X, y = load_cifar10(tmp_path, parts=[2])
    assert y.tolist() == [2, 9]


def test_missing_cifar_is_told_in_one_line(tmp_path, capsys):
    write_cifar(tmp_path, 1, [0])
    assert load_cifar10(tmp_path) is None
    assert "no data_batch_2.bin" in said(capsys)


@pytest.mark.parametrize("content", [b"", b"\0" * 3072, b"\x0b" * 3073])
def test_damaged_cifar_is_told_in_one_line(tmp_path, capsys, content):
    (tmp_path / "data_batch_1.bin").write_bytes(content)
    assert load_cifar10(tmp_path) is None
    assert "data_batch_1.bin is damaged" in said(capsys)


class Tiny(nn.Module):
    """Stands in for a ResNet of 1,000 classes."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3)
        self.fc = nn.Linear(4, 1000)


def write_weights(folder):
    """A file of weights whose name ends in its checksum."""
    state = Tiny().state_dict()
    torch.save(state, folder / "part")
    digest = hashlib.sha256((folder / "part").read_bytes()).hexdigest()
    return (folder / "part").rename(folder / f"tiny-{digest[:8]}.pth"), state


def test_weights_are_checked_loaded_and_get_a_new_head(tmp_path):
    path, state = write_weights(tmp_path)
    model = load_pretrained(path, Tiny)
    assert torch.equal(model.conv1.weight, state["conv1.weight"])
    assert model.fc.out_features == 2 and model.fc.in_features == 4
    assert load_pretrained(path, Tiny, num_classes=7).fc.out_features == 7


def test_missing_weights_are_told_in_one_line(tmp_path, capsys):
    path = tmp_path / "resnet18-f37072fd.pth"
    assert load_pretrained(path) is None
    assert "get https://" in said(capsys)


def test_damaged_weights_are_told_in_one_line(tmp_path, capsys):
    path, _ = write_weights(tmp_path)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert load_pretrained(path, Tiny) is None
    assert "damaged" in said(capsys)
