"""Bring the live figures to the pages that show their stills.

A chapter shows the still of a live figure like any picture,
`![What is to be seen.](../book/assets/live/NAME.svg)`, and below it stands a
paragraph that opens with the words of `ELSEWHERE`, for a page that is printed
or opened in Jupyter. On the site the script NAME.js draws the figure in the
place of its still, and the paragraph opens with `HERE` but on paper.
"""

from docutils import nodes
from sphinx.util import logging

FOLDER = "book/assets/live/"
ELSEWHERE = "Live on the site, page “{}”."
HERE = "Live."


def mark(app, doctree, page):
    """Mark the stills for the script, and say that the figure is live here."""
    if app.builder.format != "html":
        return
    words = ELSEWHERE.format(app.env.titles[page].astext().strip())
    for image in doctree.findall(nodes.image):
        if not image["uri"].startswith(FOLDER):
            continue
        image["classes"].append("live")
        place = image.parent
        below = place.parent[place.parent.index(place) + 1 :][:1]
        strong = next(
            (one for p in below for one in p.findall(nodes.strong)), None
        )
        if strong is None or strong.astext() != words:
            logging.getLogger(__name__).warning(
                f"{image['uri']}: below it must stand **{words}**",
                location=image,
            )
            continue
        strong["classes"].append("on-paper")
        here = nodes.strong("", HERE, classes=["off-paper"])
        strong.parent.insert(strong.parent.index(strong), here)


def load(app, page, template, context, doctree):
    """Load the script where there is a live figure."""
    images = doctree.findall(nodes.image) if doctree else []
    if any("live" in image["classes"] for image in images):
        app.add_js_file("live/live.js")


def setup(app):
    """Register the extension with Sphinx."""
    app.connect("doctree-resolved", mark)
    app.connect("html-page-context", load)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
