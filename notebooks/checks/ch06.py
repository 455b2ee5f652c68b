"""Checks of chapter 6, optimizers."""

import inspect
import math

import torch
from torch import nn, optim

from checks import Hint, call, exercise, expect, same_number, same_tensor

# the first optimizer of a process imports much of torch: let that happen
# here, and not within the time limit of an answer
optim.SGD([nn.Parameter(torch.zeros(1))])


def _model(seed=0, width=3):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, width), nn.Tanh(), nn.Linear(width, 2))


def _values(model):
    return torch.cat([w.detach().flatten() for w in model.parameters()])


def _batches(sizes, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return [
        (
            torch.randn(n, 4, generator=generator),
            torch.randn(n, 2, generator=generator) * n,
        )
        for n in sizes
    ]


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
            isinstance(got, (tuple, list)) and len(got) == 2,
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
    )
    before = _values(model)
    call(answer, optimizer, 0.5, mutates=True)
    got = [group["lr"] for group in optimizer.param_groups]
    expect(len(got) == 2, "the number of groups should stay")
    expect(got != [0.4, 0.1], "the rates in the groups did not change")
    expect(
        got != [0.2, 0.1] and got != [0.4, 0.05],
        "there is more than one group",
    )
    expect(
        math.isclose(got[0], 0.2) and math.isclose(got[1], 0.05),
        "each group should have its own old rate times the factor",
    )
    expect(
        all(group["momentum"] == 0.9 for group in optimizer.param_groups)
        and torch.equal(before, _values(model)),
        "only the rates should change",
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
        if isinstance(got, (int, float)):
            expect(
                not math.isclose(got, w.item(), rel_tol=1e-6),
                "a distance is positive",
            )
            plain = lr * steps
            expect(
                steps == 1 or not math.isclose(got, plain, rel_tol=1e-6),
                "this is the distance without momentum",
            )
        hint = (
            "the first step is lr long"
            if steps == 1
            else "each velocity is momentum times the last one plus 1, "
            "and the distance adds up lr times all velocities"
        )
        same_number(got, -w.item(), hint)


@exercise("6.5")
def make_adamw(answer):
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3)
    )
    model[3].bias.requires_grad_(False)
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
    matrices = {id(model[0].weight), id(model[3].weight)}
    expect(
        matrices <= held[0],
        "the first group should hold every parameter with two or more "
        "axes; a kernel has four",
    )
    vectors = {id(model[i].bias) for i in (0, 1)} | {id(model[1].weight)}
    expect(
        held[0] == matrices and held[1] == vectors,
        "parameters with one axis belong to the second group",
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
    for t, want in ((0, 0.25), (3, 1.0)):
        got = call(answer, t, 4, 20)
        expect(t > 0 or got != 0, "the very first rate should not be 0")
        same_number(
            got, want, "the warm-up is (t + 1) / warmup", name=f"factor({t})"
        )
    same_number(
        call(answer, 4, 4, 20),
        1.0,
        "the cosine should start at 1 when t equals warmup",
        name="factor(4)",
    )
    same_number(
        call(answer, 20, 4, 20),
        0.0,
        "the cosine should reach 0 at t = total",
        name="factor(20)",
    )
    for t in (8, 12, 17):
        want = (1 + math.cos(math.pi * (t - 4) / 16)) / 2
        same_number(
            call(answer, t, 4, 20),
            want,
            "between warm-up and end the curve is no half cosine",
            name=f"factor({t})",
        )


@exercise("6.7")
def accumulate(answer):
    batches = _batches((2, 5, 1))
    loss_fn = nn.MSELoss()
    X, y = (torch.cat(part) for part in zip(*batches, strict=True))
    ours, theirs = _model(), _model()
    optimizer = optim.SGD(ours.parameters(), lr=0.05, momentum=0.5)
    for w in ours.parameters():
        w.grad = torch.ones_like(w)  # old gradients
    start = _values(ours)
    got = call(answer, ours, loss_fn, batches, optimizer, mutates=True)
    reference = optim.SGD(theirs.parameters(), lr=0.05, momentum=0.5)
    whole = loss_fn(theirs(X), y)
    whole.backward()
    gradient = torch.cat([w.grad.flatten() for w in theirs.parameters()])
    reference.step()
    moved = (start - _values(ours)) / 0.05
    expect(not torch.equal(start, _values(ours)), "the weights did not move")
    expect(
        not torch.allclose(moved, gradient + 1, atol=1e-3),
        "the old gradients were still there",
    )
    with torch.no_grad():
        middle = _model()
        parts = []
        for A, b in batches:
            with torch.enable_grad():
                middle.zero_grad()
                loss_fn(middle(A), b).backward()
            parts.append(
                torch.cat([w.grad.flatten() for w in middle.parameters()])
            )
    parts = torch.stack(parts)
    expect(
        not torch.allclose(moved, parts.sum(0), atol=1e-3),
        "the gradients were added without a weight for each batch",
    )
    expect(
        not torch.allclose(moved, parts.mean(0), atol=1e-3),
        "each batch counts the same, but they differ in size",
    )
    same_tensor(
        _values(ours),
        _values(theirs),
        "one step on all examples at once gives other weights; is there "
        "only one optimizer step?",
        name="the weights after the step",
    )
    same_number(
        got, whole.item(), "the loss should be the mean over all examples"
    )


@exercise("6.8")
def amsgrad(answer):
    generator = torch.Generator().manual_seed(3)
    start = torch.randn(5, generator=generator, dtype=torch.float64)
    options = {"lr": 0.05, "betas": (0.7, 0.8), "eps": 1e-3}
    theirs = nn.Parameter(start.clone())
    plain = nn.Parameter(start.clone())
    optimizer = optim.Adam([theirs], amsgrad=True, **options)
    adam = optim.Adam([plain], **options)
    w, s = start.clone(), {}
    for step in range(20):
        scale = 3.0 if step < 3 else 0.3
        g = scale * torch.randn(5, generator=generator, dtype=torch.float64)
        w = call(answer, w, g, s, **options, mutates=True)
        theirs.grad, plain.grad = g.clone(), g.clone()
        optimizer.step()
        adam.step()
        if step == 0:
            same_tensor(
                w,
                theirs.detach(),
                "the first step should be that of Adam",
                name="the parameter",
            )
    same_tensor(
        torch.as_tensor(s.get("t", 20)),
        torch.tensor(20),
        "s should carry the step count from call to call",
        name="the step count",
    ) if "t" in s else expect(bool(s), "s stayed empty: nothing is remembered")
    if torch.allclose(w, plain.detach(), rtol=1e-6):
        raise Hint("this is plain Adam; the maximum plays no part")
    same_tensor(
        w,
        theirs.detach(),
        "after 20 steps the parameter differs; the maximum is taken of the "
        "uncorrected average, the correction comes after",
        name="the parameter",
        rtol=1e-8,
        atol=1e-10,
    )


@exercise("6.9")
def ema(answer):
    model = _model()
    before = {n: w.detach().clone() for n, w in model.named_parameters()}
    average = call(answer, model, 0.8, mutates=True)
    want = {name: w.clone() for name, w in before.items()}
    for step in range(4):
        with torch.no_grad():
            for w in model.parameters():
                w.add_(0.5 * (step + 1))
        now = {n: w.detach().clone() for n, w in model.named_parameters()}
        call(average.update, model, mutates=True)
        for name, w in model.named_parameters():
            expect(
                torch.equal(w.detach(), now[name]),
                "update changes the model itself",
            )
            want[name] = 0.8 * want[name] + 0.2 * now[name]
    got = call(average.averaged)
    expect(isinstance(got, dict), "averaged() should return a dictionary")
    expect(
        set(got) == set(want),
        "the keys should be the names of the parameters",
    )
    for name, tensor in want.items():
        if isinstance(got[name], torch.Tensor):
            expect(
                not torch.allclose(got[name].detach(), now[name]),
                "the average equals the model; is a copy missing?",
            )
            expect(
                not got[name].requires_grad,
                "the averages hang on the graph; work without gradients",
            )
        same_tensor(
            got[name],
            tensor,
            "decay belongs to the old average, 1 - decay to the new "
            "weights, from the weights at creation on",
            name=f"the average of {name}",
        )


@exercise("6.10")
def train_epoch(answer):
    batches = _batches((3, 3, 1))
    loss_fn = nn.MSELoss()

    def parts():
        model = _model(width=4)
        model[1] = nn.Sequential(nn.Tanh(), _Spy())
        optimizer = optim.SGD(model.parameters(), lr=0.2, momentum=0.5)
        scheduler = optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
        return model, optimizer, scheduler

    model, optimizer, scheduler = parts()
    for w in model.parameters():
        w.grad = torch.full_like(w, 100.0)
    model.eval()
    start = _values(model)
    got = call(
        answer,
        model,
        batches,
        loss_fn,
        optimizer,
        scheduler,
        0.3,
        mutates=True,
    )
    mine, my_optimizer, my_scheduler = parts()
    total = 0.0
    for X, y in batches:
        my_optimizer.zero_grad()
        loss = loss_fn(mine(X), y)
        loss.backward()
        nn.utils.clip_grad_norm_(mine.parameters(), 0.3)
        my_optimizer.step()
        my_scheduler.step()
        total += loss.item() * len(y)
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
    same_tensor(
        _values(model),
        _values(mine),
        "the weights differ; check the order: zero_grad, forward, loss, "
        "backward, clip, optimizer, scheduler",
        name="the weights after the epoch",
    )
    same_number(
        got,
        total / 7,
        "the batches differ in size: weigh each loss by its examples",
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
    start = [w.detach().clone() for w in (a, b)]
    optimizer = call(
        answer,
        [{"params": [a, idle]}, {"params": [b], "lr": 0.01}],
        lr=0.1,
        betas=(0.6, 0.8),
        weight_decay=0.2,
        mutates=True,
    )
    expect(
        [group.get("lr") for group in optimizer.param_groups] == [0.1, 0.01],
        "lr should be in the groups; pass a dictionary of defaults to "
        "super().__init__",
    )
    want, m = [w.clone() for w in start], [torch.zeros(3), torch.zeros(3)]
    generator = torch.Generator().manual_seed(1)
    for step in range(8):
        for i, (w, lr) in enumerate(((a, 0.1), (b, 0.01))):
            g = torch.randn(3, generator=generator)
            w.grad = g.clone()
            u = (0.6 * m[i] + 0.4 * g).sign()
            want[i] = want[i] - lr * (u + 0.2 * want[i])
            m[i] = 0.8 * m[i] + 0.2 * g
        call(optimizer.step, mutates=True)
        expect(
            step > 0 or not torch.equal(a.detach(), start[0]),
            "step() does not change the parameters",
        )
        hint = (
            "the first step is wrong; its direction is the sign of the "
            "gradient, and the decay comes on top"
            if step == 0
            else "the first step is right, a later one is not; which beta "
            "mixes the direction and which the memory?"
        )
        for w, value in ((a, want[0]), (b, want[1])):
            same_tensor(w, value, hint, name="the parameter")
    expect(
        torch.equal(idle.detach(), torch.ones(2)),
        "a parameter without gradient moved",
    )
    expect(
        "m" in optimizer.state[a],
        'the memory should be self.state[w]["m"], so that state_dict saves it',
    )
    same_tensor(optimizer.state[a]["m"], m[0], "m is wrong", name="m")


@exercise("6.12")
def largest_rate(answer):
    generator = torch.Generator().manual_seed(0)
    A = torch.randn(6, 6, generator=generator, dtype=torch.float64)
    A = A @ A.T + torch.eye(6, dtype=torch.float64)
    w = torch.randn(6, generator=generator, dtype=torch.float64)

    def quadratic(w):
        return 0.5 * w @ A @ w

    def quartic(w):
        return quadratic(w) + (w**4).sum()

    for function in (quadratic, quartic):
        hessian = torch.func.hessian(function)(w)
        values = torch.linalg.eigvalsh(hessian)
        got = call(answer, function, w)
        if isinstance(got, (int, float)) and not math.isnan(got):
            for value, what in (
                (values[-1].item(), "this is the eigenvalue, not the rate"),
                (1 / values[-1].item(), "this is half of the border"),
                (2 / values[0].item(), "this belongs to the smallest"),
            ):
                expect(not math.isclose(got, value, rel_tol=0.01), what)
        same_number(
            got,
            2 / values[-1].item(),
            "the rate is not within one percent; does the vector converge?",
            rtol=0.01,
        )
