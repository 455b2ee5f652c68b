"""The form of the book: its notebooks, contents, landing page and code."""

import io
import json
import re
import subprocess
import sys
from base64 import b64decode, b64encode
from collections import Counter
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path

import nbformat
import pytest
from PIL import Image

from cells import APPENDICES, CHAPTERS, each_chapter, each_notebook
from cells import EVERY as PATHS
from closeness import (
    NUMBER,
    PICTURE,
    allowance,
    mismatch,
    numbers,
    pictures,
    texts,
    unlike,
)
from images import is_film
from outputs import digests
from take_along import contents_of_the_book

ROOT = Path(__file__).parents[1]
SKIPPING = {"nbval-skip", "skip-execution"}
TAGS = {
    "hide-cell",
    "hide-input",
    "nbval-ignore-output",
    "predict",
    "real-thing",
}
METADATA = {"jupyter", "mystnb", "tags", "tolerance"}
# cells whose output is not compared, each with its reason; the goal is none
IGNORED = {}
# what each chapter says before its first section
OPENING = [
    "**You will be able to**",
    "**Two routes.**",
    "Running all cells takes about",
    "**Before you start**",
]
WIDEST_RELATIVE = 0.2
WIDEST_PICTURE = 0.5
# words that say nothing of what a picture shows
EMPTY_WORDS = set(
    "a an and animation chart figure graph here image of on picture plot "
    "shows some that the this with".split()
)
LOCAL = re.compile(
    r"/(?:home|root|tmp|Users|usr|opt|work)/| at 0x[0-9a-f]{6,}"
)

# what a loader says when its files are not there
MISSING = re.compile(
    r"no (\w+ )?[\w./*-]+( in| there| beside|:)|\[Errno 2\]|Dataset not found"
)


def read(path):
    """The notebook at a path."""
    return nbformat.read(path, as_version=4)


def code_cells(path):
    """Pairs of a name for messages and a code cell."""
    cells = [cell for cell in read(path).cells if cell.cell_type == "code"]
    for index, cell in enumerate(cells):
        yield f"{path.name}, code cell {index} (id {cell.id})", cell


def shown(cell):
    """All the text that a cell's outputs show."""
    for output in cell.outputs:
        yield from texts(output)
        yield from output.get("traceback", [])


def measured(cell):
    """The texts of a cell whose numbers a tolerance may cover."""
    return [
        text
        for output in cell.outputs
        if not pictures([output])  # "<Figure with 1 Axes>" measures nothing
        for text in texts(output)
    ]


@cache
def figures():
    """All cells that show a picture, as triples.

    (where, the cell, its mystnb settings); a cell without has {}.
    """
    return [
        (where, cell, cell.metadata.get("mystnb", {}))
        for path in PATHS
        for where, cell in code_cells(path)
        if pictures(cell.outputs)
    ]


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
def test_the_notebook_is_valid_and_no_two_cells_share_an_id(path):
    notebook = read(path)
    nbformat.validate(notebook)
    # as they are written: nbformat gives a second one another id as it reads
    written = json.loads(path.read_text(encoding="utf-8"))["cells"]
    ids = [cell["id"] for cell in written]
    assert len(ids) == len(set(ids)), f"{path.name}: two cells share an id"
    assert set(notebook.metadata) == {"book", "kernelspec", "language_info"}
    for cell in notebook.cells:
        extra = set(cell.metadata) - METADATA
        assert not extra, f"{path.name}, cell {cell.id}: metadata {extra}"
        unknown = set(cell.metadata.get("tags", [])) - TAGS
        assert not unknown, f"{path.name}, cell {cell.id}: tags {unknown}"


@each_notebook
def test_nothing_is_skipped(path):
    for where, cell in code_cells(path):
        tags = set(cell.metadata.get("tags", []))
        assert not tags & SKIPPING, f"{where} is skipped"
        assert "NBVAL_" not in cell.source, f"{where}: use tags, not comments"
        kinds = {output.output_type for output in cell.outputs}
        assert "error" not in kinds, f"{where}: catch the error, print it"


def test_only_the_listed_cells_are_ignored():
    ignored = {
        cell.id
        for path in PATHS
        for _, cell in code_cells(path)
        if "nbval-ignore-output" in cell.metadata.get("tags", [])
    }
    assert ignored == set(IGNORED), "ignored cells and IGNORED differ"


def test_a_printed_text_is_one_output():
    for path in PATHS:
        for where, cell in code_cells(path):
            for one, two in pairwise(cell.outputs):
                streams = one.output_type == two.output_type == "stream"
                assert not streams or one.name != two.name, (
                    f"{where}: a text in two pieces; run `make outputs`"
                )


def toleranced():
    """Pairs of a name for messages and a cell that states a tolerance."""
    return [
        (where, cell)
        for path in PATHS
        for where, cell in code_cells(path)
        if "tolerance" in cell.metadata
    ]


def test_a_tolerance_is_stated_with_its_reason_and_is_not_too_wide():
    for where, cell in toleranced():
        stated = dict(cell.metadata.tolerance)
        assert len(stated.pop("reason", "").split()) >= 3, f"{where}: why?"
        assert "nbval-ignore-output" not in cell.metadata.get("tags", [])
        if "picture" in stated:
            assert pictures(cell.outputs), f"{where} draws nothing"
            assert PICTURE < stated.pop("picture") <= WIDEST_PICTURE, where
            if not stated:
                continue
        found = [
            printed
            for text in measured(cell)
            for printed in NUMBER.findall(text)
        ]
        assert found, f"{where}: a tolerance, and no number"
        assert len(stated) == 1, f"{where}: absolute or relative, not both"
        [(kind, width)] = stated.items()
        assert width > 0, where
        if kind == "relative":
            assert width <= WIDEST_RELATIVE, f"{where}: {width} is too wide"
        else:
            assert kind == "absolute", f"{where}: {kind}?"
            fractions = [n for n in found if re.search("[.eE]", n)] or found
            largest = max(abs(x) for x in numbers(" ".join(fractions)))
            assert width <= WIDEST_RELATIVE * largest, (
                f"{where}: {width} is too wide for numbers up to {largest}"
            )


def test_a_number_off_by_three_tolerances_is_seen():
    for where, cell in toleranced():
        tolerance = cell.metadata.tolerance
        for text in measured(cell):
            for found in NUMBER.finditer(text):
                [number] = numbers(found[0])
                step = 3 * allowance(number, tolerance) or 1
                for wrong in (number + step, number - step):
                    start, end = found.span()
                    other = f"{text[:start]}{wrong:.12g}{text[end:]}"
                    assert mismatch(text, other, tolerance), (
                        f"{where}: {wrong:g} passes for {number:g}"
                    )


@each_notebook
def test_no_picture_passes_for_another_or_for_a_white_page(path):
    drawn = [
        (where, cell.metadata.get("tolerance", {}), picture)
        for where, cell in code_cells(path)
        for picture in pictures(cell.outputs)
    ]
    for (here, *one), (there, *two) in combinations(drawn, 2):
        widest = max(one[0], two[0], key=lambda t: t.get("picture", PICTURE))
        assert unlike(one[1], two[1], widest), f"{here} looks like {there}"
    for where, tolerance, picture in drawn:
        assert unlike(picture, white(picture), tolerance), f"{where} is blank"


def white(picture):
    """A white picture of the same size, as base64 text."""
    with Image.open(io.BytesIO(b64decode(picture))) as image:
        page = Image.new("RGB", image.size, "white")
    buffer = io.BytesIO()
    page.save(buffer, "png")
    return b64encode(buffer.getvalue()).decode()


@each_notebook
def test_outputs_hold_no_stderr_and_nothing_local(path):
    for where, cell in code_cells(path):
        for output in cell.outputs:
            assert output.get("name") != "stderr", f"{where} warns: {output}"
        for text in shown(cell):
            assert not LOCAL.search(text), f"{where} shows a local path"


def test_every_picture_is_a_figure_with_caption_and_name():
    for where, _, settings in figures():
        figure = settings.get("figure", {})
        caption = figure.get("caption", "")
        assert len(caption.split()) >= 4, f"{where}: a picture, no caption"
        assert re.fullmatch(r"fig-[\w-]+", figure.get("name", "")), (
            f"{where}: the name of a figure is fig-something"
        )
    names = Counter(s["figure"]["name"] for _, _, s in figures())
    twice = [name for name, count in names.items() if count > 1]
    assert not twice, f"two figures of one name: {twice}"


def test_every_picture_has_an_alt_text_of_its_own():
    known = {}
    for where, cell, settings in figures():
        alt = settings.get("image", {}).get("alt", "")
        words = set(re.findall(r"\w+", alt.lower())) - EMPTY_WORDS
        assert len(words) >= 4, f"{where}: what does the picture show?"
        assert alt != settings["figure"]["caption"], f"{where}: the caption"
        assert alt not in known, f"{where}: alt text of {known[alt]}"
        known[alt] = where
        [picture] = pictures(cell.outputs)
        film = is_film(b64decode(picture))
        assert film == alt.startswith("Animat"), (
            f"{where}: the alt text of a film begins with 'Animation'"
        )


@each_chapter
def test_what_is_to_predict_is_short_text(path):
    asked = [
        (where, cell)
        for where, cell in code_cells(path)
        if "predict" in cell.metadata.get("tags", [])
    ]
    assert 3 <= len(asked) <= 5, f"{path.name}: {len(asked)} predictions"
    for where, cell in asked:
        assert not pictures(cell.outputs), f"{where}: a picture"
        lines = "\n".join(shown(cell)).strip().splitlines()
        assert 1 <= len(lines) <= 4, f"{where}: {len(lines)} lines"
        assert cell.metadata.tags == ["predict"], f"{where}: folded"


@each_notebook
def test_a_readers_own_data_change_nothing(path):
    """What a cell prints about missing files is about files of no one."""
    for where, cell in code_cells(path):
        said = [text for output in cell.outputs for text in texts(output)]
        if any(map(MISSING.match, said)):
            assert "no_such_" in cell.source, f"{where} may find its files"


@each_chapter
def test_the_chapter_has_its_parts(path):
    prose = [c.source for c in read(path).cells if c.cell_type == "markdown"]
    headings = re.findall(r"^(#+) +(.+)$", "\n\n".join(prose), re.M)
    titles = [title for level, title in headings if level == "#"]
    assert len(titles) == 1, f"{path.name}: {len(titles)} titles"
    opening = "\n\n".join(prose).partition("\n## ")[0]
    for part in OPENING:
        assert part in opening, f"{path.name}: the opening lacks {part}"
    assert sum(text.count("*What we learnt: ") for text in prose) >= 7
    last = [title for level, title in headings if level == "##"][-3:]
    assert last == ["Summary", "Exercises", "Further reading"], path.name


def test_the_table_of_contents_lists_every_notebook():
    files = contents_of_the_book()
    listed = [file for file in files if file.startswith("notebooks/")]
    written = [f"notebooks/{path.stem}" for path in CHAPTERS + APPENDICES]
    assert sorted(listed) == sorted(written)
    assert listed[: len(CHAPTERS)] == written[: len(CHAPTERS)]


def test_the_landing_page_links_every_chapter():
    text = (ROOT / "index.md").read_text(encoding="utf-8")
    links = re.findall(r"^:link: notebooks/(\w+)$", text, re.M)
    assert links == [path.stem for path in CHAPTERS]


def test_the_python_code_of_the_landing_page_runs():
    text = (ROOT / "index.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S)
    assert blocks, "index.md shows no code"
    for code in blocks:
        exec(compile(code, "index.md", "exec"), {})


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
