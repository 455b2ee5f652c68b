"""A pytest plugin: prove the notebooks with nbval, and say what was proved.

nbval runs each cell and compares its texts. This plugin adds what it leaves
out: numbers within the tolerance that a cell states, pictures, broken
notebooks, dead kernels, the cost of a chapter, the table at the end.
"""

import os
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty

import nbformat
import psutil
import pytest
from nbval.kernel import CURRENT_ENV_KERNEL_NAME, RunningKernel
from nbval.plugin import IPyNbCell, IPyNbFile

from closeness import settle
from pictures import find_chromium

BUDGET = 60  # CPU seconds of a chapter; more is marked in the table
KINDS = ("exact", "tolerance", "ignored")  # ways to compare a cell's outputs


class KernelDied(Exception):
    """The kernel ended while a cell was running."""


class WatchedKernel(RunningKernel):
    """A kernel whose death is noticed within a second."""

    def get_message(self, stream, timeout=None):
        """The next message; raises Empty after `timeout` seconds."""
        end = time.monotonic() + (timeout or float("inf"))
        while True:
            try:
                left = end - time.monotonic()
                return super().get_message(stream, max(0, min(1, left)))
            except Empty:
                if not self.is_alive():
                    raise KernelDied from None
                if time.monotonic() >= end:
                    raise


def cost(kernel):
    """What a kernel has used.

    Returns:
        {"cpu": seconds with the processes it waited for, "memory": its peak
        in MB}; what the machine does not tell is missing.
    """
    used = {}
    try:
        process = psutil.Process(kernel.km.provisioner.pid)
        used["cpu"] = sum(process.cpu_times()[:4])
        status = Path(f"/proc/{process.pid}/status").read_text()
        used["memory"] = int(status.split("VmHWM:")[1].split()[0]) / 1024
    except (AttributeError, psutil.Error, OSError):
        pass  # it is dead, or the system is not Linux
    return used


def defect(path):
    """What makes a notebook no notebook of this book, or None."""
    try:
        notebook = nbformat.read(path, nbformat.NO_CONVERT)
    except nbformat.validator.NotebookValidationError as error:
        return f"is not valid: {error.message}"
    except Exception:
        return "is no notebook: it cannot be read as JSON of that form"
    if notebook.nbformat != 4:
        return f"has format {notebook.nbformat}; the book's is 4"
    if not any(cell.cell_type == "code" for cell in notebook.cells):
        return "has no code cell: nothing is proved"
    if not notebook.metadata.get("kernelspec", {}).get("name"):
        return "names no kernel (metadata.kernelspec.name)"
    return None


class BrokenNotebook(pytest.Item):
    """Stands in the report for a notebook whose cells cannot be run."""

    def runtest(self):
        """Fail."""
        pytest.fail(self.parent.defect, pytrace=False)

    def repr_failure(self, excinfo):
        """The defect in one line."""
        return f"{self.path.name} {self.parent.defect}"

    def reportinfo(self):
        """Where the report says that it is."""
        return self.path, 0, f"{self.path.name}: broken"


class Chapter(IPyNbFile):
    """A notebook as a file of tests, a cell a test."""

    last = None  # the cell that ran last

    def collect(self):
        """Yield the tests, or the one that fails for a broken notebook."""
        self.defect = defect(self.path)
        if self.defect:
            yield BrokenNotebook.from_parent(self, name="broken")
            return
        for cell in super().collect():
            yield Cell.from_parent(
                self,
                name=cell.name,
                cell_num=cell.cell_num,
                cell=cell.cell,
                options=cell.options,
            )

    def setup(self):
        """Start the kernel, in the environment of the tests."""
        if not self.defect:
            self.kernel = WatchedKernel(
                CURRENT_ENV_KERNEL_NAME,
                cwd=str(self.path.parent),
                startup_timeout=self.config.option.nbval_kernel_startup_timeout,
            )

    def teardown(self):
        """Note on the last cell what the kernel has used, and stop it."""
        if self.last and self.kernel:
            self.last.user_properties.append(("cost", cost(self.kernel)))
        super().teardown()


class Cell(IPyNbCell):
    """A code cell as a test."""

    def setup(self):
        """Expect a failure where an earlier cell ended the kernel."""
        if self.parent.timed_out:
            reason = "an earlier cell ended the kernel or its time"
            self.add_marker(pytest.mark.xfail(True, reason=reason))

    def runtest(self):
        """Run the cell and compare its outputs."""
        self.parent.last = self
        if self.cell.outputs:
            self.user_properties.append(("compared", how_compared(self.cell)))
        try:
            super().runtest()
        except KernelDied:
            self.parent.timed_out = True
            self.raise_cell_error("the kernel died in this cell")

    def compare_outputs(self, test, ref, skip_compare=None):
        """Whether the run's outputs say what the stored ones say."""
        tolerance = self.cell.metadata.get("tolerance", {})
        complaints = settle(ref, test, tolerance)
        same = super().compare_outputs(test, ref, skip_compare)
        self.comparison_traceback[:0] = complaints
        return same and not complaints


def how_compared(cell):
    """One of KINDS: how the outputs of a code cell are compared."""
    if "nbval-ignore-output" in cell.metadata.get("tags", []):
        return "ignored"
    return "tolerance" if "tolerance" in cell.metadata else "exact"


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path, parent):
    """Let Chapter take the place of nbval's own collector."""
    collected = yield
    return [
        Chapter.from_parent(parent, path=file_path)
        if isinstance(collector, IPyNbFile)
        else collector
        for collector in collected
    ]


def pytest_sessionstart(session):
    """Where CI is set, refuse a run that proves less than it promises."""
    if not os.environ.get("CI") or hasattr(session.config, "workerinput"):
        return
    if os.environ.get("BOOK_NETWORK") != "off":
        raise pytest.UsageError(
            "CI is set and the network is on: run `make test`"
        )
    if find_chromium() is None:
        raise pytest.UsageError(
            "CI is set and there is no Chromium: install it "
            "(Debian: apt install chromium)"
        )


@dataclass
class Row:
    """What a run has proved of a chapter."""

    cells: int = 0
    failed: int = 0
    compared: dict = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    exercises: set = field(default_factory=set)
    cpu: float | None = None
    memory: float | None = None


def rows(reports):
    """Count what the reports of a run tell, {chapter's number: Row}."""
    table = defaultdict(Row)
    for outcome, report in reports:
        path = Path(getattr(report, "nodeid", "").partition("::")[0])
        said = dict(getattr(report, "user_properties", []))
        when = getattr(report, "when", "collect")
        if path.suffix == ".ipynb":
            row = table[path.stem]
            row.failed += outcome in ("failed", "error")
            if when == "call":
                row.cells += outcome == "passed"
                if "compared" in said:
                    row.compared[said["compared"]] += 1
            elif when == "teardown" and "cost" in said:
                row.cpu = said["cost"].get("cpu")
                row.memory = said["cost"].get("memory")
    for outcome, report in reports:
        said = dict(getattr(report, "user_properties", []))
        if outcome == "passed" and "exercise" in said:
            number = said["exercise"]
            for name, row in table.items():
                if name[:2] == number.partition(".")[0].zfill(2):
                    row.exercises.add(number)
    return table


def pytest_terminal_summary(terminalreporter):
    """Say in a table what the run has proved, a line a chapter."""
    table = rows(
        [
            (outcome, report)
            for outcome, reports in terminalreporter.stats.items()
            for report in reports
        ]
    )
    if not table:
        return
    write = terminalreporter.write_line
    terminalreporter.section("what was proved")
    columns = "{:<20}" + "{:>7}" * 2 + "{:>8}{:>11}{:>9}{:>11}{:>8}{:>8}"
    heads = ("chapter", "cells", "failed", *KINDS, "exercises", "CPU s", "MB")
    write(columns.format(*heads))
    lines = []
    for name in sorted(table):
        row = table[name]
        lines.append(
            [row.cells, row.failed, *row.compared.values()]
            + [len(row.exercises), row.cpu, row.memory]
        )
        write(columns.format(name, *map(_shown, lines[-1])) + _mark(row))
    totals = [sum(filter(None, column)) for column in zip(*lines, strict=True)]
    totals[-1] = max((row[-1] or 0 for row in lines), default=0)
    write(columns.format("all (most MB)", *map(_shown, totals)))
    write(f"Network while testing: {os.environ.get('BOOK_NETWORK', 'on')}.")


def _shown(value):
    return "-" if value is None else f"{value:.0f}"


def _mark(row):
    return f"  over {BUDGET} s" if (row.cpu or 0) > BUDGET else ""
