"""What all the scripts in `data/` share: whole files, progress, arguments.

Nothing is ever written under its own name. A file or a folder grows in
`_build/` beside its place and is renamed when it is complete, so a script
that is killed leaves the old data as they were. What it leaves in `_build/`
(which git ignores) is cleared away by the next run.
"""

import argparse
import contextlib
import os
import shutil
from pathlib import Path

from tqdm import tqdm

HERE = Path(__file__).resolve().parent


@contextlib.contextmanager
def whole(target):
    """Write a file or a folder so that it appears complete or not at all.

    Args:
        target: the path that the finished file or folder gets.

    Yields:
        Path: where to write it; it does not exist yet. It takes the place
        of `target` when the block ends without an exception.
    """
    target = Path(target)
    part = target.parent / "_build" / target.name
    repair(target)
    remove(part)
    part.parent.mkdir(parents=True, exist_ok=True)
    yield part
    swap(part, target)
    clear(part.parent)


def swap(new, target):
    """Put the finished file or folder `new` in the place of `target`.

    A file takes its place in one step. A folder cannot: the old one is moved
    aside first, and `repair` brings it back if we are killed in between.
    """
    new, target = Path(new), Path(target)
    if target.is_dir():
        old = aside(target)
        old.parent.mkdir(exist_ok=True)
        os.replace(target, old)
    os.replace(new, target)
    remove(aside(target))


def repair(target):
    """Undo a swap of folders that was killed between its two steps."""
    target, old = Path(target), aside(target)
    if old.exists() and not target.exists():
        os.replace(old, target)
    remove(old)


def aside(target):
    """Where an old folder waits while the new one takes its place."""
    return target.parent / "_build" / f"{target.name}.old"


def remove(path):
    """Remove a file or a folder with all it holds, if it is there."""
    path = Path(path)
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def clear(folder):
    """Remove a folder if it is there and empty."""
    with contextlib.suppress(OSError):
        Path(folder).rmdir()


def progress(things, what, **options):
    """Go through `things` and show a progress bar named `what`."""
    return tqdm(things, desc=what, ncols=79, **options)


def arguments(description):
    """The arguments of a script: `--folder`, where to write the data.

    Args:
        description: the first line of the script's own documentation.

    Returns:
        argparse.ArgumentParser: the caller may add more arguments.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--folder",
        type=Path,
        default=HERE,
        help="where to write (default: the folder of this script)",
    )
    return parser
