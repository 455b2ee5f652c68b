"""The exercises as assignments of a class; `make test-class` grades one."""

import builtins
import contextlib
import csv
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import nbformat
import psutil
import pytest

import answers
from assignments import PYTHON, assignment
from cells import CHAPTERS, each_chapter
from solutions import Edit, held, solutions
from test_exercises import exercises

ROOT = Path(__file__).parents[1]
CONTAINED = ROOT / "tools" / "contained.sh"
POINTS = re.compile(
    r"### Exercise (\d+\.\d+)\n\n\*Difficulty (\d) of 5 · about \d+ minutes\*"
)
FIRST = CHAPTERS[0]  # the chapter that is graded here
# an ordinary mistake in it, among the exercises 2, 4, 6, ...
MISTAKEN, MISTAKE = next(
    (number, given)
    for number, answers in list(held(FIRST).items())[1::2]
    for given in answers
    if isinstance(given, Edit)
)


def kind(cell):
    """What a cell of an assignment is, and of which exercise."""
    what, _, number = cell.metadata.nbgrader.grade_id.partition("-")
    return what, number.replace("-", ".")


@pytest.fixture(scope="module")
def converted():
    """The assignments of all chapters: {path: notebook}."""
    return {
        path: assignment(nbformat.read(path, as_version=4), path.stem)
        for path in CHAPTERS
    }


# ------------------------------------------------------- the form, everywhere


@each_chapter
def test_an_assignment_asks_all_and_solves_nothing(path, converted):
    cells = converted[path].cells
    numbers = exercises(path)
    kinds = ["statement", "answer", "check"]
    assert [kind(cell) for cell in cells[2:]] == [
        (what, number) for number in numbers for what in kinds
    ]
    worth = dict(POINTS.match(c.source).groups() for c in cells[2::3])
    text = "\n".join(cell.source for cell in cells)
    for stub, check in zip(cells[3::3], cells[4::3], strict=True):
        number = kind(check)[1]
        assert check.source.startswith(f'check("{number}", ')
        assert check.metadata.nbgrader.points == int(worth[number])
        solution = solutions(path)[number]
        assert "..." in stub.source, number
        assert solution.source.strip() not in text, number
        # what the first cell defines is a lesson, and is not the answer
        assert not solution.answer.isidentifier() or (
            f"def {solution.answer}(" not in cells[1].source
        )
    locked = [c for c in cells if c.metadata.nbgrader.locked]
    assert [c for c in cells if c not in locked] == cells[3::3]
    assert {tuple(c.metadata) for c in cells} == {("nbgrader",)}
    nbformat.validate(converted[path])


@each_chapter
def test_the_first_cell_has_what_the_solutions_need(path, converted):
    first = converted[path].cells[1].source
    known = answers._names(first, answers._BOUND) | set(dir(builtins))
    for number, solution in solutions(path).items():
        own = answers._names(solution.source, answers._BOUND)
        wanted = answers._names(solution.source, answers._READ)
        assert wanted <= known | own, number


def test_another_form_is_refused():
    lesson = nbformat.read(FIRST, as_version=4)
    for cell in lesson.cells:
        cell.source = cell.source.replace('check("1.3",', 'check("1.4",')
    with pytest.raises(ValueError, match="exercise 1.3 has another form"):
        assignment(lesson, FIRST.stem)


def test_the_course_uses_every_exercise_where_it_belongs():
    """book/teaching.md lists all exercises, by their difficulty."""
    text = (ROOT / "book" / "teaching.md").read_text("utf-8")
    asked = {"In class": {1, 2}, "At home": {3}, "For more": {4, 5}}
    listed = {}
    for words, numbers in re.findall(
        r"^- \*\*(In class|At home|For more)\.\*\*([^*]+?)(?=\n- |\n\n|\Z)",
        text,
        re.M,
    ):
        for number in re.findall(r"\d+\.\d+", numbers):
            assert number not in listed, f"{number} is listed twice"
            listed[number] = asked[words]
    for path in CHAPTERS:
        for cell in nbformat.read(path, as_version=4).cells:
            if found := POINTS.match(cell.source):
                number, difficulty = found.groups()
                assert int(difficulty) in listed.pop(number, ()), number
    assert not listed


def test_only_what_is_needed_runs_for_an_answer():
    earlier = answers.statements(
        "cell",
        "import math, os\nscale = 2\nos._exit(1)\n"
        "def twice(x): return scale * x\nwhile True: pass\nx = 3",
    )
    wanting = answers.statements("answer", "def f(x): return twice(x)")
    found = [s.text for s in answers.needed(wanting, earlier)]
    assert found == ["scale = 2", "def twice(x):\n    return scale * x"]


# --------------------------------------------------- a room with closed doors


def inside(*command, shown=(), path=None):
    """Run a command in the room, where some folders are shown."""
    return subprocess.run(
        [CONTAINED, *shown, "--", *command],
        capture_output=True,
        text=True,
        env={**os.environ, **({"PATH": path} if path else {})},
    )


def needs_a_room():
    """Skip where the machine allows none."""
    if sys.platform != "linux" or inside("true").returncode == 125:
        words = "no namespaces here: hostile answers cannot be contained"
        where = os.environ.get("CI") and os.environ.get("TEST_CLASS")
        (pytest.fail if where else pytest.skip)(words)


def test_the_room_shows_little_and_lets_nothing_out(tmp_path):
    needs_a_room()
    secret, shown = tmp_path / "secret", tmp_path / "shown"
    secret.write_text("42")
    shown.mkdir()
    (shown / "file").write_text("42")
    for path in (shown, shown / "file"):
        path.chmod(0o777)
    script = f"""
        ls {shown}
        ls {secret} {ROOT}/notebooks /home /etc/passwd
        mount -o remount,bind,rw {shown}
        rm {shown}/file
        for file in {shown}/file {shown}/new /usr/bin/env /new; do
            echo 1 >$file && echo WRITTEN
        done
        ls -d /proc/[0-9]* | wc -l
        cat /proc/net/dev | wc -l
        echo 1 >/tmp/new && cat /tmp/new
    """
    run = inside("/usr/bin/bash", "-c", script, shown=[shown])
    seen, processes, devices, own = run.stdout.split()
    assert seen == "file" and own == "1"
    assert int(processes) <= 3
    assert int(devices) <= 3  # a heading of two, and loopback
    assert secret.read_text() == (shown / "file").read_text() == "42"


def test_without_a_room_this_is_said(tmp_path):
    if sys.platform != "linux":
        pytest.skip("the room needs Linux")
    (tmp_path / "unshare").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "unshare").chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    assert inside("true", path=path).returncode == 125


# ------------------------------------------------------------ a class, graded

needs_class = pytest.mark.skipif(
    not os.environ.get("TEST_CLASS"), reason="`make test-class` grades a class"
)
# what an answer to exercise 1.1 says of itself, and how it should be named
ATTACKS = {
    "loops": ("while True: pass", "its time was over"),
    "exits": ("import os\nos._exit(0)", "it ended Python"),
    "deletes": (
        "import os\nfor path in {places}:\n"
        "    try: os.remove(path)\n"
        "    except OSError: pass",
        "[also: os.remove",
    ),
    "eats": (
        "hog = []\nwhile True: hog.append(bytearray(10**8))",
        "too much memory",
    ),
    "prints": ("while True: print('x' * 10_000)", "too much memory"),
    "calls": (
        "import socket\nsocket.create_connection(('127.0.0.1', {port}))",
        "socket.connect",
    ),
    "judges": (
        "import checks.words\nchecks.words.CHECKS['1.1'] = lambda a: None\n"
        "def check(*a): print('correct')\nodds = 1",
        "it replaced the judge",
    ),
}
# answers that try to be called correct
FAKES = {
    "library": "import torch\ntorch.equal = lambda *a: True\nodds = 1",
    "json": "import json\njson.dumps = lambda x: 'correct'\nodds = 1",
    "pipe": (
        "import os\nfor pipe in range(3, 20):\n"
        "    try: os.write(pipe, b'did correct\\n')\n"
        "    except OSError: pass\nos._exit(0)"
    ),
    "parent": "open('/proc/1/fd/1', 'w').write('correct')",
    "kill": "import os\nos.kill(os.getppid(), 9)",
    "fork": (
        "import os, time\nfor _ in range(300):\n"
        "    if not os.fork():\n        time.sleep(60)\n        os._exit(0)"
    ),
    "frames": (
        "try: 1 / 0\nexcept Exception as error:\n"
        "    frame = error.__traceback__.tb_frame.f_back\n"
        "    odds = frame.f_locals['check']"
    ),
    "class": (
        "from importlib import import_module as get\n"
        "get('checks.judge').Verdict.__repr__ = lambda s: 'correct'\nodds = 1"
    ),
}


class Class:
    """A folder of a class, and what is handed in for one chapter."""

    def __init__(self, folder, chapter):
        self.folder, self.name = folder, chapter.stem
        self.solutions = solutions(chapter)
        released = folder / "release" / self.name / f"{self.name}.ipynb"
        self.released = nbformat.read(released, as_version=4)
        self.worth = {
            kind(cell)[1]: cell.metadata.nbgrader.points
            for cell in self.released.cells
            if kind(cell)[0] == "check"
        }
        self.total = sum(self.worth.values())

    def notebook(self, sources=()):
        """All right, but for some sources: {exercise: source}."""
        sources = {n: s.source for n, s in self.solutions.items()} | dict(
            sources
        )
        notebook = nbformat.from_dict(
            json.loads(nbformat.writes(self.released))
        )
        for cell in notebook.cells:
            what, number = kind(cell)
            if what == "answer" and number in sources:
                cell.source = sources[number]
        return notebook

    def hand_in(self, student, text, name=None):
        """Hand in a text, or a notebook; return its path."""
        text = text if isinstance(text, str) else nbformat.writes(text)
        folder = self.folder / "submitted" / student / self.name
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name or self.name}.ipynb"
        path.write_text(text, "utf-8")
        return path

    def grade(self, *words):
        """Grade; return the tables."""
        run = subprocess.run(
            [PYTHON, ROOT / "tools" / "grading.py", self.folder, *words],
            capture_output=True,
            text=True,
        )
        assert run.returncode == 0, run.stderr
        assert not run.stderr
        return run.stdout

    def points(self):
        """What the gradebook says: {assignment: {student: points}}."""
        subprocess.run(
            [PYTHON, "-W", "ignore", "-m", "nbgrader", "export"],
            cwd=self.folder,
            check=True,
            capture_output=True,
            env=os.environ | {"PATH": f"{PYTHON.parent}:{os.environ['PATH']}"},
        )
        points = {}
        with open(self.folder / "grades.csv", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                found = points.setdefault(row["assignment"], {})
                found[row["student_id"]] = float(row["score"])
        return points


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A class of twelve, graded: its points, its tables and what was hurt."""
    needs_a_room()
    folder = tmp_path_factory.mktemp("a class")
    run = subprocess.run(
        [sys.executable, ROOT / "tools" / "assignments.py", folder],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    ours = Class(folder, FIRST)
    ours.others = [Class(folder, path) for path in CHAPTERS[1:]]
    for other in ours.others:
        other.hand_in("right", other.notebook())
    victim = folder / "victim"
    victim.touch()
    checks = ROOT / "notebooks" / "checks" / f"ch{FIRST.name[:2]}.py"
    before = checks.read_bytes()
    server = socket.create_server(("127.0.0.1", 0))
    server.setblocking(False)

    ours.hand_in("right", ours.notebook())
    half = {number: "" for number in list(ours.worth)[::2]}
    half[MISTAKEN] = ours.solutions[MISTAKEN].edited(MISTAKE.pairs)
    ours.hand_in("half", ours.notebook(half))
    # to try the last is enough; a book below /tmp lies in no room's /tmp
    absent = "/no/such/place"
    places = [str(p) for p in (victim, folder / "gradebook.db", absent)]
    for name, (attack, _) in ATTACKS.items():
        attack = attack.replace("{places}", str(places))
        attack = attack.replace("{port}", str(server.getsockname()[1]))
        ours.hand_in(name, ours.notebook({"1.1": attack}))
    ours.hand_in("garbles", nbformat.writes(ours.notebook())[:-500])
    missing = ours.notebook()
    missing.cells = [c for c in missing.cells if kind(c) != ("answer", "1.1")]
    missing.cells = [c for c in missing.cells if kind(c) != ("check", "1.2")]
    ours.hand_in("misses", missing)
    changed = ours.notebook({"1.1": "odds = 1"})
    for cell in changed.cells:
        if kind(cell) == ("check", "1.1"):
            cell.source = 'check("1.1", torch.arange(1, 20, 2))'
            cell.metadata.nbgrader.points = 99
    ours.hand_in("changes", changed)
    ours.hand_in("Doe, Jane", ours.notebook(), "my tensors (1)")
    linked = ours.hand_in("links", ours.notebook())
    linked.with_name("data").symlink_to("/etc/passwd")
    misplaced = folder / "submitted" / "loose"
    misplaced.mkdir()
    (misplaced / linked.name).touch()

    ours.tables = ours.grade()
    ours.hurt = [] if victim.exists() else ["a file"]
    ours.hurt += [] if checks.read_bytes() == before else ["the checks"]
    with contextlib.suppress(BlockingIOError):
        ours.hurt.append(f"the network: {server.accept()}")
    server.close()
    ours.hurt += [
        " ".join(process.info["cmdline"])
        for process in psutil.process_iter(["cmdline"])
        if str(ROOT / "tools" / "answers.py")
        in (process.info["cmdline"] or ())
    ]
    return ours


@needs_class
def test_the_points_are_right(graded):
    first, total = graded.worth["1.1"], graded.total
    lost = sum(list(graded.worth.values())[::2]) + graded.worth[MISTAKEN]
    points = graded.points()
    for other in graded.others:
        assert points[other.name]["right"] == other.total, other.name
    assert points[graded.name] == {
        "right": total,
        "half": total - lost,
        **dict.fromkeys(ATTACKS, total - first),
        "misses": total - first,
        "changes": total - first,
    }


@needs_class
def test_the_hostile_are_named_and_the_others_are_not(graded):
    names = {name: words for name, (_, words) in ATTACKS.items()} | {
        "garbles": "holds no notebook (NotJSONError)",
        "misses": "lacks the cell answer-1-1",
        "changes": "changed the locked cell check-1-1",
    }
    assert len(names) == 10
    names |= {
        "Doe, Jane": f"lacks the file {graded.name}.ipynb",
        "links": "holds a link",
    }
    opening, *tables = graded.tables.split("| student | worth a look |")
    assert len(tables) == len(CHAPTERS)
    assert f"left out: submitted/loose/{graded.name}.ipynb" in opening
    look, last, *_ = tables[0].split("\n\n")
    assert last == "Not from: loose."
    rows = [row.strip("| ").split(" | ") for row in look.splitlines()[2:]]
    said = {}
    for student, words in rows:
        said[student] = f"{said.get(student, '')}; {words}"
    assert said.keys() == names.keys()
    for student, words in names.items():
        assert words in said[student], student


@needs_class
def test_nothing_is_harmed(graded):
    assert not graded.hurt


@needs_class
def test_the_table_says_where_the_class_fails(graded):
    rows = [
        row.strip("| ").split(" | ")
        for row in graded.tables.splitlines()
        if re.match(r"\| 1\.\d+ \|", row)
    ]
    assert [row[0] for row in rows] == list(graded.worth)
    table = {row[0]: [int(n) for n in row[2:6]] for row in rows}
    assert all(sum(counts) == 11 for counts in table.values())
    place = list(table).index(MISTAKEN)
    assert table[MISTAKEN] == [10, 1, 0, 0]
    assert MISTAKE.hint in rows[place][-1]


@needs_class
def test_what_is_new_or_was_interrupted_is_graded_alone(graded):
    """And a check of the lecturer's own counts; the last of these tests."""
    half = graded.hand_in("half", graded.notebook({"1.1": "odds = 8"}))
    os.utime(half, (0, 0))  # an old file, copied just now
    page = f"feedback/right/{graded.name}/{graded.name}.html"
    (graded.folder / page).unlink()
    checks = graded.folder / "release" / graded.name / "checks"
    check = checks / f"ch{graded.name[:2]}.py"
    own = '\n\n@exercise("1.1")\ndef own(answer):\n'
    own += '    expect(answer == 8, "eight is wanted")\n'
    check.write_text(
        check.read_text("utf-8").replace('@exercise("1.1")', "") + own, "utf-8"
    )
    graded.grade(graded.name)
    points = graded.points()[graded.name]
    assert points["half"] == graded.total
    assert points["right"] == graded.total - graded.worth["1.1"]
    assert points["misses"] == graded.total - graded.worth["1.1"]


@needs_class
def test_what_was_changed_is_released_anew(graded):
    """And the points, and the rest, stay."""
    source, released = (
        graded.folder / part / graded.name / f"{graded.name}.ipynb"
        for part in ("source", "release")
    )
    other = released.parents[1] / graded.others[0].name
    before = graded.points(), other.stat().st_ctime
    text = source.read_text("utf-8").replace("# Exercises:", "# Homework:")
    source.write_text(text, "utf-8")
    subprocess.run(
        [sys.executable, ROOT / "tools" / "assignments.py", graded.folder],
        check=True,
    )
    assert "# Homework:" in released.read_text("utf-8")
    assert (graded.points(), other.stat().st_ctime) == before


@needs_class
@pytest.mark.parametrize("fake", FAKES)
def test_a_faked_verdict_is_not_correct(fake):
    needs_a_room()
    cells = [
        ["set-up", "given", "import torch"],
        ["answer-1-1", "own", FAKES[fake]],
        ["check-1-1", "check", 'check("1.1", odds)'],
        ["answer-1-2", "own", "shapes = {}"],
        ["check-1-2", "check", 'check("1.2", shapes)'],
    ]
    places = {Path(sys.executable).resolve().parents[1], sys.prefix}
    python = ROOT / "tools" / "answers.py"
    run = subprocess.run(
        [CONTAINED, *places, ROOT / "notebooks" / "checks"]
        + [ROOT / "data" / "guard.py", python, "--", sys.executable, python],
        input=json.dumps(cells),
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT / "notebooks")},
    )
    first, second = map(json.loads, run.stdout.splitlines())
    assert first[:1] == ["check-1-1"] and first[1] in ("not yet", "stopped")
    assert second[:2] == ["check-1-2", "not yet"]
