"""Execute notebooks in a fresh kernel and store stable outputs.

    python tools/outputs.py            all notebooks
    python tools/outputs.py 01_tensors notebooks/02_autograd.ipynb
    python tools/outputs.py --anew 01_tensors      all of it from one run

A notebook is written back only when its last cell has run; an error in a cell
leaves the file as it was and ends with exit status 1. A run that changes
nothing a reader sees, on another processor too, leaves it byte for byte: what
is stored stays where the new text is within the cell's tolerance and where
the new picture looks the same.
"""

import argparse
import atexit
import contextlib
import copy
import errno
import hashlib
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from base64 import b64decode, b64encode
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import (
    CellExecutionError,
    CellTimeoutError,
    DeadKernelError,
)

from closeness import PICTURES, settle, texts
from images import lighter

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
CELL_TIMEOUT = 300  # seconds
# figures with two dots in each pixel's place
SHARP = 'c.InlineBackend.figure_formats = {"retina"}'
# as if by another processor, which rounds otherwise, each gradient is off in
# its last digit before an optimizer takes it, by a function of its value, so
# that equal gradients stay equal
ROUNDING = """
import torch as _torch
from torch.optim.optimizer import register_optimizer_step_pre_hook as _hook


def _round(optimizer, args, kwargs, seed=%d):
    for group in optimizer.param_groups:
        for w in group["params"]:
            if w.grad is not None and w.grad.layout == _torch.strided:
                digits = w.grad.frexp().mantissa
                noise = (digits * (1e6 + seed)).sin().nan_to_num()
                w.grad.data.mul_(1 + 2 * _torch.finfo(w.dtype).eps * noise)


_hook(_round)
"""
ANSI = re.compile(r"\x1b\[[0-9;]*m")
FAILURES = (CellExecutionError, CellTimeoutError, DeadKernelError)


def settle_environment():
    """Set what kernels inherit, so that every run prints the same."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("PYTHONHASHSEED", "0")
    # threads that wait must not hold a core that another notebook needs
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # newer Pythons colour the errors of the programs that a cell starts
    os.environ["PYTHON_COLORS"] = "0"
    # where it is set, each kernel compiles PyTorch anew, for some seconds
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    # another backend than the kernel's own draws no pictures
    os.environ.pop("MPLBACKEND", None)
    # not the user's profile of IPython
    profile = tempfile.mkdtemp(prefix="ipython-")
    atexit.register(shutil.rmtree, profile, ignore_errors=True)
    folder = Path(profile, "profile_default")
    (folder / "startup").mkdir(parents=True)
    (folder / "ipython_config.py").write_text(SHARP)
    if seed := os.environ.get("ROUNDING"):
        if not seed.isdecimal():
            sys.exit(f"ROUNDING={seed}: give a whole number, such as 1")
        code = ROUNDING % int(seed)
        (folder / "startup" / "rounding.py").write_text(code)
    os.environ["IPYTHONDIR"] = profile


def digests(notebook):
    """A digest of every code cell, {cell id: first 12 hex digits of sha256}.

    They are stored when the notebook is executed, so that a cell edited since
    then is told apart.
    """
    return {
        cell.id: hashlib.sha256(cell.source.encode()).hexdigest()[:12]
        for cell in notebook.cells
        if cell.cell_type == "code"
    }


def normalise(notebook):
    """Drop in place what differs between two runs or two machines."""
    notebook.metadata = nbformat.from_dict(
        {
            "book": {"executed": digests(notebook)},
            "kernelspec": {
                "display_name": "Python 3 (ipykernel)",
                "language": "python",
                "name": "python3",
            },
            "language_info": {"file_extension": ".py", "name": "python"},
        }
    )
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for cell in notebook.cells:
        for key in ("execution", "collapsed", "scrolled", "ExecuteTime"):
            cell.metadata.pop(key, None)
        for output in cell.get("outputs", []):
            if "data" in output:  # the size of a picture that is not stored
                for kind in output.metadata.keys() - output.data.keys():
                    del output.metadata[kind]
            if output.output_type == "error":
                output.traceback = _without_library_frames(output.traceback)
    return notebook


def _without_library_frames(traceback):
    """Keep what points into the notebook: other frames hold local paths."""
    return [
        frame
        for frame in traceback
        if not ANSI.sub("", frame).startswith("File ")
    ]


@contextlib.contextmanager
def started(notebook, folder):
    """A client whose kernel runs; what the kernel logs is no output."""
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
        coalesce_streams=True,
    )
    with client.setup_kernel(stderr=subprocess.DEVNULL):
        yield client


def run(notebook, folder):
    """Run a notebook's cells in place, in a fresh kernel.

    Raises:
        CellExecutionError, CellTimeoutError, DeadKernelError: a cell failed.
    """
    # not client.execute(): it swallows Ctrl-C
    with contextlib.ExitStack() as stack:
        try:
            client = stack.enter_context(started(notebook, folder))
        except RuntimeError:  # another kernel has taken one of its ports
            client = stack.enter_context(started(notebook, folder))
        for index, cell in enumerate(notebook.cells):
            client.execute_cell(
                cell, index, execution_count=client.code_cells_executed + 1
            )


def keep_what_looks_the_same(stored, notebook, anew=False):
    """Take outputs from the stored notebook where the new ones are close.

    A cell that was edited since it was stored shows what it draws now. Behind
    it no tolerance counts: what differs may come from the edit, and not from
    the machine. Behind the first text that did change, pictures are of this
    run too, so that they show what the texts say. New pictures are made
    lighter.

    Args:
        stored: the notebook as it is in its file.
        notebook: the same one after a run; changed in place.
        anew: whether to keep nothing.
    """
    executed = stored.metadata.get("book", {}).get("executed", {})
    now = digests(notebook)
    edited = bool(set(executed) - set(now))  # a cell is gone
    moved = anew  # or: an unedited cell says something else
    for old, new in zip(stored.cells, notebook.cells, strict=True):
        if new.cell_type != "code":
            continue
        known = []
        same = executed.get(new.id) == now[new.id]
        edited = edited or not same
        if same and not moved:
            tolerance = {} if edited else new.metadata.get("tolerance", {})
            settle(old.outputs, new.outputs, tolerance)
            said, says = map(texts, old.outputs), map(texts, new.outputs)
            moved = edited and [*said] != [*says]
            known = [
                text
                for output in old.outputs
                for text in output.get("data", {}).values()
            ]
        for output in new.outputs:
            make_lighter(output, known)


def make_lighter(output, known=()):
    """Store an output's picture in fewer bytes, in place.

    Args:
        output: an output of a cell, with or without a picture.
        known: base64 texts of pictures that stay as they are.
    """
    data = output.get("data", {})
    for kind in PICTURES:
        if kind in data and data[kind] not in known:
            kind, picture = lighter(b64decode(data.pop(kind)))
            data[kind] = b64encode(picture).decode()
            return


def execute(path, anew=False):
    """Run one notebook from top to bottom and write it back if it changed.

    Args:
        path: the notebook.
        anew: whether to keep none of its outputs.

    Returns:
        Whether the file changed.

    Raises:
        CellExecutionError, CellTimeoutError, DeadKernelError: a cell failed;
            the file is untouched.
        OSError: the file cannot be written, or was edited meanwhile; it is
            untouched.
    """
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(f"{path.parent} cannot be written")
    before = path.read_text(encoding="utf-8")
    stored = nbformat.reads(before, as_version=4)
    notebook = copy.deepcopy(stored)
    run(notebook, path.parent)
    keep_what_looks_the_same(stored, notebook, anew)
    normalise(notebook)
    nbformat.validate(notebook)
    after = nbformat.writes(notebook).rstrip("\n") + "\n"
    now = path.read_text(encoding="utf-8")
    if now == after:
        return now != before
    if now != before:
        raise OSError(errno.EBUSY, "it was edited meanwhile; run it again")
    write(path, after)
    return True


def write(path, text):
    """Replace a file as a whole, or leave it as it was.

    Raises:
        OSError: the folder is read-only, the disk is full.
    """
    handle, part = tempfile.mkstemp(".part", path.stem, path.parent)
    try:
        with open(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(part, path.stat().st_mode)
        os.replace(part, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(part)


def find(name):
    """The notebook meant by "01_tensors", "01_tensors.ipynb" or a path."""
    path = NOTEBOOKS / (Path(name).stem + ".ipynb")
    if not path.is_file():
        known = " ".join(sorted(p.stem for p in NOTEBOOKS.glob("*.ipynb")))
        raise SystemExit(f"there is no notebook {name!r}; there are: {known}")
    return path


def main(names):
    """Execute the notebooks named, or all of them; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="01_tensors")
    parser.add_argument("--anew", action="store_true", help="keep no output")
    chosen = parser.parse_args(names)
    settle_environment()
    paths = [find(name) for name in chosen.names] or sorted(
        NOTEBOOKS.glob("*.ipynb")
    )
    failed = 0
    for path in paths:
        print(f"{path.stem}: running ...", flush=True)
        start = time.perf_counter()
        try:
            changed = execute(path, chosen.anew)
        except FAILURES as error:
            failed += 1
            print(f"{path.stem}: not stored, a cell failed\n{error}")
        except OSError as error:
            failed += 1
            print(f"{path.stem}: not stored, {error.strerror or error}")
        except KeyboardInterrupt:
            # the task that waited for the kernel has nothing to add
            logging.getLogger("asyncio").setLevel(logging.CRITICAL)
            print(f"\n{path.stem}: stopped; the notebook is as it was")
            return 130
        else:
            seconds = time.perf_counter() - start
            said = "stored" if changed else "unchanged"
            print(f"{path.stem}: {said} after {seconds:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
