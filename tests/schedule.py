"""Share the tests between workers so that all of them end together.

A piece is what must stay on one worker: the cells of a notebook, or all that
is asked of one page of the site. Every other test is a piece of its own. The
build of the site starts first, then come the notebooks, which are the long
pieces; the short ones fill the end.
"""

import re
from collections import Counter

import pytest
from xdist.scheduler import LoadScopeScheduling

BUILD = "test_the_site_builds"


def piece(nodeid):
    """The name of the piece that a test belongs to."""
    file, _, test = nodeid.partition("::")
    page = re.search(r"[\w/]+\.html", test)
    if file.endswith(".ipynb"):
        return file
    return page[0] if page else nodeid


def place(nodeid, count):
    """Where in the run a test belongs; tests of one place keep their order.

    Args:
        nodeid: the test's address.
        count: how many tests its file has; many tests are short ones.
    """
    file, _, test = nodeid.partition("::")
    if test.startswith(BUILD):
        return 0, 0
    if file.endswith(".ipynb"):
        return 1, 0
    return 2 + (not file.endswith("test_site.py")), count


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Put the tests in the order in which they start."""
    counts = Counter(item.path for item in items)
    items.sort(key=lambda item: place(item.nodeid, counts[item.path]))


class Pieces(LoadScopeScheduling):
    """Give each worker that is free the next piece."""

    def _split_scope(self, nodeid):
        return piece(nodeid)


def pytest_xdist_make_scheduler(config, log):
    """Share out pieces instead of files."""
    return Pieces(config, log)
