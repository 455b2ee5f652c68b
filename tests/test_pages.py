"""What the site does to the written pages, their formulas and films."""

from types import SimpleNamespace

import pytest
from docutils import nodes
from docutils.core import publish_doctree
from myst_parser.docutils_ import Parser
from PIL import Image

import citations
import films
import formulas
import pages
import showcase
import styles

HEAD = """\
<html data-theme="auto" data-content_root="../">
<title>A book &#8212; A book</title>
<link rel="preload" as="script" href="_static/a.js" />
<script src="_static/scripts/fontawesome.js?digest=1"></script>
<script src="_static/doctools.js"></script>
<script>let toggleHintShow = 'Click to show';</script>
<script>DOCUMENTATION_OPTIONS.pagename = 'a';</script>
<script>a = localStorage.getItem("theme") || "auto";</script>
<body data-bs-spy="scroll" data-bs-target="#a" data-bs-root-margin="0px">
<img alt="A" src="_images/a.png" />
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
    assert "preload" not in page and "data-bs" not in page
    assert 'data-theme="light"' in page and '|| "auto"' not in page
    assert "<title>A book</title>" in page
    assert (
        '<img loading="lazy" decoding="async" width="30" height="20" '
        'alt="A" src="_images/a.png" />'
    ) in page
    assert '<img src="_static/logo.svg"/>' in page
    assert pages.mend(page, folder) == page


def test_a_sharp_figure_keeps_its_shape_where_the_page_is_narrow(folder):
    stated = HEAD.replace("a.png", 'a.png" style="width: 15px; height: 10px;')
    page = pages.mend(stated, folder)
    assert 'width="15" height="10" alt="A" src="_images/a.png" />' in page


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


def test_code_is_light_and_its_long_lines_are_marked(folder):
    long = f'<span class="n">{"x" * 45}</span><span class="o">=</span>1\n'
    page = f'<pre><span></span><span class="n">a</span>\n{long}</pre>'
    mended = pages.mend(page, folder)
    line = f'{"x" * 45}<span class="o">=</span>1\n'
    assert mended == (
        f'<pre><span></span>a\n<span class="line">{line}</span></pre>'
    )
    assert pages.mend(mended, folder) == mended


def test_a_long_name_may_break_at_its_dots(folder):
    page = '<code><span class="pre">torch.nn_a.x</span> torch.nn.init</code>'
    assert pages.mend(page, folder) == (
        '<code><span class="pre">torch.<wbr>nn_<wbr>a.<wbr>x</span> '
        "torch.nn.init</code>"
    )


def test_the_contents_come_before_the_article(folder):
    article = '<div class="bd-article-container">A</div>'
    contents = '<dialog id="pst-secondary-sidebar-modal"></dialog><div>B</div>'
    end = '</div>\n<footer class="bd-footer-content">'
    page = pages.mend(article + contents + end, folder)
    assert page == contents + article + end
    assert pages.mend(page, folder) == page


CSS = """\
/* a { b } */ @font-face{font-family:Font Awesome 6;src:url(x.woff)}
:root{--a:"}"}.used,.gone:hover{color:red}.gone .used{c:d}p{e:f}
@media print{.gone{a:b}#id:not(.gone){g:url(a.svg)}}"""


def test_the_rules_that_no_page_uses_are_left_out(tmp_path):
    (tmp_path / "a.css").write_text(CSS)
    css = styles.used(styles.read(tmp_path / "a.css"), {"used", "id"})
    assert css == (
        ':root{--a:"}"}.used{color:red}p{e:f}'
        "@media print{#id:not(.gone){g:url(a.svg)}}"
    )


def test_the_rules_stand_in_the_page(tmp_path):
    (tmp_path / "a.css").write_text(CSS)
    (tmp_path / "b.js").write_text('x.classList.add("used")')
    page = (
        '<html data-content_root="../"><link rel="stylesheet" '
        'href="../_static/a.css?v=1" /><p id="id">'
    )
    [html] = styles.join({"a": page}, tmp_path).values()
    assert "<link" not in html and ".used{color:red}" in html
    assert "url(../_static/a.svg)" in html and "Awesome" not in html
    again = styles.join({"a": html, "b": page}, tmp_path)
    assert again == {"a": html, "b": html}


@pytest.mark.parametrize(
    "latex, part",
    [
        (r"y \log p", '<mi>log</mi><mspace width="0.17em" /><mi>p</mi>'),
        (r"\log(p)", "<mi>log</mi><mo"),
        (r"\text{a\_b}", "<mtext>a_b</mtext>"),
        (r"a \\ b", "<mtable"),
        (r"a < b", "&#x0003C;"),
        (r"|x|", 'lspace="0" rspace="0">&#x0007C;</mo><mi>x</mi>'),
    ],
)
def test_a_formula_is_mathml(latex, part):
    assert part in formulas.mathml(latex)


def test_brackets_are_as_high_as_their_matrix():
    one = r"\begin{pmatrix} 1 \\ 2 \\ 3 \end{pmatrix}"
    other = r"\begin{pmatrix} 4 \\ 5 \end{pmatrix}"
    assert formulas.mathml(one + other).count("<mrow><mo>&#x00028;") == 2


@pytest.mark.parametrize(
    "latex, said",
    [
        (r"\fracc{a}{b}", r"\fracc"),
        (r"\frac{a}{b", "a brace"),
        (r"\frac a", "half"),
        ("a & b", "&amp;"),
        (r"\{a\} < b", ""),
    ],
)
def test_a_formula_that_is_no_latex_is_named(latex, said):
    found = formulas.fault(latex, formulas.mathml(latex))
    assert found.startswith(said) and bool(found) == bool(said)


def test_a_film_has_a_still_of_its_end(tmp_path):
    film = tmp_path / "a.png"
    red, blue = (
        Image.new("RGB", (8, 6), colour) for colour in ("red", "blue")
    )
    red.save(film, save_all=True, append_images=[blue], duration=[10, 20])
    told = films.lay_out(film)
    assert told["data-stays"] == "10,20"
    still = Image.open(tmp_path / told["still"]).convert("RGB")
    assert still.getpixel((0, 0)) == (0, 0, 255)
    small = Image.open(films.shrink(film)).convert("RGB")
    assert small.size == films.SMALL and small.getpixel((9, 9))[2] > 200


def test_the_hours_are_those_that_the_chapters_state(tmp_path):
    (tmp_path / "01_a.ipynb").write_text(
        "*One evening* (about 85 minutes): *A second visit* (about 60 "
        "minutes) *Difficulty 1 of 5 · about 3 minutes* *Difficulty 2 of 5 "
        "\\u00b7 about 30 minutes*"
    )
    (tmp_path / "02_a.ipynb").write_text("*One evening* (about 90 minutes)")
    (tmp_path / "errors.ipynb").write_text("*One evening* (about 90 minutes)")
    found = [showcase.hours(tmp_path, kind) for kind in showcase.STATED]
    assert found == [3, 1, 1]


def test_a_work_names_the_sections_that_cite_it():
    doctree = publish_doctree(
        "# Hooks\n\nText.\n\n## On tensors\n\n### Order\n\nText.",
        parser=Parser(),
        settings_overrides={"doctitle_xform": False},
    )
    *_, last = doctree.findall(nodes.section)
    last += nodes.paragraph("", "", citations.pending_xref(ids=["id7"]))
    page = "notebooks/07_hooks"
    cited = SimpleNamespace(
        docname=page,
        citation_ref_id="id7",
        targets=[SimpleNamespace(key="a2020")],
    )
    env = SimpleNamespace(
        found_docs={page},
        get_domain=lambda _: SimpleNamespace(citation_refs=[cited]),
        get_doctree=lambda _: doctree,
        toc_secnumbers={page: {"": (7,), "#on-tensors": (7, 1)}},
    )
    assert citations.places(env) == {"a2020": [(page, "id7", "7.1")]}


def test_all_pages_are_made_anew_when_an_extension_changes(
    tmp_path, monkeypatch
):
    """Sphinx compares these numbers with those of the last build."""
    monkeypatch.setattr(pages, "HERE", tmp_path)
    versions = []
    for text in ("a = 1", "a = 2", "a = 1"):
        (tmp_path / "one.py").write_text(text)
        found = pages.setup(SimpleNamespace(connect=lambda *_, **__: None))
        versions.append(found["env_version"])
    assert versions[0] == versions[2] != versions[1]
