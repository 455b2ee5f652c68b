"""Build the site from the stored outputs; every warning is an error.

    python tools/build_site.py          the site, into _build/html
    python tools/build_site.py links    try each link to another site

The second needs the network.
"""

import contextlib
import gc
import io
import os
import sys
from pathlib import Path

from jupyter_book.cli.main import main as jupyter_book

ROOT = Path(__file__).resolve().parents[1]
# a book is a million small objects that stay: looking through them less often
# for what can go saves a quarter of the time
gc.set_threshold(50_000, 20, 100)


def build(*options):
    """Build the book, with further options of Jupyter Book.

    Jupyter Book's own words on the way are dropped; warnings and errors go to
    stderr.

    Returns:
        Whether all went well.
    """
    strict = ["-W", "-n", "--keep-going", "-q"]
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            failed = jupyter_book(
                ["build", str(ROOT), *strict, *options], standalone_mode=False
            )
        except SystemExit as error:
            failed = error.code
        except Exception as error:
            failed = True
            if error.__cause__ is None:  # else Sphinx has told it
                print(error, file=sys.stderr)
    return not failed


def site():
    """Build the site and say which file to open."""
    if not os.access(ROOT, os.W_OK):
        sys.exit("the book's folder is read-only: copy it to another one")
    print("Building the site ...", flush=True)
    if not build():
        sys.exit("the site did not build: see the lines above")
    page = ROOT / "_build" / "html" / "index.html"
    print(f"The site is ready: open {page} in a browser.")


def links():
    """Ask other sites for each page that the book links to."""
    print("Trying the links to other sites ...", flush=True)
    folder = str(ROOT / "_build" / "links")
    if not build("--builder", "linkcheck", "--path-output", folder):
        sys.exit("some links do not answer: see the lines above")


if __name__ == "__main__":
    {"": site, "links": links}["".join(sys.argv[1:])]()
