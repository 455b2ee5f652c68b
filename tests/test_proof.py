"""The proof sees what it says that it sees (tests/proof.py)."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import outputs

ROOT = Path(__file__).parents[1]
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
PICTURE = """\
import io
from IPython.display import Image
from PIL import Image as Page, ImageDraw

page = Page.new("RGB", (300, 200), "white")
ImageDraw.Draw(page).{shape}((40, 40, 160, 160), fill="black")
page.save(file := io.BytesIO(), "png")
Image(file.getvalue())"""


def notebook(*cells):
    """A notebook of these cells that names its kernel."""
    return new_notebook(cells=list(cells), metadata=KERNEL)


def prove(folder, *options, **environment):
    """Run pytest with the proof on a folder, as `make test` would.

    Returns:
        The finished process.
    """
    command = [sys.executable, "-m", "pytest", "-c", ROOT / "pyproject.toml"]
    command += ["--rootdir", folder, "-p", "proof", *options, folder]
    return subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True
    )


def table(said):
    """The rows of the table at the end, {chapter: list of words}."""
    rows = said.partition("what was proved")[2].splitlines()[2:]
    words = [row.split() for row in rows]
    return {row[0]: row[1:] for row in words if row}


def test_a_changed_output_is_seen_and_a_close_number_is_not(tmp_path):
    near = {"absolute": 0.03, "reason": "made up for a test"}
    path = tmp_path / "01_some.ipynb"
    shapes = [PICTURE.format(shape=name) for name in ("ellipse", "rectangle")]
    cells = [new_code_cell(shape) for shape in shapes]
    cells += [new_code_cell('print("loss", 0.95)') for _ in range(4)]
    nbformat.write(notebook(*cells), path)
    outputs.execute(path)

    changed = nbformat.read(path, as_version=4)
    one, two, exact, close, far, ignored = changed.cells
    one.outputs, two.outputs = two.outputs, one.outputs
    exact.outputs[0].text = "loss 0.96\n"
    for cell, text in ((close, "loss 0.97\n"), (far, "loss 0.99\n")):
        cell.outputs[0].text = text
        cell.metadata.tolerance = near
    ignored.outputs[0].text = "gain 1\n"
    ignored.metadata.tags = ["nbval-ignore-output"]
    nbformat.write(changed, path)

    run = prove(tmp_path, "-n", "1", "-rA")
    passed = [x for x in run.stdout.splitlines() if x.startswith("PASSED")]
    assert [line[-1] for line in passed] == ["3", "5"], run.stdout
    assert "looks different by" in run.stdout
    assert "number 1 is 0.95, stored is 0.99, off by 0.04" in run.stdout
    # cells, failed, exact, within a tolerance, ignored, exercises, cpu, memory
    row = table(run.stdout)["01_some"]
    assert row[:6] == ["2", "4", "3", "2", "1", "0"]
    assert all(used.isdigit() or used == "-" for used in row[6:])


def test_a_dead_kernel_is_named_at_once(tmp_path):
    path = tmp_path / "02_dead.ipynb"
    cells = [new_code_cell("import os; os._exit(1)"), new_code_cell("1")]
    nbformat.write(notebook(*cells), path)
    run = prove(tmp_path, "-rx")
    assert run.returncode == 1
    assert "the kernel died in this cell" in run.stdout
    assert "an earlier cell ended the kernel" in run.stdout


BROKEN = {
    "empty": ("", "is no notebook"),
    "json": ('{"cells": [', "is no notebook"),
    "list": ("[]", "is no notebook"),
    "old": (
        '{"nbformat": 3, "nbformat_minor": 0, "metadata": {}, '
        '"worksheets": []}',
        "has format 3; the book's is 4",
    ),
    "prose": (
        nbformat.writes(notebook(new_markdown_cell("Nothing to run."))),
        "has no code cell",
    ),
    "kernel": (
        nbformat.writes(new_notebook(cells=[new_code_cell("1")])),
        "names no kernel",
    ),
}


def test_a_broken_notebook_is_named_and_the_others_run(tmp_path):
    for name, (text, _) in BROKEN.items():
        (tmp_path / f"{name}.ipynb").write_text(text)
    path = tmp_path / "whole.ipynb"
    nbformat.write(notebook(new_code_cell("print(1)")), path)
    outputs.execute(path)
    run = prove(tmp_path, "-n", "1")
    assert run.returncode == 1
    lines = run.stdout.splitlines()
    for name, (_, defect) in BROKEN.items():
        assert any(x.startswith(f"{name}.ipynb {defect}") for x in lines), (
            f"{name}: {run.stdout}"
        )
    rows = table(run.stdout)
    assert rows["whole"][:2] == ["1", "0"]
    assert all(rows[name][:2] == ["0", "1"] for name in BROKEN)
    assert "INTERNALERROR" not in run.stdout + run.stderr


@pytest.mark.parametrize(
    "environment, said",
    [
        ({"BOOK_NETWORK": "on"}, "CI is set and the network is on"),
        ({"BOOK_NETWORK": "off", "PATH": "/nowhere"}, "there is no Chromium"),
    ],
)
def test_a_run_that_proves_less_fails_in_ci(tmp_path, environment, said):
    run = prove(tmp_path, CI="true", **environment)
    assert run.returncode not in (0, 5)
    assert said in run.stdout + run.stderr
    assert "Traceback" not in run.stdout + run.stderr


@pytest.fixture
def machine(tmp_path):
    """A folder of programs that stands in front of the machine's own."""
    programs = tmp_path / "bin"
    programs.mkdir()

    def add(name, script):
        path = programs / name
        path.write_text(f"#!/bin/bash\n{script}\n")
        path.chmod(0o755)

    add("unshare", "exit 1")
    add("sudo", "exit 1")
    return programs, add


def offline(programs, *command, **environment):
    """Run tools/offline.sh where some programs are other ones."""
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [ROOT / "tools" / "offline.sh", *command],
        env=os.environ | {"CI": "", "PATH": path} | environment,
        capture_output=True,
        text=True,
    )


def test_without_a_namespace_ci_fails_and_a_desk_says_so(machine):
    programs, _ = machine
    command = ("bash", "-c", "echo network is $BOOK_NETWORK")
    run = offline(programs, *command)
    assert (run.returncode, run.stdout) == (0, "network is on\n")
    assert "the network stays on" in run.stderr
    run = offline(programs, *command, CI="true")
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.count("\n") == 1
    assert "CI is set" in run.stderr


def test_sudo_makes_the_namespace_for_the_caller(machine):
    """The fake sudo runs its command as it is, the fake unshare too."""
    programs, add = machine
    if not shutil.which("setpriv"):
        pytest.skip("no setpriv: it is part of util-linux")
    add("sudo", 'while [[ "$1" = -* ]]; do shift; done\nSUDO=yes "$@"')
    add("unshare", '[ -n "$SUDO" ] || exit 1\nshift; exec "$@"')
    add("setpriv", 'echo "$@" | cut -d " " -f 1-5\nshift 5; exec "$@"')
    add("python3", "exit 0")
    command = ("bash", "-c", 'echo "$BOOK_NETWORK $1"; exit 7', "x", "a b")
    run = offline(programs, *command, CI="true")
    assert run.returncode == 7, run.stderr
    identity = f"--reuid {os.getuid()} --regid {os.getgid()} --init-groups"
    assert run.stdout == f"{identity}\noff a b\n"
