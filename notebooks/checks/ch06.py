"""Checks of chapter 6, optimizers."""

import copy
import functools
import inspect
import math

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn, optim
from torch.nn.utils import parameters_to_vector, vector_to_parameters
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from checks.watchers import Largest
from checks.words import (
    call,
    exercise,
    expect,
    is_sequence,
    same_number,
    same_tensor,
    same_value,
)


def _model(width=3):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, width), nn.Tanh(), nn.Linear(width, 2))


def _values(model):
    return parameters_to_vector(model.parameters()).detach().clone()


def _batches(sizes):
    generator = torch.Generator().manual_seed(1)
    return [
        (
            torch.randn(n, 4, generator=generator),
            torch.rand(n, 2, generator=generator) * n,
        )
        for n in sizes
    ]


LOSS = nn.PoissonNLLLoss()  # a mean; input and target play different parts


def _slope(model, X, y):
    """The loss of a batch and its gradient, as one vector."""
    loss = LOSS(model(X), y)
    grads = torch.autograd.grad(loss, list(model.parameters()))
    return loss.item(), parameters_to_vector(grads)


@exercise("6.1")
def count_values(answer):
    model = _model()
    optimizer = optim.SGD(model[0].parameters(), lr=0.1)
    got = call(answer, optimizer)
    expect(got != 2, "count the numbers inside the tensors, not the tensors")
    expect(got != 12, "biases are trained as well")
    same_number(got, 15, "a Linear(4, 3) has 4 * 3 weights and 3 biases")
    optimizer.add_param_group({"params": model[2].parameters(), "lr": 1.0})
    same_number(
        call(answer, optimizer), 23, "an optimizer may have several groups"
    )


@exercise("6.2")
def rates(answer):
    for c in (8.0, 0.5):
        got = call(answer, c)
        expect(
            is_sequence(got, 2),
            "two numbers are asked for: the best rate and the border",
        )
        same_number(
            got[0],
            1 / c,
            "the first rate does not reach 0 in one step; where is "
            "x - lr * c * x equal to 0?",
            name="the best rate",
        )
        same_number(
            got[1],
            2 / c,
            "the border is where a step lands at -x, as far away as before",
            name="the border",
        )


@exercise("6.3")
def scale_rates(answer):
    model = _model()
    optimizer = optim.SGD(
        [
            {"params": model[0].parameters(), "lr": 0.4},
            {"params": model[2].parameters()},
        ],
        lr=0.1,
        momentum=0.9,
        weight_decay=0.2,
    )
    for w in model.parameters():
        w.grad = torch.ones_like(w)
    optimizer.step()  # from now on there are velocities

    def rest():
        held = optimizer.state_dict()
        for group in held["param_groups"]:
            del group["lr"]
        slopes = [w.grad for w in model.parameters()]
        return f"{held} {optimizer.defaults} {_values(model)} {slopes}"

    before = rest()
    call(answer, optimizer, 0.5, mutates=True)
    got = [group["lr"] for group in optimizer.param_groups]
    expect(
        got not in ([0.2, 0.1], [0.4, 0.05]), "there is more than one group"
    )
    expect(rest() == before, "only the rates in the groups should change")
    expect(got != [0.4, 0.1], "the rates in the groups did not change")
    expect(
        math.isclose(got[0], 0.2) and math.isclose(got[1], 0.05),
        "each group should have its own old rate times the factor",
    )


@exercise("6.4")
def distance(answer):
    for steps, lr, momentum in ((1, 0.5, 0.9), (3, 0.1, 0.5), (20, 0.1, 0.9)):
        w = nn.Parameter(torch.zeros(1, dtype=torch.float64))
        optimizer = optim.SGD([w], lr=lr, momentum=momentum)
        for _ in range(steps):
            w.grad = torch.ones_like(w)
            optimizer.step()
        got = call(answer, steps, lr, momentum)
        near = round(got, 6) if isinstance(got, float) else None
        if near == round(w.item(), 6):
            hint = "a distance is positive"
        elif steps == 1:
            hint = "the first step is lr long"
        elif near == round(lr * steps, 6):
            hint = "this is the distance without momentum"
        else:
            hint = (
                "each velocity is momentum times the last one plus 1, "
                "and the distance adds up lr times all velocities"
            )
        same_number(got, -w.item(), hint)


@exercise("6.5")
def make_adamw(answer):
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3)
    )
    model[3].bias.requires_grad_(False)
    model.scale = nn.Parameter(torch.tensor(1.0))
    optimizer = call(answer, model, 0.02, 0.3)
    expect(
        isinstance(optimizer, optim.AdamW),
        "an AdamW optimizer should come back; is a return missing?",
    )
    groups = optimizer.param_groups
    expect(len(groups) == 2, f"two groups are asked for, not {len(groups)}")
    held = [{id(w) for w in group["params"]} for group in groups]
    expect(
        id(model[3].bias) not in held[0] | held[1],
        "a parameter that requires no gradient sits in a group",
    )
    expect(
        {id(model[0].weight), id(model[3].weight)} <= held[0],
        "the first group should hold every parameter with two or more "
        "axes; a kernel has four",
    )
    vectors = (model[0].bias, model[1].weight, model[1].bias, model.scale)
    expect(
        held[1] == set(map(id, vectors)),
        "parameters with one axis or none belong to the second group",
    )
    expect(
        groups[0]["weight_decay"] == 0.3, "the first group should be decayed"
    )
    expect(
        groups[1]["weight_decay"] == 0,
        "the second group should not be decayed; AdamW decays by default",
    )
    expect(
        all(group["lr"] == 0.02 for group in groups),
        "the learning rate did not arrive in both groups",
    )


@exercise("6.6")
def factor(answer):
    wants = {  # (warmup, total): {t: factor}
        (4, 16): {0: 0.25, 2: 0.75, 3: 1, 4: 1, 8: 0.75, 12: 0.25, 16: 0},
        (2, 8): {0: 0.5, 4: 0.75, 5: 0.5, 6: 0.25, 8: 0},
    }
    for (warmup, total), table in wants.items():
        for t, want in table.items():
            got = call(answer, t, warmup, total)
            if t < warmup:
                hint = "the warm-up is (t + 1) / warmup"
            elif t == warmup:
                hint = "the cosine should start at 1 when t equals warmup"
            else:
                hint = "after the warm-up it is no half cosine from 1 to 0"
            expect(t > 0 or got != 0, "the very first rate should not be 0")
            same_number(got, want, hint, name=f"factor({t})")


@exercise("6.7")
def accumulate(answer):
    batches = _batches((2, 5, 1))
    X, y = (torch.cat(part) for part in zip(*batches, strict=True))
    model = _model()
    optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.5)
    start = _values(model)
    loss, whole = _slope(model, X, y)
    parts = torch.stack([_slope(model, *batch)[1] for batch in batches])
    for w in model.parameters():
        w.grad = torch.ones_like(w)  # old gradients
    got = call(answer, model, LOSS, batches, optimizer, mutates=True)
    moved = (start - _values(model)) / 0.05
    expect(moved.any(), "the weights did not move")
    for other, hint in (
        (whole + 1, "the old gradients were still there"),
        (parts.sum(0), "the gradients were added without a weight for each"),
        (parts.mean(0), "each batch counts the same, but they differ in size"),
        (parts[-1] / 8, "only the gradient of the last batch was left"),
    ):
        expect(not torch.allclose(moved, other, atol=1e-3), hint)
    same_tensor(
        _values(model),
        start - 0.05 * whole,
        "one step on all examples at once gives other weights; is there "
        "only one optimizer step?",
        name="the weights after the step",
    )
    same_number(got, loss, "the loss should be the mean over all examples")


@exercise("6.8")
def amsgrad(answer):
    generator = torch.Generator().manual_seed(3)
    other = {"betas": (0.7, 0.8), "eps": 1e-3}
    for options, unit in (({}, 1e-8), (other, 1.0)):  # the defaults as well
        start = torch.randn(5, generator=generator, dtype=torch.float64)
        theirs, plain = (nn.Parameter(start.clone()) for _ in range(2))
        optimizer = optim.Adam([theirs], lr=0.05, amsgrad=True, **options)
        adam = optim.Adam([plain], lr=0.05, **options)
        w, s = start.clone(), {}
        hint = "the first step should be that of Adam, with its betas and eps"
        for scale in [3.0] * 3 + [0.3] * 12 + [3.0] * 5:
            g = torch.randn(5, generator=generator, dtype=torch.float64)
            g *= scale * unit
            w = call(answer, w, g, s, lr=0.05, **options, mutates=True)
            theirs.grad, plain.grad = g.clone(), g.clone()
            optimizer.step()
            adam.step()
            expect(bool(s), "s stayed empty: nothing is remembered")
            expect(
                torch.allclose(theirs, plain, rtol=1e-6)
                or not torch.allclose(w, plain.detach(), rtol=1e-6),
                "this is plain Adam; the maximum plays no part",
            )
            same_tensor(
                w,
                theirs.detach(),
                hint,
                name="the parameter",
                rtol=1e-8,
                atol=1e-10,
            )
            hint = (
                "a later step differs; the maximum is taken of all the "
                "uncorrected averages, the correction comes after"
            )


@exercise("6.9")
def ema(answer):
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    average = call(answer, model, 0.8, mutates=True)
    theirs = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.8))
    theirs.update_parameters(model)  # the first call copies
    for step in range(4):
        with torch.no_grad():
            for w in model.parameters():
                w.add_(0.5 * (step + 1))
        now = _values(model)
        call(average.update, model, mutates=True)
        theirs.update_parameters(model)
        expect(
            torch.equal(_values(model), now), "update changes the model itself"
        )
    got = call(average.averaged)
    expect(isinstance(got, dict), "averaged() should return a dictionary")
    names = [name for name, _ in model.named_parameters()]
    expect(
        set(got) == set(names),
        "the keys should be the names of the parameters",
    )
    for name in names:
        ours, want = got[name], theirs.module.get_parameter(name)
        last = model.get_parameter(name)
        stuck = isinstance(ours, torch.Tensor) and torch.equal(ours, last)
        same_tensor(
            ours,
            want.detach(),
            "the average equals the model; is a copy missing?"
            if stuck
            else "decay belongs to the old average, 1 - decay to the new "
            "weights, from the weights at creation on",
            name=f"the average of {name}",
        )
        expect(
            ours.grad_fn is None,
            "the averages hang on the graph; work without gradients",
        )
    old, other = got["0.weight"].detach().clone(), copy.deepcopy(model)
    nn.init.constant_(other[0].weight, 7.0)
    call(average.update, other, mutates=True)
    same_tensor(
        call(average.averaged)["0.weight"],
        0.8 * old + 0.2 * 7.0,
        "update should take the weights of the model that it is given",
    )


@exercise("6.10")
def train_epoch(answer):
    batches = _batches((3, 3, 1))
    model = _model(width=4)
    model[1] = nn.Sequential(nn.Tanh(), _Spy())
    optimizer = optim.SGD(model.parameters(), lr=0.2, momentum=0.5)
    scheduler = optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    for w in model.parameters():
        w.grad = torch.full_like(w, 100.0)
    model.eval()
    start = _values(model)
    got = call(
        answer,
        model,
        batches,
        LOSS,
        optimizer,
        scheduler,
        1.1,  # the gradient of the second batch alone is longer
        mutates=True,
    )
    expect(not torch.equal(start, _values(model)), "the weights did not move")
    seen = model[1][1].modes
    expect(
        bool(seen) and all(seen),
        "the model computed in evaluation mode; see model.train()",
    )
    expect(
        scheduler.last_epoch == len(batches),
        f"the scheduler stepped {scheduler.last_epoch} times for "
        f"{len(batches)} batches",
    )
    mine, w, v, total = _model(width=4), start, 0.0, 0.0
    for k, (X, y) in enumerate(batches):
        vector_to_parameters(w, mine.parameters())
        loss, g = _slope(mine, X, y)
        total += loss * len(y)
        v = 0.5 * v + g * min(1.0, 1.1 / g.norm().item())
        w = w - 0.2 * 0.5**k * v
    same_tensor(
        _values(model),
        w,
        "the weights differ; check the order: zero_grad, forward, loss, "
        "backward, clip, optimizer, scheduler; a gradient below max_norm "
        "stays as it is",
        name="the weights after the epoch",
    )
    same_number(
        got,
        total / 7,
        "sum up the losses of the steps, each times its number of examples, "
        "and divide by all examples",
        name="the mean loss",
    )


class _Spy(nn.Module):
    """Remember in which mode the model ran."""

    def __init__(self):
        super().__init__()
        self.modes = []

    def forward(self, X):
        self.modes.append(self.training)
        return X


@exercise("6.11")
def lion(answer):
    expect(
        inspect.isclass(answer) and issubclass(answer, optim.Optimizer),
        "a subclass of optim.Optimizer is asked for",
    )
    torch.manual_seed(0)
    a, b = (nn.Parameter(torch.randn(3)) for _ in range(2))
    idle = nn.Parameter(torch.ones(2))
    optimizer = call(
        answer,
        [
            {"params": [idle, a]},
            {"params": [b], "lr": 0.01, "weight_decay": 0.7},
        ],
        lr=0.1,
        betas=(0.6, 0.8),
        weight_decay=0.2,
        mutates=True,
    )
    usual = call(answer, [a], lr=0.3, mutates=True)
    held = [
        [group.get(key) for key in ("lr", "betas", "weight_decay")]
        for group in optimizer.param_groups + usual.param_groups
    ]
    expect(
        held
        == [[0.1, (0.6, 0.8), 0.2], [0.01, (0.6, 0.8), 0.7]]
        + [[0.3, (0.9, 0.99), 0.0]],
        "lr, betas and weight_decay should be in the groups, with their "
        "defaults; pass a dictionary of them to super().__init__",
    )
    want, m = [w.detach().clone() for w in (a, b)], [torch.zeros(3)] * 2
    generator = torch.Generator().manual_seed(1)
    for step in range(8):
        g = torch.randn(3, generator=generator)
        for i, (w, lr, decay) in enumerate(((a, 0.1, 0.2), (b, 0.01, 0.7))):
            w.grad = g.clone()
            u = (0.6 * m[i] + 0.4 * g).sign()
            want[i] = want[i] - lr * (u + decay * want[i])
            m[i] = 0.8 * m[i] + 0.2 * g
        before = a.detach().clone()
        call(optimizer.step, mutates=True)
        expect(
            not torch.equal(a.detach(), before),
            "step() does not change the parameters",
        )
        hint = (
            "the first step is wrong; its direction is the sign of the "
            "gradient, and the decay comes on top"
            if step == 0
            else "the first step is right, a later one is not; which beta "
            "mixes the direction and which the memory?"
        )
        same_tensor(a, want[0], hint, name="the parameter")
        same_tensor(
            b,
            want[1],
            "the first group is right, the second is not; read the rate and "
            "the decay of each group",
            name="the parameter",
        )
    expect(
        torch.equal(idle.detach(), torch.ones(2)),
        "a parameter without gradient moved",
    )
    same_tensor(
        optimizer.state[a].get("m"),
        m[0],
        'the memory should be self.state[w]["m"], so that state_dict saves it',
        name='self.state[w]["m"]',
    )

    asked = []

    def closure():
        asked.append(1)
        optimizer.zero_grad()
        loss = a.square().sum()
        loss.backward()
        return loss

    loss = a.square().sum().item()
    same_tensor(
        call(optimizer.step, closure, mutates=True),
        torch.tensor(loss),
        "the loss is that of the closure, before the step",
        name="what step(closure) returns",
    )
    expect(len(asked) == 1, f"the closure was called {len(asked)} times")
    expect(
        a.square().sum().item() != loss,
        "step(closure) does not change the parameters",
    )


@exercise("6.12")
def largest_rate(answer):
    curvature = torch.linspace(-3, 3, 40, dtype=torch.float64).exp()
    w = curvature.sin()

    def chain(w):
        return curvature @ w**2 + w[1:] @ w[:-1] ** 2 + (w**4).sum()

    values = torch.linalg.eigvalsh(torch.func.hessian(chain)(w))
    with Largest() as largest:
        got = call(answer, chain, w)
    hint = "the rate is not within one percent; does the vector converge?"
    for value, what in (
        (values[-1], "this is the eigenvalue, not the rate"),
        (1 / values[-1], "this is half of the border"),
        (2 / values[0], "this belongs to the smallest eigenvalue"),
    ):
        if isinstance(got, float) and abs(got / value - 1) < 0.01:
            hint = what
    same_number(got, 2 / values[-1].item(), hint, rtol=0.01)
    expect(
        largest.elements < 40 * 40,
        "the rate is right, but a whole Hessian was built for it",
    )


def _digits(rows):
    X, y = map(torch.from_numpy, load_digits(return_X_y=True))
    return X[rows].float() / 8 - 1, y[rows]


class _Patient(nn.Module):
    """A network for digits in which much can go wrong."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Linear(64, 16)
        self.dead = nn.Linear(16, 16)
        self.spare = nn.Linear(16, 16)
        self.gain = nn.Parameter(torch.ones(1))
        self.head = nn.Linear(16, 10)
        self.extra = nn.Linear(1, 1)

    def forward(self, X):
        H = self.stem(X).relu()
        return self.gain * self.head(H + self.dead(H).relu())


@exercise("6.13")
def asleep(answer):
    for decay in (0.0, 0.1):
        torch.manual_seed(0)
        model = _Patient()
        nn.init.constant_(model.dead.bias, -100.0)
        model.stem.bias.requires_grad_(False)
        model.extra.weight.requires_grad_(False)
        idle = [model.head.bias, model.stem.bias, model.spare.bias]
        groups = [
            {"params": [model.stem.weight, *model.dead.parameters()]},
            {"params": [model.head.weight, model.spare.weight]},
            {"params": idle, "lr": 0.0},
        ]
        optimizer = optim.SGD(groups, lr=0.1, weight_decay=decay)
        for w in (*model.spare.parameters(), model.head.weight):
            w.grad = torch.ones_like(w)
        start = _values(model)
        loss_fn = nn.CrossEntropyLoss()
        batch = _digits(slice(50))
        got = call(answer, model, optimizer, loss_fn, *batch, mutates=True)
        want = {
            "gain": "forgotten",
            "stem.bias": "frozen",
            "extra.weight": "frozen",
            "extra.bias": "forgotten",
            "spare.weight": "no gradient",
            "spare.bias": "no gradient",
            "head.bias": "rate 0",
        }
        if not decay:
            want |= dict.fromkeys(
                ("dead.weight", "dead.bias"), "zero gradient"
            )
        expect(isinstance(got, dict), "a dictionary is asked for")
        expect(
            {"spare.weight", "spare.bias"} <= set(got),
            "an old gradient moved a parameter; clear all of them first",
        )
        expect(
            decay == 0 or "dead.weight" not in got,
            "weight decay moves a parameter without any gradient; compare "
            "the values before and after the step",
        )
        same_value(
            set(got),
            set(want),
            "the names should be those of the unchanged parameters, all of "
            "the model's and not only the optimizer's",
            name="the set of names",
        )
        for name, reason in want.items():
            expect(
                got[name] == reason,
                "a reason is wrong; take the first of the list that fits",
            )
        expect(
            torch.equal(_values(model), start),
            "the parameters should have their old values again",
        )


TRAIN, VAL = slice(0, 100), slice(900, 980)  # rows of the digits


def _dropper():
    return nn.Sequential(
        nn.Linear(64, 16), nn.ReLU(), nn.Dropout(0.4), nn.Linear(16, 10)
    )


@functools.cache
def _tuned(lr, seed, steps):
    """The validation loss of a network that was tuned as the exercise asks."""
    train, val = _digits(TRAIN), _digits(VAL)
    torch.manual_seed(seed)
    model = _dropper()
    optimizer = optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(model(train[0]), train[1]).backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        loss = F.cross_entropy(model(val[0]), val[1]).item()
    return loss if math.isfinite(loss) else math.inf


@exercise("6.14")
def pick_rate(answer):
    rates, seeds, steps = (1e30, 0.003, 0.1, 1.5), (3, 1, 2, 5, 4), 12
    runs = {lr: [_tuned(lr, s, steps) for s in seeds] for lr in rates}
    want = {lr: sorted(losses)[2] for lr, losses in runs.items()}
    got = call(
        answer,
        _dropper,
        lambda weights, lr: optim.SGD(weights, lr=lr, momentum=0.9),
        rates,
        seeds,
        _digits(TRAIN),
        _digits(VAL),
        steps,
    )
    expect(
        is_sequence(got, 2),
        "a pair is asked for: the best rate and the medians",
    )
    best, medians = got
    expect(
        isinstance(medians, dict) and set(medians) == set(rates),
        "the dictionary should hold each rate once",
    )
    expect(
        medians[1e30] == math.inf,
        "a loss that is not finite counts as infinite",
    )
    for lr in rates[1:]:
        near = round(medians[lr], 4)
        hint = (
            "the median of the validation losses is another; is every run "
            "seeded, as long as asked for and measured in evaluation mode?"
        )
        if near == round(sum(runs[lr]) / 5, 4):
            hint = "this is the mean of the losses, not their median"
        elif near == round(runs[lr][-1], 4) != round(want[lr], 4):
            hint = "only one of the seeds counts"
        same_number(
            medians[lr], want[lr], hint, rtol=1e-3, name="a median loss"
        )
    expect(best == 0.1, "the best rate has the smallest median loss")
