"""Make the data of the book anew, so that they equal SHA256SUMS.

    python data/make_all.py                  what is missing or damaged
    python data/make_all.py clicks backbone  these, whole or not
    python data/make_all.py clicks --update  take a change of the script over

A set is made whole in `_build/`. Then its files take their places, if they
equal SHA256SUMS or if `--update` changes that as well. So no half-written file
has its own name, and `git checkout -- data` undoes all.
"""

import argparse
import contextlib
import importlib
import os
import sys
import tempfile
from pathlib import Path

import guard
from guard import DATA, DataError

# set -> what make_<set>.py writes
MAKES = {
    "surnames": ["surnames.csv"],
    "banknotes": ["banknotes", "banknotes_fresh"],
    "clicks": ["clicks.csv", "sessions.csv"],
    "backbone": ["glyph_backbone.safetensors"],
}


def make(name, folder=DATA, update=False):
    """Make one set, put it in its place if it may go there, and say so.

    Args:
        name: a key of MAKES.
        folder: where the data lie.
        update: whether SHA256SUMS is changed to what was made.

    Returns:
        bool: whether the new set is in its place.
    """
    build = folder / "_build"
    build.mkdir(exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=build) as new:
            importlib.import_module(f"make_{name}").build(Path(new))
            return place(name, Path(new), folder, update)
    finally:
        with contextlib.suppress(OSError):
            build.rmdir()


def place(name, new, folder, update):
    """Move a set from `new` to its place in `folder` if it may go there."""
    known, made = guard.checksums(folder), digests(new)
    wanted = {}
    for output in MAKES[name]:
        wanted |= guard.part_of(known, output)
    differing = {key for key, _ in made.items() ^ wanted.items()}
    if differing and not update:
        print(
            f"{name}: not as committed, so not put in place "
            f"({min(differing)} differs; --update takes it over)"
        )
        return False
    for key in made:
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        os.replace(new / key, folder / key)
    for key in wanted.keys() - made.keys():
        (folder / key).unlink(missing_ok=True)
    if differing:
        others = known.keys() - wanted.keys()
        made |= {key: known[key] for key in others}
        guard.write_checksums(new / guard.LIST, made)
        os.replace(new / guard.LIST, folder / guard.LIST)
    print(f"{name}: {'taken over' if differing else 'as committed'}")
    return True


def digests(folder):
    """A dict from each file below a folder to its sha256 in hexadecimal."""
    return {
        path.relative_to(folder).as_posix(): guard.sha256(path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }


def is_whole(name, folder=DATA):
    """Whether all files of a set are there as SHA256SUMS lists them."""
    try:
        for output in MAKES[name]:
            guard.data_path(output, folder)
    except DataError as error:
        print(error)
        return False
    print(f"{name}: whole")
    return True


def main(arguments=None, folder=DATA):
    """Read the arguments and make what they ask for.

    Returns:
        int: the exit status, 1 if something made differs from SHA256SUMS.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "names", nargs="*", metavar="name", help=", ".join(MAKES)
    )
    parser.add_argument(
        "--update",
        action="store_true",
        help="put in place what differs, and change SHA256SUMS to it",
    )
    chosen = parser.parse_args(arguments)
    unknown = [name for name in chosen.names if name not in MAKES]
    if unknown:
        parser.error(
            f"no such data: {unknown[0]} (there is {', '.join(MAKES)})"
        )
    guard.checksums(folder)
    names = chosen.names or [n for n in MAKES if not is_whole(n, folder)]
    made = [make(name, folder, chosen.update) for name in names]
    return 0 if all(made) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except DataError as error:
        sys.exit(f"DataError: {error}")
    except ModuleNotFoundError as error:
        sys.exit(
            f"no package {error.name}: run `make data`, which installs it"
        )
    except OSError as error:
        sys.exit(f"cannot write the data: {error}")
    except KeyboardInterrupt:
        sys.exit("stopped: what was not finished is as it was")
