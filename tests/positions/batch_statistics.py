"""What nn.BatchNorm1d does with a batch of one feature."""

import copy

import torch
from torch import nn

START = {"x1": -1, "x2": 0.5, "x3": 2, "x4": 3, "x5": 5, "x6": 6.5}
CALL = "Call the layer"


def at(value):
    """Where an input stands."""
    return (162 + 34 * value, 132)


POSITIONS = [
    {},
    {"size": 2},
    {"size": 2, "eps": "1", "x2": at(-0.5)},
    {"size": 1},
    {"size": 1, CALL: 1, "training": False},
    {CALL: 3},
    {"momentum": "0.3", CALL: 10, "training": False, "x6": at(8)},
    {"momentum": "None", "size": 4, CALL: 2, "x1": at(6), "weight": -1.5},
    {"size": 3, "momentum": "1", CALL: 1, "training": False, "bias": 2},
    {"size": 2, "x2": at(-1), "weight": 2, "bias": -0.5},
    {"size": 2, "x2": at(-1), CALL: 2, "training": False, "eps": "0.1"},
    {"training": False, CALL: 4, "weight": 0.25},
    {"size": 5, "momentum": "0.5", CALL: 5, "bias": 1.25},
    {"training": False, "x4": at(8), "weight": 2, "bias": 1.5},
    {"weight": 0, "x3": at(-4)},
]


def numbers(position):
    """What the figure must show, by torch."""
    p = {"size": 6, "training": True, "momentum": "0.1", "eps": "1e-05"}
    p |= {"weight": 1, "bias": 0} | START
    layer = nn.BatchNorm1d(1).double()

    def call(layer):
        layer.train(p["training"])
        layer.eps = float(p["eps"])
        fade = p["momentum"]
        layer.momentum = None if fade == "None" else float(fade)
        nn.init.constant_(layer.weight, p["weight"])
        nn.init.constant_(layer.bias, p["bias"])
        inputs = torch.tensor([[p[f"x{i + 1}"]] for i in range(p["size"])])
        try:
            return layer(inputs.double()), inputs.double()
        except ValueError:
            return None, inputs.double()

    for name, value in position.items():
        if name == CALL:
            for _ in range(value):
                call(layer)
        else:
            p[name] = (value[0] - 162) / 34 if name in START else value
    outputs, inputs = call(copy.deepcopy(layer))
    one = p["size"] == 1
    return {
        "own": inputs.mean().item(),
        "biased": inputs.var(correction=0).item(),
        "unbiased": "–" if one else inputs.var().item(),
        "mean": layer.running_mean.item(),
        "variance": layer.running_var.item(),
        "counted": layer.num_batches_tracked.item(),
        "outputs": "–" if outputs is None else outputs.flatten().tolist(),
    }
