"""Run a check with limited time and leave no trace of it behind.

An answer is any Python code. `run` ends it when its time is over and puts back
what it changed in Python, torch and NumPy: random numbers, settings, hooks of
all modules, the working folder, the environment, warnings and the functions of
the libraries themselves.

It is a safety net, not a sandbox. It cannot contain an answer that

- leaves or breaks the process: `os._exit`, a fork, a crash in C code;
- spends its time in one C call, such as `sum(range(10**11))`, or allocates
  more memory than there is: Python hears no signal before the call returns,
  and only a restart of the kernel ends it;
- switches the alarm off: `signal.setitimer(signal.ITIMER_REAL, 0)`;
- starts threads or processes: what they do after the check, such as seeding
  the random numbers, stays done;
- writes or removes files, or changes objects of the notebook.

Time is limited where the system has interval timers and the check runs in the
main thread, which is where a kernel runs its cells.
"""

import builtins
import contextlib
import copy
import gc
import math
import os
import random
import signal
import sys
import sysconfig
import threading
import time
import types
import warnings
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from IPython.utils.capture import capture_output
from torch import nn, optim

TIME_LIMIT = 10.0  # seconds of CPU for the code of one answer
WALL_LIMIT = 60.0  # seconds for one check, however busy the machine is
TICK = 0.05  # seconds between two looks at the clock
PATIENCE = 1.0  # seconds more for a library that is at work

CHECKS = str(Path(__file__).parent) + os.sep
LIBRARIES = (
    "<frozen",
    sysconfig.get_path("stdlib") + os.sep,
    str(Path(torch.__file__).parents[1]) + os.sep,
)
PLACES = (
    *(copy, math, random, np, np.linalg, np.random),
    *(torch, torch.Tensor, torch.autograd, torch.linalg, torch.func),
    *(nn, nn.Module, F, nn.init, optim, optim.Optimizer),
)


class Stop(BaseException):
    """Ends an answer from outside; no answer may turn it into a hint."""


class TimeUp(Stop):
    """The time for one answer is over."""


class Interrupted(Stop):
    """The learner interrupted the kernel."""


def run(function, *args):
    """Call a function with limited time and undo what it changes.

    Returns:
        Its result, and a list of the library names that it replaced.

    Raises:
        TimeUp: it took too long; the message is the hint.
        Interrupted: the learner interrupted the kernel meanwhile.
    """
    replaced = []
    with contained(replaced), _limits():
        result = _inside(function, args)
    return result, replaced


def _inside(function, args):
    """Call a function; while this frame is there, it may be stopped."""
    return function(*args)


@contextlib.contextmanager
def contained(replaced):
    """Undo what the block changes.

    Args:
        replaced: a list that gets the library names that the block replaced.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        for get, put in SETTINGS:
            stack.callback(_put_back, get, put, get())
        for mapping in _mappings():
            stack.callback(_refill, mapping, dict(mapping.items()))
        stack.callback(sys.path.__setitem__, slice(None), sys.path[:])
        stack.enter_context(_figures_closed())
        # the generators of GPUs that are in use; asking for more is slow
        used = torch.cuda.is_initialized()
        gpus = range(torch.cuda.device_count()) if used else ()
        stack.enter_context(torch.random.fork_rng(gpus))
        stack.enter_context(capture_output())
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        _start_afresh()
        # undone first: all else needs the functions of the libraries
        stack.enter_context(_names_kept(replaced))
        yield


def _start_afresh():
    """Let every check begin in the same state."""
    torch.set_default_dtype(torch.float32)
    _set_device(torch.device("cpu"))
    random.seed(0)
    np.random.seed(0)
    torch.default_generator.manual_seed(0)  # no answer needs a GPU


def _set_device(device):
    # the CPU is where torch works without a default device
    if torch.get_default_device() != device:
        torch.set_default_device(None if device.type == "cpu" else device)


def _anomaly():
    return torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()


def _switch_gc(on):
    (gc.enable if on else gc.disable)()


# how to read a setting and how to write it back, bound before any answer runs
SETTINGS = (
    (random.getstate, random.setstate),
    (np.random.get_state, np.random.set_state),
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.get_default_device, _set_device),
    (torch.get_num_threads, torch.set_num_threads),
    (
        torch.get_deterministic_debug_mode,
        torch.set_deterministic_debug_mode,
    ),
    (
        torch.get_float32_matmul_precision,
        torch.set_float32_matmul_precision,
    ),
    (_anomaly, lambda modes: torch.autograd.set_detect_anomaly(*modes)),
    (np.geterr, lambda modes: np.seterr(**modes)),
    (np.get_printoptions, lambda options: np.set_printoptions(**options)),
    (os.getcwd, os.chdir),
    (sys.getrecursionlimit, sys.setrecursionlimit),
    (sys.gettrace, sys.settrace),
    (sys.getprofile, sys.setprofile),
    (gc.isenabled, _switch_gc),
    (gc.get_threshold, lambda sizes: gc.set_threshold(*sizes)),
)


def _put_back(get, put, value):
    """Write a setting back when it has another value now."""
    now = get()
    if type(now) is tuple or now != value:  # a tuple may hold arrays
        put(value)


def _mappings():
    """The dicts whose content is restored."""
    yield os.environ
    yield vars(torch._tensor_str.PRINT_OPTS)
    for module in (nn.modules.module, sys.modules["torch.optim.optimizer"]):
        for name, value in vars(module).items():
            if name.startswith("_global_") and isinstance(value, dict):
                yield value
    if "matplotlib" in sys.modules:
        yield sys.modules["matplotlib"].rcParams


def _refill(mapping, content):
    """Give a dict its former content back."""
    if dict(mapping.items()) != content:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            mapping.clear()
            mapping.update(content)


@contextlib.contextmanager
def _figures_closed():
    """Close the figures that the block opens; the page would show them."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    before = set(pyplot.get_fignums()) if pyplot else set()
    try:
        yield
    finally:
        pyplot = sys.modules.get("matplotlib.pyplot")
        for number in set(pyplot.get_fignums()) - before if pyplot else ():
            pyplot.close(number)


@contextlib.contextmanager
def _names_kept(replaced):
    """Put functions of the libraries back and list those replaced."""
    built_in = dict(vars(builtins))
    before = [dict(vars(place)) for place in PLACES]
    try:
        yield
    finally:
        # without any built-in function, until they are back
        now = builtins.__dict__
        replaced += [
            name for name in built_in if now.get(name) is not built_in[name]
        ]
        now.update(built_in)
        for place, names in zip(PLACES, before, strict=True):
            for name in _replaced(place, names):
                if name in names:
                    setattr(place, name, names[name])
                else:
                    delattr(place, name)
                replaced.append(f"{place.__name__}.{name}")


def _replaced(place, names):
    """The names in a module or class that an answer has changed.

    A library that is imported late may add modules and wrap functions of
    another one, as torch and torch_geometric do; those are left alone.
    """
    now, missing = vars(place), object()
    if [*map(id, now.values())] == [*map(id, names.values())]:
        return []
    return [
        name
        for name in now.keys() | names.keys()
        if (new := now.get(name, missing)) is not names.get(name, missing)
        and not isinstance(new, types.ModuleType)
        and not _file(new).startswith(LIBRARIES)
        and (isinstance(place, type) or not name.startswith("_"))
        and name != "__slotnames__"  # which copying an object leaves
    ]


def _file(value):
    """The file of a function's code, or an empty text."""
    return getattr(getattr(value, "__code__", None), "co_filename", "")


@contextlib.contextmanager
def _limits():
    """Raise `TimeUp` or `Interrupted` in the block when it has to end."""
    if (
        not hasattr(signal, "setitimer")
        or threading.current_thread() is not threading.main_thread()
    ):
        yield
        return
    watch = _Watch()
    trace = sys.gettrace()
    alarm = signal.signal(signal.SIGALRM, watch.tick)
    interrupt = signal.getsignal(signal.SIGINT)
    if interrupt is signal.default_int_handler:
        signal.signal(signal.SIGINT, watch.interrupt)
    signal.setitimer(signal.ITIMER_REAL, TICK, TICK)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, alarm)
        signal.signal(signal.SIGINT, interrupt)
        sys.settrace(trace)
        if watch.reason:
            raise watch.reason from None


class _Watch:
    """Counts the time of an answer, in ticks of the alarm clock.

    The CPU time since the last tick belongs to whoever is at work now: only
    the answer's own share counts against `TIME_LIMIT`, neither imports nor
    the work of the check.
    """

    def __init__(self):
        self.reason = None  # the `Stop` that ended the answer
        self.patience = PATIENCE
        self.spent, self.last = 0.0, time.thread_time()
        self.end = time.monotonic() + WALL_LIMIT

    def tick(self, signum, frame):
        """Handle the alarm: count, and stop the answer when it is time."""
        last, self.last = self.last, time.thread_time()
        if _is_answer(frame):
            self.spent += self.last - last
        if self.reason:
            self.stop(frame, self.reason)
        if self.spent > TIME_LIMIT:
            text = f"no answer after {TIME_LIMIT:g} seconds; "
            self.stop(frame, TimeUp(text + "does a loop never end?"))
        if time.monotonic() > self.end:
            text = f"no answer after {WALL_LIMIT:g} seconds; "
            self.stop(frame, TimeUp(text + "does it wait for something?"))

    def interrupt(self, signum, frame):
        """Handle Ctrl-C and the kernel's "interrupt"."""
        self.reason = Interrupted()  # also where the answer is over
        self.stop(frame, self.reason)

    def stop(self, frame, reason):
        """Raise `reason`, and again behind the `except:` that swallows it.

        A library may finish first, so that it leaves nothing half done, as
        may what ends a `with`; one that takes too long for that is stopped.
        """
        frames = []
        while frame and frame.f_code is not _inside.__code__:
            frames.append(frame)
            frame = frame.f_back
        if not frame:  # the answer is over, this is the way out
            return
        entered = set()

        def insist(frame, event, arg):
            if event == "exception":  # next: the line of its handler
                entered.add(frame)
            elif event == "line" and frame in entered:
                entered.remove(frame)
            elif event == "line" and sys.exc_info()[1] is not reason:
                self.reason = reason
                raise reason
            return insist

        for frame in frames:
            if not frame.f_code.co_filename.startswith((CHECKS, *LIBRARIES)):
                frame.f_trace = insist
        sys.settrace(lambda *args: None)  # lets `insist` be called
        if frames[0].f_code.co_filename.startswith(LIBRARIES):
            self.patience -= TICK
            if self.patience > 0:
                return
        self.reason = reason
        raise reason


def _is_answer(frame):
    """Whether the answer's own code is at work: no import and no check."""
    own = False
    while frame and not frame.f_code.co_filename.startswith(CHECKS):
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return False
        own = own or not frame.f_code.co_filename.startswith(LIBRARIES)
        frame = frame.f_back
    return own
