"""Checks of chapter 7, hooks."""

import copy
import functools
import tempfile
from pathlib import Path

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.tensorboard import SummaryWriter

from checks.words import (
    Hint,
    call,
    call_by_hand,
    exercise,
    expect,
    is_sequence,
    is_tensor,
    same_number,
    same_tensor,
    same_value,
)


def _mlp():
    torch.manual_seed(0)
    inner = nn.Sequential(nn.Tanh(), nn.Linear(6, 3))
    return nn.Sequential(nn.Flatten(), nn.Linear(4, 6), inner)


def _conv_net():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 5, 3),
        nn.ReLU(inplace=True),
        nn.Conv2d(5, 4, 3),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(16, 3),
    )


def _modes(model):
    return [module.training for module in model.modules()]


def _left_alone(model, modes):
    for module in model.modules():
        expect(
            not module._forward_hooks and not module._forward_pre_hooks,
            "a hook is left behind on the model",
        )
    expect(
        _modes(model) == modes,
        "the model's mode has changed; put back that of each module",
    )


def _left_alone_after_an_error(answer, model):
    modes = _modes(model)
    try:
        answer(model, torch.zeros(1))
    except Exception:
        _left_alone(model, modes)


def _same_grads(model):
    expect(
        all(
            p.grad is not None and torch.equal(p.grad, torch.ones_like(p))
            for p in model.parameters()
        ),
        "the model's own gradients have changed",
    )


def _same_settings(model, kind):
    expect(
        all(getattr(module, "inplace", True) for module in model.modules()),
        f"an in-place {kind} of the model is no longer in place; put it back",
    )
    expect(
        all(p.requires_grad for p in model.parameters()),
        "a parameter of the model no longer requires a gradient; put it back",
    )


@exercise("7.1")
def watch(answer):
    base = torch.tensor([1.0, 2.0], requires_grad=True)
    for t in (base, 3 * base):  # a leaf, and what an operation made
        base.grad, seen = None, []
        handle = call(answer, t, seen, mutates=True)
        expect(
            handle is not seen and hasattr(handle, "remove"),
            "return the handle that the registration gives",
        )
        t.square().sum().backward(retain_graph=True)
        (5 * t).sum().backward(retain_graph=True)
        expect(len(seen) == 2, "each backward should append one gradient")
        first, second = 2 * t.detach(), torch.full((2,), 5.0)
        for got, want in zip(seen, (first, second), strict=True):
            same_tensor(
                got,
                want,
                "the list should hold each gradient itself; what shares its "
                "memory may change later",
            )
        same_tensor(
            base.grad,
            (first + second) * (1 if t is base else 3),
            "the gradient that flows on has changed; what does the hook "
            "return?",
        )
        handle.remove()
        t.sum().backward()
        expect(len(seen) == 2, "after remove() the hook should be silent")


@exercise("7.2")
def pair(answer):
    expect(
        is_sequence(answer, 2),
        "two numbers are asked for: w.grad and x.grad",
    )
    hints = {
        (15, 6): "w reaches y by two paths, and only one passes the hook",
        (5, 2): "these are the gradients without the hook",
    }
    same_number(
        answer[0],
        9,
        hints.get(
            tuple(answer),
            "add what comes through a, after the hook, and through b",
        ),
        name="w.grad",
    )
    same_number(
        answer[1],
        6,
        "the gradient at a is b = 2 before the hook",
        name="x.grad",
    )


@exercise("7.3")
def limit_gradients(answer):
    model = _mlp()
    X = torch.randn(8, 4) * 5

    def gradients():
        model.zero_grad()
        (model(X).square().sum() * 10).backward()
        return [p.grad.clone() for p in model.parameters()]

    plain = gradients()
    arrived = []
    for p in model.parameters():
        p.register_hook(lambda grad: arrived.append((grad, grad.clone())))
    handles = call(answer, model, 0.5, mutates=True)
    expect(
        isinstance(handles, (list, tuple))
        and all(hasattr(handle, "remove") for handle in handles),
        "return the list of handles",
    )
    limited = gradients()
    expect(
        all(torch.equal(grad, kept) for grad, kept in arrived),
        "the hook changes its argument; let it return a new tensor",
    )
    if all(map(torch.allclose, limited, plain)):
        hint = "nothing is limited; a hook has to return the new gradient"
    elif any(grad.abs().max() > 0.5001 for grad in limited):
        hint = (
            "a number is above limit or below -limit; biases are parameters "
            "too, and so are those of nested modules"
        )
    else:
        hint = "limit every number by itself; the others stay as they are"
    want = [grad.clamp(-0.5, 0.5) for grad in plain]
    expect(all(map(torch.allclose, limited, want)), hint)
    (model(X).square().sum() * 10).backward()
    for p, grad in zip(model.parameters(), want, strict=True):
        expect(
            torch.allclose(p.grad, 2 * grad),
            "limit what each backward adds, not what has added up",
        )
    for handle in handles:
        handle.remove()
    expect(
        all(map(torch.allclose, gradients(), plain)),
        "after removing the handles the gradients should be as usual",
    )


class _Cut(nn.Sequential):
    """A network that does more than to call its children in turn."""

    def forward(self, X):
        return super().forward(X[:, :, :8, :8])


@exercise("7.4")
def output_shapes(answer):
    model = _Cut(
        nn.Conv2d(3, 5, 3),
        nn.Sequential(nn.ReLU(), nn.Flatten()),
        nn.Linear(180, 2),
    )
    model[1].eval()  # each module has a mode of its own
    modes = _modes(model)
    X = torch.zeros(2, 3, 9, 9)
    got = call(answer, model, X, mutates=True)
    expect(isinstance(got, dict), "a dictionary is asked for")
    expect(
        "" not in got and "1" not in got,
        "only modules without children are asked for",
    )
    right = {
        "0": (2, 5, 6, 6),
        "1.0": (2, 5, 6, 6),
        "1.1": (2, 180),
        "2": (2, 2),
    }
    expect(
        set(got) == set(right),
        "the keys should be the full names, as named_modules gives them",
    )
    for name, shape in right.items():
        expect(
            tuple(got[name]) == shape,
            "a shape is not that of this module's output",
        )
        expect(type(got[name]) is tuple, "give each shape as a plain tuple")
    _left_alone(model, modes)
    _left_alone_after_an_error(answer, model)


@exercise("7.5")
def linear_backward(answer):
    generator = torch.Generator().manual_seed(3)
    X, W, G = (
        torch.randn(*s, generator=generator) for s in ((5, 4), (3, 4), (5, 3))
    )
    got = call_by_hand(answer, X, W, G)
    expect(
        is_sequence(got, 3),
        "three tensors are asked for",
    )
    is_tensor(got[0], shape=X.shape, name="grad_input")
    same_tensor(got[0], G @ W, "every input reaches all outputs by W")
    is_tensor(got[1], shape=W.shape, name="the gradient by W")
    same_tensor(
        got[1],
        torch.einsum("no,ni->oi", G, X),
        "the gradient by W adds up over the batch",
    )
    is_tensor(got[2], shape=(3,), name="the gradient by b")
    same_tensor(
        got[2], G.sum(0), "b is added to every example: sum, do not average"
    )


@exercise("7.6")
def record(answer):
    layer = nn.Linear(2, 2)
    X = torch.ones(1, 2)
    manager = call(answer, layer, mutates=True)
    expect(
        hasattr(manager, "__enter__") and hasattr(manager, "__exit__"),
        "a class for a with block needs __enter__ and __exit__",
    )
    layer(X)
    with manager as outputs:  # a Hint raised in here could be swallowed
        early = list(outputs) if isinstance(outputs, list) else None
        first = layer(X)
        layer(2 * X)
    expect(early is not None, "__enter__ should return a list")
    expect(not early, "calls before the block should not be recorded")
    expect(len(outputs) == 2, "every call in the block gives one output")
    layer(X)
    expect(len(outputs) == 2, "after the block the hook should be gone")
    same_tensor(outputs[0], first.detach(), "record the outputs of the module")
    expect(not outputs[0].requires_grad, "detach the outputs")
    expect(
        first.requires_grad,
        "the module's own output has changed; what does the hook return?",
    )
    expect(
        outputs[0].data_ptr() != first.data_ptr(),
        "clone the outputs, they may be overwritten later",
    )
    try:
        with call(answer, layer, mutates=True) as outputs:
            early = list(outputs)
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    else:
        raise Hint("an error in the block should reach the caller")
    expect(not early, "each block begins with an empty list of its own")
    _left_alone(layer, [True])


class _Affine(nn.Module):
    def forward(self, X, factor=1.0, shift=0.0):
        return factor * X + shift


@exercise("7.7")
def set_defaults(answer):
    module = _Affine()
    X = torch.ones(2)
    handle = call(answer, module, factor=3.0, shift=1.0, mutates=True)
    for given, want, hint in (
        ({}, 4, "a call without keywords gets the defaults"),
        (
            {"factor": 5.0},
            6,
            "what the caller names should win, and the rest keep their "
            "defaults",
        ),
        (
            {"shift": 0.0},
            3,
            "what the caller names should win, a 0 too; and the defaults may "
            "not change from call to call",
        ),
    ):
        same_tensor(call(module, X, **given), want * X, hint)
    expect(hasattr(handle, "remove"), "return the handle")
    handle.remove()
    same_tensor(module(X), X, "after remove() nothing should be changed")
    call(answer, module, factor=3.0, mutates=True)
    same_tensor(
        call(module, X, shift=1.0),
        4 * X,
        "a keyword that has no default is lost on the way",
    )


@exercise("7.8")
def dead_shares(answer):
    model = nn.Sequential(
        nn.Conv2d(1, 4, 1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(16, 5),
        nn.ReLU(),
    )
    with torch.no_grad():
        model[0].weight.fill_(1.0)
        model[0].bias.copy_(torch.tensor([0.0, -9.0, -1.5, 1.0]))
        model[3].weight.zero_()
        model[3].weight[0, 8] = 4.0  # alive for one of the examples
        model[3].bias.copy_(torch.tensor([-1.0, -1.0, 2.0, -1.0, 0.0]))
    model[2].eval()
    modes = _modes(model)
    X = torch.ones(3, 1, 2, 2)
    X[1, 0, 0, 0] = 2.0
    got = call(answer, model, X, mutates=True)
    expect(isinstance(got, dict), "a dictionary is asked for")
    expect(set(got) == {"1", "4"}, "one entry for each ReLU, by its full name")
    hints = {
        0.5: "a channel that is alive for one example, in one place, is not "
        "dead",
        0.4375: "count whole channels, not single places of a feature map",
        0.4792: "count channels, not single zeros",
    }
    near = round(float(got["1"]), 4)
    same_number(
        got["1"],
        0.25,
        hints.get(near, "one of the four channels is 0 everywhere"),
        name="the share of 1",
    )
    same_number(
        got["4"],
        0.6,
        "for a vector the channels are the units",
        name="the share of 4",
    )
    _left_alone(model, modes)
    _left_alone_after_an_error(answer, model)


@functools.cache
def _events():
    """The event files of a run, {name: content}; they take a second."""
    with tempfile.TemporaryDirectory() as folder:
        # more than the 10,000 events that the reader keeps; 7,022 is dropped
        with SummaryWriter(folder) as writer:
            for step in range(12_000):
                writer.add_scalar("loss", abs(step - 7022) + 1.0, 2 * step)
            for step, value in enumerate((3, 1, 2, 1, 5)):
                writer.add_scalar("other", value, step)
        return {
            path.name: path.read_bytes() for path in Path(folder).iterdir()
        }


@exercise("7.9")
def best_step(answer):
    with tempfile.TemporaryDirectory() as folder:
        for name, content in _events().items():
            Path(folder, name).write_bytes(content)
        got = call(answer, folder, "loss")
        expect(got != 1.0, "the step is asked for, not the value")
        expect(got != 7022, "read the step from the event, do not count")
        same_number(
            got, 14044, "is every event read? the reader keeps a sample"
        )
        same_number(
            call(answer, folder, "other"),
            1,
            "the first of the smallest of the tag is asked for",
        )


@exercise("7.10")
def fuse_momentum(answer):
    inner = nn.Sequential(nn.Tanh(), nn.Linear(4, 4))
    mine = nn.Sequential(nn.Linear(4, 4), inner)
    usual = copy.deepcopy(mine)
    call(answer, mine, 0.1, 0.8, mutates=True)
    optimizer = torch.optim.SGD(usual.parameters(), lr=0.1, momentum=0.8)
    X, y = torch.randn(8, 4), torch.randint(0, 3, (8,))
    for step in range(4):
        F.cross_entropy(mine(X), y).backward()
        expect(
            all(p.grad is None for p in mine.parameters()),
            "a gradient is left after backward",
        )
        optimizer.zero_grad()
        F.cross_entropy(usual(X), y).backward()
        optimizer.step()
        hint = (
            "the first step is wrong: with v = 0 it is plain SGD"
            if step == 0
            else "a later step is wrong: does each parameter remember its v?"
        )
        for a, b in zip(mine.parameters(), usual.parameters(), strict=True):
            expect(torch.allclose(a, b, atol=1e-6), hint)


@exercise("7.11")
def integrate(answer):
    model = _mlp()
    X, start = torch.randn(2, 5, 1, 2, 2)  # pictures of four pixels
    target = torch.tensor([0, 1, 2, 1, 0])
    for p in model.parameters():
        p.grad = torch.ones_like(p)
    got = call(answer, model, X, start, target, 40, mutates=True)
    is_tensor(got, shape=X.shape)
    _same_grads(model)
    with torch.no_grad():
        rise = (model(X) - model(start)).gather(1, target[:, None])[:, 0]
    expect(
        torch.allclose(got.sum((1, 2, 3)), rise, atol=2e-3),
        "the shares should add up to the rise of the target logit from start",
    )
    coarse = call(answer, model, X, start, target, 1, mutates=True)
    middle = ((X + start) / 2).requires_grad_()
    score = model(middle).gather(1, target[:, None]).sum()
    (grad,) = torch.autograd.grad(score, middle)
    same_tensor(
        coarse.detach(),
        ((X - start) * grad).detach(),
        "with one step the midpoint rule looks half way between the two",
    )


@exercise("7.12")
def explain(answer):
    model = _conv_net()
    for p in model.parameters():
        p.grad = torch.ones_like(p)
    model[4].eval()
    modes, usual = _modes(model), copy.deepcopy(model)
    usual[1].inplace = usual[3].inplace = False
    X = torch.randn(4, 3, 10, 10)
    target = torch.tensor([0, 2, 1, 2])

    def maps(values, grad):
        alpha = grad.mean((2, 3))
        return torch.einsum("nc,nchw->nhw", alpha, values).clamp(min=0)

    for place, size in (2, 6), (0, 8):
        got = call(answer, model, str(place), X, target, mutates=True)
        is_tensor(got, shape=(4, size, size), name="the stack of maps")
        expect(not got.requires_grad, "detach the maps")
        expect(got.min() >= 0, "the maps should be clipped at 0")
        _same_grads(model)
        _left_alone(model, modes)
        _same_settings(model, "ReLU")
        A = usual[: place + 1](X).detach()
        B = A.relu().requires_grad_()  # after the ReLU
        score = usual[place + 2 :](B).gather(1, target[:, None]).sum()
        (after,) = torch.autograd.grad(score, B)
        before = after * (B > 0)
        overwritten = [maps(B.detach(), grad) for grad in (before, after)]
        hint = (
            "weight each map by the mean of its gradient by the target "
            "logit, then add up over the maps"
        )
        if any(torch.allclose(got, late, atol=1e-5) for late in overwritten):
            hint = (
                "these are values after the in-place ReLU, not the layer's own"
            )
        same_tensor(got, maps(A, before), hint)


def _digit_net():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(64, 32),
        nn.ReLU(),
        nn.Sequential(nn.Linear(32, 32), nn.ReLU(inplace=True)).eval(),
        nn.Linear(32, 10),
    )


def _digits(rows):
    X, y = map(torch.from_numpy, load_digits(return_X_y=True))
    return X[rows].float() / 16, y[rows]


class _Mute(nn.Module):
    """A module whose fault is in none of its children."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(64, 8)

    def forward(self, X):
        return 0 * self.inner(X)


class _Crossed(nn.Module):
    """Two dead layers; the one that is listed first runs last."""

    def __init__(self):
        super().__init__()
        self.after, self.before = nn.Linear(8, 8), nn.Linear(64, 8)
        for layer in (self.after, self.before):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, X):
        return self.after(self.before(X))


@exercise("7.13")
def first_fault(answer):
    X, _ = _digits(slice(40))
    X[1] = X[-1] = X[0]  # to compare two examples does not do
    mute = nn.Sequential(_Mute(), nn.Linear(8, 10))
    healthy, dead, flat, broken, endless = (_digit_net() for _ in range(5))
    with torch.no_grad():
        dead[2][0].bias.fill_(-100.0)
        flat[2][0].weight.zero_()
        broken[0].weight[3, 20] = torch.nan
        endless[3].bias[2] = torch.inf
    for model, want, hint in (
        (healthy, None, "a healthy network has no fault: None"),
        (broken, ("0", "not finite"), "NaN is not finite, and comes first"),
        (endless, ("3", "not finite"), "an infinite number is not finite"),
        (
            dead,
            ("2.1", "dead"),
            "one layer is dead: name it, not what holds it or follows it, "
            "and not by a weaker fault",
        ),
        (flat, ("2.0", "constant"), "one layer says the same of all examples"),
        (
            _Crossed(),
            ("before", "dead"),
            "modules count in the order in which they run, not as listed",
        ),
        (
            mute,
            ("1", "constant"),
            "a module with children was named; only its children count",
        ),
    ):
        expect(
            model is not flat
            or call(answer, model, X[:1], mutates=True) is not None,
            "one example is as constant as forty",
        )
        modes = _modes(model)
        got = call(answer, model, X, mutates=True)
        expect(want is not None or got is None, hint)
        same_value(got, want, hint, name="the fault")
        _left_alone(model, modes)
    _left_alone_after_an_error(answer, healthy)


class _Skip(nn.Module):
    """A network in which a block is only a part of the way."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Linear(64, 32)
        self.block = nn.Sequential(nn.Linear(32, 32), nn.ELU(inplace=True))
        self.head = nn.Linear(32, 10)
        self.block.eval()

    def forward(self, X):
        H = self.stem(X)
        return self.end(H, self.block(H))

    def end(self, H, part):
        # not linear, or the two batches could change places
        return self.head((H + part).tanh())


@exercise("7.14")
def recovery(answer):
    model = _Skip()
    model.stem.bias.grad = torch.ones(32)
    X, y = _digits(slice(60))
    clean, corrupt, target = X[:30], X[30:], y[:30]
    names = ["stem", "block.0", "block", "head"]
    modes = _modes(model)
    with torch.no_grad():
        parts = model.stem(clean), model.stem(corrupt)
        mixed = model.end(parts[1], model.block(parts[0]))
        high, low, patched = (
            z.gather(1, target[:, None])[:, 0]
            for z in (model(clean), model(corrupt), mixed)
        )
        part = ((patched - low) / (high - low)).mean().item()
        whole = ((patched - low).mean() / (high - low).mean()).item()
    got = call(answer, model, names, clean, corrupt, target, mutates=True)
    expect(
        isinstance(got, dict) and list(got) == names,
        "a dictionary with the given names is asked for",
    )
    same_number(
        got["stem"],
        1.0,
        "all goes through the stem: with its clean output the whole answer "
        "comes back; are the two batches in their roles?",
        rtol=1e-3,
    )
    hint = (
        "the block is only a part of the way; replace its output alone, in "
        "the run on corrupt"
    )
    if isinstance(got["block"], float) and abs(got["block"] - whole) < 1e-4:
        hint = "take the mean of the ratios, not the ratio of the means"
    same_number(got["block"], part, hint, rtol=1e-3)
    same_number(
        got["block.0"],
        part,
        "an in-place module follows; keep the values before it",
        rtol=1e-3,
    )
    _left_alone(model, modes)
    _same_settings(model, "ELU")
    expect(
        model.stem.weight.grad is None
        and torch.equal(model.stem.bias.grad, torch.ones(32)),
        "the model's own gradients have changed",
    )
