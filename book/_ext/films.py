"""Lay the pages of a film side by side, so that a reader can leaf in them.

An animated PNG plays and rewinds, and that is all a browser lets a page do
with it. From one picture with all pages site.js shows any of them. The last
page, which tells most, stands where there is no script, and on paper.
"""

from PIL import Image, ImageOps

LONGEST = 16_000  # pixels; some browsers draw no longer picture
SMALL = 440, 288  # pixels; twice as many as a card of the landing page shows


def is_film(path):
    """Whether a file is an animated PNG."""
    with open(path, "rb") as file:
        return b"acTL" in file.read(4096)


def pages_of(path):
    """The pages of an animated PNG and how long each stays.

    Args:
        path: the file.

    Returns:
        A list of RGB images of one size and a list of milliseconds.
    """
    pages, stays = [], []
    with Image.open(path) as film:
        for number in range(getattr(film, "n_frames", 1)):
            film.seek(number)
            pages.append(film.convert("RGB"))
            stays.append(round(film.info.get("duration", 0)))
    return pages, stays


def lay_out(path):
    """Write the pages of a film beside it: all in columns, and the last.

    Args:
        path: an animated PNG.

    Returns:
        The name of the last page's picture as "still", and the attributes
        that tell site.js about the film: the name of the picture with all
        pages, the number of its rows, and the milliseconds of each page.
    """
    strip = path.with_name(f"{path.stem}-pages.png")
    still = path.with_name(f"{path.stem}-still.png")
    pages, stays = pages_of(path)
    width, height = pages[0].size
    rows = max(1, min(len(pages), LONGEST // height))
    columns = -(-len(pages) // rows)
    if not strip.exists():
        sheet = Image.new("RGB", (width * columns, height * rows), "white")
        for number, page in enumerate(pages):
            column, row = divmod(number, rows)
            sheet.paste(page, (column * width, row * height))
        sheet = sheet.quantize(256, dither=Image.Dither.NONE)
        sheet.save(strip, optimize=True)
    if not still.exists():
        last = pages[-1].quantize(256, dither=Image.Dither.NONE)
        last.save(still, optimize=True)
    return {
        "still": still.name,
        "data-pages": strip.name,
        "data-rows": str(rows),
        "data-stays": ",".join(map(str, stays)),
    }


def shrink(path):
    """Write a small version of a picture beside it; of a film its last page.

    Args:
        path: the file.

    Returns:
        The path of the small one.
    """
    small = path.with_name(f"{path.stem}-small.webp")
    if not small.exists():
        last = pages_of(path)[0][-1]
        ImageOps.fit(last, SMALL, centering=(0, 0)).save(small)
    return small
