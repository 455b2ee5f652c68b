"""Give the pages the rules of style that they use, and no others.

The theme brings half a megabyte of rules in nine files, of which the pages use
a quarter, and a browser shows nothing before it has them all. The rules that
are used stand in the page itself: 26 KB when packed, and no way to and fro.
"""

import re

LINK = re.compile(
    r'\s*<link (?=[^>]*\brel="stylesheet")[^>]*'
    r'\bhref="(?P<up>(?:\.\./)*)_static/(?P<name>[\w./-]+\.css)[^"]*"[^>]*>'
)
COMMENT = re.compile(r"/\*.*?\*/", re.S)
# what a selector asks for: .class and #id, but for what may stand in brackets
NAME = re.compile(r"[.#]((?:[\w-]|\\.)+)")
MAYBE = re.compile(r":(?:not|is|where|has)\((?:[^()]|\([^()]*\))*\)")
WORD = re.compile(r"[\w-]+")
NESTED = ("@media", "@supports", "@layer")
# loaded only where one is drawn, and icons.css draws all of them
FONT = re.compile(r"@font-face\{[^}]*Font Awesome[^}]*\}")
IMPORT = re.compile(r'@import "([^"]+)";')
ATTRIBUTE = re.compile(r'\b(?:class|id)="([^"]*)"')
NAMED = "book-style"
INLINE = re.compile(rf'\s*<style id="{NAMED}">.*?</style>', re.S)
ADDRESS = re.compile(r"url\((?!data:|\"data:|#)([^)]+)\)")
HUGE = 500_000  # bytes of a script that names no part of a page


def rules(css):
    """Split a stylesheet, or what stands in a block, at its outer braces.

    Yields:
        Pairs of what stands before a block, and the block or None.
    """
    start = depth = opened = 0
    quote = ""
    for place, sign in enumerate(css):
        if quote:
            quote = "" if sign == quote and css[place - 1] != "\\" else quote
        elif sign in "\"'":
            quote = sign
        elif sign == "{":
            opened = opened if depth else place
            depth += 1
        elif sign == "}":
            depth -= 1
            if not depth:
                yield css[start:opened].strip(), css[opened + 1 : place]
                start = place + 1
        elif sign == ";" and not depth:
            yield css[start:place].strip(), None
            start = place + 1


def selectors(head):
    """The selectors of a rule, split at the commas outside brackets."""
    found, depth = [""], 0
    for sign in head:
        depth += (sign in "([") - (sign in ")]")
        if sign == "," and not depth:
            found.append("")
        else:
            found[-1] += sign
    return found


def is_used(selector, words):
    """Whether all classes and ids that a selector asks for are known."""
    names = NAME.findall(MAYBE.sub("", selector))
    return all(name.replace("\\", "") in words for name in names)


def used(css, words):
    """The rules of a stylesheet that may match something.

    Args:
        css: the stylesheet without comments.
        words: all names that occur in the pages and the scripts.
    """
    kept = []
    for head, block in rules(css):
        if block is None:
            kept.append(f"{head};")
        elif head.startswith(NESTED):
            inner = used(block, words)
            kept.append(f"{head}{{{inner}}}" if inner else "")
        elif head.startswith("@"):
            kept.append(f"{head}{{{block}}}")
        else:
            heads = [one for one in selectors(head) if is_used(one, words)]
            kept.append(f"{','.join(heads)}{{{block}}}" if heads else "")
    return "".join(kept)


def read(path):
    """A stylesheet with what it imports, without comments and icon fonts."""
    css = COMMENT.sub("", path.read_text(encoding="utf-8"))
    css = IMPORT.sub(lambda found: read(path.parent / found[1]), css)
    return FONT.sub("", css)


def names(pages, static):
    """All words that a class, an id or a script of the site may hold."""
    found = set()
    for html in pages:
        for value in ATTRIBUTE.findall(html):
            found.update(value.split())
    for path in static.rglob("*.js"):
        if path.stat().st_size < HUGE:
            found.update(WORD.findall(path.read_text(encoding="utf-8")))
    return found


def join(pages, static):
    """Write the rules into the pages, so that none waits for another file.

    Args:
        pages: {path: HTML}.
        static: the folder `_static` of the site.

    Returns:
        The pages, changed. A page of an earlier build gets today's rules.
    """
    lists = [
        [link["name"] for link in LINK.finditer(p)] for p in pages.values()
    ]
    words = names(pages.values(), static)
    files = max(lists, key=len, default=[])
    css = "".join(used(read(static / name), words) for name in files)
    return {path: _inline(html, css) for path, html in pages.items()}


def _inline(html, css):
    """A page with one style where it had links, or had an older style."""
    up = re.search(r'data-content_root="([^"]*)"', html)
    place = LINK.search(html) or INLINE.search(html)
    if not (css and up and place):
        return html
    css = ADDRESS.sub(rf"url({up[1].removeprefix('./')}_static/\1)", css)
    start, rest = html[: place.start()], html[place.end() :]
    return f'{start}\n<style id="{NAMED}">{css}</style>{LINK.sub("", rest)}'
