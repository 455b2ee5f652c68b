"""Answer checks: `check("1.3", answer)` shows one line about an answer.

The line is `not attempted yet`, `not yet: <hint>` or `correct`.
"""

import importlib.util
from pathlib import Path

from IPython.display import display

from checks.judge import judge as _judge

__all__ = ["DataError", "check", "data_path"]


def _load_guard():
    """Load `data/guard.py`, which is on no search path."""
    path = Path(__file__).resolve().parents[2] / "data" / "guard.py"
    if not path.is_file():
        raise ImportError(
            "data/guard.py is missing: run `git checkout -- data` in the "
            "book's folder"
        )
    spec = importlib.util.spec_from_file_location("guard", path)
    guard = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(guard)
    return guard.DataError, guard.data_path


DataError, data_path = _load_guard()


def check(number, answer):
    """Show one line that says how good `answer` is for exercise `number`.

    Args:
        number: the exercise as text, "1.3" for the third of chapter 1.
        answer: what the exercise asks for: a value, a function or a class.
    """
    display(_judge(number, answer))
