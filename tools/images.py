"""Compare two pictures, and store a picture in fewer bytes.

A picture is the bytes of a PNG or JPEG file; a film is an animated PNG. A
figure drawn for sharp screens has twice the dots that a page gives it room
for, and says so by its dots per inch.
"""

import bisect
import functools
import io
import itertools

import numpy as np
from PIL import Image, ImageChops

MOMENTS = 8  # instants at which two films are compared
COARSE = 4  # pixels made one: a curve may move a little
SIZE_SLACK = 4  # pixels: labels of another width move the border
DPI = 100  # of figures on a page, as notebooks/matplotlibrc states it
PALETTES = (16, 32, 64, 128, 256)  # numbers of colours
METHODS = ((Image.Quantize.MAXCOVERAGE, 1), (Image.Quantize.MEDIANCUT, 3))
PALETTE_QUALITY = 42  # dB; the eye sees no loss above
PALETTE_DISTANCE = 0.01  # as page_distance gives it
PHOTO_QUALITY = 85  # of JPEG, out of 100
HEAVY = 100_000  # bytes that a picture with more dots than pixels may have


def _plain(image):
    """An RGB picture on white."""
    paper = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(paper, image.convert("RGBA")).convert("RGB")


def pages(data):
    """The pages of a film, or the one page of a still.

    Returns:
        A list of pairs (RGB image, milliseconds that it is shown).

    Raises:
        OSError: the bytes are no picture.
    """
    shown = []
    with Image.open(io.BytesIO(data)) as image:
        for index in range(getattr(image, "n_frames", 1)):
            image.seek(index)
            shown.append((_plain(image), image.info.get("duration", 0)))
    return shown


def is_film(data):
    """Whether the bytes are an animated PNG."""
    return b"acTL" in data[:4096]


def sharpness(data):
    """How many dots of a picture stand side by side in a pixel."""
    with Image.open(io.BytesIO(data)) as image:
        return max(1, round(image.info.get("dpi", (DPI, DPI))[0] / DPI))


@functools.lru_cache(maxsize=64)
def _views(data):
    """What is compared of a picture: a still once, a film at some moments.

    Returns:
        A pair: (width, height, milliseconds or None for a still), and a list
        of coarse RGB images. Sizes are in pixels of a page.
    """
    shown = pages(data)
    width, height = shown[0][0].size
    if not is_film(data):
        dots = sharpness(data)
        coarse = shown[0][0].reduce(COARSE * dots)
        return (width // dots, height // dots, None), [coarse]
    ends = list(itertools.accumulate(duration for _, duration in shown))
    moments = [ends[-1] * k / MOMENTS for k in range(MOMENTS)]
    views = [
        shown[bisect.bisect_right(ends, moment)][0].reduce(COARSE)
        for moment in moments
    ]
    return (width, height, ends[-1]), views


def page_distance(first, second):
    """How different two RGB images look, from 0 (equal) to 1 (not alike).

    The difference is a share of the ink of both: what differs from the first
    picture's commonest colour. So a thin curve on a white page weighs as much
    as a photograph. Images of slightly different size are cut to the smaller.
    """
    size = min(first.width, second.width), min(first.height, second.height)
    first, second = (image.crop((0, 0, *size)) for image in (first, second))
    colours = first.quantize(16).convert("RGB").getcolors()
    paper = Image.new("RGB", size, max(colours)[1])
    difference, *ink = (
        float(np.asarray(ImageChops.difference(a, b)).mean())
        for a, b in ((first, second), (first, paper), (second, paper))
    )
    return difference / max(sum(ink), 1e-9)


def distance(first, second):
    """How different two pictures look, from 0 (equal) to 1 (not alike).

    Pictures of another size (beyond a few pixels), a film and a still, and
    films of another length are not alike. Of films the worst moment counts.
    """
    (*size, length), views = _views(first)
    (*other_size, other_length), other_views = _views(second)
    if length != other_length:
        return 1.0
    if max(abs(np.subtract(size, other_size))) > SIZE_SLACK:
        return 1.0
    return max(map(page_distance, views, other_views))


def quality(first, second):
    """The peak signal-to-noise ratio of two RGB images, in dB."""
    difference = np.subtract(first, second, dtype=float)
    return 10 * np.log10(255**2 / max((difference**2).mean(), 1e-9))


def _is_faithful(image, painted):
    painted = painted.convert("RGB")
    return (
        quality(image, painted) >= PALETTE_QUALITY
        and page_distance(image.reduce(COARSE), painted.reduce(COARSE))
        <= PALETTE_DISTANCE
    )


def _with_palette(images):
    """The images in one palette, the smallest that does not show, or None."""
    strip = Image.fromarray(np.concatenate([np.asarray(i) for i in images]))
    height = images[0].height
    for colours, (method, rounds) in itertools.product(PALETTES, METHODS):
        painted = strip.quantize(colours, method=method, kmeans=rounds)
        parts = [
            painted.crop((0, k * height, strip.width, (k + 1) * height))
            for k in range(len(images))
        ]
        if all(map(_is_faithful, images, parts)):
            return parts
    return None


def _saved(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, optimize=True, **options)
    return buffer.getvalue()


def lighter(data):
    """Store a picture in fewer bytes, without a loss that the eye sees.

    Few colours get a palette (a film one for all its pages), a photograph
    becomes a JPEG. It has one dot in a pixel, and so has what stays heavy.

    Returns:
        A pair (mime type, bytes).
    """
    if not data.startswith(b"\x89PNG"):
        return "image/jpeg", data
    images, durations = zip(*pages(data), strict=True)
    painted = _with_palette(images)
    first, *rest = painted or images
    if is_film(data):
        film = _saved(
            first,
            "png",
            save_all=True,
            append_images=rest,
            duration=durations,
            loop=0,
        )
        return "image/png", min(data, film, key=len)
    dots = sharpness(data)
    still = _saved(first, "png", dpi=(DPI * dots, DPI * dots))
    if dots > 1 and (not painted or len(still) > HEAVY):
        return lighter(_saved(images[0].reduce(dots), "png"))
    ways = [("image/png", data), ("image/png", still)]
    if not painted:
        photo = _saved(first, "jpeg", quality=PHOTO_QUALITY)
        ways.append(("image/jpeg", photo))
    return min(ways, key=lambda way: len(way[1]))
