"""Find a data file of the book and make sure that it is whole.

The folder `data/` beside `notebooks/` ships every file with its checksum in
`SHA256SUMS`, so that a broken copy is named at once and in one line.
"""

import hashlib
from pathlib import Path

DATA = Path(__file__).resolve().parents[2] / "data"


class DataError(Exception):
    """A data file is missing or damaged; the message says what to do."""

    def _render_traceback_(self):
        """Let IPython show the one line and no traceback."""
        return [f"DataError: {self}"]


def checksums(folder=DATA):
    """Read `SHA256SUMS`: a dict from file name to sha256 in hexadecimal.

    Raises:
        DataError: the list itself is missing.
    """
    path = Path(folder) / "SHA256SUMS"
    if not path.is_file():
        raise DataError(
            "data/SHA256SUMS is missing: run `git checkout -- data`"
        )
    lines = path.read_text(encoding="utf-8").splitlines()
    return {
        name: digest
        for digest, name in (line.split(maxsplit=1) for line in lines)
    }


def data_path(name, folder=DATA):
    """Return the path of a file or folder in `data/` after checking it.

    Args:
        name: a path relative to `data/`, such as "surnames.csv"; a folder
            stands for all the files below it.
        folder: where the data lie.

    Raises:
        DataError: a file is unknown, missing or damaged.
    """
    folder = Path(folder)
    known = checksums(folder)
    names = [key for key in known if key == name or key.startswith(f"{name}/")]
    if not names:
        raise DataError(f"data/{name} is no data file of this book")
    for key in names:
        problem = _problem(folder / key, known[key])
        if problem:
            raise DataError(
                f"data/{key} is {problem}: run `make data` to make it anew"
            )
    return folder / name


def _problem(path, digest):
    """What is wrong with one file, in a word, or None."""
    if not path.is_file():
        return "missing"
    if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
        return "damaged (its checksum differs)"
    return None
