"""A pytest plugin: `--touched REV` proves only what a change touches.

Each changed file has marks, and so has each test; a test with a mark of a
changed file runs. A file that every test stands on has the mark ALL.
"""

import re
import subprocess
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ALL, FORM = "everything", "the form of the book"
SITE, BUILD = "tests/test_site.py", "the build of the site"
# what every test stands on
SHARED = re.compile(
    r"conftest\.py|pyproject\.toml|requirements.*|notebooks/matplotlibrc"
    r"|tests/(?!test_)[^/]+\.py|tests/wrong/__init__\.py"
    r"|notebooks/checks/(?!ch\d).*"
)
# what needs no test where none speaks of it
ASIDE = re.compile(
    r".*\.(md|cff)|LICENSE|\.git.*|\.pre-commit.*|\.ci/.*|\.?binder/.*"
)
CODE = [
    *("conftest.py", "data/*.py", "tests/*.py", "tools/*.py"),
    *("book/_ext/*.py", "notebooks/checks/*.py"),
]
NOTHING = pytest.ExitCode.NO_TESTS_COLLECTED
TALKER = "tests/test_touched.py"  # it speaks of files of every kind


@cache
def text(path):
    """What is written in a file of the book."""
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


def files(pattern):
    """The book's files of a pattern, as addresses from its root."""
    return sorted(
        path.relative_to(ROOT).as_posix() for path in ROOT.glob(pattern)
    )


def exercises(number):
    """The mark of the exercises and other tests of a chapter."""
    return f"the tests of chapter {int(number)}"


def marks_of_file(path):
    """What a change of a file may make untrue: a set of marks.

    Args:
        path: the file's address from the root, with slashes.
    """
    folder, _, name = path.rpartition("/")
    number = re.fullmatch(r"(?:ch)?(\d\d)(_\w+\.ipynb|\.py)", name)
    if folder == "notebooks" and name.endswith(".ipynb"):  # or an appendix
        return {path, exercises(number[1])} if number else {path}
    if folder == "notebooks/checks" and number:
        notebooks = files(f"notebooks/{number[1]}_*.ipynb")
        return {*notebooks, exercises(number[1])}
    if folder == "book/questions":
        return {"tests/test_questions.py", SITE}
    if folder == "tests/wrong" and number:
        return {exercises(number[1])}
    if path.startswith("data/") and not name.endswith(".py"):
        data = path.split("/")[1]
        readers = [n for n in files("notebooks/*.ipynb") if data in text(n)]
        return {"tests/test_data.py", *readers}
    if SHARED.fullmatch(path):
        return {ALL}
    if folder == "tests" and path.endswith(".py"):
        return {path}
    if re.fullmatch(r"data/make_(?!all)\w+\.py", path):
        return {"tests/test_data.py"}
    marks = set(users(path))
    if any(not user.startswith("tests/test_") for user in marks):
        return {ALL}
    if path == "index.md" or folder == "book" and name.endswith(".md"):
        return marks | {re.sub(r"md$", "html", path), BUILD}
    if folder.startswith("book") or path in ("_config.yml", "_toc.yml"):
        return marks | {SITE}
    return marks or (set() if ASIDE.fullmatch(path) else {ALL})


def users(path):
    """The tests that speak of a file and the Python files that import it."""
    name = Path(path).name if "." in Path(path).name else path
    speaks = rf"(?<!\w){re.escape(name)}\b"
    imports = rf"^\s*(from|import) (.*, )?{re.escape(Path(path).stem)}\b"
    return [
        file
        for pattern in CODE
        for file in files(pattern)
        if file.startswith("tests/test_")
        and file != TALKER
        and re.search(speaks, text(file))
        or path.endswith(".py")
        and file != path
        and re.search(imports, text(file), re.M)
    ]


def marks_of_test(nodeid):
    """The marks of a test, by its address."""
    file, _, test = nodeid.partition("::")
    if file.endswith(".ipynb"):
        return {ALL, file}
    page = re.search(r"[\w/]+\.html", test)
    chapter = re.search(r"\[(?:.*-)?(\d\d?)[._]", test) or re.search(
        r"_ch(\d\d)\.py$", file
    )
    marks = {ALL, file}
    if page:
        marks.add(page[0])
    elif chapter:
        marks.add(exercises(chapter[1]))
    if file == "tests/test_notebooks.py" and not chapter:
        marks.add(FORM)
    if "_site_builds_" in test:
        marks.add(BUILD)
    return marks


def changed(revision):
    """The files that differ from a revision, new ones too.

    Raises:
        pytest.UsageError: nothing differs, or git does not know the revision.
    """
    names = set()
    for command in (
        ["diff", "--name-only", "--no-renames", "-z", revision, "--"],
        ["ls-files", "--others", "--exclude-standard", "-z"],
    ):
        try:
            run = subprocess.run(
                ["git", "-C", ROOT, *command],
                capture_output=True,
                text=True,
                check=True,
            )
        except (OSError, subprocess.CalledProcessError) as error:
            raise pytest.UsageError(
                f"git cannot compare with {revision}: name a commit"
            ) from error
        names |= set(run.stdout.split("\0")) - {""}
    if not names:
        raise pytest.UsageError(
            f"nothing has changed since {revision}: name an older commit"
        )
    return sorted(names)


def pytest_addoption(parser):
    """Add `--touched`."""
    parser.addoption(
        "--touched",
        metavar="REV",
        help="prove only what the changes since REV touch",
    )


def reasons(revision):
    """For each mark, the changed files that ask for it."""
    asked = defaultdict(list)
    for path in changed(revision):
        for mark in marks_of_file(path) | {FORM}:
            asked[mark].append(path)
    return asked


def pytest_report_header(config):
    """Say what is proved, and because of which files."""
    revision = config.option.touched
    if revision is None:
        return []
    lines = [f"changed since {revision}:"]
    for mark, paths in sorted(reasons(revision).items()):
        more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
        lines.append(f"  {mark}: {', '.join(paths[:3])}{more}")
    return lines


def pytest_collection_modifyitems(config, items):
    """Leave the tests that no change touches."""
    if config.option.touched is None:
        return
    asked = reasons(config.option.touched).keys()
    keep, leave = [], []
    for item in items:
        touched = asked & marks_of_test(item.nodeid)
        (keep if touched else leave).append(item)
    items[:] = keep
    config.hook.pytest_deselected(items=leave)


def pytest_sessionfinish(session, exitstatus):
    """A part of the proof that no change touches is green."""
    if session.config.option.touched and exitstatus == NOTHING:
        session.exitstatus = pytest.ExitCode.OK
