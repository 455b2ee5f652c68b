"""What the extensions of the site do to a page."""

import re
from types import SimpleNamespace

import nbformat
import pytest
from docutils import nodes
from docutils.core import publish_doctree
from markdown_it.tree import SyntaxTreeNode
from myst_parser.docutils_ import Parser

import hypertext
import live
import progress
import sections
from api import MARKDOWN
from cells import NOTEBOOKS, each_chapter


def read(markdown):
    """The document that a text in Markdown makes."""
    return publish_doctree(
        markdown,
        parser=Parser(),
        settings_overrides={
            "doctitle_xform": False,
            "myst_enable_extensions": ["dollarmath"],
        },
    )


CHAPTER = """\
# Hooks

Opening.

## On tensors

A **leaf** keeps its `grad`. $x^2$

```python
w.register_hook(print)
```

### Order

Last **leaves** in chapter 2 and 3 more, chapters 2 and 3, chapter 7 and
chapter 99.
"""


def test_a_section_is_found_with_its_own_words_only():
    numbers = {"": (7,), "#on-tensors": (7, 1)}
    page = "notebooks/07_hooks"
    one, two, three = sections.sections(page, read(CHAPTER), numbers)
    assert (one["title"], one["anchor"], one["up"]) == ("7 Hooks", "", [])
    assert one["prose"] == "Opening."
    assert two["title"] == "7.1 On tensors"
    assert two["anchor"] == "on-tensors"
    assert two["up"] == ["7 Hooks"]
    assert two["prose"] == "A leaf keeps its grad."
    assert two["code"] == "w.register_hook(print)"
    assert three["up"] == ["7 Hooks", "7.1 On tensors"]
    assert "leaf" not in three["prose"]


def references(doctree):
    """The links of a document: [(text, address)]."""
    return [
        (r.astext(), r["refuri"]) for r in doctree.findall(nodes.reference)
    ]


def test_a_chapter_that_is_named_is_linked():
    doctree = read(CHAPTER + "\n`chapter 3` and [chapter 3](https://e.org)\n")
    hypertext.link_chapters(doctree, {2: "two", 3: "three", 7: "me"}, own=7)
    assert references(doctree) == [
        ("chapter 2", "two"),
        ("chapters 2", "two"),
        ("3", "three"),
        ("chapter 3", "https://e.org"),
    ]
    assert "chapter 7 and\nchapter 99." in doctree.astext()


def meaning(term, page=None, text=""):
    """An entry of the glossary."""
    return hypertext.Meaning(term, f"term-{term}", text, page)


def test_the_first_use_of_a_term_is_linked_with_its_meaning():
    doctree = read(CHAPTER)
    known = {"leaf": meaning("leaf", text="A tensor that was not computed.")}
    hypertext.link_terms(doctree, known, "glossary.html")
    [link] = doctree.findall(nodes.reference)
    assert link["refuri"] == "glossary.html#term-leaf"
    assert link["reftitle"] == "A tensor that was not computed."
    assert link.astext() == "leaf"


@pytest.mark.parametrize(
    "bold, name",
    [
        ("Leaf", "leaf"),
        ("hooks.", "hook"),
        ("losses", "loss"),
        ("leaves", "leaf"),
        ("hook’s loss", "hook loss"),
        ("loss (of all)", "loss"),
        ("mean", "mean (of two)"),
        ("leg", None),
    ],
)
def test_a_term_is_known_in_other_forms(bold, name):
    known = {"leaf", "hook", "loss", "hook loss", "mean (of two)"}
    assert hypertext.key_of(nodes.strong("", bold), known) == name


def test_of_two_terms_the_one_of_the_chapter_is_meant():
    known = {
        "momentum": meaning("momentum", "notebooks/06"),
        "momentum (of batch norm)": meaning("momentum", "notebooks/08"),
    }
    bold = nodes.strong("", "momentum")
    chapters = ["notebooks/06", "notebooks/08", "notebooks/09"]
    met = [hypertext.key_of(bold, known, page) for page in chapters]
    assert met == [*known, "momentum"]


def test_the_glossary_leads_to_the_section():
    page = "notebooks/07_hooks"
    chapter = read(CHAPTER)
    env = SimpleNamespace(found_docs={page}, get_doctree=lambda _: chapter)
    places = hypertext.taught(env, {"leaf": meaning("leaf")})
    assert places == {("leaf", page): "on-tensors"}
    arrow = nodes.reference("", "chapter 7", refuri="07.html")
    entry = nodes.definition_list_item(
        "",
        nodes.term("", "Leaf"),
        nodes.definition("", nodes.paragraph("", "", arrow)),
    )
    hypertext.link_back(entry, places, lambda _: "07.html")
    assert arrow["refuri"] == "07.html#on-tensors"


def test_the_index_leads_to_the_section(monkeypatch):
    page = "notebooks/07_hooks"
    index = SimpleNamespace(entries={page: ["of an earlier build"]})
    env = SimpleNamespace(
        found_docs={page},
        get_doctree=lambda _: read(CHAPTER),
        get_domain=lambda _: index,
    )
    monkeypatch.setattr(
        hypertext, "meanings", lambda _: {"leaf": meaning("Leaf")}
    )
    hypertext.fill_index(SimpleNamespace(), env)
    entry = ("single", "Leaf", "on-tensors", "", None)
    assert index.entries == {page: [entry]}


def test_the_browser_is_told_the_sections_of_a_page():
    page = "notebooks/07_hooks"
    doctree = read(
        CHAPTER + "\n## A reader's `x`\n\n## Exercises\n\n## On tensors\n"
    )
    *_, again = doctree.findall(nodes.section)
    env = SimpleNamespace(
        get_doctree=lambda _: doctree,
        toc_secnumbers={page: {"": (7,)}},
        titles={page: nodes.title("", "Hooks")},
    )
    assert progress.contents(env, page) == {
        "title": "7. Hooks",
        "sections": [
            "On tensors",
            "A reader's x",
            ["On tensors", again["ids"][0]],
        ],
    }


def glossary():
    """The entries of the glossary, by name."""
    text = (NOTEBOOKS.parent / "book" / "glossary.md").read_text("utf-8")
    entries = re.findall(
        r"^(\S.*)\n(?:  .*\n)*?  \{doc\}`→ chapter \d+ </(.*)>`$", text, re.M
    )
    return {term.lower(): meaning(term, page) for term, page in entries}


def words_in_bold(path):
    """What stands in bold in a notebook's text."""
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            tree = SyntaxTreeNode(MARKDOWN.parse(cell.source))
            for node in tree.walk():
                if node.type == "strong":
                    parts = [
                        part.content
                        for part in node.walk()
                        if part.type in ("text", "code_inline", "softbreak")
                    ]
                    yield " ".join(
                        "".join(part or " " for part in parts).split()
                    )


# bold that stresses, names a part of the page or a thing for the moment
STRESSED = """
    It is often said|An honest limit|Before you start|Run time
    You will be able to|Two routes.|always copies|Chance|displaced|found
    freezes|ghost|Horizontal axis|Ignore outliers|ignored|lazy|missed|no
    not in place|or|pool|Reload data|renamed|responsible
    silent, wrong gradient|Smoothing|twice|vanishes|the sign has flipped
    With Adam both arrive
"""


@each_chapter
def test_a_term_in_bold_is_in_the_glossary(path):
    known, page = glossary(), f"notebooks/{path.stem}"
    words = set(words_in_bold(path))
    met = {
        word: hypertext.key_of(nodes.strong("", word), known, page)
        for word in words
    }
    sentences = {w for w in words if len(w.split()) > 4 or w[-1] in ".,:"}
    stressed = set(re.split(r"\s*[|\n]\s*", STRESSED))
    lost = {w for w in words if not met[w]} - sentences - stressed
    assert not lost, f"no entry in book/glossary.md: {sorted(lost)}"
    here = {name for name in known if known[name].page == page}
    untaught = here - set(met.values())
    assert not untaught, f"nowhere in bold: {sorted(untaught)}"


@pytest.mark.parametrize("page", ["Hooks", "Data"])
def test_a_still_says_where_its_figure_is_live(page, caplog):
    doctree = read(
        "# Hooks\n\n![A strip.](book/assets/live/strides.svg)\n\n"
        f"**Live on the site, page “{page}”.** Move it.\n"
    )
    title = SimpleNamespace(astext=lambda: "Hooks")
    app = SimpleNamespace(
        builder=SimpleNamespace(format="html"),
        env=SimpleNamespace(titles={"notebooks/07_hooks": title}),
    )
    live.mark(app, doctree, "notebooks/07_hooks")
    [image] = doctree.findall(nodes.image)
    assert image["classes"] == ["live"]
    said = [strong.astext() for strong in doctree.findall(nodes.strong)]
    if page == "Hooks":
        assert said == ["Live.", "Live on the site, page “Hooks”."]
    else:
        assert "page “Hooks”" in caplog.text
