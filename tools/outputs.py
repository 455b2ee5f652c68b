"""Execute notebooks in a fresh kernel and store stable outputs.

    python tools/outputs.py            all notebooks
    python tools/outputs.py 01_tensors notebooks/02_autograd.ipynb

A notebook is written back only when its last cell has run; an error in a cell
leaves the file as it was and ends with exit status 1.
"""

import hashlib
import os
import re
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import (
    CellExecutionError,
    CellTimeoutError,
    DeadKernelError,
)

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
CELL_TIMEOUT = 300  # seconds
ANSI = re.compile(r"\x1b\[[0-9;]*m")


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


def execute(path):
    """Run one notebook from top to bottom and write it back.

    Raises:
        CellExecutionError, CellTimeoutError, DeadKernelError: a cell failed;
            the file is untouched.
    """
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
    ).execute()
    normalise(notebook)
    nbformat.validate(notebook)
    part = path.with_suffix(".part")
    nbformat.write(notebook, part)
    os.replace(part, path)


def find(name):
    """The notebook meant by "01_tensors", "01_tensors.ipynb" or a path."""
    path = NOTEBOOKS / (Path(name).stem + ".ipynb")
    if not path.is_file():
        known = " ".join(sorted(p.stem for p in NOTEBOOKS.glob("*.ipynb")))
        raise SystemExit(f"there is no notebook {name!r}; there are: {known}")
    return path


def main(names):
    """Execute the notebooks named, or all of them; return the exit status."""
    paths = [find(name) for name in names] or sorted(NOTEBOOKS.glob("*.ipynb"))
    failed = 0
    for path in paths:
        print(f"{path.stem}: running ...", flush=True)
        start = time.perf_counter()
        try:
            execute(path)
        except (
            CellExecutionError,
            CellTimeoutError,
            DeadKernelError,
        ) as error:
            failed += 1
            print(f"{path.stem}: not stored, a cell failed\n{error}")
        else:
            seconds = time.perf_counter() - start
            print(f"{path.stem}: stored after {seconds:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
