"""The form of the notebooks: what nbval does not look at."""

import re
import subprocess
import sys
from base64 import b64decode
from pathlib import Path

import nbformat
import pytest
import yaml

from cells import printing_cells
from outputs import digests

ROOT = Path(__file__).parents[1]
PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SKIPPING = {"nbval-skip", "skip-execution"}
TAGS = {
    "hide-cell",
    "hide-input",
    "hide-output",
    "nbval-ignore-output",
    "raises-exception",
    "real-thing",
}
METADATA = {"ignore_reason", "jupyter", "mystnb", "tags"}
IGNORED_SHARE = 0.05
LOCAL = re.compile(
    r"/(?:home|root|tmp|Users|usr|opt|work)/| at 0x[0-9a-f]{6,}"
)

each_notebook = pytest.mark.parametrize(
    "path", PATHS, ids=lambda path: path.stem
)


def read(path):
    """The notebook at a path."""
    return nbformat.read(path, as_version=4)


def code_cells(path):
    """Pairs of a name for messages and a code cell."""
    cells = [cell for cell in read(path).cells if cell.cell_type == "code"]
    for index, cell in enumerate(cells):
        yield f"{path.name}, code cell {index} (id {cell.id})", cell


def texts(cell):
    """All the text that a cell's outputs show."""
    for output in cell.outputs:
        yield output.get("text", "")
        yield output.get("evalue", "")
        yield from output.get("traceback", [])
        for mime, data in output.get("data", {}).items():
            if mime.startswith("text/"):
                yield data


def is_picture(output):
    """Whether an output shows an image."""
    return any(mime.startswith("image/") for mime in output.get("data", {}))


@each_notebook
def test_the_stored_outputs_belong_to_the_code(path):
    notebook = read(path)
    executed = notebook.metadata.get("book", {}).get("executed", {})
    now = digests(notebook)
    edited = [key for key in now if now[key] != executed.get(key)]
    advice = f"run `make outputs NB={path.stem}`"
    assert not edited, (
        f"{path.name}: cells {edited} edited since run; {advice}"
    )
    gone = sorted(set(executed) - set(now))
    assert not gone, f"{path.name}: cells {gone} deleted since run; {advice}"
    for count, (where, cell) in enumerate(code_cells(path), start=1):
        assert cell.execution_count == count, f"{where} is not run in order"


@each_notebook
def test_the_notebook_is_valid_and_its_ids_are_stable(path):
    notebook = read(path)
    nbformat.validate(notebook)
    ids = [cell.id for cell in notebook.cells]
    assert len(ids) == len(set(ids)), f"{path.name}: two cells share an id"
    assert set(notebook.metadata) == {"book", "kernelspec", "language_info"}
    for cell in notebook.cells:
        extra = set(cell.metadata) - METADATA
        assert not extra, f"{path.name}, cell {cell.id}: metadata {extra}"
        unknown = set(cell.metadata.get("tags", [])) - TAGS
        assert not unknown, f"{path.name}, cell {cell.id}: tags {unknown}"


@each_notebook
def test_nothing_is_skipped_and_what_is_ignored_has_a_reason(path):
    for where, cell in code_cells(path):
        tags = set(cell.metadata.get("tags", []))
        assert not tags & SKIPPING, f"{where} is skipped"
        assert "NBVAL_" not in cell.source, f"{where}: use tags, not comments"
        if "nbval-ignore-output" in tags:
            reason = cell.metadata.get("ignore_reason", "")
            assert len(reason.split()) >= 3, f"{where}: ignored, no reason"
        if "raises-exception" in tags:
            kinds = [output.output_type for output in cell.outputs]
            assert "error" in kinds, f"{where} no longer raises"
    printing, ignored = printing_cells(read(path))
    share = len(ignored) / max(1, len(printing))
    assert share <= IGNORED_SHARE, f"{path.name}: {share:.1%} ignored"


@each_notebook
def test_outputs_hold_no_stderr_and_nothing_local(path):
    for where, cell in code_cells(path):
        for output in cell.outputs:
            assert output.get("name") != "stderr", f"{where} warns: {output}"
        for text in texts(cell):
            assert not LOCAL.search(text), f"{where} shows a local path"


@each_notebook
def test_every_picture_has_alt_text(path):
    names = []
    for where, cell in code_cells(path):
        if not any(map(is_picture, cell.outputs)):
            continue
        settings = cell.metadata.get("mystnb", {})
        alt = settings.get("image", {}).get("alt", "")
        assert len(alt.split()) >= 4, f"{where}: a picture without alt text"
        for output in cell.outputs:
            film = b"acTL" in b64decode(
                output.get("data", {}).get("image/png", "")
            )
            assert not film or alt.startswith("Animat"), (
                f"{where}: the alt text of a film begins with 'Animation'"
            )
        figure = settings.get("figure", {})
        if figure:
            assert figure.get("caption"), f"{where}: a figure without caption"
            assert figure["caption"] != alt, f"{where}: alt repeats caption"
            names.append(figure.get("name"))
    assert len(names) == len(set(names)), f"{path.name}: two figures, one name"


@each_notebook
def test_the_chapter_has_its_parts(path):
    prose = [c.source for c in read(path).cells if c.cell_type == "markdown"]
    headings = re.findall(r"^(#+) +(.+)$", "\n\n".join(prose), re.M)
    titles = [title for level, title in headings if level == "#"]
    assert len(titles) == 1, f"{path.name}: {len(titles)} titles"
    last = [title for level, title in headings if level == "##"][-3:]
    assert last == ["Summary", "Exercises", "Further reading"], path.name


def test_the_table_of_contents_lists_every_chapter():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    files = [c["file"] for part in toc["parts"] for c in part["chapters"]]
    listed = [file for file in files if file.startswith("notebooks/")]
    assert listed == [f"notebooks/{path.stem}" for path in PATHS]


def test_the_landing_page_links_every_chapter():
    text = (ROOT / "index.md").read_text(encoding="utf-8")
    links = re.findall(r"^:link: notebooks/(\w+)$", text, re.M)
    assert links == [path.stem for path in PATHS]


@pytest.mark.parametrize("page", ["index.md", "README.md"])
def test_the_python_code_on_a_page_runs(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for code in re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S):
        exec(compile(code, page, "exec"), {})


@pytest.mark.parametrize(
    "arguments", [["check"], ["format", "--check"]], ids=["lint", "format"]
)
def test_the_code_is_tidy(arguments):
    run = subprocess.run(
        [sys.executable, "-m", "ruff", *arguments, "--no-cache", ROOT],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
