"""The engine of the answer checks: verdicts, time limits, containment."""

import ast
import builtins
import contextlib
import gc
import os
import random
import re
import signal
import sys
import threading
import time
import types
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import checks
from checks import containment
from checks.judge import judge
from checks.words import CHECKS, Hint, call, same_tensor, same_value

OPTIMIZER = sys.modules["torch.optim.optimizer"]
FOLDER = Path(checks.__file__).parent
CHAPTERS = sorted(FOLDER.glob("ch*.py"))


def _add_one(answer):
    """The check of these tests: `answer(x)` should give x + 1."""
    got = call(answer, torch.zeros(3))
    same_tensor(got, torch.ones(3), "one more is asked for")


@pytest.fixture(autouse=True)
def exercise(monkeypatch):
    """Exercise 0.1, with a limit that an answer which hangs soon meets."""
    monkeypatch.setitem(CHECKS, "0.1", _add_one)
    monkeypatch.setattr(containment, "TIME_LIMIT", 0.2)
    monkeypatch.setattr(containment, "PATIENCE", 0.2)


def right(x):
    return x + 1


def burn(seconds=0.4):
    """Use so much CPU time of this thread."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


# ---- what an answer may leave behind ----


def _patch_tensor():
    torch.Tensor.allclose = lambda *args, **kwargs: True


def _seed():
    random.seed(5)
    np.random.seed(5)
    torch.manual_seed(5)


def _collect_rarely():
    gc.disable()
    gc.set_threshold(7)


def _hook(*args):
    """A hook that changes nothing."""


HOSTILE = {
    "random numbers": _seed,
    "default device": lambda: torch.set_default_device("meta"),
    "default dtype": lambda: torch.set_default_dtype(torch.float64),
    "no gradients": lambda: torch.set_grad_enabled(False),
    "threads of torch": lambda: torch.set_num_threads(
        torch.get_num_threads() + 1
    ),
    "printed tensors": lambda: torch.set_printoptions(precision=2),
    "printed arrays": lambda: np.set_printoptions(precision=2),
    "errors of NumPy": lambda: np.seterr(all="raise"),
    "folder": lambda: os.chdir("/"),
    "recursion": lambda: sys.setrecursionlimit(2222),
    "garbage": _collect_rarely,
    "anomalies": lambda: torch.autograd.set_detect_anomaly(True),
    "deterministic": lambda: torch.use_deterministic_algorithms(True),
    "precision": lambda: torch.set_float32_matmul_precision("medium"),
    "hook of all modules": lambda: (
        nn.modules.module.register_module_forward_hook(_hook)
    ),
    "hook of all optimizers": lambda: (
        OPTIMIZER.register_optimizer_step_post_hook(_hook)
    ),
    "warnings": lambda: warnings.simplefilter("error"),
    "environment": lambda: os.environ.update(BOOK_TRACE="1"),
    "path": lambda: sys.path.insert(0, "/nowhere"),
    "tracing": lambda: sys.setprofile(_hook),
    "plots": lambda: plt.rcParams.update({"font.size": 3}),
    "figure": plt.figure,
    "output": lambda: setattr(sys, "stdout", None),
    "alarm": lambda: signal.signal(signal.SIGALRM, _hook),
    "interrupt": lambda: signal.signal(signal.SIGINT, _hook),
    "function": lambda: setattr(torch, "allclose", lambda *a, **k: True),
    "other function": lambda: setattr(torch, "allclose", torch.equal),
    "deleted function": lambda: delattr(F, "relu"),
    "method": lambda: setattr(torch.Tensor, "isnan", torch.isfinite),
    "new method": _patch_tensor,
    "call of a module": lambda: setattr(nn.Module, "__call__", _hook),
    "built-in": lambda: setattr(builtins, "sorted", list),
}


def state():
    """All that a check has to leave as it was."""
    numpy_state = np.random.get_state()
    return {
        "random": random.getstate(),
        "random of NumPy": (numpy_state[1].tolist(), numpy_state[2:]),
        "random of torch": torch.get_rng_state().tolist(),
        "device": torch.get_default_device(),
        "dtype": torch.get_default_dtype(),
        "gradients": torch.is_grad_enabled(),
        "inference": torch.is_inference_mode_enabled(),
        "threads": torch.get_num_threads(),
        "printed tensors": dict(vars(torch._tensor_str.PRINT_OPTS)),
        "printed arrays": np.get_printoptions(),
        "errors": np.geterr(),
        "folder": os.getcwd(),
        "recursion": sys.getrecursionlimit(),
        "garbage": (gc.isenabled(), gc.get_threshold()),
        "anomalies": torch.is_anomaly_enabled(),
        "deterministic": torch.get_deterministic_debug_mode(),
        "precision": torch.get_float32_matmul_precision(),
        "hooks": [
            list(value.values())
            for module in (nn.modules.module, OPTIMIZER)
            for name, value in vars(module).items()
            if name.startswith("_global") and isinstance(value, dict)
        ],
        "warnings": list(warnings.filters),
        "environment": dict(os.environ),
        "path": list(sys.path),
        "tracing": (sys.gettrace(), sys.getprofile()),
        "plots": dict(plt.rcParams),
        "figures": plt.get_fignums(),
        "output": (sys.stdout, sys.stderr),
        "handlers": [
            signal.getsignal(number)
            for number in (signal.SIGALRM, signal.SIGINT)
        ],
        "functions": (torch.allclose, vars(F).get("relu")),
        "methods": [
            vars(torch.Tensor).get(name) for name in ("isnan", "allclose")
        ],
        "classes": (nn.Module.__call__, builtins.sorted),
    }


@pytest.mark.parametrize("name", HOSTILE)
def test_a_check_leaves_nothing_behind(name):
    """The verdict is right, the next one too, and all is as it was."""

    def answer(x):
        HOSTILE[name]()
        return x + 2

    def is_seen():
        inside = state()
        HOSTILE[name]()
        return state() != inside

    before = state()
    assert containment.run(is_seen)[0], "the test does not see this change"
    assert judge("0.1", answer).state == "not yet"
    after = state()
    assert [key for key in before if before[key] != after[key]] == []
    assert judge("0.1", right).state == "correct"


def test_a_right_answer_that_replaces_a_function_is_told():
    def answer(x):
        torch.allclose = lambda *args, **kwargs: True
        return x + 1

    hint = judge("0.1", answer).hint
    assert hint == "your code replaces torch.allclose; leave it be"


def test_a_library_that_wraps_a_function_is_left_alone(monkeypatch):
    """Some do when they are imported, which may happen in an answer."""
    wrapper = contextlib.contextmanager(burn)  # a function of the library
    old = torch.index_select

    def answer(x):
        torch.index_select = wrapper
        return x + 1

    monkeypatch.setattr(torch, "index_select", old)
    assert judge("0.1", answer).state == "correct"
    assert torch.index_select is wrapper


def test_a_check_begins_in_the_state_of_a_new_session():
    def answer(x):
        assert not torch.is_inference_mode_enabled()
        assert torch.zeros(1).dtype == torch.float32
        return x + torch.ones(3, requires_grad=True)

    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    try:
        with torch.inference_mode():
            assert repr(judge("0.1", answer)) == "correct"
        assert torch.get_default_dtype() == torch.float64
        assert torch.get_default_device().type == "meta"
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)


# ---- time ----


def _hang(x):
    while True:
        pass


def _hang_and_swallow(x):
    while True:
        try:
            sum(i for i in range(10_000))
        except:  # noqa: E722
            pass


def _hang_and_raise(x):
    try:
        _hang(x)
    finally:
        raise ValueError


@pytest.mark.parametrize("answer", [_hang, _hang_and_swallow, _hang_and_raise])
def test_an_answer_that_runs_on_is_stopped(answer):
    hint = judge("0.1", answer).hint
    assert hint == "no answer after 0.2 seconds; does a loop never end?"
    assert judge("0.1", right).state == "correct"


@pytest.mark.parametrize("answer", [_hang, _hang_and_swallow])
def test_a_class_that_runs_on_is_stopped(answer, monkeypatch):
    monkeypatch.setitem(CHECKS, "0.1", lambda a: a().forward(0))
    layer = type("Layer", (), {"forward": lambda self, x: answer(x)})
    assert "does a loop never end?" in judge("0.1", layer).hint


def _jvp(function, x):
    return torch.func.jvp(function, (x,), (x,))


def _dual_level(function, x):
    with torch.autograd.forward_ad.dual_level():
        return function(x)


def _device(function, x):
    with torch.device("meta"):
        return function(x)


@pytest.mark.parametrize("inside", [_jvp, _dual_level, _device])
def test_a_stopped_answer_leaves_what_it_had_entered(inside):
    """Else forward mode would be "nested" until the kernel restarts."""
    hint = judge("0.1", lambda x: inside(_hang, x)).hint
    assert hint == "no answer after 0.2 seconds; does a loop never end?"
    assert judge("0.1", lambda x: _jvp(right, x)[0]).state == "correct"
    assert torch._C._functorch.get_dynamic_layer_stack_depth() == 0
    assert torch.get_default_device().type == "cpu"


def test_a_library_that_runs_on_is_stopped():
    in_library = _moved(burn, torch.__file__)
    start = time.thread_time()
    hint = judge("0.1", lambda x: in_library(60)).hint
    assert hint == "no answer after 0.2 seconds; does a loop never end?"
    assert time.thread_time() - start < 20


def test_an_answer_that_waits_is_stopped(monkeypatch):
    monkeypatch.setattr(containment, "WALL_LIMIT", 0.3)
    hint = judge("0.1", lambda x: time.sleep(600)).hint
    assert hint == "no answer after 0.3 seconds; does it wait for something?"


def test_a_right_answer_may_wait_for_a_busy_machine():
    assert judge("0.1", lambda x: time.sleep(0.6) or x + 1).state == "correct"


def test_a_right_answer_may_import(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "slow_package.py").write_text(
        "import time\nend = time.thread_time() + 0.4\n"
        "while time.thread_time() < end:\n    pass\n"
    )

    def answer(x):
        import slow_package  # noqa: F401

        return x + 1

    assert judge("0.1", answer).state == "correct"
    assert sys.modules.pop("slow_package")


def _moved(function, file):
    """The same function, as if it stood in another file."""
    code = function.__code__.replace(co_filename=str(file))
    return types.FunctionType(
        code,
        function.__globals__,
        argdefs=function.__defaults__,
        closure=function.__closure__,
    )


def test_the_work_of_a_check_counts_for_no_answer(monkeypatch):
    """Neither in its own lines nor in a library that it calls."""
    in_library = _moved(burn, torch.__file__)

    def check(answer):
        work()
        in_library()
        _add_one(answer)

    work = _moved(burn, FOLDER / "ch00.py")
    check = _moved(check, FOLDER / "ch00.py")
    monkeypatch.setitem(CHECKS, "0.1", check)
    assert judge("0.1", right).state == "correct"
    hint = judge("0.1", lambda x: burn() or x + 1).hint
    assert "does a loop never end?" in hint


# ---- interrupts ----


@pytest.mark.parametrize("answer", [_hang, _hang_and_swallow])
def test_the_learner_can_interrupt(answer, monkeypatch):
    monkeypatch.setattr(containment, "TIME_LIMIT", 60.0)
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    send = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    try:
        send.start()
        with pytest.raises(KeyboardInterrupt):
            judge("0.1", answer)
        send.join()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, handler)


class _Base(BaseException):
    """Neither an error nor an exit."""


class _Speechless(Exception):
    """An error whose text cannot be had."""

    def __str__(self):
        raise _Base


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt, _Base, SystemExit, GeneratorExit, _Speechless]
)
def test_whatever_an_answer_raises_becomes_a_hint(error, monkeypatch):
    def answer(x):
        raise error

    assert judge("0.1", answer).hint == f"your code raised {error.__name__}"
    monkeypatch.setitem(CHECKS, "0.1", lambda a: a(0))  # without `call`
    hint = f"the answer could not be used: {error.__name__}"
    assert judge("0.1", answer).hint == hint


# ---- words ----


def test_a_changed_input_is_named():
    hint = judge("0.1", lambda x: x.add_(1)).hint
    assert hint == "your code changes its input; work on a copy"


def test_an_unknown_exercise_is_named():
    for number in ("1.99", "99.1", "x", ""):
        hint = f'there is no exercise "{number}"'
        assert judge(number, 0).hint == hint


@pytest.mark.parametrize("number", [1.3, 1, None, right])
def test_a_number_without_quotes_is_named(number):
    hint = judge(number, right).hint
    assert hint == 'write the number in quotes, such as "1.3"'


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    """Not that the exercise does not exist."""
    monkeypatch.setattr(checks, "__path__", [*checks.__path__, str(tmp_path)])
    (tmp_path / "ch98.py").write_text("import no_such_package\n")
    assert judge("98.1", right).hint == (
        "the package no_such_package is missing; "
        "install what requirements.txt lists"
    )


def test_a_check_that_cannot_be_loaded_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(checks, "__path__", [*checks.__path__, str(tmp_path)])
    (tmp_path / "ch97.py").write_text("import torch.no_such\nraise 1\n")
    (tmp_path / "ch96.py").write_text("1 / 0\n")
    assert "the package torch.no_such is missing" in judge("97.1", 0).hint
    hint = judge("96.1", right).hint
    assert hint == "the check failed: ZeroDivisionError: division by zero"


def test_a_stub_class_is_not_attempted(monkeypatch):
    class Stub(nn.Module):
        def forward(self, X): ...

        @staticmethod
        def backward(ctx, grad): ...

    monkeypatch.setitem(CHECKS, "0.1", lambda a: None)
    assert judge("0.1", Stub).state == "not attempted yet"
    assert judge("0.1", nn.Linear).state == "correct"


def test_a_blank_that_is_left_is_named(monkeypatch):
    monkeypatch.setitem(CHECKS, "0.1", lambda a: None)
    stub = dict.fromkeys("abcdef", ...)
    assert judge("0.1", stub).state == "not attempted yet"
    assert judge("0.1", (..., ...)).state == "not attempted yet"
    filled = {**dict.fromkeys("abcdef", 1), "f": ...}
    assert repr(judge("0.1", filled)) == "not yet: 'f' is still ..."
    filled["b"] = ...
    assert repr(judge("0.1", filled)) == "not yet: 'b', 'f' are still ..."
    verdict = judge("0.1", (1, ..., np.zeros(3)))
    assert repr(verdict) == "not yet: item 2 of 3 is still ..."
    for whole in ({"a": 1}, (1, 2), [], {}):
        assert judge("0.1", whole).state == "correct"


class _Yes(tuple):
    """A tuple that is equal to everything."""

    __hash__ = tuple.__hash__

    def __eq__(self, other):
        return True


class _Wild(torch.Tensor):
    """A tensor that is close to everything and has any shape."""

    shape = torch.Size([3])

    @classmethod
    def __torch_function__(cls, function, kinds, args=(), kwargs=None):
        return True


def test_a_tensor_that_says_yes_is_seen_through():
    wild = torch.zeros(3).as_subclass(_Wild)
    assert judge("0.1", lambda x: wild).hint == "one more is asked for"
    wild = torch.ones(4).as_subclass(_Wild)
    hint = "the result has shape (4,), not (3,)"
    assert judge("0.1", lambda x: wild).hint == hint


@pytest.mark.parametrize(
    "value, want, words",
    [
        (_Yes((1, 2)), (1, 2), "should be a tuple, it is a _Yes"),
        ([1, _Yes()], [1, ()], "an entry of the result should be a tuple"),
        ([1, 2], (1, 2), "should be a tuple, it is a list"),
        (True, 1, "should be an int, it is a bool"),
        ([1, 2.0], [1, 2], "an entry of the result should be an int"),
        ((1, 2), (1, 3), "own hint"),
        ((1, 2), (1, 2, 3), "own hint"),
        ({"a": 1}, {"b": 1}, "own hint"),
        ({"a": 1}, {"a": 2}, "own hint"),
        ({"a": 1, "b": 1}, {"a": 1}, "own hint"),
        ({_Yes()}, {()}, "own hint"),
        ({1, 2}, {1}, "own hint"),
        (None, 1, "the result is None; is a return missing?"),
    ],
)
def test_a_value_is_compared_with_its_types(value, want, words):
    with pytest.raises(Hint, match=re.escape(words)):
        same_value(value, want, "own hint")
    same_value(want, want, "own hint")


def test_a_shape_counts_as_a_tuple():
    same_value(torch.zeros(2, 3).shape, (2, 3), "own hint")
    with pytest.raises(Hint, match="own hint"):
        same_value(torch.zeros(2, 3).shape, (2, 4), "own hint")


# ---- the modules of the chapters ----


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_checks_are_named_functions(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = [n.name for n in tree.body if isinstance(n, ast.FunctionDef)]
    assert "_" not in names
    assert len(set(names)) == len(names)
    chapter = int(path.stem[2:])
    begin = f"Checks of chapter {chapter}, "
    assert ast.get_docstring(tree).startswith(begin)
