"""Write clicks.csv and sessions.csv: what visitors of a made-up shop click on.

Half of the visitors compare: they go back to what they saw before. A visitor
who goes back and forth and stays within a category buys more often. So the
clicks, which show what was seen again, tell more about the purchase than the
set of items; their order adds little, as chapter 13 measures. The probability
that each purchase was drawn with is written beside it: no model can do better
than it.
"""

import math
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

SEED = 77
SESSIONS = 3000
ITEMS = 300
CATEGORIES = 12
LENGTHS = (4, 14)  # fewest and most clicks in a session


@dataclass
class Shop:
    """The items of the shop.

    Attributes:
        category: integer array (ITEMS,), the category of each item.
        appeal: float array (ITEMS,), how much each item makes one buy.
        rng: the numpy.random.Generator that all visits are drawn with.
    """

    category: np.ndarray
    appeal: np.ndarray
    rng: np.random.Generator


def open_shop(seed=SEED):
    """Draw the items of a shop."""
    rng = np.random.default_rng(seed)
    category = rng.integers(0, CATEGORIES, ITEMS)
    return Shop(category, rng.normal(0, 0.6, ITEMS), rng)


def visit(shop):
    """Draw the items that one visitor clicks on, as a list of integers."""
    rng = shop.rng
    length = rng.integers(LENGTHS[0], LENGTHS[1] + 1)
    compares = rng.random() < 0.5
    clicks = [int(rng.integers(ITEMS))]
    while len(clicks) < length:
        item = next_click(shop, clicks, compares)
        if item != clicks[-1]:
            clicks.append(item)
    return clicks


def next_click(shop, clicks, compares):
    """Draw the item that follows `clicks`; it may be the same once more."""
    rng, luck = shop.rng, shop.rng.random()
    if compares and luck < 0.45 and len(clicks) > 1:
        return clicks[-2] if rng.random() < 0.7 else int(rng.choice(clicks))
    if luck < 0.8:
        alike = np.flatnonzero(shop.category == shop.category[clicks[-1]])
        return int(rng.choice(alike))
    return int(rng.integers(ITEMS))


def purchase_probability(shop, clicks):
    """How likely a visitor buys, given the clicks: a number in (0, 1)."""
    category = shop.category[clicks]
    items = np.array(clicks)
    returns = int((items[2:] == items[:-2]).sum())
    loyalty = float((category[1:] == category[:-1]).mean())
    appeal = math.fsum(shop.appeal[clicks]) / len(clicks)
    score = -3.6 + 1.3 * returns + 1.5 * loyalty + appeal
    return 1 / (1 + math.exp(-score))


def build(folder):
    """Write both files into `folder`.

    clicks.csv has the columns session, step, item, category, one row a
    click; sessions.csv has session, buy (0 or 1), probability.
    """
    shop = open_shop()
    clicks, sessions = [], []
    for session in tqdm(range(SESSIONS), "clicks", unit="session", ncols=79):
        items = visit(shop)
        probability = purchase_probability(shop, items)
        buy = int(shop.rng.random() < probability)
        sessions.append((session, buy, f"{probability:.4f}"))
        for step, item in enumerate(items):
            clicks.append((session, step, item, shop.category[item]))
    header = ("session", "step", "item", "category")
    write_table(folder / "clicks.csv", header, clicks)
    header = ("session", "buy", "probability")
    write_table(folder / "sessions.csv", header, sessions)


def write_table(path, header, rows):
    """Write a CSV file with a header line; no field needs quotes."""
    lines = [",".join(map(str, row)) + "\n" for row in [header, *rows]]
    path.write_bytes("".join(lines).encode())
