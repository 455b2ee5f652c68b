"""The built site, as a reader meets it: in a real browser, with no network."""

import functools
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import nbformat
import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from filelock import FileLock
from playwright.sync_api import sync_playwright

import live_figures
from pictures import find_chromium, still
from repository import find_repository
from take_along import contents_of_the_book

ROOT = Path(__file__).parents[1]
SITE = ROOT / "_build" / "html"
PHONE = {"width": 375, "height": 740}
DESKTOP = {"width": 1280, "height": 900}

# what is measured stands still, and what is set aside is gone
STILL = "* {transition: none !important}"
ASIDE = ".few [data-aside] {display: none !important}"

# the rules of axe that look at colours
COLOURS = ["color-contrast", "link-in-text-block"]

# grave axe findings that are not ours, each with its reason
THEMES_OWN = {
    "aria-required-children": "docutils marks the bibliography as a list of "
    "doc-biblioentry items; screen readers read them, axe knows no such list",
}


def pages():
    """The site's pages as addresses without the host, from the contents."""
    return [f"{file}.html" for file in contents_of_the_book()]


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serve files without a line on the terminal for each."""

    def log_message(self, *args):
        pass


def build_site(source, **environment):
    """Build a book anew in its own `_build`; every warning is an error.

    Args:
        source: the folder with `_config.yml` and `_toc.yml`.
        environment: more variables for the process that builds.

    Returns:
        The finished process; its output names each warning's place.
    """
    command = "from jupyter_book.cli.main import main; main()"
    arguments = ["-W", "-n", "--keep-going", "-q", "--all"]
    return subprocess.run(
        [sys.executable, "-c", command, "build", source, *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="session")
def build(tmp_path_factory, worker_id):
    """Build the site where `make book` does, once for all workers.

    Returns:
        The exit status and what was written to stderr.
    """
    folder = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        folder = folder.parent  # the one that all workers of a run share
    said = folder / "site.json"
    with FileLock(folder / "site.lock"):
        if not said.exists():
            run = build_site(ROOT)
            said.write_text(json.dumps([run.returncode, run.stderr]))
    return json.loads(said.read_text())


@pytest.fixture(scope="session")
def site(build):
    """The folder of the built site."""
    if build[0]:
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


def chromium_path():
    """Where Chromium is; without one a skip, and a failure in CI."""
    program = find_chromium()
    if program is None:
        say = pytest.fail if os.environ.get("CI") else pytest.skip
        say("no Chromium: install it (Debian: apt install chromium)")
    return program


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium."""
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu"]
        chromium = playwright.chromium.launch(
            executable_path=chromium_path(), args=options
        )
        yield chromium
        chromium.close()


def open_tab(browser, **options):
    """A new browser tab that notes every request and every error."""
    tab = browser.new_context(viewport=DESKTOP, **options).new_page()
    tab.requested, tab.complaints = [], []
    tab.on("request", lambda request: tab.requested.append(request.url))
    tab.on("pageerror", lambda error: tab.complaints.append(str(error)))
    tab.on(
        "console",
        lambda message: (
            message.type == "error" and tab.complaints.append(message.text)
        ),
    )
    return tab


@pytest.fixture
def tab(browser):
    """An empty browser tab."""
    tab = open_tab(browser)
    yield tab
    tab.context.close()


@pytest.fixture(scope="module", params=pages())
def page(request, browser, address):
    """A tab with a page of the site, loaded once for all that is asked of it.

    The reader who opens it chose the dark theme on an earlier visit.
    """
    tab = open_tab(browser)
    tab.name = request.param
    tab.add_init_script("localStorage.setItem('mode', 'dark')")
    tab.goto(address + tab.name)
    tab.add_script_tag(path=Path(__file__).parent / "one_of_a_kind.js")
    yield tab
    tab.context.close()


# forms far from sight are made when they come near, or for paper
MAKE_ALL = """["beforeprint", "afterprint"].forEach(
    name => dispatchEvent(new Event(name)))"""


def turn_to(tab, theme):
    """Press the theme's button until a page is light or dark."""
    tab.set_viewport_size(DESKTOP)
    button = tab.locator("button.theme-switch-button:visible").first
    for _ in range(3):
        if tab.locator(f"html[data-theme={theme}]").count():
            return
        button.click()
    pytest.fail(f"{tab.name}: the button never turns it {theme}")


@pytest.mark.parametrize(
    "ci, end", [("", pytest.skip.Exception), ("true", pytest.fail.Exception)]
)
def test_a_missing_browser_is_red_in_ci(monkeypatch, ci, end):
    monkeypatch.setenv("CI", ci)
    monkeypatch.setattr(shutil, "which", lambda program: None)
    with pytest.raises(end, match="install it"):
        chromium_path()


def test_the_site_builds_without_a_warning(build):
    status, warnings = build
    assert status == 0, warnings


def test_a_page_fits_a_phone(page):
    page.set_viewport_size(PHONE)
    width = page.evaluate("document.scrollingElement.scrollWidth")
    assert width <= PHONE["width"], f"{page.name} scrolls sideways: {width} px"
    wide = page.evaluate(
        "[...document.querySelectorAll('pre')].slice(0, 20)"
        ".filter(box => box.scrollWidth > box.clientWidth).length"
    )
    assert not wide, f"{page.name}: {wide} boxes of code scroll sideways"


def test_the_live_figures_of_a_page_agree_with_torch(page):
    """At many positions; each is used as a reader does, keyboard included."""
    page.set_viewport_size(DESKTOP)
    found = []
    for name in live_figures.on(page):
        figure = live_figures.start(page, name)
        found += [
            f"{name}, {fault}"
            for fault in live_figures.faults(figure, name)
            + live_figures.deaf_handles(figure)
        ]
        stored = live_figures.ASSETS / f"{name}.svg"
        if still(figure) != stored.read_text(encoding="utf-8"):
            found.append(f"{name}: run `python tools/pictures.py live`")
        page.set_viewport_size(PHONE)
        width = page.evaluate("document.scrollingElement.scrollWidth")
        if width > PHONE["width"]:
            found.append(f"{name} is {width} px wide on a phone")
        page.set_viewport_size(DESKTOP)
    assert not found, f"{page.name}:\n" + "\n".join(found)
    assert not page.complaints, f"{page.name}: {page.complaints}"


def grave(page, **options):
    """The serious and critical findings of axe-core, but for the theme's."""
    options["resultTypes"] = ["violations"]
    return [
        f"{finding['id']}: {finding['nodes'][0]['target']}"
        for finding in Axe().run(page, options=options).response["violations"]
        if finding["impact"] in ("serious", "critical")
        and finding["id"] not in THEMES_OWN
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_page_is_accessible(page, theme):
    """axe-core finds nothing grave; it sees one text of each kind."""
    turn_to(page, theme)
    page.evaluate(MAKE_ALL)
    page.add_style_tag(content=STILL + ASIDE)
    page.evaluate("uncolourCode()")
    found = []
    if theme == "light":  # only colours depend on the theme
        others = {rule: {"enabled": False} for rule in COLOURS}
        found += grave(page, rules=others)
    page.evaluate("showOneOfAKind(true)")
    found += grave(page, runOnly=COLOURS)
    page.evaluate("showOneOfAKind(false)")
    assert not found, f"{page.name}, {theme}: {found}"


# pictures that are drawn in other proportions than their own
STRETCHED = """[...document.querySelectorAll("img[width][height]")]
    .filter((image) => {
        const { width, height } = image.getBoundingClientRect()
        const [own, high] = ["width", "height"].map(
            (side) => Number(image.getAttribute(side)))
        const free = getComputedStyle(image).objectFit === "fill"
        const by = width * high / height / own
        return free && height && Math.abs(by - 1) > 0.03
    }).map((image) => image.src)"""


def test_a_page_loads_whole_and_alone(address, page):
    """Nothing from elsewhere, no error, formulas drawn, pictures shown.

    It comes late: what the other tests did may not ask for more either.
    """
    page.wait_for_load_state("networkidle")
    outside = [
        url
        for url in page.requested
        if not url.startswith((address, "data:", "blob:"))
    ]
    assert not outside, f"{page.name} asks other hosts: {outside}"
    assert not page.complaints, f"{page.name}: {page.complaints}"
    formulas = page.locator(".math").count()
    drawn = page.locator(".math > math").count()
    assert drawn == formulas, f"{page.name}: {drawn} of {formulas} formulas"
    early = page.locator("html.early").count()
    assert not early, f"{page.name}: its formulas never load their font"
    broken = page.evaluate(
        "[...document.images].filter(i => i.complete && !i.naturalWidth"
        " && i.loading != 'lazy').map(i => i.src)"
    )
    assert not broken, f"{page.name}: pictures not shown {broken}"
    stretched = page.evaluate(STRETCHED)
    assert not stretched, f"{page.name}: out of proportion {stretched}"


def test_a_page_names_itself_and_is_described(page):
    """Search engines show both."""
    title = page.title()
    one, two = title.partition(" — ")[::2]
    assert one and one != two, title
    said = page.locator("meta[name=description]")
    if page.locator("article section p").count():
        assert len(said.get_attribute("content")) > 20


def test_every_chapter_has_a_live_figure_and_each_is_light(site):
    shown = {
        path.stem: live_figures.STILL.findall(path.read_text(encoding="utf-8"))
        for path in (site / "notebooks").glob("[01]*.html")
    }
    assert [chapter for chapter, names in shown.items() if not names] == []
    names = sorted(name for names in shown.values() for name in names)
    assert names == live_figures.NAMES
    for name in names:
        folder = live_figures.ASSETS
        parts = [*folder.glob(f"{name}.*"), *folder.glob(f"{name}_*")]
        assert sum(part.stat().st_size for part in parts) < 100_000, name


def test_a_live_figure_from_the_file_system_and_without_a_script(
    browser, site
):
    path = (site / "notebooks" / "01_tensors.html").as_uri()
    tab = open_tab(browser)
    tab.goto(path)
    figure = live_figures.start(tab, "broadcasting")
    assert not live_figures.faults(figure, "broadcasting")
    assert not tab.complaints
    tab.context.close()
    tab = open_tab(browser, java_script_enabled=False)
    tab.goto(path)
    image = tab.locator("img.live").first
    image.scroll_into_view_if_needed()
    assert image.bounding_box()["width"] > 200
    elsewhere = tab.get_by_text("Live on the site, page “Tensors”.").first
    assert not elsewhere.is_visible()
    tab.emulate_media(media="print")
    assert elsewhere.is_visible()
    tab.context.close()


def test_the_contents_come_before_the_article(page):
    """For the keyboard; the eye finds them at the side."""
    if page.locator("#pst-page-toc-nav").count():
        assert page.evaluate(
            """document.getElementById("pst-page-toc-nav")
            .compareDocumentPosition(document.querySelector("article"))
            & Node.DOCUMENT_POSITION_FOLLOWING"""
        )


@pytest.fixture(params=["http", "file"])
def anywhere(request, address, site):
    """The site's address, served and as a folder."""
    return address if request.param == "http" else f"{site.as_uri()}/"


def test_search_leads_to_the_section(anywhere, tab):
    tab.goto(f"{anywhere}search.html?q=weights_only")
    first = tab.locator("#search-results li").first
    first.wait_for(timeout=20_000)
    link = first.locator("a").get_attribute("href")
    assert "09_finetune.html?found#" in link
    assert "Fine" in first.locator(".search-where").inner_text()
    assert first.locator("mark").count()
    first.locator("a").click()
    tab.wait_for_function(  # the page scrolls there
        """() => {
            const target = document.querySelector(":target")
            const top = target?.getBoundingClientRect().top
            return top > -1 && top < innerHeight
        }"""
    )
    assert not tab.complaints


SEARCHES = yaml.safe_load(
    (Path(__file__).parent / "searches.yml").read_text(encoding="utf-8")
)
FIND = """query => {
    window.index ??= makeIndex(SECTIONS)
    return find(index, query).map(hit => SECTIONS[hit.id].title)
}"""


def test_search_finds_what_a_reader_asks_for(address, tab):
    tab.goto(f"{address}search.html")
    lost = []
    for kind, top in (("words", 3), ("messages", 1)):
        for query, wanted in SEARCHES[kind].items():
            titles = [
                re.sub(r"^[\d.]+ ", "", title).replace("’", "'")
                for title in tab.evaluate(FIND, query)[:top]
            ]
            if not set(titles) & set(wanted.split("|")):
                lost.append(f"{query!r}: {titles}")
    assert not lost, "\n".join(lost)


def test_search_says_when_it_finds_nothing(address, tab):
    tab.goto(f"{address}search.html?q=zzzzzz")
    said = tab.locator("#search-results")
    said.locator("p").wait_for()
    assert said.inner_text().startswith("Nothing was found")


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
def test_a_film_can_be_stopped_and_leafed_through(address, browser, motion):
    """It plays at once unless the reader's system asks for less motion."""
    context = browser.new_context(reduced_motion=motion)
    tab = context.new_page()
    tab.goto(f"{address}notebooks/01_tensors.html")
    button = tab.locator("button.film-button").first
    slider = tab.locator(".film input").first
    drawn = "canvas => canvas.toDataURL()"
    film = tab.locator("canvas[aria-label^='Animat']").first
    blank = film.evaluate(drawn)
    film.scroll_into_view_if_needed()
    tab.wait_for_function(
        "([canvas, blank]) => canvas.toDataURL() != blank",
        arg=[film.element_handle(), blank],
    )
    last = slider.get_attribute("max")
    if motion == "no-preference":
        assert button.inner_text() == "Pause"
        tab.wait_for_function(
            "([s, last]) => s.value != last",
            arg=[slider.element_handle(), last],
        )
        button.click()
    assert button.inner_text() == "Play"
    if motion == "reduce":
        assert slider.input_value() == last, "the telling page stands still"
    slider.fill("1")
    first = film.evaluate(drawn)
    slider.fill(last)
    assert film.evaluate(drawn) != first
    assert slider.input_value() == last, "it does not move on by itself"
    context.close()


def test_forms_are_made_when_they_come_near_or_are_printed(address, tab):
    """For a field far from sight a browser would lay out all sections."""
    page = f"{address}notebooks/01_tensors.html"
    tab.goto(page)
    questions = tab.locator(".question")
    made = questions.filter(has=tab.locator("form"))
    boxes = tab.get_by_role("checkbox")
    assert made.count() < 4 and boxes.count() == 0
    last = questions.last
    last.locator("summary").focus()  # who comes by the keyboard stays there
    assert last.get_by_role("radio").first.evaluate(FOCUSED)
    assert 0 < made.count() < questions.count() / 2
    kept = {name: "0" for name in questions.evaluate_all(NAMES)}
    kept |= {
        name: "1" for name in tab.locator(".tag_predict").evaluate_all(NAMES)
    }
    tab.evaluate(REMEMBER, kept)
    tab.reload()
    last.scroll_into_view_if_needed()
    last.get_by_role("button", name="Forget my answers").click()
    assert not tab.evaluate(KEPT)
    tab.evaluate(MAKE_ALL)
    assert made.count() == questions.count() and boxes.count() > 9
    assert not tab.complaints


def test_a_question_answers_and_is_remembered(address, tab):
    """By the keyboard alone, and without a cookie or a request."""
    tab.goto(f"{address}notebooks/01_tensors.html")
    question = tab.locator(".question").nth(1)
    question.scroll_into_view_if_needed()
    question.locator("form").wait_for()
    right = int(question.get_attribute("data-right"))
    said = question.locator("[aria-live=polite]")
    check = question.get_by_role("button", name="Check")
    forget = question.get_by_role("button", name="Forget my answers")
    radios = question.get_by_role("radio")
    assert not question.locator("details").is_visible()
    assert forget.is_hidden()
    check.press("Enter")
    assert said.inner_text() == "Choose an answer first."
    tab.requested.clear()
    radios.nth(right).focus()
    tab.keyboard.press("ArrowDown")  # to another one
    tab.keyboard.press("Enter")
    assert said.inner_text().startswith("No. ")
    assert f"Answer {right + 1} is right." in said.inner_text()
    tab.keyboard.press("ArrowUp")
    check.press("Enter")
    assert said.inner_text().startswith("Right. ")
    assert not tab.requested and not tab.context.cookies()
    tab.reload()
    question.scroll_into_view_if_needed()
    assert radios.nth(right).is_checked()
    assert said.text_content().startswith("Right. ")
    forget.click()
    assert not said.inner_text() and forget.is_hidden()
    tab.reload()
    question.scroll_into_view_if_needed()
    radios.first.wait_for()
    assert not question.locator("input:checked").count()
    assert tab.locator(".question .is-right, .question .is-wrong").count() == 0
    assert not tab.complaints


def test_a_question_is_a_folded_answer_without_a_script(address, browser):
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(f"{address}notebooks/01_tensors.html")
    answer = tab.locator(".question details").first
    assert not answer.locator("ol").is_visible()
    answer.locator("summary").click()
    assert answer.get_by_text("Right.").is_visible()
    context.close()


PART = "notebooks/02_autograd", "a-slope-three-ways"
REMEMBERED = {
    f"read:{'#'.join(PART)}": "2",
    "read:notebooks/01_tensors#devices": "1",
    "read:notebooks/01_tensors#a-title-of-an-older-book": "3",
    "done:notebooks/01_tensors#exercise-1-2": "4",
    "question-01234567": "1",
    "predict-01234567": "[1, 2]",
}
# what is kept, but for the theme's own
KEPT = "(({ theme, mode, ...rest }) => rest)({ ...localStorage })"
REMEMBER = "names => Object.assign(localStorage, names)"
NAMES = "all => all.map(one => one.id)"
FOCUSED = "element => element === document.activeElement"
# what of the article moves by itself while a page loads
MOVED = """() => new Promise((done) => {
    const inside = ({ node }) => node?.parentElement?.closest("article")
    const moved = (list) => list.getEntries().flatMap((entry) =>
        entry.sources.filter(inside).map(({ node }) => node.textContent))
    const observer = new PerformanceObserver((list) => done(moved(list)))
    observer.observe({ type: "layout-shift", buffered: true })
    setTimeout(() => done([]), 500)
})"""
# how much higher a place is than what is kept free for it
LACKS = """place => place.getBoundingClientRect().height
    - parseFloat(getComputedStyle(place).minHeight)"""
HEIGHT = "document.querySelector('.bd-links').scrollHeight"
SEEN = """new Promise((done) => new IntersectionObserver(done).observe(
    document.querySelector("article")))"""


def read_on(tab, anchor, seconds):
    """Go on to the end of a section, and stay some seconds on each screen."""
    while True:
        tab.evaluate(SEEN)  # the page knows where it is
        tab.clock.run_for(1000 * seconds)
        box = tab.locator(f"#{anchor}").bounding_box()
        if box["y"] + box["height"] < DESKTOP["height"]:
            return
        tab.evaluate("scrollBy(0, 600)")


def test_progress_is_what_was_read_and_leads_on(anywhere, tab):
    page, section = PART
    middle = "whole-jacobians-torch-func"
    tick = tab.locator(f"#pst-page-toc-nav a[href='#{section}'] + .tick")
    share = tab.locator(".bd-links a[href$='#'] + .share")
    tab.clock.install()
    tab.goto(f"{anywhere}index.html")
    assert not tab.locator("#go-on").inner_text()
    tab.goto(f"{anywhere}{page}.html#one-gradient-for-each-example-vmap")
    read_on(tab, middle, seconds=60)  # a jump into it
    tab.evaluate(f"document.getElementById('{section}').scrollIntoView()")
    read_on(tab, section, seconds=1)  # too fast
    assert not tab.locator(".tick, .share").count()
    tab.evaluate(f"document.getElementById('{section}').scrollIntoView()")
    read_on(tab, section, seconds=30)
    assert tick.get_attribute("aria-label") == "read" and tick.is_visible()
    assert re.fullmatch(r"1/\d\d", share.inner_text())
    assert share.get_attribute("aria-label").endswith("sections read")
    box = tab.get_by_role("checkbox", name="Done: Exercise 2.3")
    exercise = tab.locator("section[id^=exercise-2-3]")
    exercise.scroll_into_view_if_needed()
    box.focus()
    tab.keyboard.press("Space")
    tab.reload()
    exercise.scroll_into_view_if_needed()
    share.wait_for()
    assert box.is_checked() and share.count() == 1
    names = [
        one.get_attribute("aria-label") for one in tab.locator(".tick").all()
    ]
    assert names == ["read", "done"]
    tab.goto(f"{anywhere}index.html")
    said = tab.locator("#go-on").inner_text()
    assert "Continue here: 2. Automatic gradients, An autograd en" in said
    assert "Done: sections 1 of " in said and ", exercises 1." in said
    tab.locator("#go-on a").first.click()
    assert tab.url.endswith(f"{page}.html#an-autograd-engine-of-our-own")
    assert not tab.complaints and not tab.context.cookies()
    own = anywhere if anywhere.startswith("http") else "file:"
    assert all(url.startswith((own, "data:")) for url in tab.requested)


def test_progress_is_exported_imported_and_forgotten(
    anywhere, tab, browser, tmp_path
):
    page = f"{anywhere}book/how_to_use.html"
    tab.goto(page)
    tab.evaluate(REMEMBER, REMEMBERED | {"mode": "dark"})
    tab.reload()
    place = tab.locator("#remembered")
    # a busy browser brings what was stored to the new page a moment later
    place.get_by_text("Remembered: sections 2 of ").wait_for()
    totals = place.locator("p").first.inner_text()
    assert totals.endswith(
        "questions 1, predictions 1, exercises 1,"
        " sections with another name now 1."
    )
    with tab.expect_download() as download:
        place.get_by_role("button", name="Export").press("Enter")
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    assert json.loads(path.read_text())["remembered"] == REMEMBERED
    place.get_by_role("button", name="Forget").press("Enter")
    assert tab.evaluate("document.activeElement.textContent") == "No"
    tab.keyboard.press("Enter")
    assert place.get_by_text("Nothing was forgotten.").is_visible()
    assert place.locator("p").first.inner_text() == totals
    place.get_by_role("button", name="Forget").press("Enter")
    place.get_by_role("button", name="Yes").press("Enter")
    assert place.get_by_text("Remembered: nothing yet.").is_visible()
    assert not tab.evaluate(KEPT)
    assert tab.evaluate("localStorage.mode") == "dark"

    other = open_tab(browser)
    other.goto(page)
    place = other.locator("#remembered")
    said = place.locator("[aria-live]")
    kept = {"predict-01234567": "another", "question-1": "1", "mode": "dark"}
    other.evaluate(REMEMBER, {"predict-01234567": "my own"})
    for text, answer in {
        "{": "This file was not exported by this book",
        '{"book": "Another", "remembered": {"question-00000000": "1"}}': (
            "This file was not"
        ),
        path.read_text(): "Taken over: 6.",
        json.dumps({"book": "PyTorch, Cell by Cell", "remembered": kept}): (
            "Taken over: 1. Left out, not of this book: 2."
        ),
    }.items():
        path.write_text(text)
        with other.expect_file_chooser() as chooser:
            place.get_by_role("button", name="Import").press("Enter")
        chooser.value.set_files(path)
        said.get_by_text(answer).wait_for()
    assert place.locator("p").first.inner_text() == totals
    mine = {"predict-01234567": "my own"}
    assert other.evaluate(KEPT) == REMEMBERED | mine
    assert not tab.complaints + other.complaints
    other.context.close()


def test_progress_in_a_browser_that_keeps_nothing(address, tab):
    tab.add_init_script(
        "Object.defineProperty(window, 'localStorage',"
        " { get() { throw new DOMException('no', 'SecurityError') } })"
    )
    tab.goto(f"{address}book/how_to_use.html")
    said = tab.locator("#remembered").inner_text()
    assert said.startswith("This browser keeps nothing")
    tab.goto(f"{address}notebooks/01_tensors.html")
    tab.evaluate(MAKE_ALL)
    assert not tab.get_by_role("checkbox").count()
    cell = tab.locator(".tag_predict").first
    cell.get_by_role("button", name="Show it").click()
    assert cell.locator("pre").last.is_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_progress_is_accessible_and_moves_nothing(address, tab, theme):
    tab.goto(address)
    tab.evaluate(REMEMBER, REMEMBERED | {"mode": theme})
    for page in ("index", PART[0], "book/how_to_use"):
        for size in (PHONE, DESKTOP):
            tab.set_viewport_size(size)
            tab.goto(f"{address}{page}.html")
            assert not tab.evaluate(MOVED), page
            for place in tab.locator("#go-on, #remembered").all():
                assert place.evaluate(LACKS) < 1, f"{page}: too little room"
        assert tab.locator(".share:visible").count() == 2
        high = tab.evaluate(HEIGHT)
        tab.add_style_tag(content=".share { display: none }")
        assert tab.evaluate(HEIGHT) == high
        tab.reload()
        if page == "book/how_to_use":
            tab.get_by_role("button", name="Forget").click()
        places = ("#remembered", "#go-on", ".bd-links", ".page-toc")
        there = [[place] for place in places if tab.locator(place).count()]
        found = Axe().run(tab, {"include": there}).response["violations"]
        assert not found, found


def test_an_output_to_predict_is_covered_until_the_reader_guessed(
    anywhere, tab
):
    """By the keyboard alone."""
    page = f"{anywhere}notebooks/01_tensors.html"
    tab.goto(page)
    first, second = tab.locator(".tag_predict").all()[:2]
    output = first.locator(".output pre").first
    guess = first.get_by_role("textbox", name="Predict: what comes out?")
    assert not output.is_visible()
    before = first.bounding_box()["height"]
    first.scroll_into_view_if_needed()
    guess.focus()
    tab.keyboard.type("[4, 1] and 0")
    tab.keyboard.press("Enter")
    assert output.is_visible() and not guess.count()
    assert output.evaluate("o => document.activeElement.contains(o)")
    assert first.get_by_text("Your guess: [4, 1] and 0").is_visible()
    assert first.bounding_box()["height"] == before
    second.scroll_into_view_if_needed()
    second.get_by_role("button", name="Show it").press("Enter")
    assert second.locator(".output pre").first.is_visible()
    assert not tab.context.cookies()
    tab.reload()
    tab.evaluate(MAKE_ALL)
    assert output.is_visible()
    assert first.get_by_text("Your guess: [4, 1] and 0").is_visible()
    assert second.locator(".output pre").first.is_visible()
    assert (
        not tab.locator(".tag_predict")
        .nth(2)
        .locator(".output pre")
        .is_visible()
    )
    first.get_by_role("button", name="Forget my answers").press("Enter")
    assert not output.is_visible() and not guess.input_value()
    assert not tab.evaluate(KEPT)
    assert not tab.complaints


def test_what_is_to_predict_is_there_for_who_comes_by_a_link(address, tab):
    page = f"{address}notebooks/01_tensors.html"
    tab.goto(page)
    cell = tab.locator(".tag_predict").nth(1)
    output = cell.locator(".output pre")
    name = cell.get_attribute("id")
    section = cell.evaluate("cell => cell.closest('section').id")
    tab.goto(f"{page}#{section}")
    assert not output.is_visible()
    tab.goto(f"{page}#{name}")
    assert output.is_visible()
    tab.goto(f"{page}?found#{section}")  # as the search links
    assert output.is_visible()
    assert not tab.locator(".tag_predict .output pre").first.is_visible()
    assert not tab.evaluate(KEPT)


def test_what_is_to_predict_is_there_on_paper_and_without_a_script(
    address, browser, tab
):
    page = f"{address}notebooks/01_tensors.html"
    tab.goto(page)
    tab.emulate_media(media="print")
    assert tab.locator(".tag_predict .output pre").first.is_visible()
    for hidden in (".guess", ".done", ".tick", ".share"):
        assert not tab.locator(hidden).filter(visible=True).count()
    bare = open_tab(browser, java_script_enabled=False)
    bare.goto(page)
    assert bare.locator(".tag_predict .output pre").first.is_visible()
    assert not bare.get_by_text("Predict: what comes out?").count()
    assert not bare.get_by_text("Done", exact=True).count()
    bare.context.close()


def test_a_phone_says_where_the_reader_is(address, tab):
    tab.set_viewport_size(PHONE)
    tab.goto(f"{address}notebooks/04_layers.html#convolution")
    before, after = tab.locator("nav.here a").all()
    here = tab.locator("nav.here button")
    tab.wait_for_function(
        "document.querySelector('nav.here button').textContent"
        ".endsWith('Convolution')"
    )
    assert here.is_visible()
    top = tab.locator("#convolution").bounding_box()["y"]
    assert 0 <= top < 100, "the jump ends at the section"
    assert "Activations" in before.get_attribute("aria-label")
    after.click()
    tab.wait_for_function(
        "document.querySelector('nav.here button').textContent"
        ".endsWith('Transposed convolution')"
    )
    tab.set_viewport_size(DESKTOP)
    assert not here.is_visible()


def test_a_picture_is_enlarged_by_a_tap_and_by_the_keyboard(address, tab):
    tab.goto(f"{address}notebooks/06_optimizers.html#fig-optimizers-lr-paths")
    button = tab.locator("#fig-optimizers-lr-paths button.enlarge")
    button.focus()
    tab.keyboard.press("Enter")
    large = tab.locator("dialog.large img")
    assert large.bounding_box()["width"] > 1000
    assert large.get_attribute("alt")
    tab.keyboard.press("Escape")
    assert not tab.locator("dialog.large").count()
    assert button.evaluate("button => button === document.activeElement")
    tab.locator("#fig-optimizers-lr-paths img").click()
    assert large.is_visible()


def test_a_dark_page_is_light_on_paper(address, browser):
    context = browser.new_context(color_scheme="dark")
    tab = context.new_page()
    tab.goto(f"{address}book/how_to_use.html")
    theme = "document.documentElement.dataset.theme"
    assert tab.evaluate(theme) == "dark"
    tab.evaluate(f"addEventListener('beforeprint', () => seen = {theme})")
    tab.pdf()
    assert tab.evaluate("seen") == "light"
    assert tab.evaluate(theme) == "dark"
    context.close()


def test_formulas_and_films_do_without_a_script(address, browser):
    context = browser.new_context(
        java_script_enabled=False, color_scheme="dark"
    )
    tab = context.new_page()
    tab.goto(f"{address}notebooks/01_tensors.html")
    assert tab.locator("html").get_attribute("data-theme") == "light"
    assert tab.locator("math").first.is_visible()
    film = tab.locator("img[alt^='Animat']").first
    assert film.get_attribute("src").endswith("-still.png")
    context.close()


def test_the_bibliography_leads_out_and_back(address, tab):
    tab.goto(f"{address}book/bibliography.html")
    works = tab.locator(".citation")
    assert works.count() > 100
    out = tab.locator(".citation:has(a.external)")
    back = tab.locator(".citation:has(.cited a)")
    assert works.count() == out.count() == back.count()
    tab.locator(".cited a").first.click()
    assert re.search(r"\d{4}", tab.locator(":target").inner_text())


def test_the_landing_page_shows_what_is_made(address, tab):
    tab.goto(address)
    shown = tab.locator("a.made")
    assert shown.count() == 5
    for link in shown.all():
        assert re.search(
            r"notebooks/\d\d_\w+\.html#", link.evaluate("a => a.href")
        )
    frames = shown.evaluate_all(
        "all => all.map(a => a.firstElementChild.getBoundingClientRect())"
    )
    sizes = {(round(f["width"]), round(f["height"])) for f in frames}
    assert len(sizes) == 1
    assert re.search(r"about \d+ hours", tab.locator("article").inner_text())


def test_the_cheat_sheet_prints_on_two_sides(address, tab):
    tab.goto(f"{address}book/cheatsheet.html")
    edges = dict.fromkeys(("top", "bottom", "left", "right"), "8mm")
    paper = tab.pdf(format="A4", margin=edges)
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) in (1, 2)


def test_a_solution_is_folded_until_asked_for(address, tab):
    tab.goto(f"{address}notebooks/01_tensors.html")
    fold = tab.locator("details.hide.above-input, details.hide").last
    assert fold.get_attribute("open") is None
    fold.locator("summary").click()
    assert fold.locator("pre").first.is_visible()


class LinkReader(HTMLParser):
    """Collect a page's links and the anchors that others may point at."""

    def __init__(self, html):
        super().__init__()
        self.links, self.anchors = [], set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if "id" in attrs:
            self.anchors.add(attrs["id"])
        if tag == "a" and "name" in attrs:
            self.anchors.add(attrs["name"])
        if tag in ("a", "img", "link", "script"):
            self.links.append(attrs.get("href") or attrs.get("src") or "")


def test_no_internal_link_is_broken(site):
    """Every address inside the site names a file, every anchor an id."""
    read = {
        path.relative_to(site).as_posix(): LinkReader(
            path.read_text(encoding="utf-8")
        )
        for path in site.rglob("*.html")
        if "_static" not in path.parts
    }
    broken = []
    for name, page in read.items():
        for link in page.links:
            if urlsplit(link).scheme or link.startswith("//"):
                continue
            target, anchor = urldefrag(urljoin(name, unquote(link)))
            target = target.partition("?")[0]
            if target in read:
                if anchor and anchor not in read[target].anchors:
                    broken.append(f"{name}: no anchor {link}")
            elif not (site / target).is_file():
                broken.append(f"{name}: no file {link}")
    assert not broken, "\n".join(broken)


def test_the_glossary_and_the_index_lead_to_sections(site):
    glossary = (site / "book" / "glossary.html").read_text(encoding="utf-8")
    arrows = re.findall(
        r'href="([^"]*)"[^>]*>(?:<[^>]*>)?→ (?:chapter|appendix)', glossary
    )
    assert len(arrows) == glossary.count("<dt ")
    assert [link for link in arrows if "#" not in link] == []
    index = (site / "genindex.html").read_text(encoding="utf-8")
    assert len(re.findall('href="book/glossary.html#term', index)) >= 300
    assert 'href="notebooks/02_autograd.html#leaves-keep' in index


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
    """Built with an address, a chapter links to its copy for Colab.

    The book is one small chapter, with the settings of the real one.
    """
    for name in ("_config.yml", "book/_ext", "book/_templates", "book/assets"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "book" / "references.bib").touch()
    (tmp_path / "_toc.yml").write_text(
        "format: jb-book\nroot: start\n"
        "chapters:\n  - file: notebooks/01_tensors\n"
    )
    (tmp_path / "start.md").write_text("# A book\n")
    chapter = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell("# A chapter")]
    )
    (tmp_path / "notebooks").mkdir()
    nbformat.write(chapter, tmp_path / "notebooks" / "01_tensors.ipynb")
    run = build_site(tmp_path, GITHUB_REPOSITORY="someone/a-book")
    assert run.returncode == 0, run.stderr
    page = tmp_path / "_build" / "html" / "notebooks" / "01_tensors.html"
    html = page.read_text(encoding="utf-8")
    path = "someone/a-book/blob/colab/notebooks/01_tensors.ipynb"
    assert f"https://colab.research.google.com/github/{path}" in html
