"""The answer checks: what is wrong is refused, with its hint."""

import re

import nbformat
import pytest
import torch

from cells import CHAPTERS, each_chapter
from checks.judge import judge
from solutions import chapter, held, solution, wrong_answer

MINIMUM = 6  # exercises a chapter


def exercises(path):
    """The numbers of the exercises of a notebook, in order."""
    cells = nbformat.read(path, as_version=4).cells
    text = "\n".join(
        cell.source for cell in cells if cell.cell_type == "markdown"
    )
    return re.findall(r"^### Exercise (\d+\.\d+)$", text, re.M)


EXERCISES = [(path, number) for path in CHAPTERS for number in exercises(path)]
WRONG = [
    pytest.param(number, given, id=f"{number}-{index}")
    for path in CHAPTERS
    for number, answers in held(path).items()
    for index, given in enumerate(answers, start=1)
]

RIGHT = [
    pytest.param(number, pair, id=f"{number}-{index}")
    for path in CHAPTERS
    for number, pairs in held(path, "RIGHT").items()
    for index, pair in enumerate(pairs, start=1)
]


def _raise(*args, **kwargs):
    raise KeyError("from the learner's code")


def _leave(*args, **kwargs):
    raise SystemExit(3)


def _quit(*args, **kwargs):
    raise BaseException("neither error nor exit")


def _mutate(*args, **kwargs):
    for value in args:
        if isinstance(value, torch.Tensor):
            value.zero_()
    return torch.zeros(3)


class _Odd:
    """An object whose every use raises."""

    def __getattr__(self, name):
        raise RuntimeError(name)


class _Yes(tuple):
    """A tuple that is equal to everything."""

    __hash__ = tuple.__hash__

    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False


HOSTILE = {
    "text": "42",
    "list": [1, 2, 3],
    "nested list": [[1.0], [2.0]],
    "dict": {"a": 1},
    "nan": float("nan"),
    "nan tensor": torch.full((2, 3), float("nan")),
    "empty tensor": torch.empty(0),
    "complex tensor": torch.zeros(2, dtype=torch.complex64),
    "odd object": _Odd(),
    "module": torch.nn.Identity(),
    "class": _Odd,
    "raises": _raise,
    "leaves": _leave,
    "quits": _quit,
    "says yes": _Yes(),
    "returns yes": lambda *args, **kwargs: _Yes(),
    "returns text": lambda *args, **kwargs: "42",
    "returns nan": lambda *args, **kwargs: torch.tensor(float("nan")),
    "takes nothing": lambda: 0,
    "mutates": _mutate,
}


def _is_number_order(numbers):
    return [int(number.split(".")[1]) for number in numbers] == list(
        range(1, len(numbers) + 1)
    )


@each_chapter
def test_every_exercise_has_all_its_parts(path):
    """The stub is not attempted, the folded solution is correct."""
    cells = nbformat.read(path, as_version=4).cells
    numbers = exercises(path)
    assert len(numbers) >= MINIMUM, f"{path.name}: {len(numbers)} exercises"
    assert all(n.startswith(f"{chapter(path)}.") for n in numbers), path.name
    assert _is_number_order(numbers), f"{path.name}: exercises out of order"
    for number in numbers:
        where = f"{path.name}, exercise {number}"
        said = []
        for cell in cells:
            if cell.cell_type == "code" and f'check("{number}"' in cell.source:
                texts = [
                    o.data["text/plain"] for o in cell.outputs if "data" in o
                ]
                said.append(texts[-1] if texts else "nothing")
                folded = cell
        assert said == ["not attempted yet", "correct"], f"{where}: {said}"
        assert "hide-cell" in folded.metadata.get("tags", []), where
        assert folded.metadata.get("jupyter", {}).get("source_hidden"), where
    wrong = held(path)
    assert sorted(wrong) == sorted(numbers), f"{path.name}: wrong answers"
    for number, answers in wrong.items():
        assert len(answers) >= 2, (
            f"exercise {number}: fewer than 2 wrong answers"
        )


@pytest.mark.parametrize("number, given", WRONG)
def test_a_wrong_answer_gets_its_hint(number, given, quick_judge):
    answer, hint = wrong_answer(number, given)
    verdict = quick_judge(number, answer, patient="no answer" not in hint)
    assert verdict.state == "not yet", f"{number}: {verdict}"
    assert hint in verdict.hint, f"{number}: {verdict}"


@pytest.mark.parametrize("number, pair", RIGHT)
def test_an_unusual_right_answer_is_accepted(number, pair):
    known = solution(number)
    answer = known.build(known.edited([pair]))
    assert repr(judge(number, answer)) == "correct"


@pytest.mark.parametrize(
    "path, number", EXERCISES, ids=[n for _, n in EXERCISES]
)
def test_no_answer_breaks_a_check(path, number, record_property):
    """Whatever a learner passes, the check answers, in one line."""
    record_property("exercise", number)  # for the table at the end
    for name, answer in HOSTILE.items():
        state = torch.get_rng_state()
        verdict = judge(number, answer)
        assert verdict.state == "not yet", f"{number}, {name}: {verdict}"
        assert "\n" not in repr(verdict), f"{number}, {name}"
        assert torch.equal(state, torch.get_rng_state()), f"{number}, {name}"
    for stub in (..., None):
        assert repr(judge(number, stub)) == "not attempted yet"
