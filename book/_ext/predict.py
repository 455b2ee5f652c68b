"""Let the reader predict an output before it is seen.

A code cell asks for it with the tag `predict`. On the site `predict.js` covers
its output; on paper and without a script the output is simply there.
"""

import zlib

from docutils import nodes
from docutils.transforms import Transform

TAG = "predict"


def cells(doctree):
    """The code cells of a page that are to be predicted."""
    return [
        box
        for box in doctree.findall(nodes.container)
        if TAG in box.get("cell_metadata", {}).get("tags", [])
    ]


class Names(Transform):
    """Give each such cell a name, under which its guess is remembered."""

    default_priority = 5  # before translations are looked up

    def apply(self):
        """Change the document in place."""
        page = self.document.settings.env.docname
        for box in cells(self.document):
            code = box.next_node(nodes.literal_block).astext()
            digest = zlib.crc32(f"{page}\n{code}".encode())
            box["ids"].append(f"{TAG}-{digest:08x}")  # new code, new name


def load(app, page, template, context, doctree):
    """Load the script where there is something to predict."""
    if doctree and cells(doctree):
        app.add_js_file("predict.js")


def setup(app):
    """Register the extension with Sphinx."""
    app.add_transform(Names)
    app.connect("html-page-context", load)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
