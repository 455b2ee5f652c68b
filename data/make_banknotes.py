"""Write banknotes/ and banknotes_fresh/: photo-like pictures of play money.

Every note is a drawing of ours with a cat on it and PLAY MONEY at its top: no
real note, emblem or face is shown. The notes of 1 lean to green and those
of 100 to red, but paper, light and camera change the colours so much that
the mean colour of a picture tells little. What tells is the numeral.

`banknotes_fresh/` holds notes drawn with another seed, for a last test.
"""

import math
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from tqdm import tqdm

VALUES = ("1", "100")
NUMBERS = range(100)  # the pictures of each value in each folder
SEEDS = {"banknotes": 0, "banknotes_fresh": 999}

NOTE = (480, 224)  # width and height of the drawing, in pixels
TABLE = (640, 360)  # the table that the note lies on
PICTURE = (128, 72)  # the finished picture
CAST = 0.15  # standard deviation of the colour cast, in log units
QUALITY = 80  # of the JPEG files

# value -> colour of the lines, of the paper and of the print (RGB)
COLOURS = {
    "1": ((114, 141, 88), (224, 221, 196), (52, 84, 48)),
    "100": ((182, 79, 82), (235, 210, 196), (124, 30, 44)),
}
PETALS = {"1": 9, "100": 14}
FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"


def font(name, size):
    """A font that matplotlib carries, `size` in pixels."""
    return ImageFont.truetype(FONTS / name, size)


def draw_note(value, rng):
    """Draw one flat note.

    Args:
        value: "1" or "100".
        rng: a numpy.random.Generator; it shakes the colours, the waves and
            the serial number.

    Returns:
        PIL.Image.Image: RGB, 480x224 pixels.
    """
    lines, paper, ink = (
        tuple(np.clip(colour + rng.normal(0, 6, 3), 0, 255).astype(int))
        for colour in np.array(COLOURS[value])
    )
    note = Image.new("RGB", NOTE, tuple(paper))
    pen = ImageDraw.Draw(note)
    draw_waves(pen, lines, rng)
    draw_rosette(pen, PETALS[value], lines, rng)
    draw_cat(pen, lines, paper, ink)
    draw_print(pen, value, paper, ink, rng)
    return note


def draw_waves(pen, colour, rng):
    """Draw seven wavy lines across the note."""
    width, height = NOTE
    for row in range(7):
        phase, waves = rng.uniform(0, 2 * math.pi), rng.integers(2, 6)
        points = []
        for x in range(0, width + 3, 3):
            turn = waves * 2 * math.pi * x / width
            y = height * (0.15 + 0.1 * row)
            y += 14 * math.sin(turn + phase) + 6 * math.sin(3 * turn)
            points.append((x, y))
        pen.line(points, fill=colour, width=2)


def draw_rosette(pen, petals, colour, rng):
    """Draw four pairs of flower-like rings in the middle of the note."""
    width, height = NOTE
    middle = width * (0.55 + rng.uniform(-0.02, 0.02))
    rings = [(r, sign) for r in (32, 46, 60, 74) for sign in (-1, 1)]
    for radius, sign in rings:
        points = []
        for step in range(721):
            turn = math.radians(step / 2)
            r = radius + 9 * sign * math.sin(petals * turn)
            points.append(
                (
                    middle + r * math.cos(turn),
                    height / 2 + 0.9 * r * math.sin(turn),
                )
            )
        pen.line(points, fill=colour, width=2)


def draw_cat(pen, body, paper, ink):
    """Draw the same cat on every note, where real money shows a portrait."""
    x, y = 384, 92
    pen.ellipse((x - 58, y + 34, x + 58, y + 190), fill=body)
    for side in (-1, 1):
        ear = [(x + side * 44, y - 58), (x + side * 46, y), (x, y - 34)]
        pen.polygon(ear, fill=body)
    pen.ellipse((x - 48, y - 44, x + 48, y + 46), fill=body)
    for side in (-1, 1):
        eye = x + side * 19
        pen.ellipse((eye - 10, y - 16, eye + 10, y + 6), fill=paper)
        pen.ellipse((eye - 4, y - 13, eye + 4, y + 3), fill=ink)
        for lift in (10, 18):
            start, end = (x + side * 14, y + 16), (x + side * 66, y + lift)
            pen.line([start, end], fill=ink, width=2)
        cheek = (x + min(0, side * 16), y + 10, x + max(0, side * 16), y + 28)
        pen.arc(cheek, 0, 180, fill=ink, width=3)
    pen.polygon([(x - 7, y + 9), (x + 7, y + 9), (x, y + 18)], fill=ink)


def draw_print(pen, value, paper, ink, rng):
    """Print the numerals, PLAY MONEY, the serial number and the frame."""
    width, height = NOTE
    large = font("DejaVuSerif-Bold.ttf", 100)
    small = font("DejaVuSans-Bold.ttf", 34)
    words = font("DejaVuSans-Bold.ttf", 24)
    serial = font("DejaVuSansMono.ttf", 20)
    edge = {"stroke_width": 3, "stroke_fill": tuple(paper)}
    pen.text((20, 48), value, font=large, fill=ink, **edge)
    pen.text((20, 6), value, font=small, fill=ink, **edge)
    pen.text((460, 180), value, font=small, fill=ink, anchor="ra", **edge)
    pen.text((145, 14), "PLAY MONEY", font=words, fill=ink, **edge)
    letters = "".join(rng.choice(list("ABCDEFGHJK"), 2))
    digits = "".join(str(digit) for digit in rng.integers(0, 10, 8))
    pen.text((24, 184), letters + digits, font=serial, fill=ink, **edge)
    pen.rectangle((2, 2, width - 3, height - 3), outline=ink, width=4)


def photograph(note, rng):
    """Turn a flat note into a small, imperfect photograph.

    The note lies a little askew on a rough table, is lit from one side, and
    the camera adds a colour cast, a tone curve, blur and noise.

    Args:
        note: a PIL image such as `draw_note` returns.
        rng: a numpy.random.Generator.

    Returns:
        PIL.Image.Image: RGB, 128x72 pixels.
    """
    picture = np.asarray(lay_on_table(note, rng)) / 255
    height, width = picture.shape[:2]
    light = 1 + np.linspace(-1, 1, width)[None, :] * rng.normal(0, 0.22)
    light = light + np.linspace(-1, 1, height)[:, None] * rng.normal(0, 0.22)
    cast = rng.uniform(0.75, 1.2) * np.exp(rng.normal(0, CAST, 3))
    picture = np.clip(picture * light[:, :, None] * cast, 0, 1)
    picture = picture ** rng.uniform(0.7, 1.4)
    small = to_image(255 * picture).resize(PICTURE, Image.Resampling.LANCZOS)
    if rng.random() < 0.3:
        blur = ImageFilter.GaussianBlur(rng.uniform(0.3, 0.9))
        small = small.filter(blur)
    noise = rng.normal(0, 4, (PICTURE[1], PICTURE[0], 3))
    return to_image(np.asarray(small) + noise)


def lay_on_table(note, rng):
    """Lay a note on a table of a random colour, seen askew.

    Returns:
        PIL.Image.Image: RGB, 640x360 pixels.
    """
    width, height = TABLE
    grain = rng.normal(0, 14, (height // 8, width // 8, 3))
    table = to_image(rng.uniform(30, 220, 3) + grain)
    table = table.resize(TABLE, Image.Resampling.BILINEAR)

    w, h = note.size
    corners = np.array([(0, 0), (w, 0), (w, h), (0, h)], dtype=float)
    scale, angle = rng.uniform(0.95, 1.15), rng.normal(0, 0.08)
    middle = np.array([width / 2, height / 2])
    middle += rng.uniform(-1, 1, 2) * (36, 20)
    turn = scale * np.array(
        [
            [math.cos(angle), -math.sin(angle)],
            [math.sin(angle), math.cos(angle)],
        ]
    )
    seen = (corners - (w / 2, h / 2)) @ turn.T + middle
    seen += rng.normal(0, 14, (4, 2))

    view = perspective(seen, corners)
    bicubic, bilinear = Image.Resampling.BICUBIC, Image.Resampling.BILINEAR
    kind = Image.Transform.PERSPECTIVE
    mask = Image.new("L", note.size, 255)
    mask = mask.transform(TABLE, kind, view, bilinear)
    table.paste(note.transform(TABLE, kind, view, bicubic), (0, 0), mask)
    return table


def perspective(source, target):
    """Find the perspective that takes four points to four others.

    Args:
        source, target: arrays of shape (4, 2).

    Returns:
        numpy.ndarray: the eight numbers a ... h that PIL asks for, where
        (x, y) goes to ((ax + by + c), (dx + ey + f)) / (gx + hy + 1).
    """
    rows, values = [], []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
        values += [u, v]
    return np.linalg.solve(np.array(rows), np.array(values))


def to_image(array):
    """An RGB image from an array of shape (H, W, 3) in 0 ... 255."""
    return Image.fromarray(np.clip(array, 0, 255).astype(np.uint8))


def draw_picture(value, rng):
    """Draw one note and photograph it: RGB, 128x72 pixels."""
    return photograph(draw_note(value, rng), rng)


def picture_rng(seed, value, number):
    """The random numbers of one picture, whatever was drawn before it."""
    return np.random.default_rng([seed, VALUES.index(value), number])


def write_pictures(folder, seed):
    """Write an ImageFolder tree: `1/000.jpg` ... and `100/000.jpg` ...

    Args:
        folder: a path that does not exist yet.
        seed: another seed gives other notes.
    """
    for value in VALUES:
        (folder / value).mkdir(parents=True)
    todo = [(value, i) for value in VALUES for i in NUMBERS]
    for value, i in tqdm(todo, folder.name, unit="note", ncols=79):
        picture = draw_picture(value, picture_rng(seed, value, i))
        picture.save(folder / value / f"{i:03}.jpg", quality=QUALITY)


def build(folder):
    """Write `banknotes/` and `banknotes_fresh/` into `folder`."""
    for name, seed in SEEDS.items():
        write_pictures(folder / name, seed)
