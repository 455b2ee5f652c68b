"""One step of a small network with frozen parts, by torch."""

import copy

import torch
import torch.nn.functional as F
from torch import nn

START = {"first": False, "second": False, "third": False, "head": True}
START |= {"optimizer": "all", "mode": "train", "newHead": "no"}
POSITIONS = [
    {},
    {"mode": "frozen"},
    {"mode": "eval"},
    {"first": True, "second": True, "third": True},
    {"first": True, "second": True, "third": True, "mode": "eval"},
    {"first": True, "mode": "frozen"},
    {"second": True, "head": False, "optimizer": "learning"},
    {"first": True, "third": True, "optimizer": "head"},
    {"head": False},
    {"head": False, "mode": "frozen"},
    {"head": False, "optimizer": "learning"},
    {"head": False, "newHead": "before", "optimizer": "learning"},
    {"third": True, "newHead": "after"},
    {"head": False, "newHead": "after", "optimizer": "learning"},
    {"third": True, "newHead": "before", "optimizer": "head"},
    {"third": True, "head": False, "newHead": "after"}
    | {"optimizer": "learning"},
]


def sines(rows, columns, start):
    """A matrix of numbers that look random."""
    return torch.sin(start + 1.7 * torch.arange(rows * columns).double()).view(
        rows, columns
    )


def block(columns, start):
    """Linear, batch norm and ReLU."""
    linear = nn.Linear(columns, 3, bias=False)
    linear.weight.data = sines(3, columns, start)
    norm = nn.BatchNorm1d(3).double()
    nn.init.constant_(norm.bias, 0.2)
    return nn.Sequential(linear, norm, nn.ReLU())


def head(classes, start):
    """A linear layer without bias at first."""
    linear = nn.Linear(3, classes).double()
    linear.weight.data = sines(classes, 3, start)
    nn.init.zeros_(linear.bias)
    return linear


def moved(before, after):
    """The largest difference between two lists of tensors."""
    pairs = zip(before, after, strict=True)
    return max((a - b).abs().max().item() for a, b in pairs)


def numbers(position):
    """What the figure must show, by torch."""
    p = START | position
    model = nn.Sequential(block(2, 0), block(3, 1), block(3, 2), head(2, 5))
    for part, name in zip(model, START, strict=False):
        part.requires_grad_(p[name])
    if p["newHead"] == "before":
        model[3] = head(4, 9)
    given = {
        "all": list(model.parameters()),
        "learning": [w for w in model.parameters() if w.requires_grad],
        "head": list(model[3].parameters()),
    }[p["optimizer"]]
    try:
        optimizer = torch.optim.SGD(given, lr=0.5)
    except ValueError:
        optimizer = None
    if p["newHead"] == "after":
        model[3] = head(4, 9)
    model.train(p["mode"] != "eval")
    for part in model:
        if p["mode"] == "frozen":
            part.train(next(part.parameters()).requires_grad)

    X = sines(6, 2, 0.5) * 3 + torch.tensor([1.0, 0.0])
    y = torch.arange(6) % model[3].out_features
    start = copy.deepcopy(model)
    loss, after, passed = "–", "–", []
    if optimizer:
        hidden = X
        for part in model:
            hidden = part(hidden)
            if hidden.requires_grad:
                hidden.register_hook(passed.append)
        loss = F.cross_entropy(hidden, y)
        try:
            loss.backward()
            optimizer.step()
            after = F.cross_entropy(copy.deepcopy(model)(X), y).item()
        except RuntimeError:
            pass
        loss = loss.item()
    grads = [
        max(w.grad.abs().max().item() for w in part.parameters())
        if next(part.parameters()).grad is not None
        else "None"
        for part in model
    ]
    ids = {id(w) for w in given}
    pairs = list(zip(start, model, strict=True))
    with torch.no_grad():
        old, new = (net[:3].eval()(X) for net in (start, model))
    return {
        "learning": sum(
            w.numel()
            for w in model.parameters()
            if w.requires_grad and id(w) in ids
        ),
        "passes": len(passed),
        "grads": grads,
        "moves": [moved(a.parameters(), b.parameters()) for a, b in pairs],
        "stats": [
            moved([a[1].running_mean], [b[1].running_mean])
            for a, b in pairs[:3]
        ],
        "drift": moved([old], [new]),
        "loss": [loss, after],
    }
