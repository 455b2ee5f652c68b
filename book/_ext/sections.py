"""Let the search find sections.

Sphinx's own search lists pages, and a chapter's page is eighty screens long.
Here each section, exercise and glossary entry is one document. They are
written to `_static/sections.js`, a script and not JSON, so that the search
works from the file system too; `search.js` and MiniSearch do the rest.
"""

import json
from pathlib import Path

from docutils import nodes

# what is no text, or is text that nobody looks for
SILENT = (
    *(nodes.raw, nodes.math, nodes.math_block, nodes.comment),
    *(nodes.system_message, nodes.image, nodes.substitution_definition),
)
CODE = (nodes.literal_block, nodes.doctest_block)
SKIP = {"book/bibliography"}  # names and titles, which many chapters hold


def text_of(node, code):
    """The words of a node without its sections.

    Args:
        node: a docutils node.
        code: whether to take code and outputs, or else the prose.
    """
    if isinstance(node, nodes.Text):
        return "" if code else node.astext()
    if isinstance(node, CODE):
        return node.astext() + "\n" if code else ""
    if isinstance(node, (*SILENT, nodes.section, nodes.title)):
        return ""
    joint = "" if isinstance(node, nodes.TextElement) else "\n"
    return joint.join(text_of(child, code) for child in node.children)


def inside(node, code):
    """The words of a node's children, with one space between words."""
    text = "\n".join(text_of(child, code) for child in node.children)
    return " ".join(text.split())


def entry(page, anchor, title, up, node):
    """One document of the search."""
    return {
        "page": page,
        "anchor": anchor,
        "title": title,
        "up": up,
        "prose": inside(node, code=False),
        "code": inside(node, code=True),
    }


def sections(page, doctree, numbers):
    """All documents of a page, in order.

    Args:
        page: its name without the ending.
        doctree: the page as read.
        numbers: {"#anchor": (7, 2)}, the numbers of its sections.
    """
    for section in doctree.findall(nodes.section):
        names = []
        step = section
        while isinstance(step, nodes.section):
            anchor = f"#{step['ids'][0]}"
            if isinstance(step.parent, nodes.document):
                anchor = ""
            number = ".".join(map(str, numbers.get(anchor) or ()))
            names.append(f"{number} {step[0].astext()}".strip())
            step = step.parent
        anchor = "" if len(names) == 1 else section["ids"][0]
        yield entry(page, anchor, names[0], names[:0:-1], section)
    for term in doctree.findall(nodes.term):
        definition = term.parent[-1]
        if term["ids"]:
            anchor, title = term["ids"][0], term.astext()
            yield entry(page, anchor, title, ["Glossary"], definition)


def all_sections(env):
    """The documents of all pages of a site."""
    return [
        found
        for page in sorted(env.found_docs)
        if page not in SKIP
        for found in sections(
            page, env.get_doctree(page), env.toc_secnumbers.get(page, {})
        )
    ]


def write(app, error):
    """Write the documents where the page of the search finds them."""
    if error or app.builder.format != "html":
        return
    found = json.dumps(all_sections(app.env), ensure_ascii=False)
    path = Path(app.outdir, "_static", "sections.js")
    path.write_text(f"const SECTIONS = {found};\n", encoding="utf-8")


def without_the_other(app):
    """Sphinx writes no index of its own."""
    app.builder.search = False


def page_of_the_search(app):
    """The page that shows what is found."""
    yield "search", {}, "search.html"


def setup(app):
    """Register the extension with Sphinx."""
    app.connect("builder-inited", without_the_other)
    app.connect("html-collect-pages", page_of_the_search)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
