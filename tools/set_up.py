"""Set up .venv, once: what the site needs, or all. Quick when it is there.

    python tools/set_up.py               all: JupyterLab, the chapters, proof
    python tools/set_up.py site          what builds the site; no PyTorch
    python tools/set_up.py --torch cpu   all, with PyTorch's small CPU build

Both stages read requirements.txt, and the second adds to the first. Any
Python can read this file, so that one that is too old is told so.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

OLDEST = (3, 11)
# what each stage asks for, and the room it needs in GB
STAGES = {
    "site": ("requirements-site.in", 1, "0.3 GB, less than a minute"),
    "all": ("requirements.in", 8, "up to 6 GB, about two minutes"),
}


def fail(message):
    """Stop with one line that says what to do."""
    raise SystemExit("set-up: " + message)


class SetUp:
    """The set-up of the book in a folder.

    Args:
        root: the folder of the book.
        stage: "site" or "all".
        torch: the kind of PyTorch's build that uv is asked for, such as
            "cpu"; None takes the usual one, or the one already chosen.
    """

    def __init__(self, root, stage, torch=None):
        self.root, self.stage = Path(root), stage
        self.venv = self.root / ".venv"
        self.done = self.venv / "set-up.json"  # written when all is installed
        self.found = self._found()
        self.torch = torch or self.found.get("torch")

    def _found(self):
        """What an earlier set-up wrote when it was finished, or {}."""
        try:
            return json.loads(self.done.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}

    @property
    def python(self):
        """The interpreter inside .venv."""
        windows = self.venv / "Scripts" / "python.exe"
        return windows if os.name == "nt" else self.venv / "bin" / "python"

    def digest(self):
        """A digest of the versions and of what the stages ask for."""
        names = ["requirements.txt", *(stage[0] for stage in STAGES.values())]
        texts = [(self.root / name).read_text("utf-8") for name in names]
        return hashlib.sha256("\0".join(texts).encode()).hexdigest()

    @property
    def grows(self):
        """Whether the stage is more than an earlier set-up installed."""
        return self.found.get("stage") not in (self.stage, "all")

    def is_done(self):
        """Whether this stage stands, with these versions."""
        return (
            self.found.get("requirements") == self.digest()
            and not self.grows
            and self.found.get("torch") == self.torch
            and self.python.exists()
        )

    def check_machine(self):
        """Stop, before anything is written, where it cannot work."""
        if not os.access(str(self.root), os.W_OK):
            fail(
                "the book's folder is read-only: copy it to a folder where "
                "you may write"
            )
        if self.is_done():
            return
        if sys.version_info < OLDEST:
            fail(
                "Python {}.{} is too old: install Python 3.11 or newer, or "
                "name one with make PYTHON=/path/to/python3.11".format(
                    *sys.version_info[:2]
                )
            )
        try:
            import ensurepip  # noqa: F401
            import venv  # noqa: F401
        except ImportError:
            fail(
                "this Python has no venv or pip module: install them "
                "(Debian, Ubuntu: apt install python3-venv python3-pip)"
            )
        wanted = STAGES[self.stage][1] if self.grows else 0
        free = shutil.disk_usage(str(self.root)).free // 10**9
        if free < wanted:
            fail(
                f"{free} GB are free here, the packages need {wanted} GB: "
                "free some space, or move the book"
            )

    def run(self):
        """Bring .venv to the stage, unless it is there already."""
        self.check_machine()
        if self.is_done():
            return
        start = time.monotonic()
        if self.found and self.python.exists():
            words = STAGES[self.stage][2] if self.grows else "a moment"
            print(f"Bringing .venv up to date: {words} ...", flush=True)
            if not self.grows:
                self.stage = self.found["stage"]
            self.done.unlink()  # what is interrupted is begun anew
        else:
            version = ".".join(map(str, sys.version_info[:3]))
            words = STAGES[self.stage][2]
            print(
                f"Setting up .venv with Python {version}: {words}, once ...",
                flush=True,
            )
            self.call(sys.executable, "-m", "venv", "--clear", self.venv)
        self.install()
        self.done.write_text(
            json.dumps(
                {
                    "stage": self.stage,
                    "torch": self.torch,
                    "requirements": self.digest(),
                }
            ),
            encoding="utf-8",
        )
        print(f"Set up after {time.monotonic() - start:.0f} s.", flush=True)

    def install(self):
        """Install the stage's packages by uv; by pip where uv cannot."""
        pip = [self.python, "-m", "pip"]
        wanted = [
            *("--constraint", "requirements.txt"),
            *("--requirement", STAGES[self.stage][0]),
        ]
        if self.by_uv(pip, wanted):
            return
        if self.torch:
            fail(
                "uv could not install the packages (see above), and pip "
                "knows no --torch: check the network, then run it again"
            )
        print("uv could not do it; pip is slower, but may:", flush=True)
        if not self.works(*pip, "install", "--quiet", *wanted):
            fail(
                "installing the packages failed (see above): check network "
                "and disk space, then run the same command again"
            )

    def by_uv(self, pip, wanted):
        """Whether uv, in the version of requirements.txt, installed all."""
        versions = (self.root / "requirements.txt").read_text("utf-8")
        pin = re.search(r"^uv==[\w.]+", versions, re.M)
        if not self.works(*pip, "install", "-qq", pin[0]):
            return False
        options = ["--python", self.python]
        if not sys.stderr.isatty():
            options.append("--quiet")
        if self.torch:
            options += ["--torch-backend", self.torch]
        uv = [self.python, "-m", "uv", "pip", "install"]
        return self.works(*uv, *options, *wanted)

    def works(self, *command):
        """Run a command in the book's folder; whether it succeeded.

        Temporary files go below .venv, since /tmp may be small; so does uv's
        cache where there is no home to write to.
        """
        temporary = self.venv / "tmp"
        if self.venv.exists():
            temporary.mkdir(exist_ok=True)
        environment = dict(
            os.environ,
            TMPDIR=str(temporary),
            PIP_DISABLE_PIP_VERSION_CHECK="1",
        )
        if not os.access(os.path.expanduser("~"), os.W_OK):
            environment["UV_CACHE_DIR"] = str(temporary / "uv")
        try:
            return not subprocess.call(
                [str(part) for part in command],
                cwd=str(self.root),
                env=environment,
            )
        finally:
            shutil.rmtree(str(temporary), ignore_errors=True)

    def call(self, *command):
        """Run a command that must succeed."""
        if not self.works(*command):
            fail("could not make .venv: see the message above")


def main(arguments=None):
    """Read the command line and set up."""
    parser = argparse.ArgumentParser(description="Set up .venv.")
    parser.add_argument(
        "stage", nargs="?", default="all", choices=list(STAGES)
    )
    parser.add_argument("--torch", metavar="BUILD", help="such as cpu")
    options = parser.parse_args(arguments)
    root = Path(__file__).resolve().parents[1]
    try:
        SetUp(root, options.stage, options.torch).run()
    except KeyboardInterrupt:
        fail("stopped; the same command begins anew")


if __name__ == "__main__":
    main()
