"""Make the written pages light, and mend what the theme leaves undone.

The theme writes pages whose head waits for a dozen scripts, whose pictures all
load at once and whose contents never open at the section that is read. Each
page is changed once it is written; changing it twice changes nothing more.
"""

import re
from pathlib import Path

import imagesize
from sphinx.util.i18n import format_date

import films

# draws some ten icons with 1.5 MB of script; icons.css draws them instead
ICONS = re.compile(r"\s*<script [^>]*scripts/fontawesome\.js[^>]*></script>")
MATHJAX = re.compile(
    r"\s*<script>window\.MathJax.*?</script>"
    r"|\s*<script [^>]*mathjax/[^>]*></script>"
)
SCRIPT = re.compile(r"<script (?![^>]*\b(?:defer|async)\b)(?=[^>]*\bsrc=)")
# it needs what a script before it defines, and those wait now
SETTING = re.compile(r"<script>(?=DOCUMENTATION_OPTIONS\.pagename)")
PICTURE = re.compile(
    r'<img (?![^>]*\bloading=)([^>]*\bsrc="([^":]*_images/[^"]+)"[^>]*)>'
)
SPY = 'data-bs-target=".bd-toc-nav"'


def mend(html, folder):
    """Return a page that shows the same and loads faster.

    Args:
        html: the page as the theme wrote it.
        folder: where the page lies; its pictures are found from there.
    """
    html = ICONS.sub("", html)
    if 'class="math' not in html:
        html = MATHJAX.sub("", html)
    html = SCRIPT.sub("<script defer ", html)
    html = SETTING.sub('<script type="module">', html)
    # the contents of the theme have no such class, so nothing was marked
    html = html.replace(SPY, 'data-bs-target="#pst-page-toc-nav"')
    return PICTURE.sub(lambda found: _picture(found, folder), html)


def _picture(found, folder):
    """An image that loads when it comes near and keeps its place free."""
    attributes, source = found.groups()
    width, height = imagesize.get(folder / source)
    if width > 0 and "width" not in attributes and "style" not in attributes:
        attributes = f'width="{width}" height="{height}" {attributes}'
    if 'alt="Animat' in attributes:
        for name, value in films.lay_out(folder / source).items():
            attributes = f'{name}="{value}" {attributes}'
    return f'<img loading="lazy" decoding="async" {attributes}>'


def mend_all(app, error):
    """Change all pages of a site that was written without an error."""
    if error or app.builder.format != "html":
        return
    for path in Path(app.outdir).rglob("*.html"):
        if "_static" in path.parts:
            continue
        html = path.read_text(encoding="utf-8")
        mended = mend(html, path.parent)
        if mended != html:
            path.write_text(mended, encoding="utf-8")


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


def setup(app):
    """Register the extension with Sphinx."""
    app.connect("config-inited", say_what_ran)
    app.connect("build-finished", mend_all)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
