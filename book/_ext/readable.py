"""Let the notebooks be plain Markdown and the site still show its forms.

A code host, Colab, VS Code and JupyterLab show a notebook without this book's
Sphinx. So the notebooks hold no directive and no role, but

- a quote that opens with a line in bold, which the site shows as a box;
- a link to an entry of the bibliography, as in
  `[Kipf and Welling (2017)](../book/references.bib#kipf2017)`, which the site
  turns into a citation; in brackets, `[(Kipf and Welling, 2017)](...)`, the
  citation stands in brackets too;
- a link to a figure, as in `[the next figure](#fig-rnn-race)`, which the site
  turns into the figure's number.
"""

import re

from docutils import nodes
from docutils.transforms import Transform

# the class gives the box its colour and sign
KINDS = {"It is often said": "warning"}
CITATION = re.compile(r"\[([^][\n]+)\]\(\.\./book/references\.bib#([\w:-]+)\)")
FIGURE = re.compile(r"\[[^][\n]+\]\(#(fig-[\w-]+)\)")


def refer(text):
    """Write the links to the bibliography and to figures as roles."""
    return FIGURE.sub(r"{numref}`\1`", CITATION.sub(_citation, text))


def _citation(link):
    kind = "p" if link[1].startswith("(") else "t"
    return f"{{cite:{kind}}}`{link[2]}`"


def title_of(quote):
    """The bold line that opens a quote, a `strong` node, or None."""
    if not isinstance(quote[0], nodes.paragraph):
        return None
    first, *rest = (child for child in quote[0] if child.astext())
    return first if isinstance(first, nodes.strong) and not rest else None


class Boxes(Transform):
    """Turn each quote that opens with a line in bold into a box."""

    default_priority = 5  # before translations are looked up

    def apply(self):
        """Replace the quotes of the document in place."""
        for quote in list(self.document.findall(nodes.block_quote)):
            bold = title_of(quote)
            if bold is None:
                continue
            title = nodes.title("", "", *bold.children)
            title.source, title.line = quote[0].source, quote[0].line
            title.rawsource = bold.astext()
            box = nodes.admonition("", title, *quote[1:])
            box["classes"] = [KINDS.get(bold.astext(), "note")]
            box.source, box.line = quote.source, quote.line
            quote.replace_self(box)


def read(app, docname, source):
    """Write the references of a page that Sphinx is about to read."""
    source[0] = refer(source[0])


def setup(app):
    """Register the extension with Sphinx."""
    app.connect("source-read", read)
    app.add_transform(Boxes)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
