"""Shapes that are broadcast, and refused, as torch does it."""

import torch

POSITIONS = [
    {},
    {"first": "2, 3", "second": "3"},
    {"first": "2, 3", "second": "2"},
    {"first": "8, 1, 6, 1", "second": "7, 1, 5"},
    {"first": "", "second": "5"},
    {"first": "3, 1", "second": "3, 1"},
    {"first": "1, 6", "second": "6, 1"},
    {"first": "2, 0", "second": "1"},
    {"first": "0", "second": "3"},
    {"first": "4, 3", "second": "4, 1", "Swap them": 1},
    {"first": "5, 4, 3", "second": "4, 1"},
    {"first": "3, 2, 5", "second": "2, 2, 4", "Swap them": 2},
    {"first": "0, 3", "second": ""},
]


def numbers(position):
    """What the figure must show, by torch."""
    shapes = [
        [int(n) for n in position.get(name, start).split(",") if n.strip()]
        for name, start in [("first", "4, 1"), ("second", "3")]
    ]
    first, second = (
        torch.arange(1.0, torch.Size(s).numel() + 1).view(s) for s in shapes
    )
    stored = first.numel() + second.numel()
    if position.get("Swap them", 0) % 2:
        first, second = second, first
    try:
        total = 10 * first + second
    except RuntimeError:
        return {"shape": "none", "numel": "–", "stored": stored, "total": "–"}
    return {
        "shape": str(tuple(total.shape)),
        "numel": total.numel(),
        "stored": stored,
        "total": total.sum().item(),
    }
