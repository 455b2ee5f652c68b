"""Change single places in the lesson cells and see whether the book notices.

    python tools/lesson_mutants.py 05_losses --sample 40

Each mutant of `tests/mutants.py` in a cell without a figure is run from its
cell to the end of the notebook, in a copy of the process that stands there.
It is noticed when a cell raises, or says or draws something else than is
stored, beyond the tolerance that the cell states. What survives is printed: a
definition that no later cell notices to be wrong needs an assertion, or does
the same as before. Assertions themselves are left as they are: nothing can
notice one that asks for less.

The cells run in one process without a kernel; a cell that says something else
here without any change is left out of the comparison.
"""

import argparse
import os
import pickle
import random
import resource
import select
import signal
import sys
import time
from base64 import b64encode
from functools import partial
from multiprocessing import forkserver
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "notebooks")]
os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"
os.chdir(ROOT / "notebooks")  # where matplotlibrc lies

import nbformat  # noqa: E402
from IPython.core.displayhook import DisplayHook  # noqa: E402
from IPython.core.interactiveshell import InteractiveShell  # noqa: E402
from IPython.utils.capture import capture_output  # noqa: E402
from matplotlib_inline.backend_inline import (  # noqa: E402
    configure_inline_support,
)
from matplotlib_inline.config import InlineBackend  # noqa: E402

from closeness import PICTURES, mismatch, unlike  # noqa: E402
from mutants import mutants  # noqa: E402

LIMIT = 900  # seconds for one mutant that waits for ever
BESIDE = 2  # mutants that run at a time


def is_lesson(cell):
    """Whether a cell is lesson code without a figure, and no exercise.

    A cell that ends with three dots waits for the reader's answer.
    """
    return (
        cell.cell_type == "code"
        and "check(" not in cell.source
        and not cell.source.endswith("...")
        and not cell.source.lstrip().startswith("%")
        and not any(
            mime.startswith("image/")
            for output in cell.outputs
            for mime in output.get("data", {})
        )
    )


def stored(cell):
    """What a cell says in the notebook: (texts, pictures, errors)."""
    printed = "".join(
        o.text
        for o in cell.outputs
        if o.output_type == "stream" and o.name == "stdout"
    )
    return _said(
        printed,
        [o.data for o in cell.outputs if "data" in o],
        [
            f"{o.ename}: {o.evalue}"
            for o in cell.outputs
            if o.output_type == "error"
        ],
    )


def _said(printed, shown, errors):
    texts = [printed, *(data.get("text/plain", "") for data in shown)]
    pictures = [
        data[kind] for data in shown for kind in PICTURES if kind in data
    ]
    return texts, pictures, errors


def differs(said, cell):
    """Whether a cell says something else than is stored."""
    wanted = stored(cell)
    if said == wanted:
        return False
    tolerance = cell.metadata.get("tolerance", {})
    if said[2] != wanted[2] or [*map(len, said)] != [*map(len, wanted)]:
        return True
    return any(
        mismatch(old, new, tolerance)
        for old, new in zip(wanted[0], said[0], strict=True)
    ) or any(
        unlike(old, new.replace("\n", ""), tolerance)
        for old, new in zip(wanted[1], said[1], strict=True)
    )


class Show(DisplayHook):
    """Shows the result of a cell as `display` does, as a kernel would."""

    def __call__(self, result=None):
        """Show a result that is not None."""
        if result is not None:
            self.shell.display_pub.publish(*self.compute_format_data(result))


class QuietShell(InteractiveShell):
    """A shell whose results are displayed and not printed as Out[0]."""

    displayhook_class = Show


class Shell:
    """One process that runs cells as a kernel would, without a kernel."""

    def __init__(self):
        self.shell = QuietShell.instance(colors="nocolor")
        InlineBackend.instance(parent=self.shell).figure_formats = {"retina"}
        configure_inline_support(self.shell, os.environ["MPLBACKEND"])

    def run(self, source):
        """Run a cell; return what it says, in the form of `stored`."""
        with capture_output() as captured:
            result = self.shell.run_cell(source, store_history=False)
        error = result.error_before_exec or result.error_in_exec
        # with an error, the traceback is printed too
        printed = "" if error else captured.stdout
        errors = [f"{type(error).__name__}: {error}"] if error else []
        return _said(printed, [_data(o) for o in captured.outputs], errors)


def _data(output):
    """What an output shows, {kind: text}, pictures as base64."""
    return {
        kind: b64encode(value).decode() if isinstance(value, bytes) else value
        for kind, value in output.data.items()
    }


def rest(shell, cells, first, source, trusted):
    """Run a changed cell and those after it; say where it was noticed."""
    for index in range(first, len(cells)):
        text = source if index == first else cells[index].source
        said = shell.run(text)
        if bool(said[2]) != bool(stored(cells[index])[2]):
            return index, said[2] or "raises nothing"
        if index in trusted and differs(said, cells[index]):
            return index, "says something else"
    return None


def in_a_copy(work, limit=None):
    """Fork; the child sends `work()` back. Returns (pid, pipe).

    Args:
        work: a function without arguments.
        limit: CPU seconds after which the child is killed, sending nothing.
    """
    out, into = os.pipe()
    pid = os.fork()
    if pid:
        os.close(into)
        return pid, out
    if limit:
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
    # the server of loader workers is the parent's child, not the copy's
    forkserver._forkserver._forkserver_pid = None
    try:
        answer = pickle.dumps(work())
    except BaseException as error:
        answer = pickle.dumps((-1, repr(error)))
    with os.fdopen(into, "wb") as file:
        file.write(answer)
    os._exit(0)


def answer_of(pid, pipe):
    """Wait for a copy; return what it sent back."""
    with os.fdopen(pipe, "rb") as file:
        answer = pickle.loads(file.read())
    os.waitpid(pid, 0)
    return answer


def collect(running, survivors, at_most):
    """Wait until at most so many copies run; note which survived."""
    while len(running) > at_most:
        ready, _, _ = select.select(list(running), [], [], 1)
        late = [
            pipe
            for pipe, (_, _, start) in running.items()
            if time.monotonic() - start > LIMIT
        ]
        for pipe in {*ready, *late}:
            pid, name, _ = running.pop(pipe)
            if pipe in ready:
                with os.fdopen(pipe, "rb") as file:
                    answer = file.read()
                # a loop without end is noticed: it sends nothing
                if answer and pickle.loads(answer) is None:
                    survivors.append(name)
            else:
                os.kill(pid, signal.SIGKILL)
                os.close(pipe)
            os.waitpid(pid, 0)


def try_notebook(path, sample, seed):
    """Try a sample of the mutants of a notebook.

    Args:
        path: the notebook.
        sample: how many mutants to draw.
        seed: of the draw.

    Returns:
        The number tried, the number of all, and the names of the survivors.
    """
    cells = [
        cell
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "code"
    ]
    every = [
        (index, mutant)
        for index, cell in enumerate(cells)
        if is_lesson(cell)
        for mutant in mutants(cell.source)
        if not mutant.name.startswith("assert")
    ]
    drawn = random.Random(seed).sample(every, min(sample, len(every)))
    # the first run says which cells can be compared here
    shell, running, survivors = Shell(), {}, []
    trusted, used = answer_of(
        *in_a_copy(
            lambda: (
                {
                    index
                    for index, cell in enumerate(cells)
                    if not differs(shell.run(cell.source), cell)
                },
                time.process_time(),
            )
        )
    )
    limit = 2 * round(used) + 20
    for index, cell in enumerate(cells):
        for place, mutant in drawn:
            if place != index:
                continue
            collect(running, survivors, BESIDE - 1)
            pid, pipe = in_a_copy(
                lambda i=index, m=mutant: rest(
                    shell, cells, i, m.source, trusted
                ),
                limit,
            )
            name = f"{cell.id}: {mutant.name}"
            running[pipe] = pid, name, time.monotonic()
        shell.run(cell.source)
    collect(running, survivors, 0)
    return len(drawn), len(every), survivors


def main():
    """Read the arguments, try the notebooks, print what survived."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="+", metavar="01_tensors")
    parser.add_argument("--sample", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    for name in chosen.names:
        path = ROOT / "notebooks" / f"{Path(name).stem}.ipynb"
        if not path.is_file():
            parser.error(f"there is no notebook {name!r}")
        start = time.monotonic()
        work = partial(try_notebook, path, chosen.sample, chosen.seed)
        tried, every, survivors = answer_of(*in_a_copy(work))
        print(
            f"{path.stem}: {tried - len(survivors)} of {tried} mutants "
            f"noticed (of {every} in all, {time.monotonic() - start:.0f} s)"
        )
        for survivor in survivors:
            print(f"  {survivor}", flush=True)


if __name__ == "__main__":
    main()
