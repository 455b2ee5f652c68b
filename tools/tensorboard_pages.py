"""Take the pictures of TensorBoard's pages that chapter 7 shows.

    python tools/tensorboard_pages.py [--folder DIR] [--chromium PROGRAM]

The script writes a small log like the chapter's, starts the real TensorBoard
server on a free port of this machine, opens its pages in a real browser and
stores the pictures. A maintainer runs it after an upgrade of TensorBoard; no
test and no chapter does. It needs Chromium and the package `playwright`.
"""

import argparse
import io
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import warnings
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "book/assets/tensorboard"
LARGEST = 150_000  # bytes of a picture
PATIENCE = 90  # seconds for the server to answer
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PAGES = {  # name: address, what must be there, what to click
    "scalars": ("timeseries", "card-view", None),
    "histograms": ("histograms", "vz-histogram-timeseries", None),
    "graph": ("graphs", "tf-graph-scene", "g.node[data-name=LittleNet]"),
}


class Trouble(Exception):
    """Something that the script cannot do without; one line."""


def write_log(folder):
    """Write scalars, histograms, a picture and a graph; train a small net."""
    import torch
    from sklearn.datasets import load_digits
    from torch import nn
    from torch.utils.tensorboard import SummaryWriter
    from torchvision.utils import make_grid

    class LittleNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 8, 3, padding=1)
            self.relu = nn.ReLU()
            self.pool = nn.MaxPool2d(2)
            self.head = nn.Linear(128, 10)

        def forward(self, X):
            return self.head(self.pool(self.relu(self.conv(X))).flatten(1))

    torch.manual_seed(0)
    digits = load_digits()
    X = torch.tensor(digits.images[:, None] / 16, dtype=torch.float32)
    y = torch.tensor(digits.target)
    model = LittleNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    loss_fn = nn.CrossEntropyLoss()
    with (
        SummaryWriter(folder / "training") as training,
        SummaryWriter(folder / "validation") as validation,
    ):
        training.add_image("digits", make_grid(X[:16], nrow=8, pad_value=1))
        for step in range(100):
            batch = torch.randint(0, 1200, (32,))
            optimizer.zero_grad()
            logits = model(X[batch])
            loss = loss_fn(logits, y[batch])
            loss.backward()
            optimizer.step()
            right = (logits.argmax(1) == y[batch]).float().mean()
            training.add_scalar("loss", loss.item(), step)
            training.add_scalar("accuracy", right, step)
            if step % 10 == 0:
                for name, w in model.named_parameters():
                    training.add_histogram(name.replace(".", "/"), w, step)
                with torch.no_grad():
                    logits = model(X[1200:])
                loss = loss_fn(logits, y[1200:])
                right = (logits.argmax(1) == y[1200:]).float().mean()
                validation.add_scalar("loss", loss, step)
                validation.add_scalar("accuracy", right, step)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch.jit.trace is deprecated
            training.add_graph(model, X[:1])


def free_port():
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(url, server):
    """Return as soon as the server answers.

    Raises:
        Trouble: it stopped, or was silent for too long.
    """
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if server.poll() is not None:
            raise Trouble(f"tensorboard stopped with code {server.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                if answer.status == 200 and b"training" in answer.read():
                    return
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(0.3)
    raise Trouble(f"tensorboard gave no answer within {PATIENCE} seconds")


def shrink(png, target):
    """Store a picture with few colours, which keeps it small.

    Raises:
        Trouble: even so it is too large.
    """
    from PIL import Image

    picture = Image.open(io.BytesIO(png)).convert("RGB")
    for colours in (128, 64, 32):
        picture.quantize(colours, dither=Image.Dither.NONE).save(
            target, optimize=True
        )
        if target.stat().st_size <= LARGEST:
            return
    raise Trouble(f"{target.name} stays larger than {LARGEST} bytes")


def take_pictures(address, chromium, folder):
    """Open each page and store its picture."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        raise Trouble("the package playwright is not installed") from None
    with sync_playwright() as play:
        try:
            browser = play.chromium.launch(
                executable_path=chromium, args=FLAGS
            )
        except Error as error:
            first = str(error).splitlines()[0]
            raise Trouble(f"chromium does not start: {first}") from None
        try:
            page = browser.new_page(viewport={"width": 1100, "height": 720})
            page.set_default_timeout(1000 * PATIENCE)
            for name, (tab, sign, click) in PAGES.items():
                page.goto(f"{address}/#{tab}")
                page.wait_for_selector(sign)
                page.wait_for_timeout(4000)  # its drawing has no end signal
                if click:
                    page.locator(click).first.dblclick(force=True)
                    page.wait_for_timeout(4000)
                target = folder / f"{name}.png"
                shrink(page.screenshot(), target)
                size = target.stat().st_size // 1024
                print(f"{target.name}: {size} KB", flush=True)
        except Error as error:
            first = str(error).splitlines()[0]
            raise Trouble(f"a page did not open: {first}") from None
        finally:
            browser.close()


def main():
    """Write the log, serve it, take the pictures and stop the server."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--chromium", default="chromium")
    options = parser.parse_args()
    chromium = shutil.which(options.chromium)
    if chromium is None:
        raise Trouble(
            f"no browser {options.chromium!r}: install Chromium, or name "
            "the program with --chromium"
        )
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as logs:
        write_log(Path(logs) / "runs")
        port = free_port()
        command = [sys.executable, "-m", "tensorboard.main"]
        command += ["--logdir", "runs", "--host", "127.0.0.1"]
        command += ["--port", str(port), "--load_fast=false"]
        server = subprocess.Popen(
            command,
            cwd=logs,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            address = f"http://127.0.0.1:{port}"
            wait_for(f"{address}/data/runs", server)
            take_pictures(address, chromium, options.folder)
        finally:
            server.terminate()
            try:
                server.wait(timeout=20)
            except subprocess.TimeoutExpired:
                server.kill()


if __name__ == "__main__":
    try:
        main()
    except Trouble as trouble:
        sys.exit(f"tensorboard_pages.py: {trouble}")
