"""The data: every file is whole, is named when it is not, and can be remade.

The scripts of `data/` are run here in other folders; `data/` is only read.
"""

import hashlib
import importlib
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from checks.data import DATA, DataError, checksums, data_path

sys.path.insert(0, str(DATA))
common = importlib.import_module("common")
make_all = importlib.import_module("make_all")

KNOWN = checksums()
NOT_LISTED = {"README.md", "SHA256SUMS"}  # and the scripts
MEGABYTE = 1_000_000


def shipped():
    """All files in `data/` but for caches, relative to it."""
    names = [path.relative_to(DATA) for path in DATA.rglob("*")]
    return {
        name.as_posix()
        for name in names
        if (DATA / name).is_file()
        and not {"_build", "__pycache__"} & set(name.parts)
    }


def run_until_killed(code, folder):
    """Run Python code in another process that kills itself half-way.

    The code finds `folder` (a Path) and `die()`, which is kill -9.
    """
    start = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        f"sys.path.insert(0, {str(DATA)!r})\n"
        f"folder = Path({str(folder)!r})\n"
        "def die(): os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", start + code],
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


# ---------------------------------------------------------------- the files


@pytest.mark.parametrize(
    "output", [name for made in make_all.MAKES.values() for name in made]
)
def test_files_are_whole(output):
    listed = make_all.expected(KNOWN, output)
    assert listed, f"{output} is not in SHA256SUMS"
    for name, digest in listed.items():
        path = DATA / name
        assert path.is_file(), f"data/{name} is missing"
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        assert found == digest, f"data/{name} differs from SHA256SUMS"
    assert data_path(output) == DATA / output


def test_nothing_else_lies_in_data():
    scripts = {name for name in shipped() if name.endswith(".py")}
    assert scripts == {"common.py", "make_all.py"} | {
        f"make_{name}.py" for name in make_all.MAKES
    }
    assert shipped() - scripts - NOT_LISTED == set(KNOWN)


def test_checksums_belong_to_a_script():
    outputs = [name for made in make_all.MAKES.values() for name in made]
    for name in KNOWN:
        assert name.split("/")[0] in outputs, f"no script makes {name}"


def test_readme_names_every_file_and_script():
    text = (DATA / "README.md").read_text(encoding="utf-8")
    for script, outputs in make_all.MAKES.items():
        for name in [f"make_{script}.py", *outputs]:
            assert name in text, f"data/README.md does not name {name}"


def test_sizes():
    size = {name: (DATA / name).stat().st_size for name in shipped()}
    assert sum(size.values()) <= 8 * MEGABYTE
    assert size["glyph_backbone.safetensors"] <= 2 * MEGABYTE


# ------------------------------------------------- what is broken is named


def truncate(path):
    """Lose the second half of a file."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def rename(path):
    """Give a file another name."""
    path.rename(path.with_name(f"old-{path.name}"))


DAMAGE = [
    (truncate, "damaged (its checksum differs)"),
    (Path.unlink, "missing"),
    (rename, "missing"),
]
ONE_OF_EACH = [
    "surnames.csv",
    "banknotes/100/042.jpg",
    "banknotes_fresh/1/007.jpg",
    "clicks.csv",
    "sessions.csv",
    "glyph_backbone.safetensors",
]


@pytest.fixture
def copy_of(tmp_path):
    """Copy SHA256SUMS and what belongs to one output to another folder."""

    def copy(output):
        shutil.copy(DATA / "SHA256SUMS", tmp_path)
        if (DATA / output).is_dir():
            shutil.copytree(DATA / output, tmp_path / output)
        else:
            shutil.copy(DATA / output, tmp_path)
        return tmp_path

    return copy


@pytest.mark.parametrize("damage, words", DAMAGE)
@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_broken_file_is_named_in_one_line(copy_of, name, damage, words):
    output = name.split("/")[0]
    folder = copy_of(output)
    assert data_path(output, folder) == folder / output
    damage(folder / name)
    with pytest.raises(DataError) as error:
        data_path(output, folder)
    message = f"data/{name} is {words}: run `make data` to make it anew"
    assert str(error.value) == message
    assert error.value._render_traceback_() == [f"DataError: {message}"]


@pytest.mark.parametrize("name", ["names.csv", "surnames", "banknotes/2", ""])
def test_unknown_name(name):
    with pytest.raises(DataError, match="is no data file of this book"):
        data_path(name)


def test_list_of_checksums_missing(tmp_path):
    with pytest.raises(DataError, match="SHA256SUMS is missing"):
        data_path("surnames.csv", tmp_path)


# ------------------------------------------------------- they can be remade


@pytest.mark.parametrize("name", ["surnames", "banknotes", "clicks"])
def test_remade_data_equal_the_committed(name, tmp_path):
    importlib.import_module(f"make_{name}").build(tmp_path)
    made = {
        path.relative_to(tmp_path).as_posix(): path.read_bytes()
        for path in tmp_path.rglob("*")
        if path.is_file()
    }
    outputs = make_all.MAKES[name]
    names = {k for output in outputs for k in make_all.expected(KNOWN, output)}
    assert set(made) == names
    for key, content in made.items():
        assert content == (DATA / key).read_bytes(), f"data/{key} differs"
    assert not (tmp_path / "_build").exists()


def test_make_all_repairs_and_reports(copy_of, capsys):
    folder = copy_of("surnames.csv")
    truncate(folder / "surnames.csv")
    assert make_all.make("surnames", folder, KNOWN)
    assert data_path("surnames.csv", folder)
    assert "surnames.csv: as committed" in capsys.readouterr().out
    assert {path.name for path in folder.iterdir()} == {
        "SHA256SUMS",
        "surnames.csv",
    }


def test_make_all_keeps_a_whole_file_from_a_different_one(
    copy_of, monkeypatch, capsys
):
    folder = copy_of("surnames.csv")
    script = importlib.import_module("make_surnames")
    monkeypatch.setattr(script, "SEED", script.SEED + 1)
    assert not make_all.make("surnames", folder, KNOWN)
    said = capsys.readouterr().out
    assert "surnames.csv: differs" in said and "kept" in said
    assert data_path("surnames.csv", folder)
    make_all.make("surnames", folder, KNOWN, replace=True)
    with pytest.raises(DataError, match=r"surnames\.csv is damaged"):
        data_path("surnames.csv", folder)
    make_all.update_checksums(folder, KNOWN, ["surnames"])
    assert data_path("surnames.csv", folder)
    assert len(checksums(folder)) == len(KNOWN)


# ------------------------------------------------------ and may be killed

KILLED = {
    "surnames": """
import make_surnames as script
class Writer:
    def __init__(self, file, **_): self.file = file
    def writerow(self, row): self.file.write("half a line")
    def writerows(self, rows): self.file.flush(); die()
script.csv.writer = Writer
script.build(folder)
""",
    "banknotes": """
import make_banknotes as script
draw, drawn = script.draw_picture, []
def draw_picture(*arguments):
    drawn.append(arguments)
    return die() if len(drawn) > 5 else draw(*arguments)
script.draw_picture = draw_picture
script.build(folder)
""",
    "clicks": """
import make_clicks as script
write = script.write_table
def rows(given): yield from given[:9]; die()
script.write_table = lambda path, head, all: write(path, head, rows(all))
script.build(folder)
""",
}


@pytest.mark.parametrize("name", KILLED)
def test_killed_script_leaves_the_old_data(name, tmp_path):
    outputs = make_all.MAKES[name]
    for output in outputs:  # a folder has a file in it, or it is a file
        path = tmp_path / output
        if "." not in output:
            path.mkdir()
            path = path / "old"
        path.write_text("old")
    run_until_killed(KILLED[name], tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"_build", *outputs}
    assert any((tmp_path / "_build").iterdir()), "it was killed too early"
    for output in outputs:
        path = tmp_path / output
        path = path / "old" if path.is_dir() else path
        assert path.read_text() == "old"
        with common.whole(tmp_path / output) as part:  # a later run
            part.write_text("new")
    assert {path.name for path in tmp_path.iterdir()} == set(outputs)


def test_killed_between_the_two_steps_of_a_swap(tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "old").touch()
    run_until_killed(
        """
import common
rename, calls = os.replace, []
def replace(*paths):
    calls.append(paths)
    return die() if len(calls) == 2 else rename(*paths)
os.replace = replace
with common.whole(folder / "notes") as part:
    part.mkdir()
""",
        tmp_path,
    )
    assert not (tmp_path / "notes").exists()
    common.repair(tmp_path / "notes")
    assert (tmp_path / "notes" / "old").exists()


# ------------------------------------------------------------ the backbone


def about(path):
    """The metadata of a backbone file."""
    with safe_open(path, framework="pt") as file:
        return json.loads(file.metadata()["about"])


def test_backbone_reads_letters():
    script = importlib.import_module("make_backbone")
    path = data_path("glyph_backbone.safetensors")
    with safe_open(path, framework="pt") as file:
        weights = {name: file.get_tensor(name) for name in file.keys()}
    net = script.narrow_resnet()
    net.load_state_dict(weights)
    assert weights["conv1.weight"].shape == (16, 3, 3, 3)
    assert weights["fc.weight"].shape == (26, 128)
    assert weights["conv1.weight"].dtype == torch.float16
    assert sum(p.numel() for p in net.parameters()) == 703_530
    facts = about(path)
    assert facts["steps"] == script.STEPS
    assert facts["classes"] == script.LETTERS
    accuracy = script.accuracy(net)
    assert accuracy >= 0.86
    assert abs(accuracy - facts["accuracy_on_held_out_fonts"]) < 0.003


def test_backbone_resumes_to_the_same_bits(tmp_path, monkeypatch):
    script = importlib.import_module("make_backbone")
    batch, steps, save_every, killed_at = 24, 9, 3, 8
    monkeypatch.setattr(script, "BATCH", batch)
    monkeypatch.setattr(script, "accuracy", lambda net: 0.0)
    script.build(tmp_path / "unbroken", steps, save_every)
    run_until_killed(
        f"""
import make_backbone as script
script.BATCH = {batch}
advance = script.Training.advance
def one_step(self):
    return die() if self.step == {killed_at} else advance(self)
script.Training.advance = one_step
script.build(folder, {steps}, {save_every})
""",
        tmp_path / "broken",
    )
    kept = [path.name for path in (tmp_path / "broken").rglob("*.*")]
    assert kept == ["glyph_backbone.ckpt"]
    done = []
    advance = script.Training.advance
    monkeypatch.setattr(
        script.Training,
        "advance",
        lambda self: done.append(self.step) or advance(self),
    )
    script.build(tmp_path / "broken", steps, save_every)
    assert done == [6, 7, 8], "it did not go on from the last checkpoint"
    unbroken, broken = (
        (tmp_path / name / script.NAME).read_bytes()
        for name in ("unbroken", "broken")
    )
    assert unbroken == broken
    assert not (tmp_path / "broken" / "_build").exists()


def test_checkpoint_of_another_run_is_not_used(tmp_path):
    script = importlib.import_module("make_backbone")
    first = script.Training(steps=5)
    first.step = 3
    first.save(tmp_path / "state.ckpt")
    other = script.Training(steps=6)
    other.load(tmp_path / "state.ckpt")
    assert other.step == 0
