"""Each clause of each answer check is needed by a wrong answer.

A clause is a statement that can refuse an answer: a call of `expect`,
`same_tensor` and their like, or `raise Hint`. Each is taken out in turn; then
one of the wrong answers of tests/wrong has to be accepted or to get another
hint. A clause that nothing needs is untested or superfluous.
"""

import ast
import importlib
from functools import cache
from pathlib import Path

import checks
from cells import each_chapter
from checks import words
from solutions import chapter, held, wrong_answer

REFUSING = {
    *("expect", "is_tensor", "same_number", "same_tensor", "same_value"),
}
FOLDER = Path(checks.__file__).parent


def clauses(source):
    """The statements of a module's source that can refuse an answer."""
    return [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and getattr(node.value.func, "id", "") in REFUSING
        or isinstance(node, ast.Raise)
        and isinstance(node.exc, ast.Call)
        and getattr(node.exc.func, "id", "") == "Hint"
    ]


def without(source, clause):
    """The source with one statement replaced by `pass`, lines kept."""
    lines = source.splitlines()
    first, last = clause.lineno - 1, clause.end_lineno
    indent = lines[first][: clause.col_offset]
    lines[first:last] = [f"{indent}pass"] + [""] * (last - first - 1)
    return "\n".join(lines) + "\n"


@cache
def tops(source):
    """The functions and classes of a module's source, {name: (node, names)}.

    The names are all those that it mentions.
    """
    return {
        node.name: (
            node,
            {n.id for n in ast.walk(node) if isinstance(n, ast.Name)},
        )
        for node in ast.parse(source).body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
    }


def users_of(source, clause):
    """The functions and classes that hold a clause or mention such a one."""
    every = tops(source)
    users = {
        name
        for name, (node, _) in every.items()
        if node.lineno <= clause.lineno <= node.end_lineno
    }
    while True:  # and who mentions those, and so on
        more = {name for name, (_, names) in every.items() if names & users}
        if more <= users:
            return [name for name in every if name in users]
        users |= more


def changed_checks(source, clause, name):
    """The checks that are other ones without a clause, {exercise: function}.

    Only what holds the clause is executed again, in a copy of the module.
    """
    module = dict(vars(importlib.import_module(name)))
    kept = dict(words.CHECKS)  # now that its own are among them
    shorter = ast.parse(without(source, clause))
    users = users_of(source, clause)
    shorter.body = [n for n in shorter.body if getattr(n, "name", "") in users]
    words.CHECKS.clear()
    try:
        exec(compile(shorter, module["__file__"], "exec"), module)
        return dict(words.CHECKS)
    finally:
        words.CHECKS.clear()
        words.CHECKS.update(kept)


@cache
def answers(path, number):
    """The wrong answers of an exercise, ready to be judged, with hints."""
    return [
        wrong_answer(number, answer) for answer in held(path).get(number, [])
    ]


def is_needed(path, clause, source, judge, monkeypatch):
    """Whether a wrong answer passes or is told otherwise without a clause."""
    name = f"checks.ch{chapter(path):02}"
    changed = changed_checks(source, clause, name)
    said = [n.value for n in ast.walk(clause) if isinstance(n, ast.Constant)]

    def is_meant(answer_and_hint):
        return any(answer_and_hint[1] in str(text) for text in said)

    for number in changed:
        with monkeypatch.context() as patch:
            patch.setitem(words.CHECKS, number, changed[number])
            # those that get the clause's own hint need it most likely
            for answer, hint in sorted(
                answers(path, number), key=is_meant, reverse=True
            ):
                verdict = judge(number, answer)
                if verdict.state != "not yet" or hint not in verdict.hint:
                    return True
    return False


@each_chapter
def test_every_clause_is_needed(path, quick_judge, monkeypatch):
    source = (FOLDER / f"ch{chapter(path):02}.py").read_text("utf-8")
    lines = source.splitlines()
    idle = [
        f"checks/ch{chapter(path):02}.py:{clause.lineno}: "
        f"{lines[clause.lineno - 1].strip()}"
        for clause in clauses(source)
        if not is_needed(path, clause, source, quick_judge, monkeypatch)
    ]
    assert not idle, "no wrong answer needs\n" + "\n".join(idle)


SMALL = """
def positive(value):
    if value < 0:
        raise Hint("negative")


@exercise("0.1")
def number(answer):
    positive(answer)
    expect(answer != 3, "three")


@exercise("0.2")
def other(answer):
    same_number(
        answer, 2, "two"
    )
"""


def test_the_clauses_of_a_module_and_who_needs_them():
    found = clauses(SMALL)
    users = [users_of(SMALL, clause) for clause in found]
    assert sorted(users) == [["number"], ["other"], ["positive", "number"]]
    for clause in found:
        shorter = without(SMALL, clause)
        assert len(clauses(shorter)) == 2
        assert len(shorter.splitlines()) == len(SMALL.splitlines())
