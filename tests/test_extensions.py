"""What the extensions of the site do to a page."""

from types import SimpleNamespace

import pytest
from docutils import nodes
from docutils.core import publish_doctree
from myst_parser.docutils_ import Parser
from PIL import Image

import hypertext
import pages
import sections

HEAD = """\
<script src="_static/scripts/fontawesome.js?digest=1"></script>
<script src="_static/doctools.js"></script>
<script>let toggleHintShow = 'Click to show';</script>
<script>window.MathJax = {"options": {}}</script>
<script defer="defer" src="_static/mathjax/tex-mml-chtml.js?v=1"></script>
<script>DOCUMENTATION_OPTIONS.pagename = 'a';</script>
<body data-bs-target=".bd-toc-nav"><img alt="A" src="_images/a.png" />
<img src="_static/logo.svg"/><p>text</p>
"""


@pytest.fixture
def folder(tmp_path):
    """A folder of a site with one picture, 30 wide and 20 high."""
    (tmp_path / "_images").mkdir()
    Image.new("RGB", (30, 20)).save(tmp_path / "_images" / "a.png")
    return tmp_path


def test_a_page_waits_for_no_script_and_for_no_far_picture(folder):
    page = pages.mend(HEAD, folder)
    assert "fontawesome" not in page
    assert '<script defer src="_static/doctools.js">' in page
    assert "<script>let toggleHintShow" in page
    assert '<script type="module">DOCUMENTATION_OPTIONS' in page
    assert 'data-bs-target="#pst-page-toc-nav"' in page
    assert (
        '<img loading="lazy" decoding="async" width="30" height="20" '
        'alt="A" src="_images/a.png" />'
    ) in page
    assert '<img src="_static/logo.svg"/>' in page
    assert pages.mend(page, folder) == page


def test_formulas_are_drawn_where_there_are_some(folder):
    assert "mathjax" not in pages.mend(HEAD, folder)
    with_one = HEAD + '<span class="math notranslate">x</span>'
    assert pages.mend(with_one, folder).count("MathJax") == 1
    assert "mathjax/tex-mml" in pages.mend(with_one, folder)


def test_the_foot_of_a_page_names_the_version(tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")
    app = SimpleNamespace(srcdir=tmp_path)
    config = SimpleNamespace(html_theme_options={})
    pages.say_what_ran(app, config)
    assert config.html_theme_options == {}
    (tmp_path / "requirements.txt").write_text("a==1\ntorch==2.15.0 ; x\n")
    pages.say_what_ran(app, config)
    assert config.html_theme_options["extra_footer"] == (
        "<p>Run with PyTorch 2.15.0. This page was made on 1 January 2026.</p>"
    )


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


def test_the_first_use_of_a_term_is_linked_with_its_meaning():
    doctree = read(CHAPTER)
    known = {"leaf": ("term-leaf", "A tensor that was not computed.")}
    hypertext.link_terms(doctree, known, "glossary.html")
    [link] = doctree.findall(nodes.reference)
    assert link["refuri"] == "glossary.html#term-leaf"
    assert link["reftitle"] == "A tensor that was not computed."
    assert link.astext() == "leaf"


@pytest.mark.parametrize(
    "bold, name",
    [("Leaf", "leaf"), ("hooks.", "hook"), ("losses", "loss"), ("leg", None)],
)
def test_a_term_is_known_in_the_plural_and_with_a_full_stop(bold, name):
    known = {"leaf", "hook", "loss"}
    assert hypertext.key_of(nodes.strong("", bold), known) == name


def test_the_glossary_leads_to_the_section():
    page = "notebooks/07_hooks"
    chapter = read(CHAPTER)
    env = SimpleNamespace(found_docs={page}, get_doctree=lambda _: chapter)
    places = hypertext.taught(env, {"leaf": None})
    assert places == {("leaf", page): "on-tensors"}
    arrow = nodes.reference("", "chapter 7", refuri="07.html")
    entry = nodes.definition_list_item(
        "",
        nodes.term("", "Leaf"),
        nodes.definition("", nodes.paragraph("", "", arrow)),
    )
    hypertext.link_back(entry, places, lambda _: "07.html")
    assert arrow["refuri"] == "07.html#on-tensors"
