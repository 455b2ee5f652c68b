"""Say below an output how far it may be off on another machine.

A code cell states it in its metadata, `make test` compares within it, and a
reader sees it in words.
"""

from docutils import nodes
from docutils.transforms import Transform


def sentence(tolerance):
    """What a reader is told.

    Args:
        tolerance: the cell's metadata of that name: "absolute", "relative" or
            "picture", and the "reason".
    """
    parts = []
    if "absolute" in tolerance:
        parts.append(f"numbers within ±{tolerance['absolute']:g}")
    if "relative" in tolerance:
        parts.append(f"numbers within {100 * tolerance['relative']:g} %")
    if "picture" in tolerance:
        parts.append("a picture like this one, not the same")
    said = " and ".join(parts)
    return f"On other machines: {said} ({tolerance['reason']})."


class Notes(Transform):
    """Add the sentence to the output of each cell that states a tolerance."""

    default_priority = 5  # before translations are looked up

    def apply(self):
        """Change the document in place."""
        for box in list(self.document.findall(nodes.container)):
            tolerance = box.get("cell_metadata", {}).get("tolerance")
            if not tolerance:
                continue
            text = sentence(tolerance)
            note = nodes.paragraph(text, text, classes=["tolerance"])
            note.source, note.line = box.source, box.line
            for part in box.children:
                if part.get("nb_element") == "cell_code_output":
                    part += note


def setup(app):
    """Register the extension with Sphinx."""
    app.add_transform(Notes)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
