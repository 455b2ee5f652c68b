"""The loader of Penn-Fudan, on miniature files."""

import numpy as np
import PIL.Image
import pytest
import torch

from cells import namespace

load_penn_fudan = namespace("10_detection", "real-thing")["load_penn_fudan"]

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


def test_a_text_may_be_off_by_six_pixels(folder):
    """As that of the first person of PennPed00027 is."""
    text = TEXT.format("(4, 6) - (15, 15)")
    (folder / "Annotation" / "FudanPed00001.txt").write_text(text)
    first, _ = load_penn_fudan(folder)
    assert first["boxes"].tolist() == [[3, 5, 9, 15]]


def test_a_missing_folder_is_told_in_one_line(tmp_path, one_line):
    assert load_penn_fudan(tmp_path / "nothing") is None
    assert "unpack" in one_line()


@pytest.mark.parametrize(
    "name", ["PedMasks/FudanPed00002_mask.png", "PNGImages/FudanPed00002.png"]
)
def test_a_file_cut_short_is_named(folder, one_line, name):
    (folder / name).write_bytes((folder / name).read_bytes()[:40])
    assert load_penn_fudan(folder) is None
    assert "FudanPed00002 is damaged" in one_line()


def test_a_missing_mask_is_named(folder, one_line):
    (folder / "PedMasks" / "FudanPed00001_mask.png").unlink()
    assert load_penn_fudan(folder) is None
    assert "FudanPed00001 is damaged" in one_line()


def test_a_text_that_disagrees_is_named(folder, one_line):
    text = TEXT.format("(15, 6) - (20, 15)")
    (folder / "Annotation" / "FudanPed00001.txt").write_text(text)
    assert load_penn_fudan(folder) is None
    assert "FudanPed00001 is damaged" in one_line()


def test_a_mask_in_colour_is_named(folder, one_line):
    path = folder / "PedMasks" / "FudanPed00001_mask.png"
    with PIL.Image.open(path) as mask:
        mask.convert("RGB").save(path)
    assert load_penn_fudan(folder) is None
    assert "FudanPed00001 is damaged" in one_line()
