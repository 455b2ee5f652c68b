"""Write formulas as MathML, which browsers and e-readers draw themselves.

No script has to load and to run before a formula is legible, a screen reader
reads it, and where scripts are off nothing is lost.
"""

import re
from xml.etree import ElementTree

from docutils import nodes
from latex2mathml.converter import convert_to_element
from sphinx.util import logging

logger = logging.getLogger(__name__)

# lines of a formula that name no environment
LINES = re.compile(r"^(?!.*\\begin\{).*\\\\", re.S)
BARS = {"|", "‖", "∥", "∣", "&#x0007C;", "&#x02016;", "&#x02225;"}
HALF = re.compile(r"<mfrac>(<m[a-z]+>[^<]*</m[a-z]+>)?</mfrac>")
SCRIPTS = {"msub", "msup", "msubsup", "munder", "mover", "munderover"}
# the font is as large as a page: site.js lets formulas ask for it once the
# page is loaded, so that its text does not wait
EARLY = '\n<script>document.documentElement.classList.add("early")</script>'


def mathml(latex, display="inline"):
    """The MathML of a formula.

    Args:
        latex: the formula in LaTeX, without its dollars.
        display: "inline" or "block".
    """
    if LINES.match(latex):
        latex = f"\\begin{{split}}{latex}\\end{{split}}"
    formula = convert_to_element(latex.strip(), display=display)
    for part in formula.iter():
        if part.tag == "mtext" and part.text:
            part.text = part.text.replace("\\_", "_")
        elif part.tag == "mo" and part.text in BARS:
            bar = {"stretchy": "false", "lspace": "0", "rspace": "0"}
            part.attrib = bar | part.attrib
    for row in list(formula.iter("mrow")):
        _set(row)
    text = ElementTree.tostring(formula, encoding="unicode")
    return text.replace("&amp;#", "&#")


def fault(latex, formula):
    """What the converter let pass that is no LaTeX, or an empty text."""
    bare = re.sub(r"\\.", "", latex)
    if bare.count("{") != bare.count("}"):
        return "a brace without its partner"
    # an unknown command, or & outside of a table
    plain = re.sub(r"<mtext>.*?</mtext>", "", formula)
    found = re.search(r">(\\[A-Za-z]+|&amp;)<", plain)
    if found:
        return found[1]
    return "half a fraction" if HALF.search(formula) else ""


def _is_function(part):
    """Whether a part is a name such as log, which may have an index."""
    if part.tag in SCRIPTS:
        part = part[0]
    return (
        part.tag == "mi" and len(part.text or "") > 1 and part.text.isalpha()
    )


def _set(row):
    """Set apart the names of functions, and give a matrix its own brackets."""
    parts, done = list(row), []
    while parts:
        part = parts.pop(0)
        before = done[-1] if done else None
        space = ElementTree.Element("mspace", width="0.17em")
        if part.tag == "mtable" and before is not None and before.tag == "mo":
            matrix = ElementTree.Element("mrow")
            matrix.extend([done.pop(), part])
            if (
                parts
                and parts[0].tag == "mo"
                and parts[0].get("form") != "infix"
            ):
                matrix.append(parts.pop(0))
            done.append(matrix)
        elif (
            before is not None
            and "mo" not in (before.tag, part.tag)
            and (_is_function(before) or _is_function(part))
        ):
            done += [space, part]
        else:
            done.append(part)
    row[:] = done


def visit(translator, node):
    """Write a formula inside a line, or on a line of its own."""
    tag, display = "span", "inline"
    if isinstance(node, nodes.math_block):
        tag, display = "div", "block"
    formula = mathml(node.astext(), display)
    if found := fault(node.astext(), formula):
        logger.warning("a formula has %s", found, location=node)
    start = translator.starttag(node, tag, "", CLASS="math")
    translator.body.append(f"{start}{formula}</{tag}>")
    raise nodes.SkipNode


def let_the_font_wait(app, page, template, context, doctree):
    """Mark a page with formulas as one that is not yet loaded."""
    if doctree and next(doctree.findall(nodes.math), None):
        context["metatags"] += EARLY


def setup(app):
    """Register the extension with Sphinx."""
    app.connect("html-page-context", let_the_font_wait)
    app.add_html_math_renderer("mathml", (visit, None), (visit, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
