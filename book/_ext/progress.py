"""Tell the browser what there is to read, so that it can say what was read.

`_static/contents.js` lists the sections of each chapter and appendix.
`progress.js` compares them with what the reader's browser remembers.
"""

import json
import re
from pathlib import Path

from docutils import nodes

from hypertext import lessons

ASIDE = "Exercises"  # they are ticked, not read
# the landing page keeps a place free where something was read; before the page
# is drawn, so that nothing moves
EARLY = """
<script>
  try {
    if (Object.keys(localStorage).some((name) => name.startsWith("read:")))
      document.documentElement.dataset.read = "";
  } catch {}
</script>"""


def slug(title):
    """The name that a section gets from its title, as progress.js makes it."""
    return re.sub("[^a-z0-9]+", "-", title.lower()).strip("-")


def contents(env, page):
    """The title of a page, and those of its sections.

    A section whose name is not the one of its title gives both.
    """
    number = env.toc_secnumbers.get(page, {}).get("", ())
    whole = next(env.get_doctree(page).findall(nodes.section))
    sections = []
    for section in whole.children:
        if isinstance(section, nodes.section):
            title, name = section[0].astext(), section["ids"][0]
            sections.append(title if name == slug(title) else [title, name])
    return {
        "title": ". ".join([*map(str, number), env.titles[page].astext()]),
        "sections": [one for one in sections if one != ASIDE],
    }


def write(app, env):
    """Write the list where the pages find it, before they are written."""
    if app.builder.format != "html":
        return
    listed = {page: contents(env, page) for page in lessons(env)}
    text = json.dumps(listed, ensure_ascii=False, separators=(",", ":"))
    path = Path(app.outdir, "_static", "contents.js")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"const CONTENTS = {text};\n", encoding="utf-8")


def keep_free(app, page, template, context, doctree):
    """Let the landing page keep a place free."""
    if page == app.config.root_doc:
        context["metatags"] += EARLY


def setup(app):
    """Register the extension with Sphinx."""
    app.add_js_file("contents.js")
    app.add_js_file("progress.js")
    app.connect("html-page-context", keep_free)
    app.connect("env-check-consistency", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
