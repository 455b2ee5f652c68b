"""The built site, as a reader meets it: in a real browser, with no network."""

import functools
import http.server
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup
from playwright.sync_api import sync_playwright

from repository import find_repository

ROOT = Path(__file__).parents[1]
SITE = ROOT / "_build" / "html"
BROWSERS = ["chromium", "chromium-browser", "google-chrome"]
PHONE = {"width": 375, "height": 740}
DESKTOP = {"width": 1280, "height": 900}

# grave axe findings that are not ours, each with its reason
THEMES_OWN = {
    "aria-required-children": "docutils marks the bibliography as a list of "
    "doc-biblioentry items; screen readers read them, axe knows no such list",
}


def pages():
    """The site's pages as addresses without the host, from the contents."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    files = [c["file"] for part in toc["parts"] for c in part["chapters"]]
    return [f"{file}.html" for file in [toc["root"], *files]]


each_page = pytest.mark.parametrize("page", pages())


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serve files without a line on the terminal for each."""

    def log_message(self, *args):
        pass


def build_site(folder, **environment):
    """Build the site anew below a folder; every warning is an error.

    Returns:
        The finished process; its output names each warning's place.
    """
    command = "from jupyter_book.cli.main import main; main()"
    arguments = ["-W", "-n", "--keep-going", "-q", "--all"]
    return subprocess.run(
        [
            *(sys.executable, "-c", command, "build", ROOT),
            *("--path-output", folder, *arguments),
        ],
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def build():
    """Build the site where `make book` builds it."""
    return build_site(ROOT)


@pytest.fixture(scope="module")
def site(build):
    """The folder of the built site."""
    if build.returncode:
        pytest.fail("the site did not build without a warning", pytrace=False)
    return SITE


@pytest.fixture(scope="module")
def address(site):
    """Serve the site on loopback and give its address."""
    handler = functools.partial(QuietHandler, directory=site)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium, or a skip that says how to get one."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip("no Chromium: install it (Debian: apt install chromium)")
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu"]
        chromium = playwright.chromium.launch(
            executable_path=program, args=options
        )
        yield chromium
        chromium.close()


@pytest.fixture
def tab(browser):
    """A browser tab that notes every request and every error."""
    context = browser.new_context(viewport=DESKTOP)
    page = context.new_page()
    page.requested, page.complaints = [], []
    page.on("request", lambda request: page.requested.append(request.url))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on(
        "console",
        lambda message: (
            message.type == "error" and page.complaints.append(message.text)
        ),
    )
    yield page
    context.close()


def drawn(tab):
    """Wait until MathJax, where the page has it, has drawn all formulas."""
    tab.evaluate("window.MathJax?.startup?.promise")


def test_the_site_builds_without_a_warning(build):
    warnings = [line for line in build.stderr.splitlines() if line.strip()]
    assert build.returncode == 0, "\n".join(warnings)


@each_page
def test_a_page_loads_whole_and_alone(address, tab, page):
    """Nothing from elsewhere, no error, formulas drawn, pictures shown."""
    tab.goto(address + page, wait_until="networkidle")
    drawn(tab)
    outside = [
        url
        for url in tab.requested
        if not url.startswith((address, "data:", "blob:"))
    ]
    assert not outside, f"{page} asks other hosts: {outside}"
    assert not tab.complaints, f"{page}: {tab.complaints}"
    formulas = tab.locator(".math").count()
    assert tab.locator("mjx-container").count() >= formulas, page
    assert tab.locator("mjx-merror, [data-mjx-error]").count() == 0, page
    broken = tab.evaluate(
        "[...document.images].filter(i => i.complete && !i.naturalWidth"
        " && i.loading != 'lazy').map(i => i.src)"
    )
    assert not broken, f"{page}: pictures not shown {broken}"


@each_page
def test_a_page_fits_a_phone(address, tab, page):
    tab.set_viewport_size(PHONE)
    tab.goto(address + page)
    drawn(tab)
    width = tab.evaluate("document.scrollingElement.scrollWidth")
    assert width <= PHONE["width"], f"{page} scrolls sideways: {width} px"


@pytest.mark.parametrize("theme", ["light", "dark"])
@each_page
def test_a_page_is_accessible(address, tab, page, theme):
    """axe-core has no serious or critical finding but the theme's own."""
    tab.add_init_script(f"localStorage.setItem('mode', '{theme}')")
    tab.goto(address + page)
    drawn(tab)
    assert tab.locator(f"html[data-theme={theme}]").count() == 1
    tab.add_style_tag(content="* {transition: none !important}")
    options = {"resultTypes": ["violations"]}
    if theme == "dark":  # nothing else depends on the theme
        options["runOnly"] = ["color-contrast"]
    found = Axe().run(tab, options=options)
    grave = [
        f"{violation['id']}: {violation['nodes'][0]['target']}"
        for violation in found.response["violations"]
        if violation["impact"] in ("serious", "critical")
        and violation["id"] not in THEMES_OWN
    ]
    assert not grave, f"{page}: {grave}"


def test_search_finds_a_word(address, tab):
    tab.goto(f"{address}search.html?q=broadcasting")
    first = tab.locator("#search-results li a").first
    first.wait_for(timeout=20_000)
    hrefs = [
        link.get_attribute("href")
        for link in tab.locator("#search-results li a").all()
    ]
    assert any("01_tensors" in href for href in hrefs), hrefs


def test_the_dark_toggle_works(address, tab):
    tab.goto(address)
    html = tab.locator("html")
    button = tab.locator("button.theme-switch-button:visible").first
    seen = set()
    for _ in range(3):
        seen.add(html.get_attribute("data-theme"))
        button.click()
    assert seen == {"light", "dark"}


def test_a_code_cell_is_copied_by_its_button(address, tab):
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.goto(f"{address}notebooks/01_tensors.html")
    cell = tab.locator("div.cell_input:visible").first
    cell.hover()
    cell.locator("button.copybtn").click()
    copied = tab.evaluate("navigator.clipboard.readText()")
    assert copied.strip() == cell.locator("pre").inner_text().strip()


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_a_film_can_be_stopped(address, browser, motion):
    """It plays at once unless the reader's system asks for less motion."""
    context = browser.new_context(reduced_motion=motion)
    tab = context.new_page()
    tab.goto(f"{address}notebooks/01_tensors.html")
    button = tab.locator("button.film-button").first
    film = tab.locator("img[alt^='Animat']").first
    button.wait_for()
    playing = film.is_visible()
    assert playing == (motion == "no-preference")
    button.click()
    assert film.is_visible() != playing
    button.click()
    assert film.is_visible() == playing
    context.close()


def test_a_solution_is_folded_until_asked_for(address, tab):
    tab.goto(f"{address}notebooks/01_tensors.html")
    fold = tab.locator("details.hide.above-input, details.hide").last
    assert fold.get_attribute("open") is None
    fold.locator("summary").click()
    assert fold.locator("pre").first.is_visible()


def test_no_internal_link_is_broken(site):
    """Every address inside the site names a file, every anchor an id."""
    soups = {
        path.relative_to(site).as_posix(): BeautifulSoup(
            path.read_text(encoding="utf-8"), "html.parser"
        )
        for path in site.rglob("*.html")
        if "_static" not in path.parts
    }
    anchors = {
        page: {tag["id"] for tag in soup.find_all(id=True)}
        | {tag["name"] for tag in soup.find_all("a", attrs={"name": True})}
        for page, soup in soups.items()
    }
    broken = []
    for page, soup in soups.items():
        for tag in soup.find_all(["a", "img", "link", "script"]):
            link = tag.get("href") or tag.get("src") or ""
            if urlsplit(link).scheme or link.startswith("//"):
                continue
            target, anchor = urldefrag(urljoin(page, unquote(link)))
            target = target.partition("?")[0]
            if target in soups:
                if anchor and anchor not in anchors[target]:
                    broken.append(f"{page}: no anchor {link}")
            elif not (site / target).is_file():
                broken.append(f"{page}: no file {link}")
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize(
    "remote, name",
    [
        ("https://github.com/someone/a-book.git", "someone/a-book"),
        ("git@github.com:someone/a.book.git", "someone/a.book"),
        ("https://example.org/someone/a-book.git", None),
        (None, None),
    ],
)
def test_the_repository_is_known_by_its_remote(
    tmp_path, monkeypatch, remote, name
):
    """Launch buttons need an address; without one there are none."""
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    if remote:
        subprocess.run(
            ["git", "-C", tmp_path, "remote", "add", "origin", remote],
            check=True,
        )
    assert find_repository(tmp_path) == name


def test_launch_buttons_are_there_when_the_address_is_known(tmp_path):
    """Built with an address, a chapter links to Colab and Binder."""
    build_site(tmp_path, GITHUB_REPOSITORY="someone/a-book")
    page = tmp_path / "_build" / "html" / "notebooks" / "01_tensors.html"
    html = page.read_text(encoding="utf-8")
    path = "someone/a-book/blob/main/notebooks/01_tensors.ipynb"
    assert f"https://colab.research.google.com/github/{path}" in html
    assert "https://mybinder.org/v2/gh/someone/a-book/main" in html
