"""The answer checks of chapter 9."""

import copy
import tempfile
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DistributedSampler

from checks import (
    Hint,
    call,
    exercise,
    expect,
    is_tensor,
    same_number,
    same_tensor,
)


def _net():
    """A small network with a body, a batch norm and a head `fc`."""
    layers = {
        "conv": nn.Conv2d(3, 4, 3),
        "norm": nn.BatchNorm2d(4),
        "pool": nn.AdaptiveAvgPool2d(1),
        "flat": nn.Flatten(),
        "fc": nn.Linear(4, 5),
    }
    net = nn.Sequential()
    for name, layer in layers.items():
        net.add_module(name, layer)
    return net


def _is_dict(value, name="the result"):
    expect(isinstance(value, dict), f"{name} should be a dict")


@exercise("9.1")
def _(answer):
    net = nn.Sequential(nn.Linear(3, 2), nn.ReLU()).double()
    want = sum(value.nbytes for value in net.state_dict().values())
    same_number(
        call(answer, net),
        want,
        "a network in float64 counts wrong; not every number has 4 bytes",
    )
    net = _net()
    want = sum(value.nbytes for value in net.state_dict().values())
    same_number(
        call(answer, net),
        want,
        "a network with batch norm counts wrong; the state_dict holds more "
        "than parameters, and one of its tensors is an integer",
    )


@exercise("9.2")
def _(answer):
    state = {
        "module.a": torch.ones(1),
        "module.module.b": torch.ones(2),
        "c.module.d": torch.ones(3),
        "modulation": torch.ones(4),
    }
    names = list(state)
    got = call(answer, state, "module.")
    expect(list(state) == names, "your code changes its input")
    _is_dict(got)
    expect(
        "a" in got and "module.a" not in got,
        "the prefix is still there, or too much went with it",
    )
    expect(
        "modulation" in got and "c.module.d" in got,
        "names that do not begin with the prefix must stay as they are",
    )
    expect(
        list(got) == ["a", "module.b", "c.module.d", "modulation"],
        "the prefix goes once, from the beginning only",
    )
    expect(
        all(got[k] is v for k, v in zip(got, state.values(), strict=True)),
        "the tensors got mixed up or copied",
    )


@exercise("9.3")
def _(answer):
    source = _net()
    source.fc = nn.Linear(4, 7)
    model = _net()
    head = copy.deepcopy(model.fc.state_dict())
    state = source.state_dict()
    names = list(state)
    call(answer, model, state, mutates=True)
    expect(list(state) == names, "your code changes the state it is given")
    expect(
        torch.equal(model.conv.weight, source.conv.weight),
        "the body was not loaded",
    )
    expect(
        torch.equal(model.fc.weight, head["weight"]),
        "the head should stay as it was",
    )
    source.fc = nn.Linear(4, 5)
    state = source.state_dict()
    call(answer, model, state, mutates=True)
    expect(
        torch.equal(model.fc.weight, head["weight"]),
        "a head of the same shape was loaded; the model's own should stay",
    )
    for old, new in [("conv.weight", None), ("norm.bias", "norm.bais")]:
        broken = dict(state)
        value = broken.pop(old)
        if new:
            broken[new] = value
        _must_raise(answer, _net(), broken, "is missing")
    _must_raise(answer, _net(), {**state, "x": torch.ones(1)}, "is unknown")


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
def _(answer):
    model = _net().train()
    got = call(answer, model, mutates=True)
    expect(isinstance(got, nn.Module), "return the model")
    before = copy.deepcopy(dict(got.named_buffers()))
    got(torch.randn(6, 3, 8, 8)).sum().backward()
    expect(
        got.fc.weight.grad is not None and got.fc.bias.grad is not None,
        "the head gets no gradient, so it cannot learn",
    )
    expect(
        got.conv.weight.grad is None and got.norm.weight.grad is None,
        "the body gets gradients",
    )
    expect(
        all(torch.equal(v, before[n]) for n, v in got.named_buffers()),
        "a running statistic moved; gradients are not all that changes",
    )
    expect(got.fc.training, "the head should be in training mode")


@exercise("9.5")
def _(answer):
    model = _net()
    got = call(answer, model, 0.1, 0.5)
    expect(
        isinstance(got, list) and all(isinstance(g, dict) for g in got),
        "a list of dicts is asked for",
    )
    expect(
        len(got) == 3,
        f"{len(got)} groups for a model with 3 children that have parameters",
    )
    expect(
        all({"params", "lr"} <= set(g) for g in got),
        "an optimizer's groups have the keys params and lr",
    )
    for group, child in zip(
        got, [model.conv, model.norm, model.fc], strict=True
    ):
        want = [id(p) for p in child.parameters()]
        group["params"] = list(group["params"])
        expect(
            [id(p) for p in group["params"]] == want,
            "the groups should follow the order of the children",
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
    torch.optim.SGD(got)


class _Unsaveable:
    """An object that fails while it is being written."""

    def __reduce__(self):
        raise RuntimeError("the disk is full")


@exercise("9.6")
def _(answer):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.pt"
        call(answer, {"w": torch.ones(3)}, path)
        expect(path.is_file(), "nothing was saved at the path")
        call(answer, {"w": torch.zeros(3)}, path)
        expect(
            torch.equal(_read(path)["w"], torch.zeros(3)),
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
        expect(path.is_file(), "after a failed save the old file is gone")
        expect(
            torch.equal(_read(path)["w"], torch.zeros(3)),
            "after a failed save the old file is damaged",
        )


def _read(path):
    try:
        return torch.load(path)
    except Exception:
        raise Hint("after a failed save the old file is damaged") from None


@exercise("9.7")
def _(answer):
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
def _(answer):
    expect(isinstance(answer, type), "a class is asked for")
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
def _(answer):
    s, t = torch.randn(5, 4), 2 * torch.randn(5, 4)
    y = torch.tensor([0, 3, 1, 2, 2])
    hard = F.cross_entropy(s, y)
    for T, alpha in [(2.0, 0.0), (1.0, 1.0), (3.0, 1.0), (3.0, 0.25)]:
        p = (t / T).softmax(1)
        soft = (p * (p.log() - (s / T).log_softmax(1))).sum(1).mean()
        want = alpha * T**2 * soft + (1 - alpha) * hard
        got = call(answer, s, t, y, T, alpha)
        is_tensor(got, shape=())
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


@exercise("9.10")
def _(answer):
    for n, world in [(8, 2), (9, 2), (10, 4), (3, 5)]:
        for rank in range(world):
            got = call(answer, n, rank, world)
            expect(isinstance(got, list), "a list is asked for")
            want = list(DistributedSampler(range(n), world, rank, False))
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
def _(answer):
    X, y = torch.randn(12, 3), torch.randn(12)
    sizes, grads = [6, 2, 4], []
    for part, target in zip(X.split(sizes), y.split(sizes), strict=True):
        weight = torch.ones(3, requires_grad=True)
        (part @ weight - target).square().mean().backward()
        grads.append(weight.grad)
    weight = torch.ones(3, requires_grad=True)
    (X @ weight - y).square().mean().backward()
    same_tensor(
        call(answer, grads, sizes),
        weight.grad,
        "not the gradient of the whole; a process with more examples should "
        "count more, and the result is a mean, not a sum",
    )


@exercise("9.12")
def _(answer):
    states = []
    for k in range(3):
        net = _net().train()
        for _ in range(k + 1):
            net(torch.randn(4, 3, 6, 6))
        states.append(net.state_dict())
    got = call(answer, states)
    _is_dict(got)
    expect(set(got) == set(states[0]), "some names are missing or new")
    same_tensor(
        got["norm.num_batches_tracked"],
        states[-1]["norm.num_batches_tracked"],
        "an integer tensor should come from the last state",
        name="num_batches_tracked",
    )
    for name in ("conv.weight", "norm.running_var", "fc.bias"):
        same_tensor(
            got[name],
            torch.stack([s[name] for s in states]).mean(dim=0),
            f"{name} is not the mean over the states",
            name=name,
        )


def _take(batches, count):
    taken = []
    for _ in range(count):
        rows = call(next, batches, mutates=True)
        is_tensor(rows, name="a batch")
        taken.append(rows.tolist())
    return taken


@exercise("9.13")
def _(answer):
    expect(isinstance(answer, type), "a class is asked for")
    before = torch.get_rng_state()
    batches = call(answer, 10, 4, 0)
    first = _take(batches, 3)
    expect(
        [len(rows) for rows in first] == [4, 4, 2]
        and sorted(sum(first, [])) == list(range(10)),
        "three batches of at most 4 should show each of 10 rows once",
    )
    second = _take(batches, 3)
    expect(
        sorted(sum(second, [])) == list(range(10)),
        "the second epoch does not show every row once",
    )
    expect(first != second, "every epoch has the same order")
    expect(
        torch.equal(before, torch.get_rng_state()),
        "the global random state was touched; use a torch.Generator",
    )
    for done in (0, 1, 3, 5):
        batches = call(answer, 10, 4, 1)
        _take(batches, done)
        state = call(batches.state_dict)
        want = _take(batches, 7)
        again = call(answer, 10, 4, 99)
        call(again.load_state_dict, state, mutates=True)
        rest = (3 - done % 3) % 3
        got = _take(again, 7)
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
