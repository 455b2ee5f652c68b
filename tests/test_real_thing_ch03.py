"""The loaders of hymenoptera and CIFAR-10, on miniature files."""

import hashlib
import pickle

import numpy as np
import PIL.Image
import pytest
import torch

from cells import namespace

NS = namespace("03_data", "real-thing")
load_ants_and_bees, load_cifar = NS["load_ants_and_bees"], NS["load_cifar"]


@pytest.fixture
def insects(tmp_path):
    """Three photos of different sizes in each of the four folders."""
    root = tmp_path / "hymenoptera_data"
    for folder in ("train/ants", "train/bees", "val/ants", "val/bees"):
        (root / folder).mkdir(parents=True)
        for i in range(3):
            photo = PIL.Image.new("RGB", (40 + i, 30), (200, 10 * i, 0))
            photo.save(root / folder / f"{i}.jpg")
    return root


@pytest.fixture
def batches(tmp_path):
    """Two files as the CIFAR-10 page ships them, and their checksums."""
    md5 = {}
    for k, name in enumerate(("data_batch_1", "test_batch")):
        rows = np.arange(5 * 3072).reshape(5, 3072) + k
        batch = {b"data": (rows % 256).astype(np.uint8)}
        batch[b"labels"] = [3, 1, 4, 1, k]
        content = pickle.dumps(batch, protocol=2)
        (tmp_path / name).write_bytes(content)
        md5[name] = hashlib.md5(content).hexdigest()
    return tmp_path, md5


def one_line(capsys):
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    return said


def test_the_insects_are_two_image_folders(insects):
    sets = load_ants_and_bees(insects)
    assert list(sets) == ["train", "val"]
    for part in sets.values():
        assert part.class_to_idx == {"ants": 0, "bees": 1}
        assert part.targets == [0, 0, 0, 1, 1, 1]
    image, label = sets["train"][5]
    assert image.size == (42, 30) and label == 1


def test_missing_insects_are_told_in_one_line(tmp_path, capsys):
    assert load_ants_and_bees(tmp_path / "hymenoptera_data") is None
    assert "unpack" in one_line(capsys)


def test_a_class_without_photos_is_told_in_one_line(insects, capsys):
    for path in (insects / "val" / "bees").iterdir():
        path.unlink()
    assert load_ants_and_bees(insects) is None
    assert "bees" in one_line(capsys)


@pytest.mark.parametrize("keep", [0, 300])
def test_a_photo_cut_short_is_named_in_one_line(insects, capsys, keep):
    path = insects / "train" / "bees" / "1.jpg"
    path.write_bytes(path.read_bytes()[:keep])
    assert load_ants_and_bees(insects) is None
    said = one_line(capsys)
    assert "damaged" in said and "1.jpg" in said


def test_cifar_files_become_one_dataset(batches):
    root, md5 = batches
    dataset = load_cifar(root, ("data_batch_1", "test_batch"), md5)
    X, y = dataset.tensors
    assert X.shape == (10, 3, 32, 32) and X.dtype == torch.uint8
    assert y.tolist() == [3, 1, 4, 1, 0, 3, 1, 4, 1, 1]
    # red comes first, then row by row
    assert X[0, 0, 0, :3].tolist() == [0, 1, 2]
    assert X[0, 0, 1, 0].item() == 32 and X[5, 0, 0, 0].item() == 1


def test_missing_cifar_is_told_in_one_line(tmp_path, capsys):
    assert load_cifar(tmp_path) is None
    assert "no test_batch" in one_line(capsys)


def test_a_changed_cifar_file_is_never_unpickled(batches, capsys):
    root, md5 = batches
    (root / "test_batch").write_bytes(b"not even a pickle")
    assert load_cifar(root, md5=md5) is None
    assert "test_batch is damaged" in one_line(capsys)


def test_by_default_only_the_published_files_are_opened(batches, capsys):
    root, _ = batches
    assert load_cifar(root) is None
    assert "checksum" in one_line(capsys)
