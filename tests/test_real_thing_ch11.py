"""The faces and a trained generator of chapter 11, on miniature files."""

import numpy as np
import pytest
import torch
from PIL import Image

from cells import namespace

NS = namespace("11_gan", "real-thing")
load_faces, draw_faces = NS["load_faces"], NS["draw_faces"]


def test_a_face_is_cropped_and_scaled():
    photo = np.zeros((218, 178, 3), np.uint8)
    photo[:, 89:] = 255
    X = NS["to_face"](Image.fromarray(photo))
    assert X.shape == (3, 64, 64) and X.dtype == torch.float32
    assert X.min() >= -1 and X.max() <= 1
    assert X[:, :, :28].max() < -0.9 and X[:, :, 36:].min() > 0.9


def test_missing_and_damaged_faces_are_told_in_one_line(tmp_path, one_line):
    (tmp_path / "celeba" / "img_align_celeba").mkdir(parents=True)
    (tmp_path / "celeba" / "list_attr_celeba.txt").write_text("no list")
    for root in (tmp_path, tmp_path / "elsewhere"):
        assert load_faces(root) is None
        assert "no CelebA in" in one_line()


def tiny():
    return torch.nn.Sequential(
        torch.nn.ConvTranspose2d(5, 3, 4), torch.nn.Tanh()
    )


@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_checkpoint_draws_the_same_64_faces(tmp_path, prefix):
    source, file = tiny(), tmp_path / "gan.pkl"
    state = {prefix + k: x for k, x in source.state_dict().items()}
    torch.save({"g_model_state_dict": state}, file)
    drawn = tiny()
    sheet = draw_faces(file, drawn, nz=5)
    assert sheet.shape == (3, 8 * 6 + 2, 8 * 6 + 2)
    assert sheet.min() >= 0 and sheet.max() <= 1
    assert torch.equal(sheet, draw_faces(file, tiny(), nz=5))
    noise = torch.Generator().manual_seed(1)
    z = torch.randn(64, 5, 1, 1, generator=noise)
    with torch.inference_mode():
        first = drawn.eval()(z)[0]
    # -1 is black and 1 is white, whatever the brightest face reaches
    torch.testing.assert_close(sheet[:, 2:6, 2:6], (first + 1) / 2)
