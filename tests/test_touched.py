"""A change is proved by all the tests that it can turn red, and no more."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import touched
from touched import ALL, BUILD, FORM, SITE, marks_of_file, marks_of_test

BOOK = "notebooks/07_hooks.ipynb"
DATA = "tests/test_data.py"
SEVEN = "the tests of chapter 7"


@pytest.mark.parametrize(
    "path, marks",
    [
        (BOOK, {BOOK, SEVEN}),
        ("notebooks/checks/ch07.py", {BOOK, SEVEN}),
        ("tests/wrong/ch07.py", {SEVEN}),
        ("data/surnames.csv", {DATA, "notebooks/12_rnn.ipynb"}),
        ("data/make_clicks.py", {DATA}),
        ("tests/test_data.py", {DATA}),
        ("book/notation.md", {"book/notation.html", BUILD}),
        ("book/assets/site.js", {SITE}),
        ("notebooks/checks/__init__.py", {ALL}),
        ("notebooks/matplotlibrc", {ALL}),
        ("requirements.txt", {ALL}),
        ("pyproject.toml", {ALL}),
        ("conftest.py", {ALL}),
        ("tests/cells.py", {ALL}),
        ("tools/outputs.py", {ALL}),
        ("a/file/that/nobody.knows", {ALL}),
        ("no_test_speaks_of.md", set()),
        (".github/no_test_speaks_of.yml", set()),
    ],
)
def test_what_a_changed_file_touches(path, marks):
    assert marks_of_file(path) == marks


@pytest.mark.parametrize(
    "nodeid, mark",
    [
        (f"{BOOK}::Cell 3", BOOK),
        ("tests/test_exercises.py::test_a[7.9-2]", SEVEN),
        ("tests/test_mutants.py::test_b[7.10]", SEVEN),
        ("tests/test_clauses.py::test_c[07_hooks]", SEVEN),
        ("tests/test_real_thing_ch07.py::test_d", SEVEN),
        (f"{SITE}::test_e[notebooks/07_hooks.html-dark]", SITE),
        (f"{SITE}::test_e[book/notation.html]", "book/notation.html"),
        (f"{SITE}::test_the_site_builds_without_a_warning", BUILD),
        ("tests/test_notebooks.py::test_the_code_is_tidy[lint]", FORM),
        ("tests/test_data.py::test_f[7-of-9]", DATA),
    ],
)
def test_a_test_has_the_mark_of_what_it_proves(nodeid, mark):
    assert {ALL, mark} <= marks_of_test(nodeid)


def test_another_chapter_is_left():
    for test in ("test_a[17.1]", "test_a[1.7]", "test_a[1.1-7]", "test_a"):
        assert SEVEN not in marks_of_test(f"tests/test_exercises.py::{test}")
    assert BOOK not in marks_of_test("notebooks/08_x.ipynb::Cell 3")


@pytest.fixture
def project(tmp_path):
    """A small book under git, all of it committed."""
    files = {
        ".gitignore": "_build\n__pycache__\n",
        "notebooks/checks/ch01.py": "",
        "notebooks/checks/ch02.py": "",
        "book/notation.md": "",
        "tests/test_exercises.py": "import pytest\n"
        "@pytest.mark.parametrize('number', ['1.1', '1.2', '2.1'])\n"
        "def test_answer(number): pass\n",
        "tests/test_notebooks.py": "def test_form(): pass\n",
    }
    for name, words in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(words)
    shutil.copy(touched.__file__, tmp_path / "tests")
    for command in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "all"],
    ):
        subprocess.run(["git", "-C", tmp_path, *command], check=True)
    return tmp_path


def run(project, revision="HEAD"):
    """Prove what is touched and return what pytest says."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-ptouched", "--touched", revision],
        cwd=project,
        env=os.environ
        | {
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPATH": str(project / "tests"),
        },
        capture_output=True,
        text=True,
    )


def test_only_what_changed_is_proved(project):
    (project / "notebooks/checks/ch01.py").write_text("x = 1\n")
    said = run(project).stdout
    assert "the tests of chapter 1: notebooks/checks/ch01.py" in said
    assert "3 passed, 1 deselected" in said


def test_a_file_that_all_stand_on_asks_for_all(project):
    (project / "pyproject.toml").touch()
    said = run(project).stdout
    assert "everything: pyproject.toml" in said
    assert "4 passed" in said


def test_nothing_changed_is_said(project):
    tried = run(project)
    assert tried.returncode
    assert "nothing has changed since HEAD" in tried.stdout + tried.stderr


def test_an_unknown_commit_is_named(project):
    tried = run(project, "no-such-commit")
    assert tried.returncode
    assert "no-such-commit: name a commit" in tried.stdout + tried.stderr
    assert "Traceback" not in tried.stdout + tried.stderr


def test_new_moved_and_deleted_files_are_changes(project, monkeypatch):
    monkeypatch.setattr(touched, "ROOT", Path(project))
    (project / "notebooks/checks/ch01.py").rename(project / "a b.py")
    (project / "book/notation.md").unlink()
    (project / "_build").mkdir()
    (project / "_build" / "ignored").touch()
    assert touched.changed("HEAD") == [
        *("a b.py", "book/notation.md", "notebooks/checks/ch01.py"),
    ]
