"""The set-up on ordinary machines and in ordinary folders."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import set_up
from set_up import SetUp

ROOT = Path(__file__).parents[1]
LISTS = ["requirements.txt", "requirements.in", "requirements-site.in"]
needs_make = pytest.mark.skipif(
    not shutil.which("make"), reason="make is not installed"
)


class Rehearsal(SetUp):
    """A set-up that writes its commands down; those in `broken` fail."""

    def __init__(self, *arguments, broken=()):
        super().__init__(*arguments)
        self.commands, self.broken = [], broken

    def works(self, *command):
        words = " ".join(str(part) for part in command)
        self.commands.append(words.replace(str(self.python), "python"))
        if "-m venv" in words:
            shutil.rmtree(self.venv, ignore_errors=True)
            self.python.parent.mkdir(parents=True)
            self.python.touch()
        return not any(word in words for word in self.broken)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the lists of packages; the disk has room."""
    for name in LISTS:
        shutil.copy(ROOT / name, tmp_path)
    room(monkeypatch, 100)
    return tmp_path


def room(monkeypatch, gigabytes):
    """Let the disk have so much room."""
    usage = shutil._ntuple_diskusage(0, 0, gigabytes * 10**9)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)


def rehearse(folder, *arguments, broken=()):
    """The commands of one whole set-up."""
    rehearsal = Rehearsal(folder, *arguments, broken=broken)
    rehearsal.run()
    return rehearsal.commands


def installs(names, *options):
    """The command by which uv installs a list."""
    return " ".join(
        [
            *("python -m uv pip install --python python --quiet", *options),
            f"--constraint requirements.txt --requirement {names}",
        ]
    )


# ------------------------------------------------------------ the two stages


def test_the_second_stage_adds_to_the_first(folder):
    first = rehearse(folder, "site")
    assert "-m venv --clear" in first[0]
    assert re.fullmatch(r"python -m pip install -qq uv==[\d.]+", first[1])
    assert first[2:] == [installs("requirements-site.in")]
    second = rehearse(folder, "all")
    assert second[1:] == [installs("requirements.in")]
    assert not any("venv" in command for command in second)
    assert rehearse(folder, "site") == rehearse(folder, "all") == []


def test_the_site_is_a_part_of_all():
    lines = (ROOT / "requirements.in").read_text("utf-8").splitlines()
    assert "-r requirements-site.in" in lines
    site = (ROOT / "requirements-site.in").read_text("utf-8")
    assert "torch" not in site and "jupyter-book==" in site


@pytest.mark.parametrize("changed", LISTS)
def test_changed_versions_bring_all_up_to_date(folder, changed):
    rehearse(folder, "all")
    with open(folder / changed, "a", encoding="utf-8") as file:
        file.write("# newer\n")
    assert installs("requirements.in") in rehearse(folder, "site")
    assert rehearse(folder, "all") == []


def test_the_small_build_of_torch_is_asked_for_and_remembered(folder):
    cpu = installs("requirements.in", "--torch-backend cpu")
    assert cpu in rehearse(folder, "all", "cpu")
    assert rehearse(folder, "all") == []
    (folder / "requirements.in").write_text("numpy\n")
    assert cpu in rehearse(folder, "all")


@pytest.mark.parametrize("broken", ["-qq uv==", "-m uv pip"])
def test_pip_does_it_where_uv_cannot(folder, broken, capsys):
    last = rehearse(folder, "all", broken=[broken])[-1]
    assert last == (
        "python -m pip install --quiet --constraint requirements.txt "
        "--requirement requirements.in"
    )
    assert "pip is slower, but may" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="pip knows no --torch"):
        rehearse(folder, "all", "cpu", broken=[broken])


# ------------------------------------------------- what cannot work is named


def refused(folder, *arguments, **options):
    """The one line that a set-up stops with, and nothing is written."""
    with pytest.raises(SystemExit) as error:
        rehearse(folder, *arguments, **options)
    assert not (folder / ".venv").exists()
    line = error.value.code
    assert line.startswith("set-up: ") and "\n" not in line
    return line


def test_an_old_python_is_named(folder, monkeypatch):
    monkeypatch.setattr(set_up, "OLDEST", (4, 0))
    assert "too old: install Python 3.11 or newer" in refused(folder, "all")


def test_an_old_python_can_read_the_file():
    ast.parse(Path(set_up.__file__).read_text("utf-8"), feature_version=(3, 6))


def test_a_python_without_venv_is_named(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    assert "no venv or pip module: install them" in refused(folder, "all")


@pytest.mark.parametrize("stage, needed", [("site", 1), ("all", 8)])
def test_a_full_disk_is_named(folder, monkeypatch, stage, needed):
    room(monkeypatch, 0.5)
    line = refused(folder, stage)
    assert f"0 GB are free here, the packages need {needed} GB" in line


def test_a_read_only_folder_is_named(folder, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    assert "folder is read-only: copy it" in refused(folder, "all")


def test_what_was_interrupted_is_begun_anew(folder):
    for _ in range(2):
        with pytest.raises(SystemExit, match="run the same command again"):
            rehearse(folder, "all", broken=["install"])
        assert "venv --clear" in rehearse(folder, "all")[0]
        (folder / "requirements.in").write_text("numpy\n")  # an update


def test_the_set_up_needs_no_room_in_tmp_and_no_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/no/home")
    (tmp_path / ".venv").mkdir()
    script = (
        "import os, tempfile; assert '.venv' in tempfile.gettempdir()\n"
        "assert '.venv' in os.environ['UV_CACHE_DIR']"
    )
    assert SetUp(tmp_path, "all").works(sys.executable, "-c", script)
    assert not (tmp_path / ".venv" / "tmp").exists()


# ------------------------------------------------------ the commands, for real


@pytest.fixture
def small_book(tmp_path):
    """A book of one page, in a folder whose name is hard on shells."""
    book = tmp_path / "it's a b & $c;(1)"
    for name in ("Makefile", "tools", *LISTS):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        (book / name).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / name, book / name)
    (book / "_config.yml").write_text("title: A book\n")
    (book / "_toc.yml").write_text("format: jb-book\nroot: index\n")
    (book / "index.md").write_text("# A book\n")
    (book / "notebooks").mkdir()
    (book / "tests").mkdir()
    (book / "tests" / "test_one.py").write_text("def test_one(): pass\n")
    ready = SetUp(book, "all")
    ready.python.parent.mkdir(parents=True)
    ready.python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    ready.python.chmod(0o755)
    ready.done.write_text(
        json.dumps({"stage": "all", "requirements": ready.digest()})
    )
    return book


def shell(command, folder, **changes):
    """Run a command line in a folder; None drops a variable."""
    environment = {**os.environ, **changes}
    return subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env={k: v for k, v in environment.items() if v is not None},
        capture_output=True,
        text=True,
    )


def plain_commands():
    """The commands of README.md for those who have no make."""
    text = (ROOT / "README.md").read_text("utf-8")
    part = text.split("## Without make")[1]
    block = re.search(r"```bash\n(.*?)```", part, re.S)[1]
    return [line.split("#")[0].strip() for line in block.splitlines()]


@pytest.mark.parametrize("command", plain_commands())
def test_the_plain_commands_of_the_readme_work(small_book, command):
    if "jupyterlab" in command:
        command += " --version"  # it would go on for ever
    run = shell(command.replace("python3", sys.executable), small_book)
    assert run.returncode == 0, run.stdout + run.stderr
    if "build_site" in command:
        page = small_book / "_build" / "html" / "index.html"
        assert run.stdout.endswith(f"open {page} in a browser.\n")
        assert page.is_file()


@needs_make
def test_make_works_there_without_home_user_and_with_agg(small_book):
    (small_book / "tests" / "test_one.py").write_text(
        "import os\ndef test_one(): assert 'MPLBACKEND' not in os.environ\n"
    )
    changes = {"MPLBACKEND": "Agg", "USER": None, "HOME": None, "CI": None}
    run = shell("make test ARGS=tests WORKERS=0", small_book, **changes)
    assert "1 passed" in run.stdout, run.stdout + run.stderr


@needs_make
def test_a_site_that_does_not_build_is_an_error(small_book):
    (small_book / "index.md").write_text("# A book\n\n[](nowhere.md)\n")
    run = shell("make book", small_book)
    assert run.returncode
    assert "nowhere.md" in run.stderr
    assert "the site did not build: see the lines above" in run.stderr


@needs_make
def test_no_python_at_all_is_named(small_book):
    run = shell("make book PYTHON=/no/such/python", small_book)
    assert run.returncode
    assert "there is no '/no/such/python': install Python 3.11" in run.stderr


def test_a_moved_folder_still_works():
    """Scripts such as .venv/bin/ruff hold the folder they were made in."""
    for name in ("Makefile", "README.md", ".ci/run", "CONTRIBUTING.md"):
        text = (ROOT / name).read_text("utf-8")
        called = re.findall(r"(?:\$\(BIN\)|\.venv/bin)/(\w+)", text)
        assert set(called) <= {"python"}, name
