"""A small graph, run by autograd with hooks on its nodes.

The engine runs one node after the other; what each hands on, and what the
leaves hold at that time, is written down by hooks.
"""

import torch

POSITIONS = [
    {},
    {"step": 0},
    {"step": 3},
    {"step": 5, "passes": 2},
    {"step": 7},
    {"step": 8, "w": 0.25},
    {"step": 9, "x": -1.5, "loss": "square"},
    {"x": -2, "w": 1},
    {"x": -1, "w": 1},
    {"loss": "tanh"},
    {"loss": "tanh", "x": 0.5, "w": -0.75, "passes": 3},
    {"detach": "a"},
    {"detach": "b", "passes": 1},
    {"detach": "b", "w_grad": False, "loss": "square"},
    {"w_grad": False, "step": 8},
    {"x_grad": False, "step": 9},
    {"x_grad": False, "detach": "a", "loss": "square", "x": -0.5},
    {"x_grad": False, "w_grad": False, "step": 5},
    {"detach": "a", "w_grad": False, "step": 5},
    {"x": 0, "w": -1, "loss": "square"},
]
START = {"step": 10, "x": 2, "w": 1, "loss": "relu", "detach": "none"}
START |= {"x_grad": True, "w_grad": True, "passes": 0}
LOSSES = {
    "relu": torch.relu,
    "square": lambda y: (y - 3).square(),
    "tanh": torch.tanh,
}


def play(x, w, settings, events):
    """One pass; tells `events` what each node handed on."""
    a, b = x + w, w + 1
    if settings["detach"] == "a":
        a = a.detach()
    if settings["detach"] == "b":
        b = b.detach()
    y = a * b
    loss = LOSSES[settings["loss"]](y)
    for name, tensor in (("y", y), ("b", b), ("a", a)):
        if tensor.grad_fn:
            # called when the tensor's own node has run
            tensor.grad_fn.register_hook(
                lambda sent, _, name=name: events.append((name, sent))
            )
    if y.requires_grad:
        y.register_hook(lambda grad: events.append(("loss", [grad])))
    if loss.requires_grad:
        loss.backward()
    return loss


def numbers(position):
    """What the figure must show, by torch."""
    settings = START | position
    x, w = (
        torch.tensor(
            float(settings[name]),
            dtype=torch.float64,
            requires_grad=settings[f"{name}_grad"],
        )
        for name in "xw"
    )
    for _ in range(settings["passes"]):
        play(x, w, settings, [])
    kept = {
        leaf: None if leaf.grad is None else leaf.grad.clone()
        for leaf in (x, w)
    }
    events = []
    loss = play(x, w, settings, events)
    seed = 5
    happened = max(0, settings["step"] - seed)
    if happened > len(events):
        kept = {leaf: leaf.grad for leaf in (x, w)}
    shown = dict.fromkeys(("at_y", "at_a", "at_b", "through_a", "through_b"))
    for name, sent in events[:happened]:
        if name == "loss":
            shown["at_y"] = sent[0]
        if name == "y":
            shown["at_a"], shown["at_b"] = sent
        if name == "a":
            shown["through_a"] = sent[1]
        if name == "b":
            shown["through_b"] = sent[0]
    shown = {k: "–" if v is None else v.item() for k, v in shown.items()}
    shown["loss"] = loss.item() if settings["step"] >= 4 else "–"
    for name, leaf in (("x_grad", x), ("w_grad", w)):
        shown[name] = "None" if kept[leaf] is None else kept[leaf].item()
    return shown
