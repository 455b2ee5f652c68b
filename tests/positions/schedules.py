"""Rates of a run of 20 epochs, 5 batches each, by torch's schedulers."""

import math

import torch
from torch.optim import lr_scheduler

START = {
    "kind": "CosineAnnealingLR",
    "every": "epoch",
    "length": 20,
    "share": 0.1,
    "warmup": 4,
}


def at(iteration):
    """Where the mark of an iteration stands."""
    return (46 + 4 * iteration, 232)


def loss(iteration, value):
    """Where a handle of the loss stands."""
    return (46 + 4 * iteration, 362 - 64 * value)


WARM = "warm-up, then cosine"
PLATEAU = {"kind": "ReduceLROnPlateau", "share": 0.5, "length": 3}
POSITIONS = [
    {},
    {"every": "batch", "at": at(99)},
    {"length": 100, "every": "batch", "share": 0.05, "at": at(0)},
    {"length": 70},
    {"kind": "StepLR", "length": 6, "share": 0.5},
    {"kind": "StepLR", "length": 6, "share": 0.5, "every": "batch"},
    {"kind": WARM, "length": 16, "at": at(20)},
    {"kind": WARM, "length": 16, "every": "batch", "at": at(37)},
    {"kind": WARM, "length": 60, "every": "batch", "warmup": 40},
    {"kind": WARM, "warmup": 40, "share": 0.5, "at": at(95)},
    {"kind": "OneCycleLR", "share": 0.3, "at": at(25)},
    {"kind": "OneCycleLR", "share": 0.3, "every": "batch", "at": at(15)},
    {"kind": "OneCycleLR", "share": 0.3, "every": "batch", "length": 100},
    {"kind": "OneCycleLR", "share": 0.3, "length": 100},
    {"kind": "OneCycleLR", "length": 10},
    PLATEAU,
    PLATEAU | {"every": "batch"},
    PLATEAU | {"last": loss(100, 0.25)},
    PLATEAU | {"knee": loss(1, 0.5), "last": loss(100, 0.75)},
    PLATEAU | {"knee": loss(20, 0), "last": loss(100, 0), "length": 2},
    PLATEAU | {"every": "batch", "share": 0.05, "length": 2, "at": at(99)},
]


def numbers(position):
    """What the figure must show, by torch."""
    p = START | position
    mark, length, share = p.get("at", at(60))[0], p["length"], p["share"]
    x, y = p.get("knee", loss(40, 0.3))
    knee, level = (x - 46) / 4, round((362 - y) / 64, 2)
    last = round((362 - p.get("last", loss(100, 0.3))[1]) / 64, 2)
    w = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1, momentum=0.9)

    def make():
        if p["kind"] == "StepLR":
            return lr_scheduler.StepLR(optimizer, length, gamma=share)
        if p["kind"] == "OneCycleLR":
            return lr_scheduler.OneCycleLR(
                optimizer, 0.1, total_steps=length, pct_start=share
            )
        if p["kind"] == "ReduceLROnPlateau":
            return lr_scheduler.ReduceLROnPlateau(
                optimizer, factor=share, patience=length
            )
        if p["kind"] == "CosineAnnealingLR":
            return lr_scheduler.CosineAnnealingLR(
                optimizer, length, eta_min=0.1 * share
            )
        warmup = lr_scheduler.LinearLR(optimizer, share, 1.0, p["warmup"])
        cosine = lr_scheduler.CosineAnnealingLR(optimizer, length)
        return lr_scheduler.SequentialLR(
            optimizer, [warmup, cosine], milestones=[p["warmup"]]
        )

    rates, calls = [], 0
    try:
        scheduler = make()
        for t in range(1, 101):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            if p["every"] == "epoch" and t % 5:
                continue
            if p["kind"] == "ReduceLROnPlateau":
                fall = 1 + (level - 1) * t / knee
                on = level + (last - level) * (t - knee) / (100 - knee)
                scheduler.step(fall if t < knee else on)
            else:
                scheduler.step()
            calls += 1
    except (ValueError, ZeroDivisionError):
        pass
    whole = len(rates) == 100
    iteration = round((mark - 46) / 4)
    return {
        "rate": rates[iteration] if iteration < len(rates) else "–",
        "end": rates[-1] if whole else "–",
        "mean": math.fsum(rates) / 100 if whole else "–",
        "calls": calls,
    }
