"""Each line of the cheat sheet runs and gives what stands behind it."""

import ast
import re
from pathlib import Path

import pytest

PATH = Path(__file__).parents[1] / "book" / "cheatsheet.md"
RESULT = re.compile(r"^(.+?) +# => (.+)$")


def blocks(markdown):
    """The Python blocks of a text."""
    return re.findall(r"^```python\n(.*?)^```$", markdown, re.M | re.S)


def run(markdown):
    """Run all blocks in one namespace and compare what is promised.

    Returns:
        How many results were compared.

    Raises:
        AssertionError: a result is another one.
    """
    names, compared = {}, 0
    for code in blocks(markdown):
        lines = code.splitlines()
        for statement in ast.parse(code).body:
            source = ast.get_source_segment(code, statement)
            promise = RESULT.match(lines[statement.end_lineno - 1])
            if not isinstance(statement, ast.Expr) or not promise:
                exec(source, names)
                continue
            value = eval(source, names)
            assert str(value) == promise[2], f"{source} gives {value}"
            compared += 1
    return compared


def test_every_line_runs_and_every_result_is_right():
    text = PATH.read_text(encoding="utf-8")
    promised = len(re.findall(r"# => ", "".join(blocks(text))))
    assert run(text) == promised > 50


@pytest.mark.parametrize("line", ["1 + 1  # => 3", "(\n1,\n)  # => 1"])
def test_a_wrong_result_is_seen(line):
    with pytest.raises(AssertionError, match="gives"):
        run(f"```python\n{line}\n```\n")
