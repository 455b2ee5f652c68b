"""Hooks on a small network, called by torch in torch's order."""

import warnings

import torch
from torch import nn

POSITIONS = [
    {},
    {"step": 0},
    {"step": 4},
    {"step": 9},
    {"backward_pre": True, "weight": True, "step": 18},
    {"weight": True, "step": 12},
    {"second": True, "returns": "both", "step": 9},
    {"second": True, "prepend": True, "returns": "both", "step": 9},
    {"second": True, "returns": "both", "step": 14},
    {"second": True, "forward": False, "prepend": True, "returns": "second"},
    {"returns": "pre", "weight": True, "step": 15},
    {
        "backward_pre": True,
        "weight": True,
        "returns": "backward_pre",
        "step": 18,
    },
    {"weight": True, "returns": "backward", "step": 15},
    {"weight": True, "returns": "weight", "step": 11},
    {"x_grad": False, "step": 11},
    {"x_grad": False, "weight": True, "backward_pre": True, "step": 17},
    {"on": "net", "weight": True, "returns": "forward"},
    {"on": "fc2", "backward_pre": True, "weight": True, "step": 9},
    {"on": "fc1", "second": True, "returns": "second", "step": 6},
    {"on": "fc1", "x_grad": False, "weight": True, "step": 7},
    {"pre": False, "forward": False, "backward": False, "returns": "pre"},
]
START = {"step": 13, "pre": True, "forward": True, "backward_pre": False}
START |= {"backward": True, "weight": False, "on": "all", "second": False}
START |= {"prepend": False, "x_grad": True, "returns": "nothing"}


def first(value):
    """The first number of a tensor, or None; tuples give their first part."""
    if isinstance(value, tuple):
        value = value[0]
    return value if value is None else value.flatten()[0].item()


class Loud(nn.Sequential):
    """A network whose layers write down what they compute."""

    def __init__(self, log):
        super().__init__()
        self.log = log

    def forward(self, X):
        for name, layer in self.named_children():
            layer.forward = self.told(name, type(layer).forward, layer)
            X = layer(X)
        return X

    def told(self, name, forward, layer):
        """The layer's forward, told to the log."""

        def run(X):
            out = forward(layer, X)
            self.log.append((f"{name}()", first(X), first(out)))
            return out

        return run


def register(net, settings, log):
    """Register the hooks that the settings ask for."""
    returns = settings["returns"]

    def note(name, pick, change=None):
        """A hook that writes down what it sees, and may return a change."""

        def hook(*args):
            value = args[pick]
            new = None
            if change is not None:
                one = value[0] if isinstance(value, tuple) else value
                new = change(one)
            log.append(
                (name, first(value), first(value if new is None else new))
            )
            if new is not None and "backward" in name:
                return (new,)
            return new

        return hook

    def tenfold(*kinds):
        return (lambda value: 10 * value) if returns in kinds else None

    for name in ("net", "fc1", "fc2"):
        if settings["on"] not in ("all", name):
            continue
        module = net if name == "net" else net.get_submodule(name)
        own = name == "fc2"
        if settings["pre"]:
            twice = returns == "pre" and name == "net"
            module.register_forward_pre_hook(
                note(f"{name}:pre", 1, (lambda X: 2 * X) if twice else None)
            )
        if settings["forward"]:
            change = tenfold("forward", "both") if own else None
            module.register_forward_hook(note(f"{name}:forward", 2, change))
        if settings["backward_pre"]:
            change = tenfold("backward_pre") if own else None
            module.register_full_backward_pre_hook(
                note(f"{name}:backward_pre", 1, change)
            )
        if settings["backward"]:
            change = tenfold("backward") if own else None
            module.register_full_backward_hook(
                note(f"{name}:backward", 1, change)
            )
        if settings["weight"] and name != "net":
            change = tenfold("weight") if own else None
            module.weight.register_hook(note(f"{name}.weight", 0, change))
    if settings["second"]:
        change = (
            (lambda out: out + 1) if returns in ("second", "both") else None
        )
        net.fc2.register_forward_hook(
            note("fc2:second", 2, change), prepend=settings["prepend"]
        )


def numbers(position):
    """What the figure must show, by torch."""
    settings = START | position
    log = []
    net = Loud(log)
    net.add_module("fc1", nn.Linear(3, 4))
    net.add_module("relu", nn.ReLU())
    net.add_module("fc2", nn.Linear(4, 1))
    for parameter in net.parameters():
        nn.init.ones_(parameter)
    nn.init.zeros_(net.fc1.bias)
    register(net, settings, log)
    X = torch.ones(1, 3, requires_grad=settings["x_grad"])
    with warnings.catch_warnings():
        # that no input of a module with a backward hook requires a gradient
        warnings.filterwarnings("ignore", "Full backward hook is firing")
        output = net(X)
        forward = len(log)
        log.append(("backward()", output.item(), 1.0))
        output.backward()
    step = min(settings["step"], len(log))
    _, sees, passes = log[step - 1] if step else (None, "–", "–")
    grads = {"w1": net.fc1.weight.grad, "w2": net.fc2.weight.grad, "x": X.grad}
    if step == len(log):
        grads = {name: first(grad) for name, grad in grads.items()}
    else:
        grads = dict.fromkeys(grads, "–")
    shown = {"sees": sees, "passes": passes} | grads
    shown = {k: "None" if v is None else v for k, v in shown.items()}
    shown["output"] = output.item() if step >= forward else "–"
    shown["calls"] = [name for name, *_ in log[:step]] or "none"
    return shown
