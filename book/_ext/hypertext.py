"""Link what the text names: chapters, and the terms of the glossary.

The notebooks say "chapter 7" and print a new word in bold. On the site the
first becomes a link, and so does the second where a word is met first; it
shows its meaning when it is pointed at. The glossary leads back to the very
section.
"""

import functools
import re
from collections import namedtuple

from docutils import nodes
from sphinx import addnodes

# "chapter 7", and each number of "chapters 2, 3 and 4"
CHAPTER = re.compile(r"\b([Cc]hapters?) (\d\d?)\b|(?:, | and | to )(\d\d?)\b")
ARROW = re.compile("→ (chapter|appendix)")
GLOSSARY = "book/glossary"
# an entry of the glossary; page: the chapter to which its arrow leads
Meaning = namedtuple("Meaning", "term anchor text page")
# text in these is no place for a link
CLOSED = (nodes.reference, nodes.title, nodes.literal, nodes.literal_block)


def number_of(page):
    """The number of a chapter's page, 7 for "notebooks/07_hooks", or None."""
    found = re.match(r"notebooks/(\d\d)_", page)
    return found and int(found[1])


def chapters(env):
    """The pages of the chapters by number: {7: "notebooks/07_hooks"}."""
    pages = filter(number_of, env.found_docs)
    return {number_of(page): page for page in pages}


def lessons(env):
    """The pages of the chapters and appendices, in order."""
    return sorted(p for p in env.found_docs if p.startswith("notebooks/"))


def name_of(node):
    """A term as it is compared: in small letters, one space between words."""
    return " ".join(node.astext().lower().split())


def is_open(node):
    """Whether no part of the page around a node forbids a link."""
    while node is not None:
        if isinstance(node, CLOSED):
            return False
        node = node.parent
    return True


def link(text, uri, **attributes):
    """A link inside the site around a node or a text."""
    child = nodes.Text(text) if isinstance(text, str) else text
    return nodes.reference(
        "", "", child, refuri=uri, internal=True, **attributes
    )


def link_chapters(doctree, uris, own):
    """Turn "chapter 7" into a link, in place.

    Args:
        doctree: the page.
        uris: {7: the address of chapter 7 as seen from the page}.
        own: the number of the page itself, or None.
    """
    for text in list(doctree.findall(nodes.Text)):
        if not is_open(text.parent):
            continue
        parts, end, listed = [], 0, None
        for found in CHAPTER.finditer(text):
            number = int(found[2] or found[3])
            if found[2]:
                start = found.start()
            elif found.start() == listed:  # where the list stands so far
                start = found.start(3)
            else:
                continue
            plural = found[1] is None or found[1].endswith("s")
            listed = found.end() if plural else None
            if number in uris and number != own:
                parts += [nodes.Text(text[end:start])]
                parts += [link(text[start : found.end()], uris[number])]
                end = found.end()
        if parts:
            text.parent.replace(text, [*parts, nodes.Text(text[end:])])


def forms(word):
    """The forms in which the glossary may have a word of the text.

    Without what is in brackets, in the singular, and not as an owner:
    "leaves" is leaf, "Huber's loss" is huber loss.
    """
    bare = re.sub(r" \(.*\)$|['’]s\b", "", word.strip(".,:;"))
    ends = {"s": "", "es": "", "ies": "y", "ves": "f"}
    singular = [
        bare.removesuffix(end) + instead
        for end, instead in ends.items()
        if bare.endswith(end)
    ]
    return [word, bare, *singular]


@functools.cache
def by_form(names):
    """Names of the glossary by what stands before a bracket, and in full."""
    found = {}
    for name in names:
        for form in {name, re.sub(r" \(.*\)$", "", name)}:
            found.setdefault(form, []).append(name)
    return found


def key_of(strong, known, page=None):
    """The glossary's name for a word in bold, or None.

    Several entries may be told apart by what is in brackets, "momentum" and
    "momentum (of batch norm)": the one that names the page is meant.
    """
    for form in forms(name_of(strong)):
        found = by_form(tuple(known)).get(form, [])
        here = [name for name in found if page and known[name].page == page]
        if found:
            return [*here, *sorted(found, key=len)][0]
    return None


def meanings(env):
    """What the glossary says: {"leaf": Meaning}."""
    if GLOSSARY not in env.found_docs:
        return {}
    found = {}
    for term in env.get_doctree(GLOSSARY).findall(nodes.term):
        if term["ids"]:
            said = term.parent[-1]
            text = " ".join(ARROW.split(said.astext())[0].split())
            pages = [
                link["reftarget"].lstrip("/")
                for link in said.findall(addnodes.pending_xref)
            ]
            found[name_of(term)] = Meaning(
                term.astext(), term["ids"][0], text, [*pages, None][0]
            )
    return found


def link_terms(doctree, known, uri, page=None):
    """Link the first bold use of each term to the glossary, in place."""
    met = set()
    for strong in list(doctree.findall(nodes.strong)):
        name = key_of(strong, known, page)
        if name is None or name in met or not is_open(strong):
            continue
        met.add(name)
        linked = link(
            strong.deepcopy(),
            f"{uri}#{known[name].anchor}",
            reftitle=known[name].text,
            classes=["term"],
        )
        strong.replace_self(linked)


def taught(env, known):
    """Where each term stands in bold first: {(term, page): anchor}."""
    found = {}
    for page in lessons(env):
        for strong in env.get_doctree(page).findall(nodes.strong):
            name = key_of(strong, known, page)
            section = strong
            while section is not None and section.tagname != "section":
                section = section.parent
            if name and section is not None:
                found.setdefault((name, page), section["ids"][0])
    return found


def link_back(doctree, places, uri_of):
    """Let each arrow of the glossary lead to the section, in place."""
    by_name = {}
    for (name, page), anchor in places.items():
        by_name.setdefault(name, {})[uri_of(page)] = anchor
    for term in doctree.findall(nodes.term):
        anchors = by_name.get(name_of(term), {})
        for reference in term.parent[-1].findall(nodes.reference):
            if reference["refuri"] in anchors:
                reference["refuri"] += f"#{anchors[reference['refuri']]}"


def add_links(app, doctree, page):
    """Change a page before it is written."""
    if app.builder.format != "html":
        return
    env = app.env

    def uri_of(target):
        return app.builder.get_relative_uri(page, target)

    if page == GLOSSARY:
        link_back(doctree, app.taught, uri_of)
        return
    uris = {key: uri_of(target) for key, target in chapters(env).items()}
    link_chapters(doctree, uris, number_of(page))
    if page.startswith("notebooks/"):
        link_terms(doctree, app.meanings, uri_of(GLOSSARY), page)


def fill_index(app, env):
    """Let the index lead to the sections that teach the terms, too.

    The glossary's own entries are in the index by themselves. What the terms
    mean, and where they are taught, is kept in `app` for the pages.
    """
    entries = env.get_domain("index").entries
    for page in lessons(env):
        entries[page] = []
    app.meanings = meanings(env)
    app.taught = taught(env, app.meanings)
    for (name, page), anchor in app.taught.items():
        term = app.meanings[name].term
        entries[page].append(("single", term, anchor, "", None))


def setup(app):
    """Register the extension with Sphinx."""
    app.connect("env-updated", fill_index)
    app.connect("doctree-resolved", add_links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
