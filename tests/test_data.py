"""The data: every file is whole, is named when it is not, and can be remade.

The scripts of `data/` are run here in other folders; `data/` is only read.
"""

import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

import checks
import guard
import make_all
import make_backbone
import make_surnames
from guard import DATA, REPAIR, RESTORE, DataError, data_path

KNOWN = guard.checksums()
OUTPUTS = [name for made in make_all.MAKES.values() for name in made]
MEGABYTE = 1_000_000


def shipped():
    """All files in `data/` but for caches, relative to it."""
    return {
        path.relative_to(DATA).as_posix()
        for path in DATA.rglob("*")
        if path.is_file() and not {"_build", "__pycache__"} & set(path.parts)
    }


# ---------------------------------------------------------------- the files


@pytest.mark.parametrize("output", OUTPUTS)
def test_files_are_whole(output):
    assert data_path(output) == DATA / output


def test_nothing_else_lies_in_data():
    scripts = {f"make_{name}.py" for name in ["all", *make_all.MAKES]}
    others = {"README.md", "guard.py", guard.LIST}
    assert shipped() == set(KNOWN) | scripts | others
    assert {name.split("/")[0] for name in KNOWN} == set(OUTPUTS)


def test_readme_names_every_file_and_script():
    text = (DATA / "README.md").read_text(encoding="utf-8")
    scripts = [f"make_{name}.py" for name in make_all.MAKES]
    for name in OUTPUTS + scripts:
        assert f"`{name}" in text, f"data/README.md does not name {name}"


def test_sizes():
    sizes = {name: (DATA / name).stat().st_size for name in shipped()}
    assert sum(sizes.values()) <= 8 * MEGABYTE
    assert sizes[make_backbone.NAME] <= 2 * MEGABYTE


def test_the_chapters_use_this_guard():
    assert checks.data_path("surnames.csv") == DATA / "surnames.csv"
    with pytest.raises(checks.DataError, match="no data file"):
        checks.data_path("names.csv")


# ------------------------------------------------- what is broken is named


@pytest.fixture
def copy_of(tmp_path):
    """Copy SHA256SUMS and what belongs to one output to another folder."""

    def copy(output):
        shutil.copy(DATA / guard.LIST, tmp_path)
        if (DATA / output).is_dir():
            shutil.copytree(DATA / output, tmp_path / output)
        else:
            shutil.copy(DATA / output, tmp_path)
        return tmp_path

    return copy


def refusal(name, folder):
    """What a reader of the data `name` is told; it is one line."""
    with pytest.raises(DataError) as error:
        data_path(name, folder)
    message = str(error.value)
    assert "\n" not in message
    assert error.value._render_traceback_() == [f"DataError: {message}"]
    return message


def truncate(path):
    """Lose the second half of a file."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path):
    """Change one bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def rename(path):
    """Give a file another name."""
    path.rename(path.with_name(f"old-{path.name}"))


def make_folder(path):
    """Put a folder in the place of a file."""
    path.unlink()
    path.mkdir()


DAMAGE = [
    (truncate, f" is damaged (its checksum differs): {REPAIR}"),
    (flip, f" is damaged (its checksum differs): {REPAIR}"),
    (Path.unlink, f" is missing: {REPAIR}"),
    (rename, f" is missing: {REPAIR}"),
    (make_folder, f" is no file to read (Is a directory): {RESTORE}"),
]
ONE_OF_EACH = [
    "surnames.csv",
    "banknotes/100/042.jpg",
    "banknotes_fresh/1/007.jpg",
    "clicks.csv",
    "sessions.csv",
    "glyph_backbone.safetensors",
]


@pytest.mark.parametrize("damage, words", DAMAGE)
@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_a_broken_file_is_named(copy_of, name, damage, words):
    output = name.split("/")[0]
    folder = copy_of(output)
    assert data_path(output, folder) == folder / output
    damage(folder / name)
    assert refusal(output, folder) == f"data/{name}{words}"


@pytest.mark.parametrize("name", ["surnames.csv", guard.LIST])
def test_a_file_that_may_not_be_read_is_named(copy_of, monkeypatch, name):
    """Simulated, for the administrator may read everything."""
    folder = copy_of("surnames.csv")
    read = Path.read_bytes

    def refuse(path):
        if path.name == name:
            raise PermissionError(13, "Permission denied", str(path))
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    message = refusal("surnames.csv", folder)
    assert message.startswith(f"data/{name} may not be read: ")


def test_windows_line_ends_are_named(copy_of):
    folder = copy_of("surnames.csv")
    for path in folder.iterdir():  # the list itself is read either way
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    message = refusal("surnames.csv", folder)
    assert message.startswith("data/surnames.csv has Windows line ends: ")
    assert "-c core.autocrlf=false checkout" in message


@pytest.mark.parametrize("extra", ["100/100.jpg", "2/000.jpg", "notes.txt"])
def test_a_file_too_many_is_named(copy_of, extra):
    """ImageFolder would read it, and a chapter would see other data."""
    folder = copy_of("banknotes")
    (folder / "banknotes" / ".DS_Store").touch()
    assert data_path("banknotes", folder)
    path = folder / "banknotes" / extra
    path.parent.mkdir(exist_ok=True)
    path.touch()
    first = "banknotes/2" if extra[0] == "2" else f"banknotes/{extra}"
    words = " does not belong to the book: delete it or move it out of data/"
    assert refusal("banknotes", folder) == f"data/{first}{words}"


@pytest.mark.parametrize("name", ["names.csv", "surnames", "banknotes/2", ""])
def test_an_unknown_name_is_named(name):
    assert refusal(name, DATA) == f"data/{name} is no data file of this book"


def lose_last_line(path):
    """Lose the checksum of the checksums."""
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]))


def lose_first_line(path):
    """Lose one checksum."""
    path.write_bytes(path.read_bytes().partition(b"\n")[2])


@pytest.mark.parametrize(
    "damage",
    [
        truncate,
        flip,
        lose_first_line,
        lose_last_line,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"\xff\xfe\x00# \xff\n"),
    ],
)
def test_a_damaged_list_of_checksums_is_named(copy_of, damage):
    folder = copy_of("surnames.csv")
    damage(folder / guard.LIST)
    words = f"data/SHA256SUMS is damaged: {RESTORE}"
    assert refusal("surnames.csv", folder) == words


def test_a_missing_list_of_checksums_is_named(tmp_path):
    words = f"data/SHA256SUMS is missing: {RESTORE}"
    assert refusal("surnames.csv", tmp_path) == words


# ------------------------------------------------------- they can be remade


@pytest.mark.parametrize("name", ["surnames", "banknotes", "clicks"])
def test_remade_data_equal_the_committed(name, tmp_path, monkeypatch):
    """Byte for byte; of the notes, each of which is drawn alone, a third."""
    script = importlib.import_module(f"make_{name}")
    third = range(0, 100, 3)
    monkeypatch.setattr(script, "NUMBERS", third, raising=False)
    script.build(tmp_path)
    outputs = make_all.MAKES[name]
    wanted = {
        key
        for output in outputs
        for key in guard.part_of(KNOWN, output)
        if name != "banknotes" or int(Path(key).stem) in third
    }
    made = make_all.digests(tmp_path)
    assert made == {key: KNOWN[key] for key in wanted}


def run(folder, *arguments):
    """Run the command on the data in a folder; returns its exit status."""
    return make_all.main(list(arguments), folder)


@pytest.fixture
def quick(monkeypatch):
    """Leave one set to make, so that a test is quick."""
    outputs = make_all.MAKES["surnames"]
    monkeypatch.setattr(make_all, "MAKES", {"surnames": outputs})


def test_only_what_is_broken_is_made(quick, copy_of, monkeypatch, capsys):
    folder = copy_of("surnames.csv")
    truncate(folder / "surnames.csv")
    assert run(folder) == 0
    assert "surnames: as committed" in capsys.readouterr().out
    assert data_path("surnames.csv", folder)
    assert len(list(folder.iterdir())) == 2, "something is left over"
    monkeypatch.delattr(make_surnames, "build")
    assert run(folder) == 0
    assert capsys.readouterr().out == "surnames: whole\n"


def test_other_data_are_only_taken_over_when_told(
    copy_of, monkeypatch, capsys
):
    folder = copy_of("surnames.csv")
    monkeypatch.setattr(make_surnames, "SEED", make_surnames.SEED + 1)
    assert run(folder, "surnames") == 1
    assert "surnames.csv differs; --update takes" in capsys.readouterr().out
    assert data_path("surnames.csv", folder)
    assert guard.checksums(folder) == KNOWN
    assert run(folder, "surnames", "--update") == 0
    assert data_path("surnames.csv", folder)
    changed = guard.checksums(folder).items() ^ KNOWN.items()
    assert {name for name, _ in changed} == {"surnames.csv"}


def test_an_update_drops_what_is_no_longer_made(copy_of, monkeypatch):
    folder = copy_of("banknotes")
    script = importlib.import_module("make_banknotes")
    monkeypatch.setattr(script, "NUMBERS", range(2))
    monkeypatch.setitem(make_all.MAKES, "banknotes", ["banknotes"])
    monkeypatch.setattr(script, "SEEDS", {"banknotes": 0})
    assert run(folder, "banknotes", "--update") == 0
    pictures = sorted(path.name for path in folder.rglob("*.jpg"))
    assert pictures == ["000.jpg", "000.jpg", "001.jpg", "001.jpg"]
    assert data_path("banknotes", folder)


# ------------------------------------------------------ and may be stopped

MAKE = f"""
import os, runpy, signal, sys, types
from pathlib import Path
sys.path.insert(0, {str(DATA)!r})
import guard
guard.DATA = Path("data").resolve()
sys.argv = ["make_all.py", "surnames"]
script = sys.modules["make_surnames"] = types.ModuleType("make_surnames")
def build(folder):
    file = (folder / "surnames.csv").open("w")
    file.write("half a line"); file.flush()
    %s
script.build = build
runpy.run_path({str(DATA / "make_all.py")!r}, run_name="__main__")
"""


def stopped(copy_of, line):
    """Run the command in a process in which `line` stops the making.

    Returns:
        The folder of the data and the finished process.
    """
    folder = copy_of("surnames.csv")
    (folder / "data").mkdir()
    for name in (guard.LIST, "surnames.csv"):
        (folder / name).rename(folder / "data" / name)
    process = subprocess.run(
        [sys.executable, "-c", MAKE % line],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert data_path("surnames.csv", folder / "data")
    return folder / "data", process


@pytest.mark.parametrize(
    "line, words",
    [
        ("raise KeyboardInterrupt", "stopped: what was not finished is as"),
        ("raise OSError(28, 'No space left on device')", "cannot write the"),
        ("raise OSError(30, 'Read-only file system')", "cannot write the"),
        ("import no_such_package", "no package no_such_package: run `make"),
        ("raise guard.DataError('data/x')", "DataError: data/x"),
    ],
)
def test_what_goes_wrong_is_one_line(copy_of, line, words):
    folder, process = stopped(copy_of, line)
    assert process.returncode == 1
    assert process.stderr.startswith(words)
    assert len(process.stderr.splitlines()) == 1
    assert len(list(folder.iterdir())) == 2, "something is left over"


def test_killed_half_way_the_old_data_stay(copy_of):
    kill = "os.kill(os.getpid(), signal.SIGKILL)"
    folder, process = stopped(copy_of, kill)
    assert process.returncode == -signal.SIGKILL
    left = {path.name for path in folder.iterdir()}
    assert left == {guard.LIST, "surnames.csv", "_build"}
    assert run(folder, "surnames") == 0


def test_the_command_starts_at_once():
    """It loads no library that it needs for none of its first answers."""
    code = "import make_all, sys; print({'numpy', 'torch'} & {*sys.modules})"
    process = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(DATA)},
        capture_output=True,
        text=True,
    )
    assert process.stdout == "set()\n", process.stderr


# ------------------------------------------------------------ the backbone


def test_the_painter_paints_as_it_did_for_the_training():
    generator = torch.Generator().manual_seed(0)
    paint = make_backbone.Painter(make_backbone.photos(), generator)
    images = paint(make_backbone.glyphs(["cmss10"])[0])
    assert images.shape == (52, 3, 32, 32)
    strips = images[:8, :, 8:24, 8:12].mean((1, 2, 3))
    wanted = [-0.422, -0.277, 0.478, 0.345, -0.227, -0.233, -0.228, -0.032]
    assert strips.tolist() == pytest.approx(wanted, abs=1e-3)


def test_the_backbone_reads_letters():
    path = data_path(make_backbone.NAME)
    with safe_open(path, framework="pt") as file:
        facts = json.loads(file.metadata()["about"])
    weights = load_file(path)
    net = make_backbone.narrow_resnet()
    net.load_state_dict(weights)
    assert weights["conv1.weight"].shape == (16, 3, 3, 3)
    assert weights["fc.weight"].shape == (26, 128)
    assert weights["conv1.weight"].dtype == torch.float16
    assert sum(p.numel() for p in net.parameters()) == 703_530
    assert facts["steps"] == make_backbone.STEPS
    assert facts["classes"] == make_backbone.LETTERS
    accuracy = make_backbone.accuracy(net)
    assert accuracy >= 0.86
    assert abs(accuracy - facts["accuracy_on_held_out_fonts"]) < 0.003


def test_the_backbone_can_be_trained(tmp_path, monkeypatch):
    """Two runs give the same bytes."""
    monkeypatch.setattr(make_backbone, "BATCH", 16)
    monkeypatch.setattr(make_backbone, "accuracy", lambda net: 0.0)
    contents = set()
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        make_backbone.build(tmp_path / name, steps=3)
        contents.add((tmp_path / name / make_backbone.NAME).read_bytes())
    assert len(contents) == 1
