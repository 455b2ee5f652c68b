"""What several tests ask of the cells of a notebook."""

import ast
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
EVERY = sorted(NOTEBOOKS.glob("*.ipynb"))
# a chapter has a number, an appendix has none
CHAPTERS = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
APPENDICES = [path for path in EVERY if path not in CHAPTERS]

each_notebook = pytest.mark.parametrize(
    "path", EVERY, ids=lambda path: path.stem
)
each_chapter = pytest.mark.parametrize(
    "path", CHAPTERS, ids=lambda path: path.stem
)


def namespace(name, tag):
    """Execute the code cells of a notebook that carry a tag.

    Args:
        name: the notebook's name without folder and ending, "03_data".
        tag: the cell tag; the cells so tagged need nothing from the others.

    Returns:
        The dict of what they define.

    Raises:
        LookupError: no cell carries the tag.
    """
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    sources = [
        cell.source
        for cell in notebook.cells
        if cell.cell_type == "code" and tag in cell.metadata.get("tags", [])
    ]
    if not sources:
        raise LookupError(f"{name} has no cell tagged {tag}")
    defined = {"__name__": f"cells_of_{name}"}
    for source in sources:
        exec(compile(source, f"{name}.ipynb", "exec"), defined)
    return defined


def definitions(name, functions, **given):
    """Define functions of a notebook, without a run of its other cells.

    Args:
        name: the notebook's name without folder and ending, "10_detection".
        functions: names of functions and classes; of two the first counts.
        given: what they need besides, such as modules.

    Returns:
        The dict of what is given and defined.

    Raises:
        LookupError: the notebook defines no function of that name.
    """
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    nodes = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            for node in ast.parse(cell.source).body:
                nodes.setdefault(getattr(node, "name", None), node)
    if missing := set(functions) - nodes.keys():
        raise LookupError(f"{name} defines no {', '.join(sorted(missing))}")
    code = ast.Module([nodes[one] for one in functions], [])
    exec(compile(code, f"{name}.ipynb", "exec"), given)
    return given
