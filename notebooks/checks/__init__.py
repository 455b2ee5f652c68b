"""Answer checks: `check("1.3", answer)` shows one line about an answer.

The line is `not attempted yet`, `not yet: <hint>` or `correct`. A check never
raises on a wrong answer, never runs longer than `TIME_LIMIT` seconds, leaves
the random number generator and the global settings of torch as they were and
never shows the solution.

The checks of a chapter live in `ch01.py`, `ch02.py` and so on. Each is a
function of the answer, registered by `@exercise("1.3")`, that raises `Hint`
as soon as something is wrong (see `expect`, `call`, `same_tensor`,
`same_number`).
"""

import contextlib
import copy
import html
import importlib
import io
import math
import numbers
import random
import signal
import threading
import types
import warnings
from dataclasses import dataclass

import numpy as np
import torch
from IPython.display import display

from checks.data import DataError, data_path

__all__ = ["DataError", "check", "data_path"]

TIME_LIMIT = 10.0  # seconds for one answer

_CHECKS = {}


class Hint(Exception):
    """What is wrong with an answer, in words that give nothing away."""


class _TimeUp(BaseException):
    """Raised inside a learner's code when the time for one answer is over."""


@dataclass(frozen=True)
class Verdict:
    """The result of one check: `state` and, when it is "not yet", a hint."""

    state: str
    hint: str = ""

    def __repr__(self):
        return f"{self.state}: {self.hint}" if self.hint else self.state

    def _repr_html_(self):
        mark, colour = {
            "correct": ("✓", "#1a7f37"),
            "not yet": ("✗", "#bc4c00"),
            "not attempted yet": ("○", "#6e7781"),
        }[self.state]
        return (
            f'<div style="border-left:4px solid {colour};padding:.3em .8em">'
            f'<span aria-hidden="true">{mark} </span>{html.escape(repr(self))}'
            "</div>"
        )


def exercise(number):
    """Register a function of one answer as the check of exercise `number`."""

    def register(function):
        if number in _CHECKS:
            raise ValueError(f"exercise {number} has two checks")
        _CHECKS[number] = function
        return function

    return register


def check(number, answer):
    """Show one line that says how good `answer` is for exercise `number`.

    Args:
        number: the exercise as text, "1.3" for the third of chapter 1.
        answer: what the exercise asks for: a value, a function or a class.
    """
    display(judge(number, answer))


def judge(number, answer):
    """Return the `Verdict` on `answer` for exercise `number`; never raise."""
    function = _find(number)
    if function is None:
        return Verdict("not yet", f'there is no exercise "{number}"')
    if _is_untouched(answer):
        return Verdict("not attempted yet")
    try:
        with _contained():
            function(answer)
    except Hint as hint:
        return Verdict("not yet", str(hint))
    except _TimeUp:
        return Verdict(
            "not yet",
            f"no answer after {TIME_LIMIT:g} seconds; does a loop never end?",
        )
    except (Exception, SystemExit, GeneratorExit) as error:
        return Verdict(
            "not yet", f"the answer could not be used: {_line(error)}"
        )
    return Verdict("correct")


def expect(condition, hint):
    """Raise `Hint(hint)` unless `condition` holds."""
    if not condition:
        raise Hint(hint)


def call(function, *args, mutates=False, **kwargs):
    """Call a learner's function and turn what goes wrong into a hint.

    Args:
        function: the learner's function or class.
        args, kwargs: its arguments.
        mutates: True when the exercise asks to change an argument in place.

    Returns:
        What the function returned.

    Raises:
        Hint: it is not callable, raised, or changed one of its arguments.
    """
    expect(
        callable(function),
        f"a function is asked for, this is {_kind(function)}",
    )
    before = copy.deepcopy((args, kwargs))
    try:
        result = function(*args, **kwargs)
    except (Exception, SystemExit, GeneratorExit) as error:
        raise Hint(f"your code raised {_line(error)}") from None
    if not mutates:
        expect(
            _unchanged(before, (args, kwargs)),
            "your code changes its input; work on a copy",
        )
    return result


def same_tensor(value, want, hint, *, name="the result", rtol=1e-4, atol=1e-5):
    """Raise `Hint` unless `value` is a tensor like `want` in all that counts.

    Type, shape, dtype and NaN are told apart from wrong numbers; only the
    last gets the exercise's own `hint`.
    """
    is_tensor(value, shape=want.shape, dtype=want.dtype, name=name)
    value = value.detach()
    if not want.is_floating_point() or not want.isnan().any():
        expect(
            not (value.is_floating_point() and value.isnan().any()),
            f"{name} holds NaN",
        )
    close = torch.allclose(
        value.to("cpu"), want.detach(), rtol=rtol, atol=atol, equal_nan=True
    )
    expect(close, hint)


def is_tensor(value, *, shape=None, dtype=None, name="the result"):
    """Raise `Hint` unless `value` is a tensor of this shape and dtype."""
    expect(value is not None, f"{name} is None; is a return missing?")
    expect(
        isinstance(value, torch.Tensor),
        f"{name} should be a tensor, it is {_kind(value)}",
    )
    if shape is not None:
        expect(
            value.shape == torch.Size(shape),
            f"{name} has shape {tuple(value.shape)}, not {tuple(shape)}",
        )
    if dtype is not None:
        expect(
            value.dtype == dtype,
            f"{name} has dtype {value.dtype}, not {dtype}",
        )


def same_number(value, want, hint, *, name="the result", rtol=1e-4, atol=1e-6):
    """Raise `Hint` unless `value` is a plain number close to `want`.

    A tensor or array is refused with the advice to use `.item()`; a bool is
    no number unless `want` is one.
    """
    expect(value is not None, f"{name} is None; is a return missing?")
    expect(
        not isinstance(value, (torch.Tensor, np.ndarray)),
        f"{name} should be a Python number, it is {_kind(value)}; see .item()",
    )
    expect(
        isinstance(value, numbers.Real)
        and isinstance(value, (bool, np.bool_)) == isinstance(want, bool),
        f"{name} should be a {type(want).__name__}, it is {_kind(value)}",
    )
    expect(not math.isnan(value), f"{name} is NaN")
    expect(math.isclose(value, want, rel_tol=rtol, abs_tol=atol), hint)


def _find(number):
    """The check of an exercise, or None."""
    chapter = str(number).partition(".")[0]
    if chapter.isdigit():
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module(f"checks.ch{int(chapter):02}")
    return _CHECKS.get(number)


def _stub(): ...


def _is_untouched(answer):
    """Whether an answer is still the stub that the notebook ships."""
    if answer is None or answer is Ellipsis:
        return True
    if isinstance(answer, (tuple, list)):
        return any(item is Ellipsis for item in answer)
    if isinstance(answer, dict):
        return any(item is Ellipsis for item in answer.values())
    if isinstance(answer, types.FunctionType):
        code = answer.__code__
        return code.co_code == _stub.__code__.co_code and not code.co_names
    if isinstance(answer, type):
        members = [getattr(m, "__func__", m) for m in vars(answer).values()]
        methods = [
            member
            for member in members
            if isinstance(member, types.FunctionType)
            and member.__name__ != "__init__"
        ]
        return bool(methods) and all(
            _is_untouched(method) for method in methods
        )
    return False


@contextlib.contextmanager
def _contained():
    """Run a check with limited time and leave no trace of it behind."""
    python_state, numpy_state = random.getstate(), np.random.get_state()
    dtype, grad = torch.get_default_dtype(), torch.is_grad_enabled()
    threads = torch.get_num_threads()
    silence = io.StringIO()
    try:
        with (
            torch.random.fork_rng(),
            warnings.catch_warnings(),
            contextlib.redirect_stdout(silence),
            contextlib.redirect_stderr(silence),
            torch.enable_grad(),
            _time_limit(),
        ):
            warnings.simplefilter("ignore")
            torch.manual_seed(0)
            yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)
        torch.set_default_dtype(dtype)
        torch.set_grad_enabled(grad)
        torch.set_num_threads(threads)


@contextlib.contextmanager
def _time_limit():
    """Raise `_TimeUp` in the block after `TIME_LIMIT` seconds.

    It needs a system with interval timers and the main thread, which is where
    a kernel runs its cells; elsewhere there is no limit.
    """
    if (
        not hasattr(signal, "setitimer")
        or threading.current_thread() is not threading.main_thread()
    ):
        yield
        return

    def ring(signum, frame):
        raise _TimeUp

    previous = signal.signal(signal.SIGALRM, ring)
    # it rings again, in case a bare `except:` swallows the first
    signal.setitimer(signal.ITIMER_REAL, TIME_LIMIT, TIME_LIMIT / 4)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def _unchanged(before, after):
    """Whether two nested structures hold equal tensors, arrays and values."""
    if isinstance(before, torch.Tensor):
        return (
            before.shape == after.shape
            and before.dtype == after.dtype
            and torch.equal(torch.nan_to_num(before), torch.nan_to_num(after))
        )
    if isinstance(before, np.ndarray):
        return before.shape == after.shape and np.array_equal(
            before, after, equal_nan=before.dtype.kind in "fc"
        )
    if isinstance(before, dict):
        return before.keys() == after.keys() and all(
            _unchanged(before[key], after[key]) for key in before
        )
    if isinstance(before, (list, tuple)):
        return len(before) == len(after) and all(
            map(_unchanged, before, after)
        )
    if isinstance(before, (str, numbers.Number)):
        return before == after or before != before
    return True


def _kind(value):
    """The type of a value with its article, for a hint."""
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def _line(error):
    """An exception as one short line."""
    text = " ".join(str(error).split())
    text = text if len(text) <= 160 else text[:157] + "..."
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
