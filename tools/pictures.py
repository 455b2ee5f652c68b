"""Take the pictures that are not outputs of a cell.

    python tools/pictures.py                all of them, after `make book`
    python tools/pictures.py site           of the site
    python tools/pictures.py live           the stills of the live figures

The site's picture is a page of the built site, and a still is what a live
figure draws there at its start. For TensorBoard the script
writes a small log like chapter 7's, starts the real server on a free port of
this machine and opens its pages. Both are seen in a real browser: Chromium,
by the package `playwright`. A maintainer runs it after an upgrade and looks at
what it made.
"""

import argparse
import contextlib
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

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "book" / "assets"
LIVE = FOLDER / "live"
LARGEST = 150_000  # bytes of a picture
PATIENCE = 90  # seconds for the server to answer
BROWSERS = ["chromium", "chromium-browser", "google-chrome"]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]

# what the picture of the site shows: a figure, and some of what stands above
SITE = ROOT / "_build" / "html"
PAGE = "notebooks/06_optimizers.html"
FIGURE = "fig-optimizers-lr-paths"
ABOVE = 340  # pixels
TABS = {  # of TensorBoard: address, what must be there, what to click
    "scalars": ("timeseries", "card-view", None),
    "histograms": ("histograms", "vz-histogram-timeseries", None),
    "distributions": ("distributions", "vz-distribution-chart", None),
    "graph": ("graphs", "tf-graph-scene", "g.node[data-name=LittleNet]"),
}
AXES = "axes"  # the picture of one chart with three vertical axes


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
            training.add_scalar("y=2^x", 2.0**step, step)
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


def find_chromium():
    """Where a Chromium is on this machine, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


@contextlib.contextmanager
def open_page(width, height):
    """Open a tab in a browser.

    Yields:
        A page of playwright.

    Raises:
        Trouble: there is no browser, or a page does not show what it should.
    """
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        raise Trouble("no package playwright: run `make test` once") from None
    program = find_chromium()
    if program is None:
        raise Trouble("no Chromium: install it (Debian: apt install chromium)")
    try:
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=program, args=FLAGS)
            viewport = {"width": width, "height": height}
            page = browser.new_page(viewport=viewport)
            page.set_default_timeout(1000 * PATIENCE)
            yield page
            browser.close()
    except Error as error:
        raise Trouble(str(error).splitlines()[0]) from None


def take_site(folder, site=SITE):
    """Store the picture of a page of the built site as `site.png`."""
    if not (site / PAGE).is_file():
        raise Trouble("the site is not built: run `make book` first")
    with open_page(1280, 820) as page:
        page.goto((site / PAGE).as_uri())
        page.locator(f"#{FIGURE}").evaluate(
            "(figure, above) => scrollTo({behavior: 'instant', top:"
            " figure.getBoundingClientRect().top + scrollY - above})",
            ABOVE,
        )
        page.wait_for_timeout(1000)  # the contents mark the place
        shrink(page.screenshot(), folder / "site.png")


# with a size, or a page that gives it none stretches it
SERIALIZE = """svg => {
    const copy = svg.cloneNode(true)
    for (const side of ["width", "height"])
        copy.setAttribute(side, svg.viewBox.baseVal[side])
    return new XMLSerializer().serializeToString(copy)
}"""


def still(figure):
    """What a live figure draws at its start, as the text of an SVG file.

    Args:
        figure: its element on a page, a locator of playwright.
    """
    figure.get_by_role("button", name="Start again").click()
    drawing = figure.locator("svg").first.evaluate(SERIALIZE)
    style = (LIVE / "drawing.css").read_text(encoding="utf-8")
    first, rest = drawing.split(">", 1)
    return f"{first}><style>\n{style}</style>{rest}\n"


def take_live(folder, site=SITE):
    """Store the still of each live figure of the built site as an SVG."""
    pages = sorted((site / "notebooks").glob("*.html"))
    if not pages:
        raise Trouble("the site is not built: run `make book` first")
    (folder / "live").mkdir(exist_ok=True)
    with open_page(1000, 800) as page:
        for path in pages:
            if 'class="live' not in path.read_text(encoding="utf-8"):
                continue
            page.goto(path.as_uri())
            page.evaluate(
                "Promise.all([...document.querySelectorAll('img.live')]"
                ".map(live.start))"
            )
            for figure in page.locator("[data-live]").all():
                name = figure.get_attribute("data-live")
                target = folder / "live" / f"{name}.svg"
                target.write_text(still(figure), encoding="utf-8")


def take_tensorboard(folder):
    """Write a log, serve it and store a picture of each tab."""
    (folder / "tensorboard").mkdir(exist_ok=True)
    with serve_log() as address, open_page(1100, 720) as page:
        for name, (tab, sign, click) in TABS.items():
            page.goto(f"{address}/#{tab}")
            page.wait_for_selector(sign)
            page.wait_for_timeout(4000)  # its drawing has no end signal
            if click:
                page.locator(click).first.dblclick(force=True)
                page.wait_for_timeout(4000)
            shrink(page.screenshot(), folder / "tensorboard" / f"{name}.png")
        axes = beside(take_axes(page, address))
        shrink(axes, folder / "tensorboard" / f"{AXES}.png")


def take_axes(page, address):
    """The chart of 2^x: outliers ignored, all values, a logarithmic axis.

    Returns:
        The three pictures, as PNG files.
    """
    from playwright.sync_api import expect

    page.set_viewport_size({"width": 860, "height": 720})
    page.goto(f"{address}/#timeseries")
    page.locator("input[placeholder*=tags]").first.fill("y=2")
    page.get_by_text("Enable step selection and data table").click()
    page.get_by_text("Smoothing").locator("..").get_by_role("spinbutton").fill(
        "0"
    )
    card = page.locator("scalar-card:visible")
    expect(card).to_have_count(1)

    def take():
        page.wait_for_timeout(3000)  # its drawing has no end signal
        return card.screenshot()

    taken = [take()]
    page.get_by_text("Ignore outliers in chart scaling").click()
    taken.append(take())
    card.get_by_role("button", name="More line chart options").click()
    page.get_by_role("menuitem", name="log scale").click()
    return [*taken, take()]


def beside(pictures):
    """Join PNG files of one height to one, from left to right."""
    from PIL import Image

    parts = [Image.open(io.BytesIO(png)) for png in pictures]
    size = sum(part.width for part in parts), parts[0].height
    whole, left = Image.new("RGB", size), 0
    for part in parts:
        whole.paste(part, (left, 0))
        left += part.width
    file = io.BytesIO()
    whole.save(file, "PNG")
    return file.getvalue()


@contextlib.contextmanager
def serve_log():
    """Run TensorBoard on a new log; yields its address."""
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
            yield address
        finally:
            server.terminate()
            try:
                server.wait(timeout=20)
            except subprocess.TimeoutExpired:
                server.kill()


# set -> how it is taken, and the pictures that it holds
SETS = {
    "site": (take_site, ["site.png"]),
    "live": (
        take_live,
        [f"live/{path.name}" for path in sorted(LIVE.glob("*.svg"))],
    ),
    "tensorboard": (
        take_tensorboard,
        [f"tensorboard/{name}.png" for name in [*TABS, AXES]],
    ),
}


def main():
    """Take the pictures that are asked for and say how large they are."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sets", nargs="*", metavar="set", help=", ".join(SETS))
    parser.add_argument(
        "--folder",
        type=Path,
        default=FOLDER,
        help="where to store them (default: book/assets)",
    )
    chosen = parser.parse_args()
    for name in chosen.sets or SETS:
        if name not in SETS:
            parser.error(f"no such set: {name} (there is {', '.join(SETS)})")
        take, pictures = SETS[name]
        take(chosen.folder)
        for picture in pictures:
            size = (chosen.folder / picture).stat().st_size
            print(f"{picture}: {size // 1024} KB", flush=True)


if __name__ == "__main__":
    try:
        main()
    except Trouble as trouble:
        sys.exit(f"no picture taken: {trouble}")
