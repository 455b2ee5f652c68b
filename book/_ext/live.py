"""Bring the live figures to the pages that show their stills.

A chapter shows the still of a live figure like any picture,
`![What is to be seen.](../book/assets/live/NAME.svg)`, and below it stands a
paragraph that opens with the words of `ELSEWHERE`, for a page that is printed
or opened in Jupyter. On the site the script NAME.js draws the figure in the
place of its still, and the paragraph opens with `HERE`.
"""

from docutils import nodes

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
        below = image.parent.next_node(nodes.paragraph, descend=False)
        strong = below.next_node(nodes.strong) if below else None
        if strong and strong.astext() == words:
            strong.replace_self(nodes.strong("", HERE))


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
