"""The chapter's writer of names with the weights that the page has."""

import json
from pathlib import Path

import torch
from torch import nn

from cells import definitions

LETTERS = "abcdefghijklmnopqrstuvwxyz."
ASSETS = Path(__file__).parents[2] / "book" / "assets" / "live"
TEXT = (ASSETS / "letters_weights.js").read_text(encoding="utf-8")
DATA = json.loads(TEXT.split("live.letters = ")[1].rstrip(";\n"))
LIKELIEST, DIE = "Add the likeliest letter", "Add the letter of the die"

POSITIONS = [
    {},
    {LIKELIEST: 1},
    {"temperature": 0.2, LIKELIEST: 5},
    {"die": 0.8, DIE: 6},
    {"first": "", "second": ""},
    {"first": "chou", "second": "zhou", "language": "Chinese"},
    {"first": "mariakowsk", "second": "zariakowsk", "language": "Polish"},
    {"first": "anagnostop", "second": "knagnostop", "language": "Greek"},
    {"first": "mar", "second": "mar", "temperature": 3},
    {"first": "mar", "second": "martin", "language": "French"},
    {"first": "Ana.", "second": "ina", "language": "Spanish"},
    {"first": "o'neil", "second": "a"},  # no letter of the alphabet
    {"first": "abcdefghijk", "second": "a"},  # too long
    {"first": "q", "second": "x", "die": 0.99, "temperature": 0.2},
    {"first": "", "second": "", "die": 0, "language": "Zulu", DIE: 12},
    {"first": "shevard", "second": "shevarn", "language": "Georgian"},
]


def load():
    """The chapter's class with the weights of the page's file."""
    given = {"torch": torch, "nn": nn, "languages": DATA["languages"]}
    chapter = definitions("12_rnn", ["NameWriter"], **given)
    writer = chapter["NameWriter"]().double().eval()
    weights = {}
    for name, (shape, scales, text) in DATA["weights"].items():
        whole = torch.tensor([ord(sign) - 80 for sign in text])
        rows = (
            whole.view(len(scales), -1)
            * torch.tensor(scales, dtype=torch.float64)[:, None]
        )
        weights[name] = rows.view(shape)
    writer.load_state_dict(weights)
    return writer


WRITER = load()


@torch.inference_mode()
def guess(text, language, temperature):
    """The last state, and the probabilities of the next letter."""
    X = torch.tensor([[27, *(LETTERS.index(c) + 1 for c in text)]])
    index = torch.tensor([DATA["languages"].index(language)])
    logits, h = WRITER(X, index)
    return h.flatten(), (logits[0, -1, 1:] / temperature).softmax(dim=0)


def numbers(position):
    """What the figure must show, by the chapter's network."""
    state = {"first": "mar", "second": "kar", "language": "Finnish"}
    state |= {"temperature": 1, "die": 0.5} | position
    how = state["language"], state["temperature"]
    first = state["first"].lower()
    second = state["second"]
    names = ["likeliest", "p", "entropy", "drawn", "difference", "apart"]
    shown = dict.fromkeys(names, "–")
    if set(first) - set(LETTERS) or len(first.rstrip(".")) > 10:
        return shown
    for press in [LIKELIEST, DIE]:
        for _ in range(position.get(press, 0)):
            if first.endswith(".") or len(first) == 10:
                break
            _, p = guess(first, *how)
            place = int((p.cumsum(0) <= state["die"]).sum())
            letter = LETTERS[p.argmax() if press == LIKELIEST else place]
            if letter != "." and second and len(first) == len(second):
                second += letter
            first += letter
    first = first.rstrip(".")
    h, p = guess(first, *how)
    shown["likeliest"], shown["p"] = LETTERS[p.argmax()], p.max().item()
    shown["entropy"] = torch.distributions.Categorical(p).entropy().item()
    shown["drawn"] = LETTERS[int((p.cumsum(0) <= state["die"]).sum())]
    if second and len(second) == len(first):
        other, q = guess(second, *how)
        shown["difference"] = (torch.dist(h, other) / h.norm()).item()
        shown["apart"] = (p - q).abs().sum().item() / 2
    return shown
