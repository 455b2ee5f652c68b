"""What several tests share."""

import pytest

from checks import containment
from checks.judge import judge


@pytest.fixture
def quick_judge(monkeypatch):
    """`judge` with a short limit, for answers that may well never end."""
    monkeypatch.setattr(containment, "TIME_LIMIT", 1.0)
    monkeypatch.setattr(containment, "WALL_LIMIT", 20.0)
    return judge
