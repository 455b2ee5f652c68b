"""The assets: where each picture comes from, and the work of others."""

import json
from pathlib import Path

import pytest
from PIL import Image

import guard
import make_all
import pictures
from cells import CHAPTERS

ROOT = Path(__file__).parents[1]
ASSETS = ROOT / "book" / "assets"
BY_HAND = ["chapters/*.svg", "logo.svg", "favicon.svg"]
MADE = [name for _, names in pictures.SETS.values() for name in names]


def test_every_picture_has_a_maker():
    """A script, or a hand; the README of the assets says which."""
    kinds = {".gif", ".jpg", ".png", ".svg", ".webp"}
    found = {path for path in ASSETS.rglob("*") if path.suffix in kinds}
    by_hand = {path for name in BY_HAND for path in ASSETS.glob(name)}
    assert found == by_hand | {ASSETS / name for name in MADE}
    text = (ASSETS / "README.md").read_text(encoding="utf-8")
    for name in [
        *BY_HAND,
        "site.png",
        "live/*.svg",
        "tensorboard/",
        "d3/",
        "stix/",
        "minisearch/",
    ]:
        assert f"`{name}`" in text, f"book/assets/README.md lacks {name}"


def test_every_chapter_has_a_card():
    cards = sorted(path.stem for path in (ASSETS / "chapters").glob("*.svg"))
    assert cards == [path.stem for path in CHAPTERS]


@pytest.mark.parametrize("name", ["d3", "minisearch", "stix"])
def test_the_work_of_others_is_as_it_was_given(name):
    known = guard.checksums(ASSETS / name)
    found = make_all.digests(ASSETS / name)
    del found[guard.LIST]
    assert found == known


def test_the_page_of_the_picture_has_its_figure():
    path = ROOT / Path(pictures.PAGE).with_suffix(".ipynb")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    figures = [
        cell["metadata"].get("mystnb", {}).get("figure", {}).get("name")
        for cell in cells
    ]
    assert pictures.FIGURE in figures


@pytest.fixture
def site(tmp_path):
    """A page with a red figure below a screen of white."""
    page = tmp_path / pictures.PAGE
    page.parent.mkdir()
    figure = f'<div id="{pictures.FIGURE}" style="background: red">x</div>'
    gap = '<div style="height: 1500px"></div>'
    page.write_text(f'<body style="margin: 0">{gap}{figure}{gap}</body>')
    return tmp_path


def test_the_picture_shows_the_figure(site):
    try:
        pictures.take_site(site, site)
    except pictures.Trouble as trouble:
        if "no Chromium" in str(trouble):
            pytest.skip(str(trouble))
        raise
    picture = Image.open(site / "site.png").convert("RGB")
    assert picture.size == (1280, 820)
    assert picture.getpixel((1000, pictures.ABOVE + 8)) == (255, 0, 0)
    assert picture.getpixel((1000, pictures.ABOVE - 8)) == (255, 255, 255)


def test_what_is_missing_is_named(site, tmp_path, monkeypatch):
    with pytest.raises(pictures.Trouble, match="run `make book` first"):
        pictures.take_site(tmp_path, tmp_path / "nowhere")
    monkeypatch.setattr(pictures, "BROWSERS", ["no-such-browser"])
    with pytest.raises(pictures.Trouble, match="no Chromium: install it"):
        pictures.take_site(tmp_path, site)


def test_a_picture_that_stays_too_large_is_refused(tmp_path, monkeypatch):
    png = (ASSETS / "site.png").read_bytes()
    pictures.shrink(png, tmp_path / "small.png")
    assert (tmp_path / "small.png").stat().st_size <= pictures.LARGEST
    monkeypatch.setattr(pictures, "LARGEST", 1000)
    with pytest.raises(pictures.Trouble, match="stays larger than 1000 bytes"):
        pictures.shrink(png, tmp_path / "small.png")
