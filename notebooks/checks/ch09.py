"""Checks of chapter 9, fine-tuning."""

import copy
import random
import sys
import tempfile
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DistributedSampler

from checks.words import (
    Hint,
    call,
    exercise,
    expect,
    is_tensor,
    same_number,
    same_tensor,
)


def _net(**more):
    """A small network with a body, a batch norm and a head `fc`.

    Args:
        more: modules to stand before the head, by name.
    """
    layers = {
        "conv": nn.Conv2d(3, 4, 3),
        "norm": nn.BatchNorm2d(4),
        "pool": nn.AdaptiveAvgPool2d(1),
        "flat": nn.Flatten(),
        **more,
        "fc": nn.Linear(4, 5),
    }
    net = nn.Sequential()
    for name, layer in layers.items():
        net.add_module(name, layer)
    return net


def _neck():
    """A part of a body that has an `fc` of its own."""
    neck = nn.Sequential()
    neck.add_module("fc", nn.Linear(4, 4))
    return neck


def _is_dict(value):
    expect(isinstance(value, dict), "the result should be a dict")


@exercise("9.1")
def state_bytes(answer):
    net = nn.Sequential(nn.Linear(3, 2), nn.ReLU()).double()
    want = sum(value.nbytes for value in net.state_dict().values())
    got = call(answer, net)
    expect(
        not isinstance(got, int) or got <= want,
        "too many; a file has names and padding as well, and only the "
        "tensors' own bytes count",
    )
    same_number(
        got,
        want,
        "a network in float64 counts wrong; not every number has 4 bytes",
    )
    net = _net()
    net.register_buffer("scratch", torch.ones(3), persistent=False)
    want = sum(value.nbytes for value in net.state_dict().values())
    same_number(
        call(answer, net),
        want,
        "a network with batch norm counts wrong; the state_dict holds more "
        "than parameters, but no buffer that is not persistent, and one of "
        "its tensors is an integer",
    )


@exercise("9.2")
def without_prefix(answer):
    state = {
        "module.a": torch.ones(2),
        "module.module.b": torch.zeros(2),
        "c.module.d": torch.full((2,), 3.0),
        "modulation": torch.full((2,), 4.0),
    }
    got = call(answer, state, "module.")
    _is_dict(got)
    expect(
        "modulation" in got and "c.module.d" in got,
        "names that do not begin with the prefix must stay as they are",
    )
    expect(
        set(got) == {"a", "module.b", "c.module.d", "modulation"},
        "the prefix goes once, and nothing but the prefix",
    )
    for name, value in [("a", 1.0), ("module.b", 0.0), ("modulation", 4.0)]:
        same_tensor(
            got[name],
            torch.full((2,), value),
            "the tensors got mixed up",
            name=f"{name!r}",
        )
    state = {"a.b.c": torch.ones(1), "axb.d": torch.ones(1)}
    expect(
        set(call(answer, state, "a.b.")) == {"c", "axb.d"},
        "any text may be the prefix, such as a.b., and each of its "
        "characters counts as it is",
    )


@exercise("9.3")
def load_body(answer):
    source, model = (_net(neck=_neck(), fc2=nn.Linear(4, 4)) for _ in "ab")
    source(torch.randn(4, 3, 6, 6))  # moves the buffers
    head = copy.deepcopy(model.fc.state_dict())
    state = source.state_dict()
    names = list(state)
    call(answer, model, state, mutates=True)
    expect(list(state) == names, "your code changes the state it is given")
    expect(
        all(
            torch.equal(value, state[name])
            for name, value in model.state_dict().items()
            if not name.startswith("fc.")
        ),
        "the body was not loaded",
    )
    expect(
        torch.equal(model.fc.weight, head["weight"]),
        "a head of the same shape was loaded; the model's own should stay",
    )
    for old, new in [
        ("conv.weight", None),
        ("norm.bias", "norm.bais"),
        ("fc2.bias", None),
    ]:
        broken = dict(state)
        value = broken.pop(old)
        if new:
            broken[new] = value
        _must_raise(answer, model, broken, "is missing")
    _must_raise(answer, model, {**state, "x": torch.ones(1)}, "is unknown")
    state |= nn.Linear(4, 7).state_dict(prefix="fc.")
    call(answer, model, state, mutates=True)
    state["fc.scale"] = state.pop("fc.weight")  # any head will do
    call(answer, model, state, mutates=True)


def _must_raise(answer, model, state, what):
    try:
        answer(model, state)
    except KeyError:
        return
    except Exception as error:
        kind = type(error).__name__
        raise Hint(f"KeyError is asked for, this is {kind}") from None
    raise Hint(f"a name of the body {what}, and nothing was raised")


@exercise("9.4")
def freeze_body(answer):
    model = _net(fc2=nn.Linear(4, 4)).train()
    head = copy.deepcopy(model.fc.state_dict())
    got = call(answer, model, mutates=True)
    expect(got is model, "return the model")
    expect(
        got.fc.weight.requires_grad and got.fc.bias.requires_grad,
        "the head gets no gradient, so it cannot learn",
    )
    before = copy.deepcopy(dict(got.named_buffers()))
    got(torch.randn(6, 3, 8, 8)).sum().backward()
    expect(
        all(
            p.grad is None
            for name, p in got.named_parameters()
            if not name.startswith("fc.")
        ),
        "the body gets gradients",
    )
    expect(
        all(torch.equal(v, before[n]) for n, v in got.named_buffers()),
        "a running statistic moved; gradients are not all that changes",
    )
    expect(got.fc.training, "the head should be in training mode")
    expect(
        all(torch.equal(v, head[n]) for n, v in got.fc.state_dict().items()),
        "the head should keep its weights",
    )
    X = torch.randn(6, 3, 8, 8)
    same_tensor(
        got(X)[:2],
        got(X[:2]),
        "what the body says of a picture depends on its batch; batch norm "
        "should use the running statistics",
    )


@exercise("9.5")
def layer_rates(answer):
    model = _net()
    model.conv = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 1))
    got = call(answer, model, 0.1, 0.5)
    expect(
        isinstance(got, (list, tuple))
        and all(
            isinstance(g, dict) and {"params", "lr"} <= set(g) for g in got
        ),
        "a list of dicts with the keys params and lr is asked for",
    )
    expect(
        len(got) == 3,
        f"{len(got)} groups for a model with 3 children that have parameters",
    )
    for group, child in zip(
        got, [model.conv, model.norm, model.fc], strict=True
    ):
        want = [id(p) for p in child.parameters()]
        expect(
            [id(p) for p in group["params"]] == want,
            "each group should hold all parameters of one child, in order",
        )
    rates = [group["lr"] for group in got]
    for rate, want in zip(rates, [0.025, 0.05, 0.1], strict=True):
        same_number(
            rate,
            want,
            "the rates are wrong; the last child has lr, the one before it "
            "factor times that; children without parameters do not count",
            name="a rate",
        )


class _Unsaveable:
    """An object that fails while it is being written."""

    def __reduce__(self):
        raise RuntimeError("the disk is full")


def _contents(path, function, *args):
    """What stands at a path while a function runs: a set of bytes, None."""
    seen = set()

    def look(frame, event, arg):
        if event == "c_return":
            seen.add(path.read_bytes() if path.is_file() else None)

    sys.setprofile(look)
    try:
        call(function, *args)
    finally:
        sys.setprofile(None)
    return seen


@exercise("9.6")
def save_whole(answer):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.pt"
        call(answer, {"w": torch.ones(3)}, path)
        expect(path.is_file(), "nothing was saved at the path")
        old = path.read_bytes()
        seen = _contents(path, answer, {"w": torch.zeros(3)}, path)
        expect(None not in seen, "for a moment there is no file at the path")
        new = path.read_bytes()
        expect(
            seen <= {old, new}, "for a moment the file at the path is cut off"
        )
        expect(
            torch.equal(torch.load(path)["w"], torch.zeros(3)),
            "saving a second time did not replace the file",
        )
        expect(
            len(list(path.parent.iterdir())) == 1,
            "an extra file is left over after a save that went well",
        )
        value = {"w": torch.ones(300), "bad": _Unsaveable()}
        try:
            answer(value, path)
        except RuntimeError:
            pass
        else:
            raise Hint("saving failed, and the error was swallowed")
        expect(
            path.is_file() and path.read_bytes() == new,
            "after a failed save the old file is gone or damaged",
        )


@exercise("9.7")
def count_convs(answer):
    for layers, bottleneck, want in [
        ([2, 2, 2, 2], False, 20),
        ([3, 4, 6, 3], False, 36),
        ([3, 4, 6, 3], True, 53),
        ([3, 4, 23, 3], True, 104),
    ]:
        kind = "bottlenecks" if bottleneck else "basic blocks"
        same_number(
            call(answer, layers, bottleneck),
            want,
            f"wrong for {layers} {kind}; print the convolutions of "
            "torchvision's network and look at the first block of each layer",
        )


@exercise("9.8")
def pre_act_block(answer):
    block = call(answer, 4)
    for name in ("bn1", "conv1", "bn2", "conv2"):
        expect(hasattr(block, name), f"the attribute {name} is missing")
    expect(
        block.conv1.bias is None and block.conv2.bias is None,
        "the convolutions should have no bias",
    )
    count = sum(p.numel() for p in block.parameters())
    expect(count == 304, "the number of parameters is wrong; 3×3 kernels?")
    nn.init.normal_(block.bn1.bias)
    nn.init.normal_(block.bn2.weight)
    block.eval()
    X = torch.randn(2, 4, 6, 6)
    got = call(block, X)
    out = block.conv1(block.bn1(X).relu())
    out = block.conv2(block.bn2(out).relu())
    same_tensor(
        got,
        X + out,
        "the output is wrong; what comes before each convolution, and what "
        "after the sum?",
    )


@exercise("9.9")
def mixed_loss(answer):
    s, t = torch.randn(5, 4, requires_grad=True), 2 * torch.randn(5, 4)
    y = torch.tensor([0, 3, 1, 2, 2])
    hard = F.cross_entropy(s, y)
    for T, alpha in [(2.0, 0.0), (1.0, 1.0), (3.0, 1.0), (3.0, 0.25)]:
        p = (t / T).softmax(1)
        soft = (p * (p.log() - (s / T).log_softmax(1))).sum(1).mean()
        want = alpha * T**2 * soft + (1 - alpha) * hard
        got = call(answer, s, t, y, T, alpha)
        if alpha == 0:
            hint = "with alpha=0 only the cross-entropy should be left"
        elif T == 1:
            hint = (
                "with alpha=1 and T=1 the divergence is wrong; which "
                "argument is a logarithm, who is the target, and over what "
                "is the mean taken?"
            )
        elif alpha == 1:
            hint = "right at T=1, wrong at T=3; is the factor T² there?"
        else:
            hint = "the two losses are mixed wrongly"
        same_tensor(got, want, hint)
        same_tensor(
            *(
                torch.autograd.grad(loss, s, retain_graph=True)[0]
                for loss in (got, want)
            ),
            "the value is right, but the student gets another gradient",
        )


@exercise("9.10")
def deal(answer):
    for n, world in [(8, 2), (9, 2), (10, 4), (2, 5)]:
        for rank in range(world):
            want = list(DistributedSampler(range(n), world, rank, False))
            with patch.object(
                DistributedSampler,
                "__iter__",
                autospec=True,
                side_effect=DistributedSampler.__iter__,
            ) as used:
                got = call(answer, n, rank, world)
            expect(not used.called, "do without the sampler")
            expect(isinstance(got, list), "a list is asked for")
            expect(
                len(got) == len(want),
                f"process {rank} of {world} gets {len(got)} of {n} rows; all "
                f"processes need {len(want)}",
            )
            expect(
                got == want,
                f"process {rank} of {world} gets the wrong ones of {n} rows; "
                "they are dealt in turn, like cards",
            )


@exercise("9.11")
def whole_gradient(answer):
    X, y = torch.randn(12, 3), torch.randn(12, 2)
    sizes, grads = [6, 2, 4], []
    for part, target in zip(X.split(sizes), y.split(sizes), strict=True):
        weight = torch.ones(3, 2, requires_grad=True)
        (part @ weight - target).square().mean().backward()
        grads.append(weight.grad)
    weight = torch.ones(3, 2, requires_grad=True)
    (X @ weight - y).square().mean().backward()
    same_tensor(
        call(answer, grads, sizes),
        weight.grad,
        "not the gradient of the whole; a process with more examples should "
        "count more, and the result is a mean, not a sum",
    )


@exercise("9.12")
def average_states(answer):
    states = []
    for k in range(3):
        net = _net().train()
        for _ in range(k + 1):
            net(torch.randn(4, 3, 6, 6))
        half = torch.full((2,), k, dtype=torch.float16)
        states.append({**net.state_dict(), "half": half})
    got = call(answer, states)
    _is_dict(got)
    expect(set(got) == set(states[0]), "some names are missing or new")
    same_tensor(
        got["norm.num_batches_tracked"],
        states[-1]["norm.num_batches_tracked"],
        "an integer tensor should come from the last state",
        name="num_batches_tracked",
    )
    for name in ("conv.weight", "norm.running_var", "fc.bias", "half"):
        same_tensor(
            got[name],
            torch.stack([s[name] for s in states]).mean(dim=0),
            f"{name} is not the mean over the states",
            name=name,
        )
    places = {value.data_ptr() for s in states for value in s.values()}
    expect(
        places.isdisjoint(value.data_ptr() for value in got.values()),
        "the result shares memory with a state",
    )


def _take(batches, count):
    taken = []
    for _ in range(count):
        rows = call(next, call(iter, batches, mutates=True), mutates=True)
        is_tensor(rows, name="a batch")
        taken.append(rows.tolist())
    return taken


def _resumed(answer, seed, state):
    again = call(answer, 10, 4, seed)
    call(again.load_state_dict, state, mutates=True)
    return again


def _random_states():
    _, keys, place, *_ = np.random.get_state()
    return torch.get_rng_state().tolist(), random.getstate(), [*keys], place


@exercise("9.13")
def batches(answer):
    before = _random_states()
    for n, sizes in [(8, [4, 4]), (10, [4, 4, 2])]:
        batches = call(answer, n, 4, 5)
        first, second = _take(batches, len(sizes)), _take(batches, len(sizes))
        expect(
            [len(rows) for rows in first] == sizes
            and sorted(sum(first, [])) == list(range(n)),
            f"the first {len(sizes)} batches of at most 4 should show each "
            f"of {n} rows once",
        )
        expect(
            sorted(sum(second, [])) == list(range(n)),
            "the second epoch does not show every row once",
        )
        expect(first != second, "every epoch has the same order")
    expect(
        before == _random_states(),
        "a global random state was touched, be it of torch, of NumPy or of "
        "Python; use a torch.Generator",
    )
    for done in (1, 3, 5, 0):
        batches = call(answer, 10, 4, 1)
        _take(batches, done)
        state = call(batches.state_dict)
        want = _take(batches, 7)
        rest = (3 - done % 3) % 3
        got, once_more = (
            _take(_resumed(answer, seed, state), 7) for seed in (99, 7)
        )
        where = f"resumed after {done} batches, "
        expect(
            got[:rest] == want[:rest],
            where + "the rest of the epoch differs; is the order saved, and "
            "the place in it?",
        )
        expect(
            got[rest:] == want[rest:],
            where + "the following epochs differ; is the generator's state "
            "saved, as it was at that moment?",
        )
        expect(
            once_more == want,
            "a state can be loaded only once; an iterator that moves on may "
            "not write into it",
        )


def _digits(kinds, seed):
    """Real digits as (few, their classes, others, their classes)."""
    digits = load_digits()
    X = torch.tensor(digits.images / 16, dtype=torch.float32)
    y = torch.from_numpy(digits.target)
    order = torch.randperm(900, generator=torch.Generator().manual_seed(seed))
    few = torch.cat([order[y[order] == k][:10] for k in kinds])
    others = 900 + torch.isin(y[900:], torch.tensor(kinds)).nonzero()[:, 0]
    return X[few], y[few], X[others], y[others]


def _pretrain(model, kinds, num_steps=80):
    """Train a model to read some kinds of the first 900 digits."""
    digits = load_digits()
    y = torch.from_numpy(digits.target[:900])
    rows = torch.isin(y, torch.tensor(kinds))
    X = torch.tensor(digits.images[:900] / 16, dtype=torch.float32)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(num_steps):
        loss = F.cross_entropy(model(X[rows].flatten(1)), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()


def _accuracy(model, X, y):
    with torch.no_grad():
        return (model(X).argmax(1) == y).float().mean().item()


@exercise("9.14")
def lora_tune(answer):
    layers = [nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU()]
    model = _pretrain(nn.Sequential(*layers, nn.Linear(32, 10)), range(10))
    X, y, others, truth = _digits(list(range(10)), 1)
    X, others = X.flip(2).flatten(1), others.flip(2).flatten(1)
    old = copy.deepcopy(model.state_dict())
    for rank in (4, 1):
        got = call(answer, model, X, y, rank)
        expect(
            isinstance(got, nn.Sequential)
            and got.state_dict().keys() == old.keys(),
            "a plain Sequential with the names of the old one is asked for",
        )
        expect(
            all(p.requires_grad for p in model.parameters())
            and all(
                torch.equal(value, model.state_dict()[name])
                for name, value in old.items()
            ),
            "the model that was given has changed; tune a copy",
        )
        for name, value in got.state_dict().items():
            change = value - old[name]
            if name.endswith("bias"):
                expect(not change.any(), "a bias has changed")
                continue
            expect(change.any(), f"{name} has not changed; every layer learns")
            size = torch.linalg.svdvals(change)
            expect(
                size[rank] < 1e-3 * size[0],
                f"the change of {name} has a rank above {rank}",
            )
        if rank == 4:
            expect(
                _accuracy(got, others, truth) >= 0.6,
                "other mirrored digits are read too badly; does the loss on "
                "X, y fall far enough?",
            )


@exercise("9.15")
def tune(answer):
    model = nn.Sequential()
    model.add_module("lin", nn.Linear(64, 48))
    model.add_module("norm", nn.BatchNorm1d(48))
    model.add_module("act", nn.ReLU())
    model.add_module("fc", nn.Linear(48, 5))
    _pretrain(model, range(5)).train()
    old = copy.deepcopy(model.state_dict())
    X, y, others, truth = _digits(list(range(5, 10)), 1)
    X, y = X.flatten(1), y - 5
    others, truth = others.flatten(1), truth - 5
    kinds = 6  # one class more than there are examples of
    got = call(answer, model, X, y, kinds, mutates=True)
    expect(isinstance(got, nn.Module), "return the tuned network")
    expect(
        got is not model
        and model.training
        and model.fc.out_features == 5
        and all(p.requires_grad for p in model.parameters())
        and all(
            torch.equal(value, old[name])
            for name, value in model.state_dict().items()
        ),
        "the caller's model has changed; work on a copy",
    )
    expect(not got.training, "the result should be in eval mode")
    expect(
        got.fc.out_features == kinds,
        "the head should have num_classes outputs",
    )
    for name, value in got.state_dict().items():
        if not name.startswith("fc."):
            expect(
                torch.equal(value, old[name]), f"{name} of the body has moved"
            )
    with torch.no_grad():
        loss = F.cross_entropy(got(X), y).item()
        far = F.cross_entropy(got(others), truth).item()
    expect(
        loss < 0.12,
        f"the loss on X, y ends at {loss:.2f}; does the optimizer hold the "
        "new head, and does the loss get logits?",
    )
    expect(
        far < 1.5,
        f"on other digits the loss is {far:.2f}: very sure, and wrong; do the "
        "gradients of earlier steps pile up?",
    )
