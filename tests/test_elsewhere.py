"""The book elsewhere: alone in Colab, on Windows, on a runner."""

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml
from nbclient import NotebookClient

import colab
from cells import EVERY

ROOT = Path(__file__).parents[1]
# the two cheapest run on every change; ALL_COPIES=1 runs all
COPIED = ["01_tensors", "02_autograd"]
if os.environ.get("ALL_COPIES"):
    COPIED = [path.stem for path in EVERY]


def git(folder, *words):
    """Run git in a folder and return what it prints."""
    who = "-c", "user.name=a", "-c", "user.email=a@b"
    run = subprocess.run(
        ["git", *who, "-C", folder, *words],
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout.strip()


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A repository that holds the book as it lies here, in one commit."""
    folder = tmp_path_factory.mktemp("repository") / "book"
    shutil.copytree(
        ROOT,
        folder,
        ignore=shutil.ignore_patterns(
            ".git",
            ".venv",
            "_build",
            "__pycache__",
            ".ipynb_checkpoints",
            "class",
        ),
    )
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "The book")
    return folder


@pytest.fixture(scope="module")
def copies(repository, tmp_path_factory):
    """The folder of the copies, whose address is that repository."""
    folder = tmp_path_factory.mktemp("copies")
    commit = git(repository, "rev-parse", "HEAD")
    paths = colab.write(str(repository), commit, folder, repository)
    return paths[0].parent


@pytest.mark.parametrize("chapter", COPIED)
def test_a_copy_runs_alone(chapter, copies, tmp_path):
    copy = nbformat.read(copies / f"{chapter}.ipynb", as_version=4)
    client = NotebookClient(
        copy,
        timeout=300,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    )
    client.execute()
    assert [path.name for path in tmp_path.iterdir()] == ["book"]


def test_every_chapter_has_a_copy_with_all_its_cells(copies, repository):
    for path in sorted((repository / "notebooks").glob("*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        copy = nbformat.read(copies / path.name, as_version=4)
        nbformat.validate(copy)
        assert copy.cells[2:] == cells


def test_every_package_that_a_chapter_imports_is_known():
    """A package under another name would never be installed on Colab."""
    ours = {"checks", "guard", "IPython"}
    owners = importlib.metadata.packages_distributions()
    versions = (ROOT / "requirements.txt").read_text("utf-8")
    for path in EVERY:
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type != "code":
                continue
            names = colab.imports(cell.source)
            names -= set(sys.stdlib_module_names) | ours
            for name, pin in colab.requirements(names, versions).items():
                package = re.sub("[-_.]+", "-", pin.split("==")[0])
                known = [o.lower().replace("_", "-") for o in owners[name]]
                assert package in known
                names.discard(name)
            assert not names, f"{path.stem}: add {names} to colab.ALIASES"


def test_what_is_missing_is_installed_and_nothing_else(monkeypatch, tmp_path):
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell("import skimage, torch, numpy.linalg")
        ]
    )
    versions = "numpy==2.4\ntorch==2.15.0\nscikit-image==0.26.0\nother==1\n"
    copy = colab.copy_for_colab(notebook, "ADDRESS", "c0ffee", [], versions)
    commands = []
    monkeypatch.setattr(
        subprocess, "run", lambda command, check: commands.append(command)
    )
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: name != "skimage" or None
    )
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "book" / "notebooks").mkdir(parents=True)
    (tmp_path / "book" / "notebooks" / "matplotlibrc").touch()
    monkeypatch.chdir(tmp_path)
    exec(copy.cells[1].source, {})
    assert Path.cwd() == tmp_path / "book" / "notebooks"
    *fetched, installed = commands
    assert ("git", "-C", "book", "fetch") == fetched[1][:4]
    assert fetched[1][-2:] == ("ADDRESS", "c0ffee")
    pip = sys.executable, "-m", "pip", "install", "--quiet"
    assert installed == (*pip, "scikit-image==0.26.0")
    exec(copy.cells[1].source, {})
    assert commands[4:] == [installed], "a second run fetches nothing"


def test_links_of_a_copy_lead_out_of_it():
    text = (
        "[A](02_b.ipynb#c), [D](errors.ipynb), "
        "[B](../book/x.bib#y), ![C](../book/c.png)"
    )
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell(text)]
    )
    colab.absolute(notebook, "me/it", "c0ffee")
    copies = "https://colab.research.google.com/github/me/it/blob/colab"
    files = "https://github.com/me/it/raw/c0ffee/book"
    assert notebook.cells[0].source == (
        f"[A]({copies}/notebooks/02_b.ipynb#c), "
        f"[D]({copies}/notebooks/errors.ipynb), [B]({files}/x.bib#y), "
        f"![C]({files}/c.png)"
    )


def test_a_checkout_on_windows_has_the_same_bytes(repository, tmp_path):
    """Git for Windows writes CRLF, which breaks scripts and checksums."""
    git(tmp_path, "-c", "core.autocrlf=true", "clone", repository, "copy")
    names = git(repository, "ls-files", "-z").strip("\0").split("\0")
    assert "data/surnames.csv" in names and "tools/offline.sh" in names
    for name in names:
        copy = (tmp_path / "copy" / name).read_bytes()
        assert copy == (repository / name).read_bytes(), name


def test_each_test_runs_in_one_part_of_the_proof():
    path = ROOT / ".github" / "workflows" / "book.yml"
    workflow = yaml.safe_load(path.read_text("utf-8"))
    parts = workflow["jobs"]["proof"]["strategy"]["matrix"]["part"]
    globs = [part for part in parts if part.startswith("notebooks/")]
    proved = [path for glob in globs for path in ROOT.glob(glob)]
    assert sorted(proved) == EVERY
    site = "tests/test_site.py"
    assert set(parts) - set(globs) == {site, f"tests --ignore={site}"}


def test_what_runs_on_a_runner_is_pinned_by_commit():
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        for line in path.read_text("utf-8").splitlines():
            if "uses:" in line:
                assert re.search(r"@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line)
