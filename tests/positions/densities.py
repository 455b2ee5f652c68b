"""Two densities, their divergence and the pull of three losses, by torch."""

import math

import torch
import torch.nn.functional as F
from torch.distributions import Categorical, MixtureSameFamily, Normal

from cells import definitions

CHAPTER = definitions("11_gan", ["kl", "js"], torch=torch)
PRESS = "20 steps downhill"
LINE = torch.linspace(-12, 12, 2401, dtype=torch.float64)
STEP = 0.01


def peak(mean, width):
    """Where the handle stands for a generator."""
    height = 1 / (width * math.sqrt(2 * math.pi))
    return (40 + 406 * (mean + 8) / 16, 136 - 104 * height / 1.1)


POSITIONS = [
    {},
    {"mean": 6, "width": 0.4},
    {"mean": -6, "width": 1.5},
    {"mean": -1.5, "width": 0.4},  # on one bump alone
    {"mean": 1.2, "width": 0.6},
    {"mean": -0.4, "width": 1.5},
    {"data": "one", "mean": 0, "width": 0.6},  # equal
    {"data": "one", "mean": 0.1, "width": 0.6},
    {"data": "one", "mean": 5, "width": 0.5},
    {"peak": peak(2.3, 1.0)},
    {"peak": peak(-3.1, 0.55), "data": "one"},
    {PRESS: 3},  # the minimax generator stays where it is
    {"loss": "saturating", PRESS: 1},
    {"loss": "wasserstein", PRESS: 3},
    {"mean": 2.5, PRESS: 2},
    {"data": "one", "mean": -2, "loss": "saturating", PRESS: 2},
    {"data": "one", "mean": 0, "width": 0.4},  # they cross in the middle
    {"data": "one", "mean": -0.1, "width": 0.6}
    | {"loss": "saturating", PRESS: 4},
]


def source(name):
    """The data: the chapter's two bumps, or one."""
    if name == "one":
        return Normal(*torch.tensor([0, 0.6]).double())
    return MixtureSameFamily(
        Categorical(torch.tensor([0.6, 0.4]).double()),
        Normal(
            torch.tensor([-1.5, 1.2]).double(),
            torch.tensor([0.4, 0.6]).double(),
        ),
    )


def losses(log_p, mean, width):
    """The generator's three losses, and both densities."""
    log_q = Normal(mean, width).log_prob(LINE)
    p, q = log_p.exp(), log_q.exp()
    logit = (log_p - log_q).detach()  # of the best D, which stands still
    gap = (q - p).cumsum(0) * STEP  # of the distribution functions
    gap = gap.where(gap.abs() > 1e-9, 0)  # they cross: rounding has no sign
    return {
        "minimax": (q * -F.softplus(logit)).sum() * STEP,
        "saturating": (q * F.softplus(-logit)).sum() * STEP,
        "wasserstein": gap.abs().sum() * STEP,
    }, (p, q)


def divergence(log_p, mean, width):
    """The Jensen-Shannon divergence; no density that is 0 hurts it."""
    log_q = Normal(mean, width).log_prob(LINE)
    middle = torch.logaddexp(log_p, log_q) - math.log(2)
    sums = [
        F.kl_div(middle, one, log_target=True, reduction="sum")
        for one in (log_p, log_q)
    ]
    return sum(sums) / 2 * STEP


def numbers(position):
    """What the figure must show, by distributions and autograd."""
    mean, width = position.get("mean", 4.5), position.get("width", 0.8)
    if "peak" in position:
        x, y = position["peak"]
        mean = round((x - 40) / 406 * 16 - 8, 1)
        height = (136 - y) / 104 * 1.1
        width = round(1 / (height * math.sqrt(2 * math.pi)), 2)
    mean = torch.tensor(mean, dtype=torch.float64, requires_grad=True)
    log_p = source(position.get("data", "two")).log_prob(LINE)
    optimizer = torch.optim.SGD([mean], lr=0.05)
    for _ in range(20 * position.get(PRESS, 0)):
        optimizer.zero_grad()
        loss = losses(log_p, mean, width)[0][position.get("loss", "minimax")]
        loss.backward()
        optimizer.step()
    values, (p, q) = losses(log_p, mean, width)
    js = divergence(log_p, mean, width)
    assert abs(js - CHAPTER["js"](p, q, STEP)) < 1e-6
    gradients = {
        name: torch.autograd.grad(loss, mean, retain_graph=True)[0].item()
        for name, loss in values.items()
    }
    # the minimax gradient is twice that of the divergence
    (slope,) = torch.autograd.grad(js, mean)
    assert abs(gradients["minimax"] - 2 * slope.item()) < 1e-4
    return {
        "mean": mean.item(),
        "js": js.item(),
        "d_loss": math.log(4) - 2 * js.item(),
        "w": values["wasserstein"].item(),
        **gradients,
    }
