"""The site says how far an output may be off elsewhere."""

import pytest
from docutils import nodes
from docutils.utils import new_document

from tolerance import Notes, sentence


def cell(metadata, *, prints):
    """A code cell as the site knows it, in a document."""
    box = nodes.container(nb_element="cell_code", cell_metadata=metadata)
    box += nodes.container(nb_element="cell_code_source")
    if prints:
        box += nodes.container(nb_element="cell_code_output")
    document = new_document("page")
    document += box
    return document


@pytest.mark.parametrize(
    "tolerance, said",
    [
        ({"absolute": 0.03}, "numbers within ±0.03 (a reason)"),
        ({"relative": 0.1}, "numbers within 10 % (a reason)"),
        ({"picture": 0.3}, "a picture like this one, not the same (a reason)"),
        (
            {"absolute": 2, "picture": 0.3},
            "numbers within ±2 and a picture like this one, not the same",
        ),
    ],
)
def test_a_tolerance_is_said_in_words(tolerance, said):
    assert said in sentence(tolerance | {"reason": "a reason"})


def test_the_sentence_stands_below_the_output():
    metadata = {"tolerance": {"absolute": 0.03, "reason": "a reason"}}
    document = cell(metadata, prints=True)
    Notes(document).apply()
    [note] = document.findall(nodes.paragraph)
    assert note["classes"] == ["tolerance"]
    assert note.parent["nb_element"] == "cell_code_output"
    assert note.astext() == sentence(metadata["tolerance"])


@pytest.mark.parametrize(
    "metadata, prints",
    [({}, True), ({"tolerance": {"absolute": 1, "reason": "a"}}, False)],
)
def test_other_cells_stay_as_they_are(metadata, prints):
    document = cell(metadata, prints=prints)
    Notes(document).apply()
    assert not list(document.findall(nodes.paragraph))
