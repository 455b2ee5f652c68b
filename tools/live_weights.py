"""Train the models that live figures show, and store their weights.

    python tools/live_weights.py           all of them
    python tools/live_weights.py letters   one figure's

The cells of the chapter run as they stand until the model is trained. Each
row of a weight becomes whole numbers from -45 to 45 times one scale, and each
number one sign of a text, so that a figure stays small. A maintainer runs this
after a change of those cells, then the tests of the live figures.
"""

import argparse
import contextlib
import io
import json
import math
import os
import sys
from pathlib import Path

import matplotlib
import nbformat
import torch

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
LIVE = ROOT / "book" / "assets" / "live"


def run_cells(chapter, until):
    """Run the code cells of a chapter until a name is defined.

    Args:
        chapter: the notebook's name without folder and ending.
        until: the name; the cell that defines it is the last one that runs.

    Returns:
        The dict of all that the cells defined.
    """
    matplotlib.use("agg")
    os.chdir(NOTEBOOKS)
    sys.path.insert(0, str(NOTEBOOKS))
    defined = {"__name__": "__main__"}
    notebook = nbformat.read(NOTEBOOKS / f"{chapter}.ipynb", as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            continue
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(cell.source, cell.id, "exec"), defined)
        matplotlib.pyplot.close("all")
        if until in defined:
            return defined
    raise LookupError(f"no cell of {chapter} defines {until}")


def rounded(weight):
    """A weight as [shape, scales, text], and the value that this stands for.

    The whole numbers from -45 to 45 are the signs from # to }, without a gap.
    """
    rows = weight.detach().double().reshape(len(weight), -1)
    if weight.ndim == 1:
        rows = rows.T  # a bias has one scale
    largest = rows.abs().amax(dim=1).clamp(min=1e-9)
    scales = [float(f"{one / 45:.3g}") for one in largest]
    step = torch.tensor(scales, dtype=torch.float64)[:, None]
    whole = (rows / step).round().clamp(-45, 45)
    text = "".join(chr(80 + int(one)) for one in whole.flatten())
    return [list(weight.shape), scales, text], (whole * step).view_as(weight)


def letters():
    """The writer of names of chapter 12: its head, and its weights."""
    cells = run_cells("12_rnn", until="perplexities")
    writer = cells["writer"]
    before = cells["perplexities"]["writer"]
    stored = {}
    for name, weight in writer.state_dict().items():
        stored[name], value = rounded(weight.cpu())
        weight.copy_(value)
    after = math.exp(cells["test_loss"](writer))
    head = (
        "// The weights of chapter 12's NameWriter: for each its shape, a "
        "scale for each row,\n// and whole numbers as signs. Made by "
        "tools/live_weights.py. Perplexity on the\n// chapter's test names: "
        f"{before:.3f}, and as rounded here {after:.3f}.\n"
    )
    return head, {"languages": cells["languages"], "weights": stored}


FIGURES = {"letters": letters}


def main():
    """Write one file for each figure that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="*", help=", ".join(FIGURES))
    names = parser.parse_args().name or list(FIGURES)
    for name in names:
        if name not in FIGURES:
            parser.error(f"{name} is none of {', '.join(FIGURES)}")
        head, data = FIGURES[name]()
        text = json.dumps(data, separators=(",", ":"))
        path = LIVE / f"{name}_weights.js"
        path.write_text(f"{head}live.{name} = {text};\n", encoding="utf-8")
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
