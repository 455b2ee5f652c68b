"""What several tests share."""

import pytest

from checks import containment
from checks.judge import judge

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
