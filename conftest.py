"""Settings of all test runs, and the summary that `make test` ends with."""

import os
from collections import defaultdict
from pathlib import Path

import nbformat

from cells import printing_cells

NOTEBOOKS = Path(__file__).parent / "notebooks"

# kernels inherit these; the Makefile sets them too
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("PYTHONHASHSEED", "0")
# threads that wait must not hold a core that another notebook needs
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def pytest_terminal_summary(terminalreporter):
    """Say in a table what the run has proved, a line a chapter."""
    cells, failed, seconds = (defaultdict(int) for _ in range(3))
    proved = defaultdict(set)
    for outcome, reports in terminalreporter.stats.items():
        for report in reports:
            nodeid = getattr(report, "nodeid", "")
            path = nodeid.partition("::")[0]
            if path.endswith(".ipynb"):
                name = Path(path).stem
                seconds[name] += report.duration
                cells[name] += outcome == "passed"
                failed[name] += outcome == "failed"
            elif "test_no_answer_breaks_a_check[" in nodeid:
                number = nodeid.partition("[")[2].rstrip("]")
                if outcome == "passed":
                    proved[int(number.partition(".")[0])].add(number)
    if not cells and not failed:
        return
    write = terminalreporter.write_line
    terminalreporter.section("what was proved")
    columns = "{:<20}{:>7}{:>8}{:>10}{:>9}{:>11}{:>9}"
    write(
        columns.format(
            *("chapter", "cells", "failed", "compared", "ignored"),
            *("exercises", "seconds"),
        )
    )
    total = [0] * 6
    for name in sorted(set(cells) | set(failed)):
        path = NOTEBOOKS / f"{name}.ipynb"
        printing, ignored = printing_cells(nbformat.read(path, as_version=4))
        row = [
            cells[name],
            failed[name],
            len(printing) - len(ignored),
            len(ignored),
            len(proved[int(name[:2])]),
            seconds[name],
        ]
        total = [a + b for a, b in zip(total, row, strict=True)]
        write(columns.format(name, *row[:-1], f"{row[-1]:.0f}"))
    write(columns.format("all", *total[:-1], f"{total[-1]:.0f}"))
    share = total[3] / max(1, total[2] + total[3])
    write(
        f"Outputs ignored: {share:.1%} of the cells that print. "
        f"Network while testing: {os.environ.get('BOOK_NETWORK', 'on')}."
    )
