"""The questions at the end of the sections: their form and their answers."""

import contextlib
import io
import re
from collections import Counter
from pathlib import Path

import nbformat
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import questions
from cells import CHAPTERS

ROOT = Path(__file__).parents[1]
FILES = [ROOT / "book" / "questions" / f"{p.stem}.md" for p in CHAPTERS]


def run(code):
    """What code prints in one line, or the kind of error it raises."""
    said = io.StringIO()
    torch.manual_seed(0)
    try:
        with contextlib.redirect_stdout(said):
            exec(code, {"torch": torch, "nn": nn, "F": F})
    except Exception as error:
        return f"It raises `{type(error).__name__}`"
    return f"`{' '.join(said.getvalue().split())}`"


def headings(path):
    """The marks and the titles of a chapter's sections."""
    path = ROOT / "notebooks" / f"{path.stem}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    text = "\n".join(
        cell.source for cell in notebook.cells if cell.cell_type == "markdown"
    )
    return re.findall(r"^(##+) (.+?)\s*$", text, re.M)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_questions_stand_under_sections_of_their_chapter(path):
    found = questions.read(path)
    sections = {one.section for one in found}
    known = [title for _, title in headings(path)]
    lost = sections - set(known)
    assert not lost, f"{path.name}: the chapter has no section {sorted(lost)}"
    order = [known.index(one.section) for one in found]
    assert order == sorted(order), f"{path.name}: not in the chapter's order"
    assert len(found) >= 10 and len(sections) >= 6, path.name
    asked, part = Counter(), None
    for marks, title in headings(path):
        part = title if marks == "##" else part
        asked[part] += sum(one.section == title for one in found)
    quiet = {title for title in asked if asked[title] < 2}
    assert quiet == {"Summary", "Exercises", "Further reading"}, path.name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_right_answer_cannot_be_told_by_its_looks(path):
    found = questions.read(path)
    places = Counter(one.right for one in found)
    assert len(places) > 2 and max(places.values()) <= len(found) / 2
    said = [one for one in found if one.asked != questions.PRINTS]
    for name, extreme in (("longest", max), ("shortest", min)):
        lengths = [[len(choice) for choice in one.choices] for one in said]
        told = [
            own[one.right] == extreme(own) and own.count(extreme(own)) == 1
            for one, own in zip(said, lengths, strict=True)
        ]
        assert sum(told) <= len(told) / 2, f"mostly the {name} choice is right"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_right_answer_is_what_the_code_prints(path):
    wrong = []
    for one in questions.read(path):
        if one.asked == questions.PRINTS:
            right, said = one.choices[one.right], run(one.code)
            same = [" ".join(c.split()) == said for c in one.choices]
            if same != [choice == right for choice in one.choices]:
                wrong.append(f"{one.code}prints {said}, right is {right}")
        if one.proof and run(one.proof) != "``":
            wrong.append(f"{one.proof}{run(one.proof)}")
    assert not wrong, f"{path.name}:\n" + "\n".join(wrong)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_notebook_leads_to_its_questions_and_the_page_has_them(path):
    notebook = ROOT / "notebooks" / f"{path.stem}.ipynb"
    text = notebook.read_text(encoding="utf-8")
    file = f"../book/questions/{path.name}"
    link = f" After a section, try [its questions]({file})."
    assert text.count(link) == 1
    assert questions.LINK.sub("", text) == text.replace(link, "")


WHOLE = """\
# Questions

## A section

What does this print?

```python
print(1)
```

1. `0`
2. `1`
3. `2`

<details><summary>Answer</summary>

1. Too few.
2. **Right.** As it is
   written.
3. Too many.

</details>
"""


@pytest.fixture
def read_changed(tmp_path):
    """Read a file with one question, in which something was changed."""

    def read(old="", new=""):
        assert old in WHOLE
        path = tmp_path / "00_any.md"
        path.write_text(WHOLE.replace(old, new, 1), encoding="utf-8")
        return questions.read(path)

    return read


def test_a_question_is_read(read_changed):
    (one,) = read_changed()
    assert one.section == "A section" and one.right == 1
    assert one.code == "print(1)\n" and not one.proof
    assert one.choices == ["`0`", "`1`", "`2`"]
    assert WHOLE.endswith(one.source)
    (one,) = read_changed("many.\n", "many.\n\n```python\npass\n```\n")
    assert one.proof == "pass\n"


@pytest.mark.parametrize(
    "old, new, said",
    [
        ("</details>", "", "line 5: write a question, code if any"),
        ("<details><summary>Answer</summary>\n", "", "write a question"),
        ("What does this print?\n", "", "write a question"),
        ("1. `0`", "- `0`", "write a question"),
        ("3. `2`", "3. `2`\n4. `3`", "a reason for each"),
        ("3. `2`", "3. `1`", "three or four choices"),
        ("3. Too many.", "3. Too\n\n   many.", "is one paragraph"),
        ("**Right.** ", "", "one reason must begin with"),
        ("3. Too", "3. **Right.** Too", "one reason must begin with"),
        ("```python\nprint(1)\n```\n", "", "no code that prints"),
    ],
)
def test_a_broken_question_is_named(read_changed, old, new, said):
    with pytest.raises(ValueError, match=r"^00_any\.md, line \d+: ") as error:
        read_changed(old, new)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
