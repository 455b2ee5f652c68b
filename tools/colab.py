"""Copy the notebooks for Colab, which opens one file and no folder.

    python tools/colab.py OWNER/NAME COMMIT FOLDER

A cell in front of each copy fetches the book at the commit and installs what
the service lacks. The workflow `book.yml` pushes the folder as the branch
`colab`, and the button on a page opens the copy there.
"""

import ast
import re
import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]
COPIES = "https://colab.research.google.com/github/{}/blob/colab/notebooks"
# packages that are imported under another name
ALIASES = {
    "PIL": "pillow",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
}

NOTE = """\
> **A copy for Colab**
>
> The first cell fetches the book and installs the packages that are missing
> here. The numbers were proved with torch {torch} on a processor; with another
> version or device the last digits may differ.
"""

CELL = '''\
def open_the_book(address, commit, packages):
    """Fetch the book, install the packages that are missing, go there."""
    import importlib.util
    import os
    import subprocess
    import sys

    def run(*command):
        subprocess.run(command, check=True)

    here = os.getcwd()
    if os.path.basename(here) != "notebooks":
        run("git", "init", "--quiet", "book")
        git = "git", "-C", "book"
        run(*git, "fetch", "--quiet", "--depth=1", address, commit)
        run(*git, "checkout", "--quiet", "FETCH_HEAD")
        os.chdir(os.path.join("book", "notebooks"))
        sys.path.insert(0, os.getcwd())
    missing = [
        wanted
        for name, wanted in packages.items()
        if importlib.util.find_spec(name) is None
    ]
    if missing:
        run(sys.executable, "-m", "pip", "install", "--quiet", *missing)

    import matplotlib

    matplotlib.rc_file("matplotlibrc")


open_the_book(
    {address!r},
    {commit!r},
    {packages},
)'''


def imports(source):
    """The packages that a piece of Python imports, by their first names."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module.split(".")[0])
    return found


def requirements(names, versions):
    """What to install for imported names: {name: "package==version"}.

    Args:
        names: names as imported; those of the standard library and of the
            book itself are left out.
        versions: the text of requirements.txt.
    """
    pins = dict(re.findall(r"^([\w.-]+)==([\w.]+)", versions, re.M))
    wanted = {}
    for name in sorted(set(names) - set(sys.stdlib_module_names)):
        package = ALIASES.get(name, name.replace("_", "-")).lower()
        if package in pins:
            wanted[name] = f"{package}=={pins[package]}"
    return wanted


def copy_for_colab(notebook, address, commit, checks, versions):
    """Return a copy of a notebook that runs alone.

    Args:
        notebook: a chapter.
        address: where git finds the book.
        commit: the full name of the commit to fetch.
        checks: the sources of `notebooks/checks/`, whose imports count too.
        versions: the text of requirements.txt.
    """
    sources = [c.source for c in notebook.cells if c.cell_type == "code"]
    names = set().union(*map(imports, [*sources, *checks]))
    packages = requirements(names, versions)
    lines = "".join(f"        {k!r}: {v!r},\n" for k, v in packages.items())
    setting = CELL.replace("{address!r}", repr(address))
    setting = setting.replace("{commit!r}", repr(commit))
    setting = setting.replace("{packages}", "{\n" + lines + "    }")
    torch = re.search(r"^torch==(\S+)", versions, re.M)[1]
    front = [
        nbformat.v4.new_markdown_cell(
            NOTE.format(torch=torch), id="colab-note"
        ),
        nbformat.v4.new_code_cell(setting, id="colab-cell"),
    ]
    copy = nbformat.from_dict(notebook)
    copy.cells = [*front, *copy.cells]
    return copy


def absolute(notebook, name, commit):
    """Let the links of a copy, in place, lead to Colab and to GitHub."""
    copies = COPIES.format(name)
    files = f"https://github.com/{name}/raw/{commit}"
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = re.sub(
                r"\]\((\w+\.ipynb)", rf"]({copies}/\1", cell.source
            ).replace("](../", f"]({files}/")
    return notebook


def write(address, commit, folder, root=ROOT):
    """Write the copies of all notebooks below a folder; return their paths.

    Args:
        address: where git finds the book.
        commit: the full name of the commit to fetch.
        folder: gets a folder `notebooks`.
        root: the book.
    """
    checks = [
        path.read_text(encoding="utf-8")
        for path in (root / "notebooks" / "checks").glob("*.py")
    ]
    versions = (root / "requirements.txt").read_text(encoding="utf-8")
    folder = Path(folder) / "notebooks"
    folder.mkdir(parents=True)
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        copy = copy_for_colab(notebook, address, commit, checks, versions)
        nbformat.write(copy, folder / path.name)
    return sorted(folder.iterdir())


def main(name, commit, folder):
    """Write the copies for a repository on GitHub."""
    for path in write(f"https://github.com/{name}", commit, folder):
        copy = nbformat.read(path, as_version=4)
        nbformat.write(absolute(copy, name, commit), path)


if __name__ == "__main__":
    main(*sys.argv[1:])
