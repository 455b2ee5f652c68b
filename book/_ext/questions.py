"""Ask the reader at the end of a section.

`book/questions/01_tensors.md` holds the questions of that chapter in plain
Markdown (CONTRIBUTING.md shows the form). They stand on the page as they are
written, for paper and for readers without a script; `questions.js` makes forms
of them. A notebook links to its file, which the page need not do.
"""

import re
import zlib
from collections import namedtuple
from pathlib import Path

from docutils import nodes
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode
from sphinx.util import logging

FOLD = "<details><summary>Answer</summary>"
PRINTS = "What does this print?"
RIGHT = "**Right.**"
FORM = re.compile(r"pc?o\(oc?\)")
LINK = re.compile(r" [^.]*\]\(\.\./book/questions/[\w.]+\)[^.]*\.")
SIGNS = {"paragraph": "p", "ordered_list": "o", "fence": "c"}
EXPECTED = (
    "write a question, code if any, a numbered list of choices,"
    f" {FOLD}, as many reasons, code if any, </details>; empty lines between"
)
# right: the place of the right choice; proof: code that shows it
Question = namedtuple(
    "Question", "section asked code choices right proof source"
)
MARKDOWN = MarkdownIt("commonmark")


def sign(node):
    """One letter for a block of Markdown."""
    folds = {FOLD: "(", "</details>": ")"}
    return SIGNS.get(node.type) or folds.get(node.content.strip(), "?")


def items(node):
    """The texts of a list; each item must be one paragraph."""
    parts = [item.children for item in node.children]
    if any(len(part) != 1 or part[0].type != "paragraph" for part in parts):
        raise ValueError("each choice and each reason is one paragraph")
    return [part[0].children[0].content for part in parts]


def question(section, parts, lines):
    """The question that some blocks of Markdown make."""
    form = "".join(map(sign, parts))
    if not FORM.fullmatch(form):
        raise ValueError(EXPECTED)
    asked = parts[0].children[0].content
    code = parts[1].content if form[1] == "c" else ""
    proof = parts[-2].content if form[-2] == "c" else ""
    choices, reasons = (items(p) for p in parts if p.type == "ordered_list")
    if not 3 <= len(set(choices)) == len(choices) == len(reasons) <= 4:
        raise ValueError("it needs three or four choices, a reason for each")
    marks = [reason.startswith(RIGHT) for reason in reasons]
    if sum(marks) != 1:
        raise ValueError(f"one reason must begin with {RIGHT}")
    if asked == PRINTS and not code:
        raise ValueError("there is no code that prints")
    source = "".join(lines[parts[0].map[0] : parts[-1].map[1]])
    right = marks.index(True)
    return Question(section, asked, code, choices, right, proof, source)


def groups(text):
    """The title of a section with the blocks of each question."""
    section, parts = None, []
    for node in SyntaxTreeNode(MARKDOWN.parse(text)):
        if node.type != "heading":
            parts.append(node)
        if section and parts and (node.type == "heading" or sign(node) == ")"):
            yield section, parts
            parts = []
        if node.type == "heading":
            title = node.children[0].content
            section, parts = (title if node.tag == "h2" else None), []
    if parts:
        yield section, parts


def read(path):
    """All questions of a file; an error names its place and what to do."""
    text, found = path.read_text(encoding="utf-8"), []
    for section, parts in groups(text):
        try:
            found.append(question(section, parts, text.splitlines(True)))
        except ValueError as error:
            line = parts[0].map[0] + 1
            raise ValueError(f"{path.name}, line {line}: {error}") from None
    return found


def plain(title):
    """A title as it is compared: without marks."""
    return re.sub(r"[`*]", "", title).replace("’", "'")


def file_of(app, page):
    """Where the questions of a page are, if it has any."""
    return Path(app.srcdir, "book", "questions", f"{Path(page).name}.md")


def ask(app, doctree, page):
    """Put the questions of a page at the end of their sections."""
    path = file_of(app, page)
    if app.builder.format != "html" or not path.exists():
        return

    def code(tokens, index, options, env):
        block = app.builder.highlighter.highlight_block
        return block(tokens[index].content, "python")

    markdown = MarkdownIt("commonmark")
    markdown.renderer.rules["fence"] = code
    found = {plain(s[0].astext()): s for s in doctree.findall(nodes.section)}
    for one in read(path):
        if plain(one.section) not in found:
            logging.getLogger(__name__).warning(
                f"{path.name}: the chapter has no section {one.section!r}"
            )
            continue
        name = f"{zlib.crc32(one.source.encode()):08x}"  # new words, new name
        html = (
            f'<div class="question" id="question-{name}"'
            f' data-right="{one.right}">{markdown.render(one.source)}</div>'
        )
        found[plain(one.section)] += nodes.raw("", html, format="html")


def load(app, page, template, context, doctree):
    """Load the script where there are questions."""
    if doctree and file_of(app, page).exists():
        app.add_js_file("questions.js")


def note(app, page, source):
    """A page is read again when its questions change."""
    source[0] = LINK.sub("", source[0])
    if file_of(app, page).exists():
        app.env.note_dependency(str(file_of(app, page)))


def setup(app):
    """Register the extension with Sphinx."""
    app.connect("source-read", note)
    app.connect("doctree-resolved", ask)
    app.connect("html-page-context", load)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
