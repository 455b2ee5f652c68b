"""Grade a class with nbgrader; answers are judged in a room of their own.

    .venv/class/bin/python tools/grading.py FOLDER [ASSIGNMENT ...] [--force]

`make grade` calls it. The `nbgrader_config.py` of a class calls `configure`,
so that the other commands and pages of nbgrader grade in this way as well.
"""

import contextlib
import functools
import html
import json
import os
import signal
import subprocess
import sys
import tempfile
import warnings
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor, process
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_output
from nbgrader import api, apps, converters, utils
from nbgrader import preprocessors as steps
from traitlets import Bool

ROOT = Path(__file__).resolve().parents[1]
BOOK = ROOT / ".venv" / "bin" / "python"
LARGEST = 10 * 2**20  # bytes that one may hand in
LONGEST = 900  # seconds by the clock for what one hands in
ALONE = (
    "grading: this machine cannot hold answers in a room of their own, see "
    "tools/contained.sh. Grade on another machine; or, if you trust every "
    "author, add --Judge.trust=True (ARGS=--Judge.trust=True for make)"
)


def name_of(cell):
    """The name that nbgrader knows a cell by, or None."""
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def released(name):
    """The notebook of an assignment, as it was released."""
    return nbformat.read(Path("release", name, f"{name}.ipynb"), as_version=4)


class Rebuild(steps.NbGraderPreprocessor):
    """Put the submitted code into the notebook that was released."""

    def preprocess(self, nb, resources):
        """Return the released notebook with the answers, without outputs."""
        whole = released(resources["nbgrader"]["assignment"])
        known = {name_of(cell): cell for cell in whole.cells}
        answers, own, here = defaultdict(list), defaultdict(list), None
        for cell in nb.cells:
            if name_of(cell) in known:
                here = name_of(cell)
                answers[here].append(cell.source)
            elif cell.cell_type == "code":
                own[here].append(new_code_cell(cell.source))
        whole.cells = own[None]
        for name, cell in known.items():
            if utils.is_solution(cell) and name in answers:
                cell.source = "\n".join(answers[name])
            whole.cells += [cell, *own[name]]
        return whole, resources


class Judge(steps.SaveAutoGrades):
    """Judge the answers elsewhere; save points and hints in the gradebook."""

    trust = Bool(False, help="Judge in no room of its own.").tag(config=True)

    def preprocess(self, nb, resources):
        """Write each verdict below its check, then save all."""
        cells, self.said, answer = [], {}, None
        for cell in nb.cells:
            role = "given" if utils.is_locked(cell) else "own"
            role = "check" if utils.is_grade(cell) else role
            if cell.cell_type == "code":
                cells.append([name_of(cell) or cell.id, role, cell.source])
        verdicts = self.judge(cells, resources["nbgrader"]["assignment"])
        for cell in nb.cells:
            if utils.is_solution(cell):
                answer = name_of(cell)
            if not utils.is_grade(cell):
                continue
            state, hint, did = verdicts.get(
                name_of(cell), ("stopped", "no time was left", [])
            )
            text = f"{state}: {hint}" if hint else state
            text += f" [also: {', '.join(did)}]" if did else ""
            text = "".join(c if c.isprintable() else " " for c in text)
            # nbgrader gives no point for an error, and all for what is shown
            cell.outputs = [
                new_output("display_data", {"text/plain": text})
                if state == "correct"
                else new_output("error", ename=state, traceback=[text])
            ]
            self.said[answer] = html.escape(text, quote=False)
        return super().preprocess(nb, resources)

    def _add_comment(self, cell, resources):
        super()._add_comment(cell, resources)
        where = self.notebook_id, self.assignment_id, self.student_id
        comment = self.gradebook.find_comment(name_of(cell), *where)
        comment.auto_comment = self.said.get(name_of(cell))
        self.gradebook.db.commit()

    def judge(self, cells, assignment):
        """The verdicts on code cells: {check: (state, hint, what else)}."""
        room, command = judge_command()
        checks = os.path.abspath(f"release/{assignment}/checks")
        with tempfile.TemporaryDirectory() as folder:
            process = subprocess.Popen(
                command if self.trust else [*room, checks, "--", *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
                cwd=folder,
                env={
                    "PATH": os.environ["PATH"],
                    "TMPDIR": folder,
                    "PYTHONPATH": os.path.dirname(checks),
                },
            )
            try:
                out, trouble = process.communicate(json.dumps(cells), LONGEST)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if process.returncode == 125:
            raise SystemExit(ALONE)
        if process.returncode:
            raise RuntimeError(f"the judge failed: {trouble[-2000:]}")
        return {
            name: said for name, *said in map(json.loads, out.split("\n")[:-1])
        }


@functools.cache
def judge_command():
    """The room with all that one may read in it, and the command for it."""
    python = str(BOOK) if BOOK.exists() else sys.executable
    ask = "import sys; print(sys.prefix, sys.base_prefix, sep='\\n')"
    prefixes = subprocess.check_output([python, "-c", ask], text=True)
    answers = str(ROOT / "tools" / "answers.py")
    room = [
        str(ROOT / "tools" / "contained.sh"),
        *prefixes.splitlines(),
        str(Path(python).resolve().parents[1]),
        answers,
    ]
    return room, [python, answers]


def configure(c):
    """Let nbgrader, whose configuration is given, grade in this way."""
    c.ClearSolutions.enabled = False  # a stub has nothing to clear
    c.Autograde.sanitize_preprocessors = [
        *(Rebuild, steps.OverwriteKernelspec, steps.OverwriteCells)
    ]
    c.Autograde.autograde_preprocessors = [
        *(Judge, steps.AssignLatePenalties, steps.CheckCellMetadata)
    ]


def oddities(folder, whole):
    """What is odd about a folder that was handed in, before anything runs.

    Returns:
        Whether it can be graded, and a list of words.
    """
    parts = [folder, *folder.rglob("*")]
    if any(p.is_symlink() or not (p.is_file() or p.is_dir()) for p in parts):
        return False, ["holds a link or a special file"]
    if sum(p.stat().st_size for p in parts) > LARGEST:
        return False, [f"is larger than {LARGEST >> 20} MB"]
    path = folder / f"{folder.name}.ipynb"
    if not path.exists():
        return False, [f"lacks the file {path.name}"]
    try:
        notebook = nbformat.read(path, as_version=4)
        found = {name_of(cell): cell.source for cell in notebook.cells}
    except Exception as error:
        return False, [f"holds no notebook ({type(error).__name__})"]
    words = []
    for cell in whole.cells:
        if (name := name_of(cell)) not in found:
            words.append(f"lacks the cell {name}")
        elif utils.is_locked(cell) and found[name] != cell.source:
            words.append(f"changed the locked cell {name}")
    return True, words


def grade(name, options, pool):
    """Grade what was handed in; return its tables. We are in the folder."""
    whole, odd, todo, force = released(name), {}, [], "--force" in options
    for folder in sorted(Path("submitted").glob(f"*/{name}/")):
        student = folder.parent.name
        able, odd[student] = oddities(folder, whole)
        if able and (force or not is_graded(name, student)):
            todo.append(student)
    one = functools.partial(grade_one, name, options)
    for student, trouble in zip(todo, pool.map(one, todo), strict=True):
        odd[student] += trouble
    others = {path.name for path in Path("submitted").glob("*/")} - {*odd}
    last = f"\n\nNot from: {', '.join(sorted(others))}." if others else ""
    return table(name, odd) + last


def page_for(name, student):
    """The page of feedback, which is written last."""
    return Path("feedback", student, name, f"{name}.html")


def is_graded(name, student):
    """Whether all that a student handed in was there when it was graded."""
    page, folder = page_for(name, student), Path("submitted", student, name)
    files = (path.stat() for path in [folder, *folder.rglob("*")])
    last = max(max(file.st_mtime, file.st_ctime) for file in files)
    return page.exists() and page.stat().st_mtime > last


def grade_one(name, options, student):
    """Grade one submission; return what went wrong, as a list of words."""
    page_for(name, student).unlink(missing_ok=True)
    app = nbgrader_app(options)
    app.coursedir.assignment_id, app.coursedir.student_id = name, student
    for kind in (converters.Autograde, converters.GenerateFeedback):
        step = kind(coursedir=app.coursedir, parent=app, force=True)
        done = utils.capture_log(step)
        if not done["success"]:
            lines = (done.get("log") or done["error"]).splitlines()
            told = [line for line in lines if "Error" in line] or lines
            return [f"could not be graded: {told[-1].strip()}"]
    return []


@functools.cache
def nbgrader_app(options):
    """What knows the settings of the class, for nbgrader's steps."""
    app = apps.AutogradeApp()
    app.initialize(["--log-level=ERROR", *options])
    app.log.handlers.clear()  # each step is heard by itself
    return app


def table(name, odd):
    """What a class did, from the gradebook, as two tables in Markdown.

    Args:
        name: the assignment.
        odd: {student: what is odd about what they handed in}.
    """
    states = ["correct", "not yet", "not attempted yet", "stopped"]
    counts, hints = defaultdict(Counter), defaultdict(Counter)
    with api.Gradebook(f"sqlite:///{os.path.abspath('gradebook.db')}") as book:
        worth = {
            cell.name.replace("check", "answer"): cell.max_score
            for cell in book.find_notebook(name, name).grade_cells
        }
        for submission in book.notebook_submissions(name, name):
            student = submission.student.id
            for comment in submission.comments:
                if not comment.auto_comment:
                    continue
                said = html.unescape(comment.auto_comment)
                verdict, _, also = said.partition(" [also: ")
                state, _, hint = verdict.partition(": ")
                counts[comment.name][state] += 1
                hints[comment.name].update([hint] if hint else [])
                if also or state == "stopped":
                    odd[student].append(f"{comment.name}: {said}")
    rows = [["exercise", "points", *states, "most frequent hint"], ["---"] * 7]
    for cell, points in worth.items():
        often = [f"{h} ({n})" for h, n in hints[cell].most_common(1)]
        numbers = [points, *(counts[cell][state] for state in states)]
        number = cell.partition("-")[2].replace("-", ".")
        rows.append([number, *(f"{n:g}" for n in numbers), *(often or [""])])
    rows += [[], ["student", "worth a look"], ["---"] * 2]
    rows += [[student, word] for student in odd for word in odd[student]]
    lines = (" | ".join(w.replace("|", r"\|") for w in r) for r in rows)
    return "\n".join(line and f"| {line} |" for line in lines)


def main(folder, *words):
    """Grade some assignments of a class, or all, and print their tables."""
    folder = Path(folder).expanduser()
    if not Path(folder, "release").is_dir():
        raise SystemExit(
            f"grading: {folder} holds no class: `make assignments "
            f"CLASS={folder}` makes one"
        )
    warnings.simplefilter("ignore")
    os.chdir(folder)
    bin = os.path.dirname(sys.executable)  # where nbgrader looks for alembic
    os.environ["PATH"] = f"{bin}{os.pathsep}{os.environ['PATH']}"
    options = tuple(word for word in words if word.startswith("-"))
    room, _ = judge_command()
    trusted = any(".trust=" in option for option in options)
    if not trusted and subprocess.call([room[0], "--", "true"]) == 125:
        raise SystemExit(ALONE)
    known = {path.name for path in Path("release").glob("*/")}
    names = {word for word in words if word not in options}
    if unknown := names - known:
        raise SystemExit(f"grading: release/ has no {', '.join(unknown)}")
    found = set()
    for path in sorted(Path("submitted").glob("*/[!.]*")):
        if path.is_dir() and path.name in known:
            found.add(path.name)
        else:
            print(f"left out: {path} is no folder with a name of release/")
    if not found:
        raise SystemExit(
            "grading: nothing was handed in: put what you collect into "
            f"{folder}/submitted/NAME/ASSIGNMENT/"
        )
    with ProcessPoolExecutor(min(4, os.cpu_count())) as pool:
        try:
            for name in sorted(names or found):
                print(f"\n{name}\n\n{grade(name, options, pool)}", flush=True)
        except (KeyboardInterrupt, process.BrokenProcessPool):
            raise SystemExit(
                "grading: stopped. What was graded is kept; call it again "
                "for the others"
            ) from None


if __name__ == "__main__":
    main(*sys.argv[1:])
