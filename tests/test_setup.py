"""What a reader is told when the set-up cannot work: one line, what to do."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOO_OLD = """
case "$1" in
    --version) echo "Python 3.10.2" ;;
    -c) case "$2" in *version_info*) exit 1 ;; esac ;;
esac
"""
NO_VENV = """
case "$1 $2" in *ensurepip*) exit 1 ;; esac
"""
HALF_WAY = """
case "$1 $2" in "-m venv") mkdir -p .venv/bin; cp "$0" .venv/bin/python ;; esac
case "$1 $2" in "-m pip") exit 1 ;; esac
"""


@pytest.fixture
def project(tmp_path):
    """A copy of what the set-up needs, without packages."""
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "setup.sh", tmp_path / "tools")
    (tmp_path / "requirements.txt").write_text("")
    return tmp_path


def program(folder, name, script):
    """Write an executable shell script that stands in for a program."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def set_up(project, **environment):
    """Run the set-up and return what it did."""
    return subprocess.run(
        ["bash", project / "tools" / "setup.sh"],
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    "script, words",
    [
        (TOO_OLD, "Python 3.10.2 is too old: install Python 3.11 or newer"),
        (NO_VENV, "no venv or pip module: install them"),
    ],
)
def test_a_python_that_will_not_do_is_named(project, script, words):
    python = program(project, "python", script)
    run = set_up(project, PYTHON=str(python))
    assert run.returncode == 1
    assert words in run.stderr
    assert len(run.stderr.splitlines()) == 1
    assert not (project / ".venv").exists()


def test_no_python_at_all_is_named(project):
    run = set_up(project, PYTHON="/no/such/python")
    assert run.returncode == 1
    assert "there is no '/no/such/python': install Python 3.11" in run.stderr


def test_a_full_disk_is_named_before_anything_is_written(project):
    program(project, "df", "echo head; echo disk 9 9 2097152 9% /")
    path = f"{project}:{os.environ['PATH']}"
    run = set_up(project, PATH=path, PYTHON="python3")
    assert run.returncode == 1
    assert "2 GB free, the packages need 8 GB: free some space" in run.stderr
    assert not (project / ".venv").exists()


def test_an_interrupted_set_up_is_begun_anew(project):
    program(project, "df", "echo head; echo disk 9 9 99999999 9% /")
    path = f"{project}:{os.environ['PATH']}"
    python = program(project, "python", HALF_WAY)
    first = set_up(project, PATH=path, PYTHON=str(python))
    assert first.returncode == 1
    assert "run the same command again" in first.stderr
    ready = project / ".venv" / "requirements.txt"
    assert not ready.exists()
    program(project, "python", HALF_WAY.replace("exit 1", "exit 0"))
    second = set_up(project, PATH=path, PYTHON=str(python))
    assert second.returncode == 0, second.stderr
    assert ready.read_text() == ""
    third = set_up(project, PATH=path, PYTHON="/no/such/python")
    assert third.returncode == 0, "a finished set-up is not begun again"
