"""The map of the API: what the chapters use of PyTorch, and where it is told.

`api_names.py` reads the code of the chapters. For each name the map lists the
sections that explain it, the most telling one first, and `api_docs.py` knows
its page in the library's own documentation. A chapter ends with the names that
are met first in it, and what its text names in code font leads to that page.
"""

import functools
import html
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from docutils import nodes
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode
from myst_parser.mdit_to_docutils.base import compute_unique_slug

from api_docs import address
from api_names import METHODS, Names
from hypertext import is_open

MAP = "book/api"
CHAPTERS = "[0-9][0-9]_*.ipynb"
# these parts of a chapter repeat what others explain
ASIDE = {"Summary", "Exercises", "Further reading"}
# "AdamW" and "LSTM" are no words of English
CAMEL = r"\b(?:[A-Za-z0-9]*[A-Z]){2}[A-Za-z0-9]*\b"
MOST = 4  # sections listed for a name
# the headings of the map; a name stands under the longest that begins it
GROUPS = """
    torch torch.Tensor torch.autograd torch.func torch.linalg torch.nn
    torch.nn.Module torch.nn.functional torch.nn.init torch.nn.utils
    torch.optim torch.optim.lr_scheduler torch.distributions torch.utils
    torch.utils.data torchvision torchvision.models torchvision.ops
    torchvision.transforms torch_geometric
""".split()
# how the chapters write the beginnings of names
SHORT = {
    "torch.nn.Module.": "Module.",
    "torch.optim.Optimizer.": "Optimizer.",
    "torch.optim.lr_scheduler.": "lr_scheduler.",
    "torch.utils.tensorboard.": "",
    "torch.utils.data.": "",
    "torch.amp.": "",
    "torch.nn.functional.": "F.",
    "torch.nn.": "nn.",
    "torch.Tensor.": "Tensor.",
    "torch.optim.": "optim.",
    "torchvision.transforms.v2.": "v2.",
    "torch_geometric.": "",
    "torchvision.": "",
}
MARKDOWN = MarkdownIt("commonmark").enable("table")


@dataclass
class Section:
    """What a section says of names, the sections inside it not counted."""

    page: str
    anchor: str
    title: str
    aside: bool
    titled: set = field(default_factory=set)
    lead: set = field(default_factory=set)
    prose: Counter = field(default_factory=Counter)
    open: list = field(default_factory=list)
    code: Counter = field(default_factory=Counter)
    first: set = field(default_factory=set)
    around: Counter = field(default_factory=Counter)

    def say(self, names, is_lead):
        """Note that the text mentions names."""
        self.prose.update(names)
        self.lead |= set(names) if is_lead else set()

    @property
    def chapter(self):
        """The number of the chapter."""
        return int(re.search(r"\d+", self.page)[0])

    def telling(self, name):
        """How much the section tells of a name.

        A heading that names it, or its module, counts most, and more where it
        begins with the name. Then come the mentions, and whether they begin
        in the first two paragraphs, or where the code first uses it. Among
        equals the chapter decides that speaks of it most.
        """
        module, _, last = name.rpartition(".")
        told = 2 * (name in self.lead) + min(self.prose[name], 4)
        if name in self.titled or module in self.titled:
            told += 6 + 3 * self.title.strip("`").startswith(last)
        if name in self.first:
            told += 2 if self.prose[name] else 0.9
        told += (self.code[name] > 0) / 4 + min(self.around[name], 10) / 10
        return told / 100 if self.aside else told


class Chapter:
    """A chapter as the map reads it.

    Attributes:
        page: its name on the site, "notebooks/07_hooks".
        names: what its code uses, see `api_names.Names`.
        sections: its `Section`s in order, once `read` was called.
    """

    def __init__(self, path):
        self.page = f"notebooks/{path.stem}"
        self.cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        self.names, self.code = Names(), {}
        for number, cell in enumerate(self.cells):
            if cell["cell_type"] == "code":
                before = len(self.names.found)
                self.names.read("".join(cell["source"]))
                self.code[number] = self.names.found[before:]
        self.sections, self.known = [], {}
        self.meant = functools.cache(self._meant)

    def read(self, everywhere):
        """Find the sections and what they say.

        Args:
            everywhere: the names that any chapter uses.
        """
        self.known = by_last(self.names.found)
        for last, names in by_last(everywhere).items():
            if last[0].isupper():
                pytorch = {n for n in names if n.startswith("torch.")}
                self.known.setdefault(last, pytorch or names)
        slugs, aside, lead = set(), False, 0
        for number, cell in enumerate(self.cells):
            if cell["cell_type"] == "code":
                self.sections[-1].code.update(self.code[number])
                continue
            tree = SyntaxTreeNode(MARKDOWN.parse("".join(cell["source"])))
            for block in tree.walk():
                if block.type == "heading":
                    title = block.children[0].content
                    slug = compute_unique_slug(block, slugs)
                    slugs.add(slug)
                    if block.tag < "h3":
                        aside = title in ASIDE
                    if block.tag < "h4":
                        anchor = f"#{slug}" if self.sections else ""
                        self.sections.append(
                            Section(self.page, anchor, title, aside)
                        )
                        lead = 2
                elif block.type == "inline":
                    kind = block.parent.type
                    self.listen(block, kind == "heading", lead > 0)
                    lead -= kind == "paragraph"
        for section in self.sections:
            for names, is_lead, is_bare in section.open:
                found = {name for name in names if section.code[name]}
                section.say(found or ({} if is_bare else names), is_lead)
            section.titled |= self.in_words(section)
        around = Counter()
        for section in self.sections:
            if not section.aside:
                around.update(section.prose)
                around.update(section.titled)
            section.around = around

    def listen(self, block, in_title, is_lead):
        """Note in the last section the names in a piece of its text."""
        section = self.sections[-1]
        for each in block.walk():
            if each.type == "code_inline":
                found = self.meant(each.content)
                is_bare = re.fullmatch(r"[a-z_]\w*", each.content)
                if in_title:
                    section.titled |= found
                elif is_bare or len(found) > 1:
                    # it may be another, or an argument: the code will tell
                    section.open.append((found, is_lead, is_bare))
                else:
                    section.say(found, is_lead)
            elif each.type == "text" and not in_title:
                for word in re.findall(CAMEL, each.content):
                    found = self.known.get(word, ())
                    classes = {n for n in found if n.split(".")[-2].islower()}
                    section.say(classes, is_lead)

    def _meant(self, code):
        """The names that a piece of code in the text means."""
        reader = Names(self.names)
        reader.read(code)
        word = re.fullmatch(r"[.@]?(\w+)(\(.*\))?", code)
        if reader.found or not word:
            return set(reader.found)
        found = self.known.get(word[1], set())
        if code[0] == ".":
            return {n for n in found if n.rpartition(".")[0] in METHODS}
        return found

    def in_words(self, section):
        """The names in a heading that are written as plain words.

        A word like "view", "Data" or "Parameter" may be plain English: it
        counts where the text of the section has it in code font, and not in a
        long heading. "Adam" needs no more than its use in code, if it stands
        alone or before a comma or colon. So does "state_dict".
        """
        title = re.sub("`.*?`", "", section.title)
        alone = re.findall(r"(\w+)(?=[:,]|$| and )", title)
        twins = [_plain(word) for word in alone if re.fullmatch(CAMEL, word)]
        words, whole = set(re.findall(r"\w+", title)), _plain(title)
        is_long, found = len(title.split()) > 6, set()
        for last, names in self.known.items():
            twin = _plain(last.removesuffix("Conv"))
            if last not in words and twin != whole and twin not in twins:
                continue
            sure = re.fullmatch(rf"{CAMEL}|.*_.*", last) or (
                last[0].isupper() and last in alone
            )
            for name in names:
                said = section.prose[name]
                used = said or section.code[name]
                if last in words:
                    known = used if sure else said and not is_long
                    found |= {name} if known else set()
                elif twin == whole or used:
                    found.add(name)  # "Layer norm" is LayerNorm
        return found


@functools.cache
def _plain(words):
    """Words as one: "Layer norm", LayerNorm and layer_norm are the same."""
    return re.sub(r"[\W_]|loss$", "", words.lower())


def by_last(names):
    """Names by their last part: {"ones": {"torch.ones"}}."""
    found = {}
    for name in names:
        found.setdefault(name.rpartition(".")[2], set()).add(name)
    return found


def chapters(folder):
    """The chapters in a folder of notebooks, read: [Chapter, ...]."""
    paths = sorted(Path(folder).glob(CHAPTERS))
    found = [Chapter(path) for path in paths]
    used = {name for chapter in found for name in chapter.names.found}
    for chapter in found:
        chapter.read(used)
    return found


class Api:
    """All names of the chapters.

    Attributes:
        chapters: the `Chapter`s in order.
        told: {name: the sections that explain it, the most telling first}.
        first: {page: the names that are met first in that chapter}.
    """

    def __init__(self, folder):
        self.chapters = chapters(folder)
        places = {}
        for chapter in self.chapters:
            for section in chapter.sections:
                said = section.titled | section.prose.keys()
                for name in said | section.code.keys():
                    places.setdefault(name, []).append(section)
        self.told, self.first = {}, {c.page: [] for c in self.chapters}
        used = {n: None for c in self.chapters for n in c.names.found}
        modules = {name.rpartition(".")[0] for name in used}
        modules.discard("torch.autograd.gradcheck")  # a function as well
        for name in used:
            if name in modules and name.rpartition(".")[2].islower():
                continue
            uses = [s for s in places[name] if s.code[name]]
            met = next((s for s in uses if not s.aside), uses[0])
            self.first[met.page].append(name)
            # the opening of a chapter imports and seeds, and tells nothing
            lessons = [s for s in uses if s.anchor and not s.aside]
            for section in lessons[:1]:
                section.first.add(name)
            ranked = sorted(places[name], key=lambda s: -s.telling(name))
            enough = max(1, ranked[0].telling(name) / 4)
            self.told[name] = ranked[:1] + [
                s for s in ranked[1:MOST] if s.telling(name) >= enough
            ]


def group_of(name):
    """The heading of the map under which a name stands."""
    above = name.rpartition(".")[0] + "."
    return max((g for g in GROUPS if above.startswith(f"{g}.")), key=len)


def short(name):
    """A name as the chapters write it."""
    start = next((s for s in SHORT if name.startswith(s)), "")
    return SHORT.get(start, "") + name[len(start) :]


def entry(name, sections):
    """The lines of the map on one name, in Markdown."""
    page, code = address(name), f"`{name}`"
    linked = f"[{code}]({page})" if page else code
    told = " · ".join(
        f"{s.chapter} [{s.title}](../{s.page}.ipynb{s.anchor})"
        for s in sections
    )
    return f"{linked}\n: {told}\n"


def write_map(told):
    """The map in Markdown, without its opening."""
    lines = []
    for group in GROUPS:
        names = [name for name in told if group_of(name) == group]
        if names:
            lines += [f"## {group}\n"]
        lines += [entry(n, told[n]) for n in sorted(names, key=str.lower)]
    return "\n".join(lines)


def read_map(app, page, source):
    """Put the map below the opening of its page, which is about to be read."""
    if page == MAP:
        made_of = [
            *Path(app.srcdir, "notebooks").glob(CHAPTERS),
            *Path(__file__).parent.glob("api*.py"),
        ]
        for path in made_of:
            app.env.note_dependency(str(path))
        source[0] += "\n" + write_map(app.api.told)


def name_entries(app, doctree):
    """Let each entry of the map be found by its name."""
    if app.env.docname == MAP:
        for term in doctree.findall(nodes.term):
            term[0]["ids"] = [term.astext()]


def met_first(names, uri):
    """The names that are met first in a chapter, folded, in HTML."""
    links = ", ".join(
        f'<a href="{uri}#{name}"><code>{html.escape(short(name))}</code></a>'
        for name in sorted(names, key=lambda name: (group_of(name), name))
    )
    return (
        '<details class="met-first"><summary>Names met first in this chapter: '
        f"{len(names)}</summary><p>{links}</p></details>"
    )


def link_code(doctree, chapter, told):
    """Link the first use of a name in each section to its documentation.

    Args:
        doctree: the page, changed in place.
        chapter: the page's `Chapter`.
        told: the names of the map.
    """
    done = set()
    for literal in list(doctree.findall(nodes.literal)):
        code = literal.astext()
        if not re.fullmatch(r"[\w.]*[a-zA-Z]\w+(\(\))?", code):
            continue
        found = chapter.meant(code) & told.keys()
        if len(found) != 1 or not is_open(literal.parent):
            continue
        [name] = found
        section = literal.parent
        while section.parent and section.tagname != "section":
            section = section.parent
        page = address(name)
        if page and (name, id(section)) not in done:
            done.add((name, id(section)))
            linked = nodes.reference(
                "", "", literal.deepcopy(), refuri=page, classes=["api"]
            )
            literal.replace_self(linked)


def add_links(app, doctree, page):
    """Change a chapter before it is written."""
    found = [chapter for chapter in app.api.chapters if chapter.page == page]
    if not found or app.builder.format != "html":
        return
    link_code(doctree, found[0], app.api.told)
    if MAP in app.env.found_docs and app.api.first[page]:
        uri = app.builder.get_relative_uri(page, MAP)
        folded = met_first(app.api.first[page], uri)
        doctree[-1] += nodes.raw("", folded, format="html")


def begin(app):
    """Read the chapters once."""
    app.api = Api(Path(app.srcdir, "notebooks"))


def out_of_date(app, env):
    """The chapters whose new names another chapter has changed."""
    before = getattr(env, "met_first", {})
    env.met_first = app.api.first
    return [
        page
        for page, names in app.api.first.items()
        if before.get(page) != names and page in env.found_docs
    ]


def setup(app):
    """Register the extension with Sphinx."""
    app.connect("builder-inited", begin)
    app.connect("env-updated", out_of_date)
    app.connect("source-read", read_map)
    app.connect("doctree-read", name_entries)
    app.connect("doctree-resolved", add_links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
