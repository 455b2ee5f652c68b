"""The notebooks are plain Markdown, and the site still shows its forms."""

import re
from pathlib import Path

import nbformat
import pytest
from docutils import nodes
from docutils.core import publish_doctree
from myst_parser.docutils_ import Parser
from pybtex.database import parse_file
from pybtex.richtext import Text

from cells import each_notebook
from readable import CITATION, Boxes, refer

BIBLIOGRAPHY = parse_file(
    Path(__file__).parents[1] / "book" / "references.bib"
)
ONLY_HERE = re.compile(
    r"^(?:`{3,}|:{3,})\{.*|\{[\w:-]+\}`|^\([\w-]+\)=$", re.M
)


def prose(path):
    """The Markdown cells of a notebook as (cell number, source)."""
    return [
        (index, cell.source)
        for index, cell in enumerate(nbformat.read(path, as_version=4).cells)
        if cell.cell_type == "markdown"
    ]


def names(key):
    """The authors of an entry as a text names them, and the year."""
    entry = BIBLIOGRAPHY.entries[key]
    people = [
        " ".join(
            str(Text.from_latex(name))
            for name in person.prelast_names + person.last_names
        )
        for person in entry.persons["author"]
    ]
    if len(people) > 2:
        people = [f"{people[0]} et al."]
    return " and ".join(people), entry.fields["year"]


def boxes(markdown):
    """The boxes that the site makes of a text: (class, title, body)."""
    tree = publish_doctree(markdown, parser=Parser())
    Boxes(tree).apply()
    return [
        (box["classes"], box[0].astext(), [part.astext() for part in box[1:]])
        for box in tree.findall(nodes.admonition)
    ]


@each_notebook
def test_a_notebook_reads_well_in_any_viewer(path):
    for index, source in prose(path):
        found = ONLY_HERE.search(source)
        assert not found, (
            f"cell {index}: only the site understands {found[0]!r}; "
            "CONTRIBUTING.md shows the plain form"
        )


@each_notebook
def test_a_citation_names_its_authors_and_year(path):
    for index, source in prose(path):
        for shown, key in CITATION.findall(source):
            authors, year = names(key)
            right = f"{authors} ({year})", f"({authors}, {year})"
            assert shown in right, f"cell {index}: {shown!r}, not {right}"


def test_a_quote_under_a_bold_line_becomes_a_box():
    text = "> **It is often said**\n>\n> *One* thing.\n>\n> - another"
    assert boxes(text) == [
        (["warning"], "It is often said", ["One thing.", "another"])
    ]
    assert boxes("> **A limit**\n>\n> Here.")[0][0] == ["note"]


@pytest.mark.parametrize(
    "text", ["> A **bold** word.", "> **Bold** first.", "> - **item**"]
)
def test_any_other_quote_stays_a_quote(text):
    assert boxes(text) == []


def test_links_become_references_of_the_site():
    link = "(../book/references.bib#kipf2017)"
    assert refer(f'"a", [Kipf (2017)]{link}') == '"a", {cite:t}`kipf2017`'
    assert refer(f"[(Kipf, 2017)]{link}") == "{cite:p}`kipf2017`"
    assert refer("see [the film](#fig-a-b).") == "see {numref}`fig-a-b`."
    assert refer("[1](02.ipynb) [\n](#fig-a)") == "[1](02.ipynb) [\n](#fig-a)"
