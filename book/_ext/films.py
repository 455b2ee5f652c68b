"""Lay the pages of a film side by side, so that a reader can leaf in them.

An animated PNG plays and rewinds, and that is all a browser lets a page do
with it. From one picture with all pages site.js shows any of them.
"""

from PIL import Image

LONGEST = 16_000  # pixels; some browsers draw no longer picture


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
    """Write the pages of a film beside it, as one picture in columns.

    Args:
        path: an animated PNG.

    Returns:
        The attributes that tell site.js about it: the name of the picture,
        the number of its rows, and the milliseconds of each page.
    """
    strip = path.with_name(f"{path.stem}-pages.png")
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
    return {
        "data-pages": strip.name,
        "data-rows": str(rows),
        "data-stays": ",".join(map(str, stays)),
    }
