"""The loader of the names archive, on miniature files."""

import pytest

from cells import namespace

NS = namespace("12_rnn", "real-thing")
load_archive, to_line = NS["load_archive"], NS["to_line"]


def test_it_reads_each_name_once_in_a_fixed_order(tmp_path):
    twice = "Núñez\nÁlvarez\nNúñez\n"
    (tmp_path / "Spanish.txt").write_bytes(twice.encode())
    (tmp_path / "German.txt").write_bytes("Groß\r\n\r\n Müller \n".encode())
    (tmp_path / "notes.md").write_text("no names")
    names = load_archive(tmp_path)
    assert names == {
        "German": ["Groß", "Müller"],
        "Spanish": ["Núñez", "Álvarez"],
    }
    assert list(names) == ["German", "Spanish"]


def test_a_missing_folder_is_told_in_one_line(tmp_path, one_line):
    assert load_archive(tmp_path / "names") is None
    assert "unpack" in one_line()


@pytest.mark.parametrize("content", ["Müller\n".encode("latin-1"), b"\n"])
def test_a_damaged_file_is_named_in_one_line(tmp_path, one_line, content):
    (tmp_path / "German.txt").write_bytes(content)
    assert load_archive(tmp_path) is None
    assert "German.txt is damaged" in one_line()


def test_the_line_tensor_is_the_classic_one():
    line = to_line("Béa")
    assert line.shape == (3, 1, 57) and line.sum() == 3
    assert line[:, 0].argmax(dim=1).tolist() == [27, 4, 0]


@pytest.mark.parametrize("name", ["Wałęsa", "Groß", ""])
def test_what_it_cannot_spell_is_refused(name):
    with pytest.raises(ValueError):
        to_line(name)
