"""Paths on three surfaces by the optimizers of torch.optim."""

import math

import torch

START = {
    "surface": "bowl",
    "optimizer": "SGD",
    "k": -23,
    "momentum": 0,
    "steps": 40,
    "curvature": 25,
    "start": (83, 85),
}
UNITS = {"bowl": (18, 0, 0), "gorge": (100, 0, 0.5), "saddle": (100, 0, 0)}
POSITIONS = [
    {},
    {"k": -22, "steps": 50, "start": (65, 121)},
    {"k": -21, "steps": 60},
    {"k": -14, "steps": 200},
    {"k": -20, "curvature": 20, "steps": 31},
    {"k": -28, "momentum": 0.8, "steps": 50},
    {"k": -18, "momentum": 0.9, "optimizer": "Nesterov"},
    {"k": -28, "momentum": 0.8, "optimizer": "Nesterov", "steps": 50},
    {"k": -20, "momentum": 0.44, "optimizer": "Nesterov", "steps": 200},
    {"optimizer": "Nesterov"},
    {"optimizer": "Adam", "momentum": 0.9, "k": -10, "steps": 120},
    {"optimizer": "Adam", "k": 0, "steps": 25},
    {"surface": "gorge", "k": -60, "steps": 200},
    {"surface": "gorge", "k": -58, "momentum": 0.9, "steps": 150},
    {"surface": "gorge", "k": -20, "steps": 9},
    {"surface": "saddle", "k": -20, "steps": 80},
    {"surface": "saddle", "k": -6, "start": (120, 139), "momentum": 0.5},
    {"surface": "saddle", "optimizer": "Adam", "momentum": 0.9, "k": -20},
    {"steps": 0, "start": (245, 220), "curvature": 1},
    {"start": (500, 139), "k": 0, "steps": 12},
    {"k": -20, "momentum": 0.9, "optimizer": "Nesterov", "curvature": 14},
    {"surface": "saddle", "optimizer": "Adam", "k": 0, "start": (250, 139)},
]


def numbers(position):
    """What the figure must show, by torch."""
    at = START | position
    curvature = at["curvature"]
    unit, x, y = UNITS[at["surface"]]
    u, v = min(at["start"][0], 450), at["start"][1]
    corner = ((u - 245) / unit + x, (139 - v) / unit + y)
    start = [math.floor(20 * value + 0.5) / 20 for value in corner]

    def loss_fn(w):
        x, y = w
        if at["surface"] == "bowl":
            return (x**2 + curvature * y**2) / 2
        if at["surface"] == "gorge":
            return (1 - x) ** 2 + 100 * (y - x**2) ** 2
        return x**2 / 2 - y**2 / 2 + y**4 / 4

    w = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    lr = float(f"{10 ** (at['k'] / 20):.2g}")
    none = dict.fromkeys(("x", "y", "loss", "back", "limit"), "–")
    try:
        if at["optimizer"] == "Adam":
            betas = (float(at["momentum"]), 0.999)
            optimizer = torch.optim.Adam([w], lr=lr, betas=betas)
        else:
            optimizer = torch.optim.SGD(
                [w],
                lr=lr,
                momentum=at["momentum"],
                nesterov=at["optimizer"] == "Nesterov",
            )
    except ValueError:
        return none
    path = [w.detach().clone()]
    for _ in range(at["steps"]):
        if w.abs().max() > 1000:
            break
        optimizer.zero_grad()
        loss_fn(w).backward()
        optimizer.step()
        path.append(w.detach().clone())
    moves = torch.stack(path).diff(dim=0)
    back = ((moves[1:] * moves[:-1]).sum(dim=1) < -1e-12).sum().item()
    if w.abs().max() > 1000:
        return none | {"back": back}
    hessian = torch.autograd.functional.hessian(loss_fn, w.detach())
    top = torch.linalg.eigvalsh(hessian).max().item()
    return {
        "x": w[0].item(),
        "y": w[1].item(),
        "loss": loss_fn(w).item(),
        "back": back,
        "limit": 2 / top,
    }
