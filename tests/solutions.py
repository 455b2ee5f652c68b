"""The committed solutions of the exercises, and answers made from them.

A solution is the folded cell that ends in `check("1.3", answer)`. It needs
imports and now and then a function of its chapter; both are found by name in
the cells before it, so that no other cell has to run.
"""

import ast
import builtins
import importlib
import linecache
from dataclasses import dataclass
from functools import cache

import nbformat

from cells import CHAPTERS


@dataclass(frozen=True)
class Edit:
    """A wrong answer: the committed solution with some texts replaced.

    Attributes:
        pairs: (old, new) texts; each old one stands once in the solution.
        hint: words of the hint that the check has to give.
    """

    pairs: tuple
    hint: str


def edit(old, new, hint):
    """The wrong answer made by replacing one text in the solution."""
    return Edit(((old, new),), hint)


def edits(*pairs, hint):
    """The wrong answer made by replacing several texts in the solution."""
    return Edit(pairs, hint)


@dataclass(frozen=True)
class Solution:
    """One committed solution.

    Attributes:
        number: the exercise, "1.3".
        known: {name: the import or definition of it in an earlier cell}.
        source: its own source, without the call of `check`.
        answer: source of the expression that `check` is given.
    """

    number: str
    known: dict
    source: str
    answer: str

    def build(self, source=None):
        """Execute a source in place of the solution; return the answer.

        Args:
            source: Python source, by default the committed one.

        Raises:
            Exception: whatever the source raises.
        """
        source = self.source if source is None else source
        names = {"__name__": "__main__"}
        prelude = _needed(ast.parse(source).body, self.known)
        exec(compile(prelude, f"<prelude {self.number}>", "exec"), names)
        file = f"<solution {self.number}>"
        # inspect.getsource looks here, as it does in a notebook
        lines = source.splitlines(keepends=True)
        linecache.cache[file] = (len(source), None, lines, file)
        exec(compile(source, file, "exec"), names)
        return eval(self.answer, names)

    def edited(self, pairs):
        """The source with texts replaced.

        Raises:
            LookupError: an old text does not stand in it exactly once.
        """
        source = self.source
        for old, new in pairs:
            if source.count(old) != 1:
                raise LookupError(
                    f"{self.number}: {old!r} stands {source.count(old)} "
                    "times in the solution, an edit needs it once"
                )
            source = source.replace(old, new)
        return source


def chapter(path):
    """The number of a chapter's notebook: 1 for 01_tensors.ipynb."""
    return int(path.stem[:2])


@cache
def solutions(path):
    """The solutions of a notebook: {exercise: Solution}, in order."""
    known, found = {}, {}
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type != "code":
            continue
        try:
            body = ast.parse(cell.source).body
        except SyntaxError:  # a cell with a magic command defines nothing
            continue
        if "hide-cell" in cell.metadata.get("tags", []) and _is_check(body):
            number, answer = (ast.unparse(a) for a in body[-1].value.args[:2])
            number = ast.literal_eval(number)
            lines = cell.source.splitlines()[: body[-1].lineno - 1]
            source = "\n".join(lines).rstrip() + "\n"
            found[number] = Solution(number, dict(known), source, answer)
        for statement in body:
            for name in _defined(statement):
                known[name] = statement
    return found


def solution(number):
    """The solution of one exercise, "1.3"."""
    for path in CHAPTERS:
        if path.stem.startswith(f"{int(number.partition('.')[0]):02}_"):
            return solutions(path)[number]
    raise LookupError(f"there is no chapter of exercise {number}")


def held(path, name="WRONG"):
    """What tests/wrong/chNN.py holds for a chapter under a name.

    Args:
        path: the chapter's notebook.
        name: WRONG, {exercise: [wrong answers]}, each an `edit` of the
            solution or an (answer, hint) pair; RIGHT, {exercise: [(old,
            new) texts of the solution]}; or EQUAL, {exercise: {name of a
            mutant: why it is as good as the solution}}.

    Returns:
        The dict; empty if the module or the name is missing.
    """
    module = f"wrong.ch{chapter(path):02}"
    try:
        return getattr(importlib.import_module(module), name, {})
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        return {}


def wrong_answer(number, given):
    """A wrong answer as it is held, made ready: the answer and its hint.

    Args:
        number: the exercise, "1.3".
        given: an `Edit`, or an (answer, hint) pair.
    """
    if isinstance(given, Edit):
        known = solution(number)
        return known.build(known.edited(given.pairs)), given.hint
    return given


def _is_check(body):
    """Whether a cell ends in a call of `check`."""
    last = body[-1].value if body and isinstance(body[-1], ast.Expr) else None
    return isinstance(last, ast.Call) and ast.unparse(last.func) == "check"


def _defined(statement):
    """The names that a top-level import, function or class defines."""
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return [
            (alias.asname or alias.name).partition(".")[0]
            for alias in statement.names
        ]
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return [statement.name]
    return []


def _needed(statements, known):
    """Source of what some statements need of the cells before them."""
    needed, waiting, seen = [], list(statements), set()
    while waiting:
        for node in ast.walk(waiting.pop(0)):
            if not isinstance(node, ast.Name) or node.id in seen:
                continue
            seen.add(node.id)
            if node.id in known and not hasattr(builtins, node.id):
                statement = known[node.id]
                if statement not in needed:
                    needed.append(statement)
                    waiting.append(statement)
    return "\n".join(ast.unparse(statement) for statement in needed[::-1])
