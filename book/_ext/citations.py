"""Let the bibliography lead back to each place that cites a work."""

import functools

import pybtex.plugin
from docutils import nodes
from sphinx.addnodes import pending_xref

from hypertext import link

BIBLIOGRAPHY = "book/bibliography"


def name_of(env, page, node):
    """The place of a node as a reader names it: "7.5", or a page's title."""
    numbers = env.toc_secnumbers.get(page, {})
    while node is not None:
        if isinstance(node, nodes.section):
            number = numbers.get(f"#{node['ids'][0]}")
            if number:
                return ".".join(map(str, number))
        node = node.parent
    number = ".".join(map(str, numbers.get("", ())))
    return number or env.titles[page].astext()


def places(env):
    """Where each work is cited: {key: [(page, anchor, name)]}, in order."""
    domain = env.get_domain("cite")
    found = {}
    for page in sorted({ref.docname for ref in domain.citation_refs}):
        if page not in env.found_docs:
            continue
        marks = {
            mark["ids"][0]: mark
            for mark in env.get_doctree(page).findall(pending_xref)
            if mark["ids"]
        }
        for ref in domain.citation_refs:
            if ref.docname != page or ref.citation_ref_id not in marks:
                continue
            name = name_of(env, page, marks[ref.citation_ref_id])
            for target in ref.targets:
                listed = found.setdefault(target.key, [])
                if name not in [place[2] for place in listed]:
                    listed.append((page, ref.citation_ref_id, name))
    return found


def add_places(app, doctree, page):
    """Say below each work where it is cited."""
    if page != BIBLIOGRAPHY or app.builder.format != "html":
        return
    cited = places(app.env)
    keys = {
        citation.citation_id: citation.key
        for citation in app.env.get_domain("cite").citations
    }
    for work in doctree.findall(nodes.citation):
        line = nodes.inline("", " Cited in ", classes=["cited"])
        for place, anchor, name in cited.get(keys[work["ids"][0]], ()):
            uri = app.builder.get_relative_uri(page, place)
            line += [link(name, f"{uri}#{anchor}"), nodes.Text(", ")]
        if len(line) > 1:
            line[-1] = nodes.Text(".")
            work[-1] += line


def setup(app):
    """Register the extension with Sphinx."""
    # it goes through all installed packages, and is asked for each citation
    pybtex.plugin.find_plugin = functools.cache(pybtex.plugin.find_plugin)
    app.connect("doctree-resolved", add_places)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
