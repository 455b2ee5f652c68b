"""Make the folder of a class: each chapter's exercises for nbgrader.

    python tools/assignments.py [FOLDER]

`make assignments` calls it. The folder gets `source/` from the chapters, and
`release/` and `gradebook.db` from nbgrader, which is installed in .venv/class.
A later call leaves what stands in `source/`, and all points, as they are, and
releases anew what was changed there. `grading.py` does the rest.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from answers import needed, statements

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / ".venv" / "class" / "bin" / "python"
LIST = ROOT / "requirements-class.txt"
STATEMENT = re.compile(
    r"### Exercise (\d+\.\d+)\n\n\*Difficulty ([1-5]) of 5 "
)
DEFINITIONS = ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef
WELCOME = """\
# Exercises: {title}

All that is asked here stands in the chapter `{name}` of the book. Write your
answers into the cells with `...`, and run the check below each: it says
whether the answer is right, or gives a hint. A right answer is worth as many
points as its difficulty.

Leave the other cells as they are: your answers are graded with their first
form. An answer may use what the first code cell and your own cells define.
Write and keep files in the current folder alone, and use no network.
"""
CHECKS = '''\
"""The answer checks of the book, for one assignment."""

from IPython.display import display

from checks.judge import judge


def check(number, answer):
    """Show one line that says how good an answer is."""
    display(judge(number, answer))
'''
CONFIG = """\
# Settings of the class, for nbgrader; yours go below. Written once.
import sys

sys.path.insert(0, {tools!r})

import grading

c = get_config()
grading.configure(c)
c.CourseDirectory.course_id = "pytorch"
"""


def mark(cell, name, points=None, solution=False):
    """Let nbgrader know a cell: as a check, an answer, or as locked."""
    cell.id = name = name.replace(".", "-")
    cell.metadata = {
        "nbgrader": {
            "grade": points is not None,
            "grade_id": name,
            "locked": not solution,
            "schema_version": 3,
            "solution": solution,
            "task": False,
            **({} if points is None else {"points": points}),
        }
    }
    return cell


def assignment(notebook, name):
    """The exercises of a chapter as a notebook for nbgrader.

    Args:
        notebook: the chapter.
        name: its name, "01_tensors".

    Raises:
        ValueError: an exercise has another form than all others.
    """
    cells, exercises, solutions = notebook.cells, [], []
    places = [i for i, c in enumerate(cells) if STATEMENT.match(c.source)]
    for place in places:
        number, difficulty = STATEMENT.match(cells[place].source).groups()
        text, stub, check, _, solution = (
            cell.source for cell in cells[place : place + 5]
        )
        if (
            not check.startswith(f'check("{number}", ')
            or not solution.endswith(f"\n{check}")
            or "check(" in stub
        ):
            raise ValueError(f"{name}: exercise {number} has another form")
        exercises += [
            mark(new_markdown_cell(text), f"statement-{number}"),
            mark(new_code_cell(stub), f"answer-{number}", solution=True),
            mark(new_code_cell(check), f"check-{number}", int(difficulty)),
        ]
        solutions += statements("solution", solution)
    title = cells[0].source.partition("\n")[0].strip("# ")
    front = [
        mark(new_markdown_cell(WELCOME.format(title=title, name=name)), "top"),
        mark(new_code_cell(set_up(cells[: places[0]], solutions)), "set-up"),
    ]
    return new_notebook(
        cells=front + exercises,
        metadata={"kernelspec": notebook.metadata.kernelspec},
    )


def set_up(cells, solutions):
    """The first code cell of a chapter, with what the solutions need more."""
    first, *others = (
        cell.source for cell in cells if cell.cell_type == "code"
    )
    own = {getattr(statement, "name", None) for statement in solutions}
    lessons = [
        statement
        for source in others
        if re.search(r"^(def|class|import|from) ", source, re.M)
        for statement in statements("lesson", source)
        if isinstance(statement, DEFINITIONS)
        and getattr(statement, "name", "") not in own
    ]
    line = re.search(r"^from checks import .*$", first, re.M)[0]
    return "\n\n\n".join(
        [
            first.replace(line, "from checks import check"),
            *(statement.text for statement in needed(solutions, lessons)),
        ]
    )


def make(folder):
    """Write the assignments that `source/` of a folder lacks.

    Returns:
        The names of all.
    """
    config = folder / "nbgrader_config.py"
    folder.mkdir(parents=True, exist_ok=True)
    if not config.exists():
        config.write_text(CONFIG.format(tools=str(ROOT / "tools")), "utf-8")
    names = []
    for path in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        name, lesson = path.stem, nbformat.read(path, as_version=4)
        names.append(name)
        checks = folder / "source" / name / "checks"
        if checks.exists():
            continue
        checks.mkdir(parents=True)
        nbformat.write(
            assignment(lesson, name), checks.parent / f"{name}.ipynb"
        )
        (checks / "__init__.py").write_text(CHECKS, "utf-8")
        for file in (ROOT / "notebooks" / "checks").glob("[!_]*.py"):
            if not file.stem[2:].isdecimal() or file.stem[2:] == name[:2]:
                shutil.copy(file, checks)
    return names


def clear(folder):
    """Remove what was released before its source was changed."""
    for source in (folder / "source").glob("*/"):
        released = folder / "release" / source.name / f"{source.name}.ipynb"
        changed = max(path.stat().st_ctime for path in source.rglob("*"))
        if released.exists() and released.stat().st_ctime < changed:
            shutil.rmtree(released.parent)


def install():
    """Install nbgrader into .venv/class, unless it is there."""
    done, digest = PYTHON.parents[1] / "list", LIST.read_text("utf-8")
    digest += (ROOT / "requirements.txt").read_text("utf-8")
    if done.exists() and done.read_text("utf-8") == digest:
        return
    print("Installing nbgrader into .venv/class, once ...", flush=True)
    uv = [sys.executable, "-m", "uv", "--quiet"]
    venv = ["venv", "--clear", "--python", sys.executable, PYTHON.parents[1]]
    for words in (venv, ["pip", "install", "--python", PYTHON, "-r", LIST]):
        if subprocess.call([*uv, *words], cwd=ROOT):
            raise SystemExit(
                "assignments: nbgrader could not be installed (see above): "
                "check the network, then run it again"
            )
    done.write_text(digest, "utf-8")


def main(folder=None):
    """Install nbgrader; make or renew the folder of a class, if named."""
    install()
    if not folder:
        return
    folder = Path(folder).expanduser().resolve()
    names = make(folder)
    clear(folder)
    os.environ["PATH"] = f"{PYTHON.parent}{os.pathsep}{os.environ['PATH']}"
    words = ["generate_assignment", "*", "--log-level=ERROR"]
    start = [PYTHON, "-W", "ignore", "-m", "nbgrader"]
    if subprocess.call([*start, *words], cwd=folder):
        raise SystemExit(
            "assignments: nbgrader stopped (see above). Where something was "
            "graded, no exercise can be added or dropped: undo that in source/"
        )
    print(f"{len(names)} assignments are in {folder}/release.")


if __name__ == "__main__":
    main(*sys.argv[1:2])
