"""The loaders of faces and of a trained generator, on miniature files."""

import numpy as np
import pytest
import torch
from PIL import Image

from cells import namespace

NS = namespace("11_gan", "real-thing")
load_faces, draw_faces = NS["load_faces"], NS["draw_faces"]


def write_face(path, left=0, right=255):
    """A photo of the real size: one grey on the left, one on the right."""
    photo = np.full((218, 178, 3), left, np.uint8)
    photo[:, 89:] = right
    Image.fromarray(photo).save(path, quality=95)


def test_faces_are_cropped_scaled_and_in_order(tmp_path, capsys):
    write_face(tmp_path / "000002.jpg", 255, 255)
    write_face(tmp_path / "000001.jpg")
    (tmp_path / "list_attr_celeba.txt").write_text("no face")
    faces = load_faces(tmp_path)
    assert len(faces) == 2
    X = faces[0]
    assert X.shape == (3, 64, 64) and X.dtype == torch.float32
    assert X.min() >= -1 and X.max() <= 1
    assert X[:, :, :28].max() < -0.9 and X[:, :, 36:].min() > 0.9
    assert faces[1].min() > 0.95
    assert "2 faces of 202599" in capsys.readouterr().out


def test_another_size_and_a_grey_photo(tmp_path):
    Image.new("L", (178, 218), 128).save(tmp_path / "000001.jpg")
    assert load_faces(tmp_path, size=32)[0].shape == (3, 32, 32)


def test_a_loader_stacks_the_faces(tmp_path):
    for number in range(1, 5):
        write_face(tmp_path / f"{number:06}.jpg")
    loader = torch.utils.data.DataLoader(load_faces(tmp_path), batch_size=4)
    assert next(iter(loader)).shape == (4, 3, 64, 64)


def test_a_missing_folder_is_told_in_one_line(tmp_path, capsys):
    assert load_faces(tmp_path / "img_align_celeba") is None
    said = capsys.readouterr().out
    assert said.count("\n") == 1 and "unpack" in said
    assert str(tmp_path) not in said


def test_a_damaged_file_is_named_in_one_line(tmp_path, capsys):
    write_face(tmp_path / "000001.jpg")
    whole = (tmp_path / "000001.jpg").read_bytes()
    for content in (b"no photo", whole[: len(whole) // 2]):
        (tmp_path / "000002.jpg").write_bytes(content)
        assert load_faces(tmp_path) is None
        said = capsys.readouterr().out
        assert said == "000002.jpg is damaged: unpack it again\n"


def tiny():
    return torch.nn.Sequential(
        torch.nn.ConvTranspose2d(5, 3, 4), torch.nn.Tanh()
    )


@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_checkpoint_draws_the_same_64_faces(tmp_path, prefix):
    source, file = tiny(), tmp_path / "gan.pkl"
    state = {prefix + k: x for k, x in source.state_dict().items()}
    torch.save({"g_model_state_dict": state}, file)
    sheet = draw_faces(file, tiny(), nz=5)
    assert sheet.shape == (3, 8 * 6 + 2, 8 * 6 + 2)
    assert sheet.min() >= 0 and sheet.max() <= 1
    assert torch.equal(sheet, draw_faces(file, tiny(), nz=5))


def test_a_missing_checkpoint_is_told_in_one_line(tmp_path, capsys):
    assert draw_faces(tmp_path / "gan.pkl", tiny()) is None
    said = capsys.readouterr().out
    assert said.count("\n") == 1 and "no gan.pkl" in said


def test_a_damaged_checkpoint_is_told_in_one_line(tmp_path, capsys):
    file = tmp_path / "gan.pkl"
    file.write_bytes(b"no checkpoint")
    assert draw_faces(file, tiny()) is None
    torch.save({"g_model_state_dict": {"weight": torch.ones(2)}}, file)
    assert draw_faces(file, tiny()) is None
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 2 and all("does not fit" in line for line in said)
