"""Make the written pages light, and mend what the theme leaves undone.

The theme writes pages whose head waits for a dozen scripts and nine
stylesheets, whose pictures all load at once and whose code has a box round
each word. Each page is changed once it is written; changing it twice changes
nothing more.
"""

import html as markup
import re
import zlib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import imagesize
from docutils import nodes
from sphinx.util.i18n import format_date

import films
import styles

# draws some ten icons with 1.5 MB of script; icons.css draws them instead
ICONS = re.compile(r"\s*<script [^>]*scripts/fontawesome\.js[^>]*></script>")
SCRIPT = re.compile(r"<script (?![^>]*\b(?:defer|async)\b)(?=[^>]*\bsrc=)")
# they run at the end, and would only come before what is shown first
EARLY = re.compile(r'\s*<link rel="preload" as="script"[^>]*>')
# it needs what a script before it defines, and those wait now
SETTING = re.compile(r"<script>(?=DOCUMENTATION_OPTIONS\.pagename)")
# site.js marks the place in the contents; the theme's way measures all of it
SPY = re.compile(r' data-bs-spy="scroll"[^>]*?data-bs-root-margin="[^"]*"')
# the colours are known before the page is drawn, and without a script
SYSTEM = 'localStorage.getItem("theme") || "auto"'
COLOURS = (
    '({light: "light", dark: "dark"})[localStorage.getItem("mode")] ||'
    ' (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")'
)
TWICE = re.compile(r"<title>(.+) &#8212; \1</title>")
# the contents of the page, which the keyboard meets before the article
CONTENTS = re.compile(
    r'(?P<before><div class="bd-article-container">.*)'
    r'(?P<contents><dialog id="pst-secondary-sidebar-modal">.*?)'
    r'(?P<after>\s*</div>\s*<footer class="bd-footer-content">)',
    re.S,
)
PICTURE = re.compile(
    r'<img (?![^>]*\bloading=)([^>]*\bsrc="([^":]*_images/[^"]+)"[^>]*)>'
)
SIZE = re.compile(r' style="width: (\d+)px; height: (\d+)px;"')
PRE = re.compile(r"(<pre>(?:<span></span>)?)(.*?)(</pre>)", re.S)
# names, brackets and spaces are drawn in the colour of the box
PLAIN = re.compile(r'<span class="(?:n|nn|p|w)">([^<]*)</span>')
TAG = re.compile(r"<[^>]+>")
LONG = 44  # signs that a line of code has on a phone
NAME = re.compile(r'(?<=<span class="pre">)[^<]{9,}')
JOINT = re.compile(r"(?<=\w)([._])(?=\w)")
LONGEST = 160  # signs of a description
HERE = Path(__file__).parent  # when it changes, all pages are made anew
# Jupyter Book has no option for it; many processes take few pages each, so
# that none is waited for long
PROCESSES = 9
# they do not say whether pages can be read side by side: the site is the same
SILENT = "sphinx_multitoc_numbering", "sphinx_jupyterbook_latex"
# the theme's script measures all boxes of a page, and that lays all of it out;
# site.js measures those that come near
THEME = "scripts/pydata-sphinx-theme.js"
MEASURED = re.compile(r'\["pre",[^]]*"\.pst-scrollable-table-container"\]')


def mend(html, folder):
    """Return a page that shows the same and loads faster.

    Args:
        html: the page as the theme wrote it.
        folder: where the page lies; its pictures are found from there.
    """
    html = ICONS.sub("", html)
    html = EARLY.sub("", html)
    html = SCRIPT.sub("<script defer ", html)
    html = SETTING.sub('<script type="module">', html)
    html = SPY.sub("", html)
    html = html.replace(SYSTEM, COLOURS)
    html = html.replace('data-theme="auto"', 'data-theme="light"')
    html = TWICE.sub(r"<title>\1</title>", html)
    html = CONTENTS.sub(r"\g<contents>\g<before>\g<after>", html)
    html = PRE.sub(_code, html)
    html = NAME.sub(lambda name: JOINT.sub(r"\1<wbr>", name[0]), html)
    return PICTURE.sub(lambda found: _picture(found, folder), html)


def _code(found):
    """A box of code that is lighter, and whose long lines can be wrapped."""
    start, body, end = found.groups()
    if '<span class="line">' in body:
        return found[0]
    lines = PLAIN.sub(r"\1", body).splitlines(keepends=True)
    return start + "".join(map(_line, lines)) + end


def _line(line):
    """A line of code; a long one is marked."""
    if len(markup.unescape(TAG.sub("", line))) <= LONG:
        return line
    return f'<span class="line">{line}</span>'


def _picture(found, folder):
    """An image that loads when it comes near and keeps its place free."""
    attributes, source = found.groups()
    if 'class="small"' in attributes:
        small = films.shrink(folder / source).name
        attributes = SIZE.sub("", attributes)  # it fills its frame
        return f"<img {attributes.replace(Path(source).name, small)}>"
    width, height = map(round, imagesize.get(folder / source))
    if stated := SIZE.search(attributes):  # of a figure for sharp screens
        width, height = map(int, stated.groups())
        attributes = attributes.replace(stated[0], "")
    if width > 0 and "width" not in attributes and "style" not in attributes:
        attributes = f'width="{width}" height="{height}" {attributes}'
    if films.is_film(folder / source):
        film = films.lay_out(folder / source)
        attributes = attributes.replace(Path(source).name, film.pop("still"))
        for name, value in film.items():
            attributes = f'{name}="{value}" {attributes}'
    return f'<img loading="lazy" decoding="async" {attributes}>'


def mend_all(app, error):
    """Change all pages of a site that was written without an error."""
    if error or app.builder.name != "html":
        return
    site = Path(app.outdir)
    pages = {
        path: path.read_text(encoding="utf-8")
        for path in site.rglob("*.html")
        if "_static" not in path.parts
    }
    folders = [path.parent for path in pages]
    with ProcessPoolExecutor() as pool:
        mended = pool.map(mend, pages.values(), folders)
        mended = dict(zip(pages, mended, strict=True))
    mended = styles.join(mended, site / "_static")
    script = site / "_static" / THEME
    text = script.read_text(encoding="utf-8")
    script.write_text(MEASURED.sub('[".none"]', text), encoding="utf-8")
    for path, html in mended.items():
        if html != pages[path]:
            path.write_text(html, encoding="utf-8")


def share(app):
    """Let several processes read and write the pages."""
    app.parallel = PROCESSES
    for name in SILENT:
        app.extensions[name].parallel_read_safe = True


def say_what_ran(app, config):
    """Name at the foot of each page the PyTorch that printed the outputs."""
    versions = Path(app.srcdir, "requirements.txt")
    if not versions.exists():
        return
    torch = re.search(r"^torch==([\d.]+)", versions.read_text("utf-8"), re.M)
    day = format_date("%d %B %Y", language="en").lstrip("0")
    config.html_theme_options["extra_footer"] = (
        f"<p>Run with PyTorch {torch[1]}. This page was made on {day}.</p>"
    )


def describe(app, pagename, templatename, context, doctree):
    """Tell search engines and previews what a page is about."""
    first = doctree and next(doctree.findall(nodes.paragraph), None)
    if first is None:
        return
    text = " ".join(first.astext().split())
    if len(text) > LONGEST:
        text = text[:LONGEST].rpartition(" ")[0] + " …"
    title = markup.escape(TAG.sub("", context["title"]))
    context["metatags"] += (
        f'\n<meta name="description" content="{markup.escape(text)}" />'
        f'\n<meta property="og:title" content="{title}" />'
        f'\n<meta property="og:description" content="{markup.escape(text)}" />'
    )


def setup(app):
    """Register the extension with Sphinx."""
    app.connect("config-inited", say_what_ran)
    app.connect("builder-inited", share)
    app.connect("html-page-context", describe)
    # the theme writes the colours of code when the build is finished
    app.connect("build-finished", mend_all, priority=900)
    code = [path.read_bytes() for path in sorted(HERE.glob("*.py"))]
    return {
        "parallel_read_safe": True,
        "parallel_write_safe": True,
        "env_version": zlib.crc32(b"".join(code)),
    }
