"""Make the data of the book anew and compare them with SHA256SUMS.

    python data/make_all.py                  all; a whole backbone is kept
    python data/make_all.py surnames clicks  only these
    python data/make_all.py --all            the backbone too (6 minutes)

Each set is first made in `_build/new/`. It then takes the place of a file
that is missing or damaged. A whole file that differs from the new one is kept
unless `--replace` is given, and SHA256SUMS only changes when
`--update-checksums` asks for it.
"""

import hashlib
import importlib
import sys
from pathlib import Path

from common import HERE, arguments, clear, remove, repair, swap, whole

sys.path.insert(0, str(HERE.parent / "notebooks"))
from checks.data import DataError, checksums  # noqa: E402

# set -> what make_<set>.py writes
MAKES = {
    "surnames": ["surnames.csv"],
    "banknotes": ["banknotes", "banknotes_fresh"],
    "clicks": ["clicks.csv", "sessions.csv"],
    "backbone": ["glyph_backbone.safetensors"],
}
SLOW = {"backbone"}  # kept while it is whole, unless it is asked for by name
MAY_DIFFER = {"backbone"}  # on a CPU that adds in another order


def digests(folder, name):
    """Compute the sha256 of one file, or of all files of a folder.

    Args:
        folder: the folder that the names in SHA256SUMS are relative to.
        name: a file or folder in it.

    Returns:
        dict: from name to sha256 in hexadecimal; empty if nothing is there.
    """
    folder = Path(folder)
    path = folder / name
    files = path.rglob("*") if path.is_dir() else [path]
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(
            file.read_bytes()
        ).hexdigest()
        for file in files
        if file.is_file()
    }


def expected(known, name):
    """The part of the checksums that belongs to a file or folder."""
    return {
        key: digest
        for key, digest in known.items()
        if key == name or key.startswith(f"{name}/")
    }


def make(name, folder, known, replace=False):
    """Make one set, put it in its place and say how it compares.

    Args:
        name: a key of MAKES.
        folder: where the data lie.
        known: the checksums, a dict as `checksums` returns it.
        replace: whether a whole file may give way to a different one.

    Returns:
        bool: whether everything made is as committed.
    """
    new = folder / "_build" / "new"
    new.mkdir(parents=True, exist_ok=True)
    importlib.import_module(f"make_{name}").build(new)
    same = True
    for output in MAKES[name]:
        repair(folder / output)
        made, wanted = digests(new, output), expected(known, output)
        present = digests(folder, output)
        same = same and made == wanted
        say(output, compare(made, wanted))
        if made == present:
            remove(new / output)
        elif made == wanted or present != wanted or replace:
            swap(new / output, folder / output)
            say(output, "put in place")
        else:
            remove(new / output)
            say(output, "kept as committed (--replace takes the new one)")
    clear(new)
    clear(new.parent)
    if not same and name in MAY_DIFFER:
        say(name, "another kind of CPU trains slightly different weights;")
        say(name, "`git checkout -- data` brings back the committed ones")
    return same


def compare(made, wanted):
    """Say in words whether two dicts of checksums agree."""
    if made == wanted:
        return "as committed"
    names = sorted(set(made) | set(wanted))
    names = [n for n in names if made.get(n) != wanted.get(n)]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"differs: {', '.join(names[:3])}{more}"


def update_checksums(folder, known, names):
    """Write SHA256SUMS with what the sets `names` hold now.

    Args:
        folder: where the data lie; SHA256SUMS is written there.
        known: the checksums of before, kept for all other sets.
        names: keys of MAKES.
    """
    known = dict(known)
    for output in (output for name in names for output in MAKES[name]):
        for old in expected(known, output):
            del known[old]
        known.update(digests(folder, output))
    lines = [f"{known[name]}  {name}\n" for name in sorted(known)]
    with whole(folder / "SHA256SUMS") as path:
        path.write_text("".join(lines), encoding="utf-8")
    say("SHA256SUMS", f"{len(lines)} checksums written")


def say(name, words):
    """Print one line about a file or a set."""
    print(f"{name}: {words}", flush=True)


def main():
    """Read the arguments and make what they ask for.

    Returns:
        int: the exit status, 1 if something differs that should not.
    """
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument(
        "names", nargs="*", metavar="name", help=", ".join(MAKES)
    )
    parser.add_argument(
        "--all", action="store_true", help="train the backbone, whole or not"
    )
    parser.add_argument(
        "--replace", action="store_true", help="replace what differs"
    )
    parser.add_argument(
        "--update-checksums",
        action="store_true",
        help="write what is there now into SHA256SUMS",
    )
    chosen = parser.parse_args()
    unknown = [name for name in chosen.names if name not in MAKES]
    if unknown:
        parser.error(
            f"no such data: {unknown[0]} (there is {', '.join(MAKES)})"
        )
    try:
        known = checksums(HERE)
    except DataError:
        if not chosen.update_checksums:
            raise
        known = {}
    asked = MAKES if chosen.all else chosen.names
    good = True
    for name in chosen.names or MAKES:
        if (
            name in SLOW
            and name not in asked
            and is_whole(name, chosen, known)
        ):
            say(name, "whole, so it is not trained again (--all does)")
            continue
        say(name, "making it anew")
        same = make(name, chosen.folder, known, chosen.replace)
        good = good and (same or chosen.replace or name in MAY_DIFFER)
    if chosen.update_checksums:
        update_checksums(chosen.folder, known, chosen.names or MAKES)
    return 0 if good else 1


def is_whole(name, chosen, known):
    """Whether all files of a set are there as SHA256SUMS lists them."""
    return all(
        digests(chosen.folder, output) == expected(known, output) != {}
        for output in MAKES[name]
    )


if __name__ == "__main__":
    try:
        sys.exit(main())
    except DataError as error:
        sys.exit(f"DataError: {error}")
    except KeyboardInterrupt:
        sys.exit("stopped: run the same command again to go on")
