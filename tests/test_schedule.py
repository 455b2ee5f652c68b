"""Who runs what, and in which order."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from schedule import piece, place

BOOK = "notebooks/01_tensors.ipynb"
PAGE = "notebooks/01_tensors.html"
SITE = "tests/test_site.py"
CELLS = """
import os
import pytest

class Notebook(pytest.File):
    def collect(self):
        for index in range(9):
            yield Cell.from_parent(self, name=f"Cell {index}")

class Cell(pytest.Item):
    def runtest(self):
        worker = os.environ["PYTEST_XDIST_WORKER"]
        with open(self.path.with_suffix(".log"), "a") as log:
            log.write(f"{worker} {self.name}\\n")

def pytest_collect_file(file_path, parent):
    if file_path.suffix == ".ipynb":
        return Notebook.from_parent(parent, path=file_path)
"""


@pytest.mark.parametrize(
    "nodeid, name",
    [
        (f"{BOOK}::Cell 0", BOOK),
        (f"{BOOK}::Cell 17", BOOK),
        (f"{SITE}::test_a_page_fits_a_phone[{PAGE}]", PAGE),
        (f"{SITE}::test_a_page_is_accessible[{PAGE}-dark]", PAGE),
        (f"{SITE}::test_a_page_is_accessible[light-{PAGE}]", PAGE),
        (f"{SITE}::test_search", f"{SITE}::test_search"),
        ("tests/test_x.py::test_y[7.9-2]", "tests/test_x.py::test_y[7.9-2]"),
    ],
)
def test_what_must_stay_together_is_one_piece(nodeid, name):
    assert piece(nodeid) == name


def test_long_pieces_start_first():
    build = (f"{SITE}::test_the_site_builds_without_a_warning", 85)
    cell = (f"{BOOK}::Cell 1", 200)
    page = (f"{SITE}::test_a_page_fits_a_phone[{PAGE}]", 85)
    few = ("tests/test_data.py::test_a", 45)
    many = ("tests/test_exercises.py::test_b", 700)
    order = [build, cell, page, few, many]
    assert sorted(reversed(order), key=lambda test: place(*test)) == order


def test_the_cells_of_a_notebook_run_in_order_on_one_worker(tmp_path):
    """Three made-up notebooks and 20 short tests, on two workers."""
    names = ["one", "two", "three"]
    for name in names:
        (tmp_path / f"{name}.ipynb").touch()
    (tmp_path / "conftest.py").write_text(CELLS)
    (tmp_path / "test_short.py").write_text(
        "import pytest\n"
        "@pytest.mark.parametrize('index', range(20))\n"
        "def test_short(index): pass\n"
    )
    run = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-n2", "--dist=loadscope"),
            *("--no-loadscope-reorder", "-pxdist.plugin", "-pschedule"),
        ],
        cwd=tmp_path,
        env=os.environ
        | {
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPATH": str(Path(__file__).parent),
        },
        capture_output=True,
        text=True,
    )
    assert "47 passed" in run.stdout, run.stdout + run.stderr
    for name in names:
        said = (tmp_path / f"{name}.log").read_text().split("\n")[:-1]
        worker = said[0].split()[0]
        assert said == [f"{worker} Cell {index}" for index in range(9)]
