"""The answer checks: what is wrong is refused, with its hint."""

import importlib
import re
import time
from pathlib import Path

import nbformat
import pytest
import torch

import checks

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
MINIMUM = 6  # exercises a chapter


def chapter(path):
    """The number of a chapter's notebook: 1 for 01_tensors.ipynb."""
    return int(path.stem[:2])


def wrong_answers(path):
    """The wrong answers held for a chapter: {exercise: [(answer, hint)]}."""
    try:
        return importlib.import_module(f"answers.ch{chapter(path):02}").WRONG
    except ModuleNotFoundError:
        return {}  # the test of the parts then says which are missing


def exercises(path):
    """The numbers of the exercises of a notebook, in order."""
    cells = nbformat.read(path, as_version=4).cells
    text = "\n".join(
        cell.source for cell in cells if cell.cell_type == "markdown"
    )
    return re.findall(r"^### Exercise (\d+\.\d+)$", text, re.M)


EXERCISES = [
    (path, number) for path in NOTEBOOKS for number in exercises(path)
]
WRONG = [
    pytest.param(number, answer, hint, id=f"{number}-{index}")
    for path in NOTEBOOKS
    for number, answers in wrong_answers(path).items()
    for index, (answer, hint) in enumerate(answers, start=1)
]


def _raise(*args, **kwargs):
    raise KeyError("from the learner's code")


def _leave(*args, **kwargs):
    raise SystemExit(3)


def _hang(*args, **kwargs):
    while True:
        pass


def _hang_and_swallow(*args, **kwargs):
    stop = time.monotonic() + 1
    while time.monotonic() < stop:
        try:
            time.sleep(1)
        except BaseException:
            continue
    return 0


def _mutate(*args, **kwargs):
    for value in args:
        if isinstance(value, torch.Tensor):
            value.zero_()
    return torch.zeros(3)


class _Odd:
    """An object whose every use raises."""

    def __getattr__(self, name):
        raise RuntimeError(name)


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
    "returns text": lambda *args, **kwargs: "42",
    "returns nan": lambda *args, **kwargs: torch.tensor(float("nan")),
    "takes nothing": lambda: 0,
    "mutates": _mutate,
}


def _is_number_order(numbers):
    return [int(number.split(".")[1]) for number in numbers] == list(
        range(1, len(numbers) + 1)
    )


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
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
                solution = cell
        assert said == ["not attempted yet", "correct"], f"{where}: {said}"
        assert "hide-cell" in solution.metadata.get("tags", []), where
        assert solution.metadata.get("jupyter", {}).get("source_hidden"), where
    held = wrong_answers(path)
    assert sorted(held) == sorted(numbers), f"{path.name}: wrong answers"
    for number, answers in held.items():
        assert len(answers) >= 2, (
            f"exercise {number}: fewer than 2 wrong answers"
        )


@pytest.mark.parametrize("number, answer, hint", WRONG)
def test_a_wrong_answer_gets_its_hint(number, answer, hint):
    verdict = checks.judge(number, answer)
    assert verdict.state == "not yet", f"{number}: {verdict}"
    assert hint in verdict.hint, f"{number}: {verdict}"


@pytest.mark.parametrize(
    "path, number", EXERCISES, ids=[n for _, n in EXERCISES]
)
def test_no_answer_breaks_a_check(path, number, monkeypatch):
    """Whatever a learner passes, the check answers, in one line."""
    monkeypatch.setattr(checks, "TIME_LIMIT", 2.0)
    for name, answer in HOSTILE.items():
        state = torch.get_rng_state()
        verdict = checks.judge(number, answer)
        assert verdict.state == "not yet", f"{number}, {name}: {verdict}"
        assert "\n" not in repr(verdict), f"{number}, {name}"
        assert torch.equal(state, torch.get_rng_state()), f"{number}, {name}"
    for stub in (..., None):
        assert repr(checks.judge(number, stub)) == "not attempted yet"


@pytest.mark.parametrize("answer", [_hang, _hang_and_swallow])
def test_an_answer_that_runs_on_is_stopped(answer, monkeypatch):
    monkeypatch.setattr(checks, "TIME_LIMIT", 0.2)
    monkeypatch.setitem(checks._CHECKS, "0.1", lambda a: checks.call(a))
    start = time.monotonic()
    checks.judge("0.1", answer)
    assert time.monotonic() - start < 2


def test_a_hang_is_named(monkeypatch):
    monkeypatch.setattr(checks, "TIME_LIMIT", 0.2)
    monkeypatch.setitem(checks._CHECKS, "0.1", lambda a: checks.call(a))
    assert "no answer after 0.2 seconds" in checks.judge("0.1", _hang).hint


def test_an_unknown_exercise_is_named():
    assert checks.judge("1.99", 0).hint == 'there is no exercise "1.99"'


def test_a_changed_input_is_named(monkeypatch):
    monkeypatch.setitem(
        checks._CHECKS, "0.1", lambda a: checks.call(a, torch.ones(2))
    )
    assert "changes its input" in checks.judge("0.1", _mutate).hint


def test_a_stub_class_is_not_attempted(monkeypatch):
    class Stub(torch.nn.Module):
        def forward(self, X): ...

        @staticmethod
        def backward(ctx, grad): ...

    monkeypatch.setitem(checks._CHECKS, "0.1", lambda a: None)
    assert checks.judge("0.1", Stub).state == "not attempted yet"
    assert checks.judge("0.1", torch.nn.Linear).state == "correct"
