"""Which inputs an output depends on in each norm, by autograd."""

import torch
from torch import nn


class ChannelsLast(nn.LayerNorm):
    """Layer norm over the channels of each position."""

    def forward(self, X):
        return super().forward(X.mT).mT


NORMS = {
    "BatchNorm1d(4)": nn.BatchNorm1d(4),
    "LayerNorm([4, 4])": nn.LayerNorm([4, 4]),
    "LayerNorm(4), channels last": ChannelsLast(4),
    "InstanceNorm1d(4)": nn.InstanceNorm1d(4),
    "GroupNorm(1, 4)": nn.GroupNorm(1, 4),
    "GroupNorm(2, 4)": nn.GroupNorm(2, 4),
    "GroupNorm(4, 4)": nn.GroupNorm(4, 4),
    "BatchNorm1d(4).eval()": nn.BatchNorm1d(4).eval(),
}


def at(example, channel, position):
    """Where the mark of an input stands, counted from 0."""
    return (42 + 134 * example + 30 * position + 20, 56 + 30 * channel)


POSITIONS = [
    {},
    {"extra": 5},
    {"size": 1},
    {"size": 2, "extra": -4, "cell": at(1, 3, 0)},
    {"norm": "LayerNorm([4, 4])", "cell": at(1, 0, 0), "extra": 3},
    {"norm": "LayerNorm(4), channels last", "cell": at(2, 3, 3)},
    {"norm": "LayerNorm(4), channels last", "size": 1},
    {"norm": "InstanceNorm1d(4)", "cell": at(1, 2, 3)},
    {"norm": "InstanceNorm1d(4)", "extra": 2, "size": 2},
    {"norm": "GroupNorm(1, 4)", "cell": at(2, 0, 1)},
    {"norm": "GroupNorm(2, 4)", "cell": at(0, 2, 1)},
    {"norm": "GroupNorm(2, 4)", "cell": at(2, 1, 3), "extra": 5},
    {"norm": "GroupNorm(4, 4)", "cell": at(1, 1, 1), "extra": -1},
    {"norm": "BatchNorm1d(4).eval()", "cell": at(1, 2, 2), "extra": 4},
    {"cell": at(2, 2, 2), "size": 2},
]


def numbers(position):
    """What the figure must show, by torch."""
    size = position.get("size", 3)
    norm = NORMS[position.get("norm", "BatchNorm1d(4)")].double()
    i = torch.arange(16 * size)
    X = ((i**3 + 2 * i) % 7).double().view(size, 4, 4)
    X += 3 * torch.arange(4).view(4, 1)
    X[1:2] += position.get("extra", 0)
    X.requires_grad_()
    x, y = position.get("cell", at(0, 1, 2))
    example, channel = (x - 62) // 134, (y - 56) // 30
    cell = (min(example, size - 1), channel, (x - 62) % 134 // 30)
    outputs = norm(X)

    def behind(output):
        (slope,) = torch.autograd.grad(output, X, retain_graph=True)
        return slope.abs() > 1e-12

    seen = behind(outputs[cell])
    sets = {tuple(behind(one).flatten().tolist()) for one in outputs.flatten()}
    remembers = isinstance(norm, nn.BatchNorm1d) and not norm.training
    shared = X.detach()[seen]
    mean = norm.running_mean[0] if remembers else shared.mean()
    var = norm.running_var[0] if remembers else shared.var(correction=0)
    return {
        "depends": seen.sum().item(),
        "means": "–" if remembers else len(sets),
        "mean": mean.item(),
        "variance": var.item(),
        "output": outputs[cell].item(),
    }
