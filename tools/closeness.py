"""Compare two printed texts: the words strictly, the numbers within a bound.

A code cell states how far its numbers may be off on another machine:

    "tolerance": {"absolute": 0.03, "reason": "trained for 200 steps"}
    "tolerance": {"relative": 0.1, "reason": "..."}

and, where it draws what was trained, how far its picture may be off, from 0
(equal) to 1 (not alike), as `images.distance` measures it:

    "tolerance": {"picture": 0.4, "reason": "..."}
"""

import re
from base64 import b64decode

from images import distance

PICTURES = ("image/png", "image/jpeg")
PICTURE = 0.08  # for cells that state nothing; another processor needs 0.05
NUMBER = re.compile(
    r"(?<![\w.])[-+]?"
    r"(?:\d{1,3}(?:,\d{3})+(?:\.\d*)?|\d+\.\d*|\.\d+|\d+)"
    r"(?:[eE][-+]?\d+)?(?!\.?\w)"
)


def numbers(text):
    """The numbers of a text, in order, as floats.

    Digits inside a word (conv2, 64x64, 1.2.3) belong to the word.
    """
    return [_value(found) for found in NUMBER.findall(text)]


def _value(printed):
    return float(printed.replace(",", ""))


def _words(text):
    """What stands between the numbers, without the padding of columns."""
    return [part.strip(" ") for part in NUMBER.split(text)]


def allowance(number, tolerance):
    """How far a number may be off: a float, in the number's own unit."""
    if "absolute" in tolerance:
        return tolerance["absolute"]
    return tolerance.get("relative", 0) * abs(number)


def mismatch(stored, found, tolerance):
    """What sets two texts apart, in one line; None if nothing does.

    Args:
        stored: the text in the notebook.
        found: the text that the run printed.
        tolerance: the cell's metadata of that name, {} for none.
    """
    if stored == found:
        return None
    if not tolerance.keys() & {"absolute", "relative"}:
        return "the texts differ"
    if _words(stored) != _words(found):
        return "the words between the numbers differ"
    pairs = zip(numbers(stored), numbers(found), strict=True)
    for place, (old, new) in enumerate(pairs, start=1):
        allowed = allowance(old, tolerance)
        if abs(new - old) > allowed * (1 + 1e-9):
            return (
                f"number {place} is {new:g}, stored is {old:g}, "
                f"off by {abs(new - old):.3g}; allowed is {allowed:.3g}"
            )
    return None


def texts(output):
    """The texts that an output prints, but for a traceback, as a list."""
    return [
        box[key]
        for kind, places in _slots([output]).items()
        for box, key in places
        if kind != "picture"
    ]


def pictures(outputs):
    """The pictures among outputs: PNG and JPEG files as base64 text."""
    return [box[key] for box, key in _slots(outputs).get("picture", [])]


def _slots(outputs):
    """Where texts and pictures stand: {kind: [(dict, key)]}, in order."""
    slots = {}
    for output in outputs:
        data = output.get("data", {})
        for kind in data:
            name = "picture" if kind in PICTURES else kind
            slots.setdefault(name, []).append((data, kind))
        for key in ("text", "ename", "evalue"):
            if key in output:
                kind = f"{output.get('name', '')} {key}".strip()
                slots.setdefault(kind, []).append((output, key))
    return slots


def settle(stored, found, tolerance):
    """Put what is stored in the place of what was found, where that is close.

    Args:
        stored: the outputs of a cell in the notebook.
        found: the outputs of the same cell in a run; changed in place.
        tolerance: the cell's metadata of that name, {} for none.

    Returns:
        What is not close, a line each: pictures always, texts where a
        tolerance is stated (without one they are compared strictly, which is
        left to the caller).
    """
    stated = tolerance.keys() & {"absolute", "relative"}
    old, new = _slots(stored), _slots(found)
    complaints = []
    for kind in sorted(old.keys() | new.keys()):
        pair = old.get(kind, []), new.get(kind, [])
        if len(pair[0]) != len(pair[1]):
            if kind == "picture":
                complaints.append(
                    f"the run draws {len(pair[1])} pictures, "
                    f"stored are {len(pair[0])}"
                )
            continue
        for (box, key), (new_box, new_key) in zip(*pair, strict=True):
            if kind == "picture":
                problem = unlike(box[key], new_box[new_key], tolerance)
            else:
                problem = mismatch(box[key], new_box[new_key], tolerance)
            if problem is None:
                del new_box[new_key]
                new_box[key] = box[key]
            elif kind == "picture" or stated:
                complaints.append(f"{kind}: {problem}")
    return complaints


def unlike(stored, found, tolerance):
    """What sets two pictures apart, in one line; None if nothing does.

    Args:
        stored, found: PNG or JPEG files as base64 text.
        tolerance: the cell's metadata of that name, {} for none.
    """
    if stored == found:
        return None
    allowed = tolerance.get("picture", PICTURE)
    far = distance(b64decode(stored), b64decode(found))
    if far <= allowed:
        return None
    return f"looks different by {far:.3f}; allowed is {allowed}"
