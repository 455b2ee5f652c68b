"""What several tests share."""

import re
from pathlib import Path

import pytest

from checks import containment
from checks.judge import judge

FAILED = Path(__file__).parents[1] / "_build" / "failed"
LATE = "no answer after"  # so begins the hint for an answer that takes long


@pytest.fixture
def quick_judge(monkeypatch):
    """`judge` with a short limit, for answers that may well never end.

    With `patient`, an answer that takes longer gets the usual time too: on a
    busy machine one that ends may need it.
    """

    def quick(number, answer, patient=False):
        with monkeypatch.context() as short:
            short.setattr(containment, "TIME_LIMIT", 1.0)
            short.setattr(containment, "WALL_LIMIT", 20.0)
            verdict = judge(number, answer)
        if patient and verdict.hint.startswith(LATE):
            return judge(number, answer)
        return verdict

    return quick


@pytest.fixture
def one_line(capsys):
    """A function that gives what was printed, and fails if no single line."""

    def said():
        text = capsys.readouterr().out
        assert text.count("\n") == 1
        return text

    return said


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Keep a picture of the browser's tab when its test fails."""
    report = yield
    given = getattr(item, "funcargs", {})
    tab = given.get("page") or given.get("tab")
    if call.when == "call" and report.failed and hasattr(tab, "screenshot"):
        FAILED.mkdir(parents=True, exist_ok=True)
        name = re.sub(r"\W+", "-", item.name).strip("-")
        tab.screenshot(path=FAILED / f"{name}.png")
    return report
