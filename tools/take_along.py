"""Make the book to take along, from the built site, in `_build/take_along`.

    python tools/take_along.py pdf     one PDF, with page numbers and links
    python tools/take_along.py epub    for e-readers; formulas are MathML
    python tools/take_along.py zip     the site, the notebooks and their data

Run `make book` first. The solutions stand at the end of each chapter. A real
browser reads the pages and prints them: Chromium, by the package `playwright`.
"""

import argparse
import html
import re
import sys
import uuid
import zipfile
from pathlib import Path

import yaml

from pictures import Trouble, open_page

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "_build" / "html"
FOLDER = ROOT / "_build" / "take_along"
NAME = "pytorch-cell-by-cell"
TITLE = "PyTorch, Cell by Cell"
PATIENCE = 600  # seconds to print all
STYLE = re.compile(r'<style id="book-style">(.*?)</style>', re.S)
RUN = re.compile(r'<div class="extra_footer">\s*<p>(.*?)</p>', re.S)
LIGHT = 'html[data-theme="light"] '

# what the archive holds beside the site, and what it leaves out
KEPT = ["README.md", "LICENSE", "Makefile", "requirements*.txt"]
KEPT += ["requirements*.in", "tools/set_up.py", "notebooks/**/*", "data/**/*"]
LEFT = re.compile(
    r"__pycache__|\.ipynb_checkpoints|\.map$|fontawesome|_static/locales"
    r"|notebooks/data/"
)

# Reads a page of the site and returns its article, ready for paper: without
# buttons and folds, with the solutions at its end. `names` has the page's new
# address by its old one; on paper all pages are one, so that an id gets the
# page's name before it.
PREPARE = """([text, page, names, paper]) => {
    const doc = new DOMParser().parseFromString(text, "text/html");
    const article = doc.querySelector("article.bd-article");
    const add = (parent, tag, properties, ...children) => {
        const element = Object.assign(doc.createElement(tag), properties);
        element.append(...children);
        parent.append(element);
        return element;
    };
    const drop = "a.headerlink, button, script, summary, "
        + ".toctree-wrapper, .off-paper";
    article.querySelectorAll(drop).forEach((element) => element.remove());
    for (const fold of article.querySelectorAll("details")) {
        const box = doc.createElement("div");
        box.append(...fold.childNodes);
        fold.replaceWith(box);
    }
    const chapter = article.querySelector("section");
    const solutions = article.querySelectorAll(".tag_hide-cell");
    if (solutions.length) {
        const all = add(chapter, "section", { id: "solutions" });
        add(all, "h2", { textContent: "Solutions" });
        for (const cell of solutions) {
            const title = cell.closest("section").querySelector("h3");
            const id = `solution-of-${cell.closest("section").id}`;
            const link = doc.createElement("p");
            cell.replaceWith(link);
            let one = doc.getElementById(id);
            if (!one) {
                add(link, "a", { href: `#${id}`, textContent: "Solution" });
                one = add(all, "section", { id });
                const words = title ? title.textContent : "Solution";
                add(one, "h3", { textContent: words });
            }
            one.append(cell);
        }
    }
    const here = new URL(page, "book:/");
    const anchor = (name, id) => paper ? `#${name}${id && "--" + id}`
        : `${name}.xhtml${id && "#" + id}`;
    for (const link of article.querySelectorAll("a[href]")) {
        const url = new URL(link.getAttribute("href"), here);
        if (url.protocol !== "book:") continue;
        const name = names[url.pathname.replace(/^[/]+/, "")];
        const id = decodeURIComponent(url.hash.slice(1));
        if (name) link.setAttribute("href", anchor(name, id));
        else link.replaceWith(...link.childNodes);
        link.removeAttribute("title");
    }
    const pictures = [];
    for (const img of article.querySelectorAll("img")) {
        const path = new URL(img.getAttribute("src"), here).pathname;
        const file = path.replace(/^[/]+/, "");
        pictures.push(file);
        for (const { name } of [...img.attributes])
            if (!["src", "alt", "class"].includes(name))
                img.removeAttribute(name);
        img.setAttribute("src", paper ? file : file.split("/").pop());
    }
    const known = new Set();
    for (const element of article.querySelectorAll("[id]")) {
        if (known.has(element.id)) element.removeAttribute("id");
        known.add(element.id);
        if (paper) element.id = `${names[page]}--${element.id}`;
    }
    const heads = [...article.querySelectorAll("h1, h2")].map((head) => [
        head.tagName === "H1" ? 1 : 2,
        head.closest("section").id,
        head.textContent.trim(),
    ]);
    for (const element of article.querySelectorAll("*"))
        for (const { name } of [...element.attributes])
            if (/^(data-|tabindex|role|on)/.test(name))
                element.removeAttribute(name);
    const whole = paper ? article.innerHTML : [...article.childNodes]
        .map((node) => new XMLSerializer().serializeToString(node)).join("");
    return { heads, pictures, whole };
}"""

PAPER = """
@page { size: A4; margin: 18mm 16mm 20mm; }
html { font-size: 12px; }
body { background: #fff; }
article { break-before: page; }
#cover { break-before: auto; padding-top: 30vh; text-align: center; }
pre { font-size: 7.6pt !important; line-height: 1.3; }
figure, img, .math, .cell_input, .cell_output { break-inside: avoid; }
h1, h2, h3 { break-after: avoid; }
img { max-width: 100%; max-height: 230mm; object-fit: contain; }
.contents { columns: 1; padding: 0; list-style: none; }
.contents li { display: flex; gap: 1em; }
.contents li.inner { padding-left: 2em; font-size: 9.5pt; }
.contents li > a { flex: 1; color: inherit; text-decoration: none; }
"""

READER = """
@font-face { font-family: "STIX Two Math"; src: url(stix-two-math.woff2); }
math { font-family: "STIX Two Math", math; }
pre { white-space: pre-wrap; font-size: 0.8em; background: #f5f5f5;
  padding: 0.5em; }
code { font-size: 0.9em; }
img { max-width: 100%; }
table { border-collapse: collapse; font-size: 0.85em; }
td, th { border: 1px solid #ccc; padding: 0.2em 0.5em; text-align: left; }
.admonition { border-left: 3px solid #b58900; padding-left: 0.8em; }
.tolerance, figcaption { font-size: 0.85em; }
.label { display: none; }
"""


def contents_of_the_book():
    """The files of `_toc.yml` without their endings, in order."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    files = [c["file"] for part in toc["parts"] for c in part["chapters"]]
    return [toc["root"], *files]


def titled_pages():
    """The pages in order: [(address in the site, short name)]."""
    return [
        (f"{file}.html", Path(file).name)
        for file in contents_of_the_book()
        if file != "genindex"
    ]


def read(site=SITE):
    """The written pages: {address: HTML}.

    Raises:
        Trouble: the site is not built.
    """
    if not (site / "index.html").is_file():
        raise Trouble("the site is not built: run `make book` first")
    return {
        address: (site / address).read_text(encoding="utf-8")
        for address, _ in titled_pages()
    }


def prepare(tab, texts, paper):
    """Each page's article as a browser reads it, see `PREPARE`."""
    names = dict(titled_pages())
    return {
        name: tab.evaluate(PREPARE, [texts[address], address, names, paper])
        for address, name in names.items()
    }


def contents(parts, numbers):
    """The list of contents of the PDF.

    Args:
        parts: what `prepare` gives.
        numbers: {anchor: page number}, or {}.
    """
    lines = []
    for part in parts.values():
        for level, anchor, title in part["heads"]:
            kind = "inner" if level == 2 else "outer"
            lines.append(
                f'<li class="{kind}"><a href="#{anchor}">'
                f"{html.escape(title)}</a>"
                f"<span>{numbers.get(anchor, '000')}</span></li>"
            )
    return f'<h1>Contents</h1><ul class="contents">{"".join(lines)}</ul>'


def page_numbers(path):
    """Where each anchor of a PDF stands: {anchor: page number}."""
    from pypdf import PdfReader

    paper = PdfReader(path)
    return {
        name.strip("/"): paper.get_destination_page_number(place) + 1
        for name, place in paper.named_destinations.items()
    }


def add_outline(path, parts, numbers):
    """Give a PDF its contents at the side.

    Chromium writes them only into a PDF with tags, three times as large.
    """
    from pypdf import PdfWriter

    paper = PdfWriter(clone_from=path)
    paper.add_metadata({"/Title": TITLE})
    for part in parts.values():
        outer = None
        for level, anchor, title in part["heads"]:
            item = paper.add_outline_item(
                title=title,
                page_number=numbers[anchor] - 1,
                parent=outer if level == 2 else None,
            )
            outer = item if level == 1 else outer
    paper.write(path)


def make_pdf(target):
    """Print all pages as one, twice: the second time with page numbers."""
    texts = read()
    style = STYLE.search(texts["index.html"])[1]
    ran = RUN.search(texts["index.html"])
    cover = f"<h1>{TITLE}</h1><p>{ran[1] if ran else ''}</p>"
    number = (
        '<div style="width: 100%; text-align: center; font-size: 8px">'
        '<span class="pageNumber"></span></div>'
    )
    whole = SITE / "whole-book.html"
    with open_page(1000, 1400) as tab:
        tab.set_default_timeout(1000 * PATIENCE)
        parts = prepare(tab, texts, paper=True)
        numbers = {}
        try:
            for _ in range(2):
                articles = [("cover", cover)]
                articles += [("contents", contents(parts, numbers))]
                articles += [(n, p["whole"]) for n, p in parts.items()]
                body = "".join(
                    f'<article class="bd-article" id="{name}">{text}</article>'
                    for name, text in articles
                )
                whole.write_text(
                    '<!DOCTYPE html><html lang="en" data-theme="light">'
                    f'<meta charset="utf-8"><title>{TITLE}</title>'
                    f"<style>{style}{PAPER}</style>"
                    f'<body><main class="bd-content">{body}</main>',
                    encoding="utf-8",
                )
                tab.goto(whole.as_uri())
                tab.evaluate("document.fonts.ready")
                tab.pdf(
                    path=target,
                    prefer_css_page_size=True,
                    display_header_footer=True,
                    header_template="<span></span>",
                    footer_template=number,
                )
                numbers = page_numbers(target)
        finally:
            whole.unlink(missing_ok=True)
    add_outline(target, parts, numbers)


XHTML = """\
<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" \
xmlns:epub="http://www.idpf.org/2007/ops" lang="en" xml:lang="en">
<head><title>{title}</title>\
<link rel="stylesheet" type="text/css" href="book.css"/></head>
<body>{body}</body>
</html>
"""
CONTAINER = """\
<?xml version="1.0" encoding="utf-8"?>
<container version="1.0" \
xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>\
<rootfile full-path="book/book.opf" \
media-type="application/oebps-package+xml"/></rootfiles></container>
"""
PACKAGE = """\
<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" \
unique-identifier="id" xml:lang="en">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="id">urn:uuid:{id}</dc:identifier>
<dc:title>{title}</dc:title><dc:language>en</dc:language>
<dc:creator>The authors of {title}</dc:creator>
<meta property="dcterms:modified">{time}</meta>
</metadata>
<manifest>{items}</manifest>
<spine>{spine}</spine>
</package>
"""
KINDS = {
    ".css": "text/css",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}


def make_epub(target):
    """Write the pages as a book for e-readers (EPUB 3)."""
    texts = read()
    with open_page(1000, 1400) as tab:
        parts = prepare(tab, texts, paper=False)
    colours = (SITE / "_static" / "pygments.css").read_text(encoding="utf-8")
    colours = "".join(
        line.removeprefix(LIGHT) + "\n"
        for line in colours.splitlines()
        if line.startswith(LIGHT) and "color" in line
    )
    files = {"book.css": (colours + READER).encode()}
    font = SITE / "_static" / "stix" / "stix-two-math.woff2"
    files[font.name] = font.read_bytes()
    for part in parts.values():
        for picture in part["pictures"]:
            files[Path(picture).name] = (SITE / picture).read_bytes()
    listed = "".join(
        f'<li><a href="{name}.xhtml">{html.escape(part["heads"][0][2])}</a>'
        "<ol>"
        + "".join(
            f'<li><a href="{name}.xhtml#{anchor}">{html.escape(title)}</a>'
            "</li>"
            for level, anchor, title in part["heads"]
            if level == 2
        )
        + "</ol></li>"
        for name, part in parts.items()
    ).replace("<ol></ol>", "")
    nav = f'<nav epub:type="toc"><h1>Contents</h1><ol>{listed}</ol></nav>'
    pages = {name: part["whole"] for name, part in parts.items()}
    items = ""
    for name, body in {"nav": nav, **pages}.items():
        title = name if name == "nav" else parts[name]["heads"][0][2]
        page = XHTML.format(title=html.escape(title), body=body)
        files[f"{name}.xhtml"] = page.encode()
        marks = ' properties="nav"' if name == "nav" else ""
        if "<math" in body:
            marks = ' properties="mathml"'
        items += (
            f'<item id="p-{name}" href="{name}.xhtml"'
            f' media-type="application/xhtml+xml"{marks}/>'
        )
    for number, name in enumerate(files):
        kind = KINDS.get(Path(name).suffix)
        if kind:
            items += (
                f'<item id="f{number}" href="{name}" media-type="{kind}"/>'
            )
    spine = "".join(f'<itemref idref="p-{name}"/>' for name in pages)
    package = PACKAGE.format(
        id=uuid.uuid5(uuid.NAMESPACE_DNS, NAME),
        title=TITLE,
        time="2026-01-01T00:00:00Z",
        items=items,
        spine=f'<itemref idref="p-nav"/>{spine}',
    )
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        book.writestr("META-INF/container.xml", CONTAINER)
        book.writestr("book/book.opf", package)
        for name, data in files.items():
            book.writestr(f"book/{name}", data)


def make_zip(target):
    """Pack the site, the notebooks, their data and what installs them."""
    read()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for folder, patterns, inside in (
            (SITE, ["**/*"], "site"),
            (ROOT, KEPT, ""),
        ):
            found = {p for pattern in patterns for p in folder.glob(pattern)}
            for path in sorted(found):
                name = path.relative_to(folder).as_posix()
                if path.is_file() and not LEFT.search(name):
                    archive.write(path, Path(NAME, inside, name))


KINDS_OF_BOOK = {"pdf": make_pdf, "epub": make_epub, "zip": make_zip}


def main():
    """Make what is asked for and say where it lies."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="+", choices=KINDS_OF_BOOK)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for kind in parser.parse_args().kinds:
        target = FOLDER / f"{NAME}.{kind}"
        KINDS_OF_BOOK[kind](target)
        size = target.stat().st_size / 1e6
        print(f"{target} ({size:.1f} MB)", flush=True)


if __name__ == "__main__":
    try:
        main()
    except Trouble as trouble:
        sys.exit(f"nothing made: {trouble}")
