"""Show on a page what the chapters make, and say how long they take.

    {made}`Digits found on photos <fig-detection-found>`
    {made}`Invented names <12_rnn:933be09d>`
    {hours}`first`, {hours}`second`, {hours}`exercises`

The first is a figure of that name, or what the cell of a notebook with that
id prints. It stands over the words and leads to its section. The others are
sums of what the chapters state.
"""

import json
import re
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxRole

from hypertext import link

# what the chapters state, in minutes
STATED = {
    "first": re.compile(r"One evening\*+ \(about (\d+) minutes\)"),
    "second": re.compile(r"A second visit\*+ \(about (\d+) minutes\)"),
    "exercises": re.compile(r"Difficulty \d of 5 · about (\d+) minutes"),
}
MADE = re.compile(r"(.+?)\s*<([\w:-]+)>", re.S)


def hours(folder, kind):
    """The hours that all chapters state for something.

    Args:
        folder: where the notebooks lie.
        kind: a key of `STATED`.
    """
    minutes = 0
    for path in sorted(Path(folder).glob("[0-9]*.ipynb")):
        text = path.read_text(encoding="utf-8").replace("\\u00b7", "·")
        minutes += sum(map(int, STATED[kind].findall(text)))
    return round(minutes / 60)


class Hours(SphinxRole):
    """A number of hours."""

    def run(self):
        """Return the number as a text."""
        folder = Path(self.env.srcdir, "notebooks")
        return [nodes.Text(str(hours(folder, self.text)))], []


class Made(SphinxRole):
    """A figure of a chapter."""

    def run(self):
        """Return a mark, which `show` replaces when all pages are read."""
        words, name = MADE.fullmatch(self.text).groups()
        self.env.note_reread()  # the figure may change
        mark = nodes.inline("", words, classes=["made"])
        mark["figure"] = name
        self.set_source_info(mark)
        return [mark], []


def printed(folder, notebook, identity):
    """What a cell of a notebook prints.

    Raises:
        KeyError: there is no such cell, or it prints nothing.
    """
    path = Path(folder, f"{notebook}.ipynb")
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell.get("id") == identity and cell["outputs"]:
            return "".join(cell["outputs"][0]["text"])
    raise KeyError(f"{notebook}:{identity}")


def find(env, name):
    """The page and section of what is shown, and a node that shows it."""
    notebook, _, identity = name.rpartition(":")
    if notebook:
        page = f"notebooks/{notebook}"
        text = printed(Path(env.srcdir, "notebooks"), notebook, identity)
        kind = nodes.literal_block
    else:
        page = env.get_domain("std").anonlabels[name][0]
        kind = nodes.figure
    for node in env.get_doctree(page).findall(kind):
        if notebook and node.astext().strip() == text.strip():
            shown = nodes.inline("", text, classes=["printed"])
        elif name in node["ids"]:
            shown = next(node.findall(nodes.image)).deepcopy()
            shown["classes"], shown["alt"] = ["small"], ""  # words stand below
        else:
            continue
        while not isinstance(node, nodes.section):
            node = node.parent
        return page, node["ids"][0], shown
    raise KeyError(name)


def show(app, doctree, page):
    """Put what was made in its place."""
    for mark in list(doctree.findall(nodes.inline)):
        if "figure" not in mark:
            continue
        target, section, shown = find(app.env, mark["figure"])
        uri = app.builder.get_relative_uri(page, target)
        whole = link(shown, f"{uri}#{section}", classes=["made"])
        whole += nodes.inline("", mark.astext())
        mark.replace_self(whole)


def setup(app):
    """Register the extension with Sphinx."""
    app.add_role("hours", Hours())
    app.add_role("made", Made())
    app.connect("doctree-resolved", show)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
