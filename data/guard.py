"""Find a data file of the book and make sure that it is whole.

`SHA256SUMS` lists every file with its checksum, and its own on its last line.
So whatever is broken is named at once, in one line that says what to do.
"""

import hashlib
from pathlib import Path

DATA = Path(__file__).resolve().parent
LIST = "SHA256SUMS"
RESTORE = "run `git checkout -- data` in the book's folder"
REPAIR = f"{RESTORE} (or `make data`, without git)"
# what file managers leave behind; no reader of pictures minds it
DUST = {".DS_Store", "Thumbs.db", "desktop.ini"}


class DataError(Exception):
    """A data file is missing or damaged; the message says what to do."""

    def _render_traceback_(self):
        """Let IPython show the one line and no traceback."""
        return [f"DataError: {self}"]


def data_path(name, folder=DATA):
    """Return the path of a file or folder in `data/` after checking it.

    Args:
        name: a path relative to `data/`, such as "surnames.csv"; a folder
            stands for all the files below it.
        folder: where the data lie.

    Raises:
        DataError: a file is unknown, missing, damaged, unreadable or one too
            many.
    """
    folder = Path(folder)
    known = part_of(checksums(folder), name)
    if not known:
        raise DataError(f"data/{name} is no data file of this book")
    for key, digest in known.items():
        _check(folder, key, digest)
    if name not in known:
        _refuse_extras(folder, name, known)
    return folder / name


def checksums(folder=DATA):
    """Read `SHA256SUMS`: a dict from file name to sha256 in hexadecimal.

    Raises:
        DataError: the list itself is missing, damaged or unreadable.
    """
    text = _read(Path(folder), LIST).replace(b"\r\n", b"\n")
    lines, _, own = text.rpartition(b"# ")
    if own.decode(errors="replace") != f"{sha256(lines)}\n":
        raise DataError(f"data/{LIST} is damaged: {RESTORE}")
    pairs = (line.split("  ", 1) for line in lines.decode().splitlines())
    return {name: digest for digest, name in pairs}


def write_checksums(path, known):
    """Write a dict as `checksums` returns it to a file that it can read."""
    lines = [f"{known[name]}  {name}\n" for name in sorted(known)]
    text = "".join(lines).encode()
    path.write_bytes(text + f"# {sha256(text)}\n".encode())


def part_of(known, name):
    """The part of the checksums that belongs to a file or folder."""
    return {
        key: digest
        for key, digest in known.items()
        if key == name or key.startswith(f"{name}/")
    }


def sha256(content):
    """The sha256 of bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def _check(folder, name, digest):
    """Raise `DataError` unless a file is there and has its checksum."""
    content = _read(folder, name)
    if sha256(content) == digest:
        return
    if sha256(content.replace(b"\r\n", b"\n")) == digest:
        raise DataError(
            f"data/{name} has Windows line ends: delete it and run "
            "`git -c core.autocrlf=false checkout -- data` in the book's "
            "folder"
        )
    raise DataError(f"data/{name} is damaged (its checksum differs): {REPAIR}")


def _read(folder, name):
    """The bytes of a file; `DataError` if there is none to read."""
    try:
        return (folder / name).read_bytes()
    except PermissionError:
        trouble = "may not be read: give yourself the permission"
    except FileNotFoundError:
        trouble = f"is missing: {RESTORE if name == LIST else REPAIR}"
    except OSError as error:
        trouble = f"is no file to read ({error.strerror}): {RESTORE}"
    raise DataError(f"data/{name} {trouble}")


def _refuse_extras(folder, name, known):
    """Raise `DataError` if a folder holds what is not in the checksums."""
    expected = {folder / key for key in known}
    expected |= {parent for path in expected for parent in path.parents}
    for path in sorted((folder / name).rglob("*")):
        if path not in expected and path.name not in DUST:
            extra = path.relative_to(folder).as_posix()
            raise DataError(
                f"data/{extra} does not belong to the book: delete it or "
                "move it out of data/"
            )
