"""Softmax with a temperature, cross-entropy and its gradient, by torch."""

import torch
import torch.nn.functional as F

START = {"cat": 2.0, "dog": 1.0, "fox": -1.0, "owl": 0.0}
STEP = "Ten steps downhill"


def at(value, row):
    """Where the handle of a row stands for a logit."""
    return (130 + 10 * value, 66 + 60 * row)


POSITIONS = [
    {},
    {"temperature": 0.5},
    {"temperature": 5, "label": "fox"},
    {"shift": 3, "label": "cat", "temperature": 2},
    {"shift": -2.5, "smoothing": 0.3},
    {"cat": at(0, 0), "dog": at(0, 1), "fox": at(0, 2), "temperature": 0.7},
    {"dog": at(5, 1), "smoothing": 0.1},
    {"dog": at(5, 1), "cat": at(-5, 0), "temperature": 0.5},
    {"fox": at(-9, 2), "label": "fox", "temperature": 0.5},
    {"smoothing": 1, "label": "owl"},
    {"smoothing": 0.2, STEP: 5},
    {STEP: 3, "label": "cat"},
    {"temperature": 0.5, "label": "owl", "smoothing": 0.1, STEP: 1},
    {"shift": 1.5, "owl": at(4, 3), "label": "owl"},
    {"dog": at(2, 1), "label": "owl", "smoothing": 0.5},
    {"dog": at(5, 1), "temperature": 5, STEP: 1},
]


def numbers(position):
    """What the figure must show, by torch."""
    shift = position.get("shift", 0)
    logits = dict(START)
    for name in START.keys() & position.keys():
        logits[name] = (position[name][0] - 130) / 10 - shift
    order = list(position)
    x = torch.tensor([*logits.values()], dtype=torch.float64).clamp(-5, 5)
    x.requires_grad_()

    def loss_fn(settings):
        return F.cross_entropy(
            (x + shift) / settings.get("temperature", 1),
            torch.tensor([*START].index(settings.get("label", "dog"))),
            label_smoothing=settings.get("smoothing", 0),
        )

    optimizer = torch.optim.SGD([x], lr=1.0)
    if STEP in position:  # with the settings made before
        before = {k: position[k] for k in order[: order.index(STEP)]}
        for _ in range(10 * position[STEP]):
            optimizer.zero_grad()
            loss_fn(before).backward()
            optimizer.step()
            x.data.clamp_(-5, 5)
    optimizer.zero_grad()
    loss = loss_fn(position)
    loss.backward()
    probabilities = ((x + shift) / position.get("temperature", 1)).softmax(0)
    onehot = torch.tensor([n == position.get("label", "dog") for n in START])
    smoothing = position.get("smoothing", 0)
    target = (1 - smoothing) * onehot.double() + smoothing / 4
    return {
        "probabilities": probabilities.tolist(),
        "loss": loss.item(),
        "least": torch.distributions.Categorical(target).entropy().item(),
        "gradient": x.grad.tolist(),
        "sum": x.grad.sum().item(),
    }
