"""The loaders of Penn-Fudan and of COCO weights, on miniature files."""

import hashlib
import types

import numpy as np
import PIL.Image
import pytest
import torch
from torch import nn

from cells import namespace

NS = namespace("10_detection", "real-thing")
load_penn_fudan, load_coco = NS["load_penn_fudan"], NS["load_coco_detector"]

TEXT = """# Compatible with PASCAL Annotation Version 1.00
Image filename : "PennFudanPed/PNGImages/FudanPed00001.png"
Bounding box for object 1 "PASpersonWalking" (Xmin, Ymin) - (Xmax, Ymax) : {}
"""


@pytest.fixture
def folder(tmp_path):
    for name in ("PNGImages", "PedMasks", "Annotation"):
        (tmp_path / name).mkdir()
    mask = np.zeros((20, 30), dtype=np.uint8)
    mask[5:15, 3:9] = 1
    for stem in ("FudanPed00001", "FudanPed00002"):
        image = PIL.Image.fromarray(np.zeros((20, 30, 3), dtype=np.uint8))
        image.save(tmp_path / "PNGImages" / f"{stem}.png")
        path = tmp_path / "PedMasks" / f"{stem}_mask.png"
        PIL.Image.fromarray(mask).save(path)
        mask[2:6, 20:22] = 2  # the second image has two people
    text = TEXT.format("(4, 6) - (9, 15)")
    (tmp_path / "Annotation" / "FudanPed00001.txt").write_text(text)
    return tmp_path


def test_masks_become_boxes_with_exclusive_ends(folder):
    first, second = load_penn_fudan(folder)
    assert first["image"].name == "FudanPed00001.png"
    assert first["boxes"].tolist() == [[3, 5, 9, 15]]
    assert second["boxes"].tolist() == [[3, 5, 9, 15], [20, 2, 22, 6]]
    assert second["labels"].tolist() == [1, 1]
    assert second["masks"].shape == (2, 20, 30)
    assert second["masks"].dtype == torch.bool


def one_line(capsys, word):
    said = capsys.readouterr().out
    assert said.count("\n") == 1 and word in said


def test_a_missing_folder_is_told_in_one_line(tmp_path, capsys):
    assert load_penn_fudan(tmp_path / "nothing") is None
    one_line(capsys, "unpack")


def test_a_damaged_mask_is_named(folder, capsys):
    path = folder / "PedMasks" / "FudanPed00002_mask.png"
    path.write_bytes(path.read_bytes()[:40])
    assert load_penn_fudan(folder) is None
    one_line(capsys, "FudanPed00002 is damaged")


def test_a_missing_mask_is_named(folder, capsys):
    (folder / "PedMasks" / "FudanPed00001_mask.png").unlink()
    assert load_penn_fudan(folder) is None
    one_line(capsys, "FudanPed00001 is damaged")


def test_a_text_that_disagrees_is_named(folder, capsys):
    text = TEXT.format("(14, 6) - (19, 15)")
    (folder / "Annotation" / "FudanPed00001.txt").write_text(text)
    assert load_penn_fudan(folder) is None
    one_line(capsys, "FudanPed00001 is damaged")


def build(weights, weights_backbone):
    return nn.Linear(2, 3)


def weights_file(folder):
    state = folder / "state.pth"
    torch.save(nn.Linear(2, 3).state_dict(), state)
    digest = hashlib.sha256(state.read_bytes()).hexdigest()
    path = state.rename(folder / f"net-{digest[:8]}.pth")
    return types.SimpleNamespace(url=f"https://example.org/{path.name}"), path


def test_weights_with_the_right_checksum_load(tmp_path):
    weights, path = weights_file(tmp_path)
    net = load_coco(tmp_path, weights, build)
    state = torch.load(path, weights_only=True)
    assert not net.training and torch.equal(net.weight, state["weight"])


def test_missing_weights_are_told_in_one_line(tmp_path, capsys):
    assert load_coco(tmp_path) is None
    one_line(capsys, "download https://download.pytorch.org/")


def test_damaged_weights_are_told_in_one_line(tmp_path, capsys):
    weights, path = weights_file(tmp_path)
    path.write_bytes(path.read_bytes()[:-7])
    assert load_coco(tmp_path, weights, build) is None
    one_line(capsys, "is damaged")
