"""The answer checks see small mistakes: mutants of the committed solutions.

Each simple mutant of a solution is judged. A check that accepts one needs a
case more, unless the mutant does the same as the solution: then it is listed
in `EQUAL` of tests/wrong/chNN.py with the reason.
"""

import pytest

from cells import CHAPTERS, each_chapter
from mutants import mutants
from solutions import chapter, held, solutions

SHARE = 0.95  # of the mutants of a chapter, what a check has to refuse

EACH = [
    pytest.param(path, solution, id=number)
    for path in CHAPTERS
    for number, solution in solutions(path).items()
]


def accepted(solution, judge, equal):
    """The names of a solution's mutants that its check calls correct.

    Args:
        solution: a `solutions.Solution`.
        judge: the function (number, answer, patient) -> verdict.
        equal: the names that are expected; they get more time.
    """
    names = []
    for mutant in mutants(solution.source):
        try:
            answer = solution.build(mutant.source)
        except Exception:
            continue  # the learner sees the error before any check
        verdict = judge(solution.number, answer, mutant.name in equal)
        if verdict.state == "correct":
            names.append(mutant.name)
    return names


@pytest.mark.parametrize("path, solution", EACH)
def test_a_check_refuses_the_mutants_of_its_solution(
    path, solution, quick_judge
):
    equal = held(path, "EQUAL").get(solution.number, {})
    names = accepted(solution, quick_judge, equal)
    new = [name for name in names if name not in equal]
    assert not new, f"{solution.number} accepts\n" + "\n".join(new)
    stale = sorted(set(equal) - set(names))
    assert not stale, f"{solution.number}: no longer accepted: {stale}"
    for name, reason in equal.items():
        assert len(reason.split()) >= 3, f"{solution.number}, {name}: why?"


@each_chapter
def test_few_mutants_are_equal(path):
    """What is listed as equal in behaviour stays a small share."""
    listed = sum(map(len, held(path, "EQUAL").values()))
    every = sum(len(mutants(s.source)) for s in solutions(path).values())
    assert listed <= (1 - SHARE) * every, (
        f"chapter {chapter(path)}: {listed} of {every} mutants are accepted"
    )


def test_what_the_mutants_of_a_source_are():
    source = (
        "def half(x, dim=0):\n"
        '    """Docstrings are 1 thing that stays."""\n'
        "    with torch.no_grad():\n"
        "        y = x[1:].mean(dim).detach()\n"
        "    if y >= 2 and not x:\n"
        "        y += 0.5\n"
        "    return -y\n"
    )
    after = {m.name.partition(" => ")[2] for m in mutants(source)}
    assert after == {
        "def half(x, dim=1):",
        "with torch.enable_grad():",
        "y = x[1:].mean(dim)",
        "y = x[1:].sum(dim).detach()",
        "y = x[0:].mean(dim).detach()",
        "y = x[2:].mean(dim).detach()",
        "y = x[:].mean(dim).detach()",
        "if (not (y >= 2 and not x)):",
        "if (y >= 2):",
        "if (not x):",
        "if y >= 2 or not x:",
        "if y > 2 and not x:",
        "if y >= 1 and not x:",
        "if y >= 3 and not x:",
        "if y >= 2 and (x):",
        "pass",
        "y -= 0.5",
        "y += 0.75",
        "return (y)",
    }


def test_an_edit_of_a_text_that_is_not_there_once_is_named():
    some = next(iter(solutions(CHAPTERS[0]).values()))
    with pytest.raises(LookupError, match="stands 0 times"):
        some.edited([("no such text", "")])
    assert some.edited([(some.source, "x = 1")]) == "x = 1"
