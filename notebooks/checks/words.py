"""The words in which the checks of the chapters are written.

A check is a function of the answer, registered by `@exercise("1.3")`, that
raises `Hint` as soon as something is wrong: see `expect`, `call`,
`same_tensor`, `same_number` and `same_value`. An answer's own `==` may say
anything, so that what an answer gives is compared by one of the last three.
"""

import contextlib
import copy
import math
import numbers

import numpy as np
import torch
from torch import allclose, equal, nan_to_num

from checks.containment import Stop

CHECKS = {}  # exercise -> its check, filled by `exercise`


class Hint(Exception):
    """What is wrong with an answer, in words that give nothing away."""


def exercise(number):
    """Register a function of one answer as the check of exercise `number`."""

    def register(function):
        if number in CHECKS:
            raise ValueError(f"exercise {number} has two checks")
        CHECKS[number] = function
        return function

    return register


def expect(condition, hint):
    """Raise `Hint(hint)` unless `condition` holds."""
    if not condition:
        raise Hint(hint)


def is_sequence(value, length):
    """Whether a value is a tuple or a list of this length."""
    return isinstance(value, (tuple, list)) and len(value) == length


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
    before = None if mutates else copy.deepcopy((args, kwargs))
    try:
        result = function(*args, **kwargs)
    except Stop:
        raise
    except BaseException as error:
        raise Hint(f"your code raised {one_line(error)}") from None
    if not mutates:
        expect(
            _unchanged(before, (args, kwargs)),
            "your code changes its input; work on a copy",
        )
    return result


@contextlib.contextmanager
def without_torch_func(told):
    """Say `told` where torch.func refuses to work under saved tensor hooks.

    Raises:
        Hint: `told`, in place of the one with the words of torch.func.
    """
    try:
        yield
    except Hint as hint:
        if "saved tensor hooks" not in str(hint):
            raise
        raise Hint(told) from None


def call_by_hand(function, *args):
    """Call a learner's function, which may not leave its work to autograd.

    Args:
        function, args: as for `call`; tensors that need no gradient.

    Returns:
        What the function returned.

    Raises:
        Hint: as `call` does, or autograd kept a tensor for a way back.
    """
    kept = []

    def keep(tensor):
        kept.append(tensor)
        return tensor

    told = "autograd is at work; write the formula down yourself"
    hooks = torch.autograd.graph.saved_tensors_hooks(keep, lambda kept: kept)
    with hooks, without_torch_func(told):
        result = call(function, *args)
    expect(not kept, told)
    return result


def same_tensor(value, want, hint, *, name="the result", rtol=1e-4, atol=1e-5):
    """Raise `Hint` unless `value` is a tensor like `want` in all that counts.

    Type, shape, dtype and NaN are told apart from wrong numbers; only the
    last gets the exercise's own `hint`.
    """
    is_tensor(value, shape=want.shape, dtype=want.dtype, name=name)
    value = _plain(value).cpu()
    if not want.is_floating_point() or not want.isnan().any():
        expect(
            not (value.is_floating_point() and value.isnan().any()),
            f"{name} holds NaN",
        )
    close = allclose(
        value, want.detach(), rtol=rtol, atol=atol, equal_nan=True
    )
    expect(close, hint)


def is_tensor(value, *, shape=None, dtype=None, name="the result"):
    """Raise `Hint` unless `value` is a tensor of this shape and dtype."""
    expect(value is not None, f"{name} is None; is a return missing?")
    expect(
        isinstance(value, torch.Tensor),
        f"{name} should be a tensor, it is {_kind(value)}",
    )
    value = _plain(value)
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
        isinstance(value, (numbers.Real, np.bool_))
        and isinstance(value, (bool, np.bool_)) == isinstance(want, bool),
        f"{name} should be a {type(want).__name__}, it is {_kind(value)}",
    )
    expect(not math.isnan(value), f"{name} is NaN")
    expect(math.isclose(value, want, rel_tol=rtol, abs_tol=atol), hint)


def same_value(value, want, hint, *, name="the result"):
    """Raise `Hint` unless `value` equals `want` and has the same plain types.

    Lists, tuples, dicts and sets are compared entry by entry. A subclass of a
    built-in type is refused, since its `==` is its own; the shape of a tensor
    counts as a tuple.
    """
    value = tuple(value) if type(value) is torch.Size else value
    expect(
        value is not None or want is None,
        f"{name} is None; is a return missing?",
    )
    expect(
        type(value) is type(want),
        f"{name} should be {_kind(want)}, it is {_kind(value)}",
    )
    if isinstance(want, (list, tuple)):
        expect(len(value) == len(want), hint)
        for got, item in zip(value, want, strict=True):
            same_value(got, item, hint, name=f"an entry of {name}")
    elif isinstance(want, dict):
        same_value(set(value), set(want), hint, name=f"the keys of {name}")
        for key, item in want.items():
            same_value(value[key], item, hint, name=f"an entry of {name}")
    else:
        if isinstance(want, (set, frozenset)):
            known = {type(item) for item in want}
            expect({type(item) for item in value} <= known, hint)
        expect(value == want, hint)


def _plain(value):
    """A tensor's own values, free of what a subclass overrides."""
    with torch._C.DisableTorchFunctionSubclass():
        return torch.Tensor.as_subclass(value, torch.Tensor).detach()


def _unchanged(before, after):
    """Whether two nested structures hold equal tensors, arrays and values."""
    if isinstance(before, torch.Tensor):
        return (
            before.shape == after.shape
            and before.dtype == after.dtype
            and before.requires_grad == after.requires_grad
            and equal(nan_to_num(before), nan_to_num(after))
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


def one_line(error):
    """An exception as one short line."""
    name = type(error).__name__
    try:
        text = " ".join(str(error).split())
    except Stop:
        raise
    except BaseException:  # an answer's own exception may not even have a text
        return name
    text = text if len(text) <= 160 else text[:157] + "..."
    return f"{name}: {text}" if text else name
