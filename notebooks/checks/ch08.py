"""Checks of chapter 8, normalization and regularization."""

import copy
import math

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

from checks.words import (
    call,
    call_by_hand,
    exercise,
    expect,
    is_sequence,
    is_tensor,
    same_number,
    same_tensor,
)


@exercise("8.1")
def batch_norm(answer):
    X = torch.tensor([[1.0, 10.0], [2.0, 40.0], [6.0, 10.0]])
    got = call(answer, X)
    is_tensor(got, shape=X.shape, dtype=X.dtype)
    want = F.batch_norm(X, None, None, training=True)
    ratio = (got / want).nan_to_num()
    expect(
        not torch.allclose(ratio, torch.full_like(X, (2 / 3) ** 0.5)),
        "the variance is divided by N - 1; normalizing divides by N",
    )
    whole = F.layer_norm(X, [3, 2])
    expect(
        not torch.allclose(got, whole, atol=1e-3),
        "that is one mean for the whole batch; each feature has its own",
    )
    per_example = F.layer_norm(X, [2])
    expect(
        not torch.allclose(got, per_example, atol=1e-3),
        "that normalizes each example; the statistics run over the batch",
    )
    same_tensor(
        got, want, "each column should have mean 0 and biased variance 1"
    )
    flat = 1e-3 * X
    same_tensor(
        call(answer, flat),
        F.batch_norm(flat, None, None, training=True),
        "eps belongs to the variance, inside the square root",
    )


@exercise("8.2")
def decayed(answer):
    got = call(answer, 2.0, 0.1, 0.25, 3)
    want = 2.0 * 0.975**3
    if isinstance(got, float):
        expect(
            not math.isclose(got, 2.0 * 0.75**3),
            "the learning rate is missing from the shrink factor",
        )
        expect(
            not math.isclose(got, 2.0 - 3 * 0.1),
            "that is Adam with L2: it moves by lr whatever the decay is",
        )
        expect(
            not math.isclose(got, 2.0 * (1 - 3 * 0.025)),
            "each step shrinks what the step before left: a power",
        )
    same_number(got, want, "every step multiplies w by the same factor")


@exercise("8.3")
def count_means(answer):
    shape, groups = (5, 6, 4, 3), 3
    want = {
        "batch": (6, "batch norm has one mean per channel"),
        "layer": (5, "layer norm has one mean per example"),
        "pixel": (60, "each position of each example has its own mean"),
        "instance": (30, "one mean per example and channel"),
        "group": (15, "one mean per example and group, not per channel"),
    }
    for norm, (number, hint) in want.items():
        same_number(
            call(answer, norm, shape, num_groups=groups),
            number,
            f"{norm}: {hint}",
            name=f'the count for "{norm}"',
        )
    same_number(
        call(answer, "group", shape), 5, "unless told there is one group"
    )


@exercise("8.4")
def running_mean(answer):
    means = [2.0, 4.0, 12.0]
    got = call(answer, means, 0.25)
    old_first = 0.0
    for mean in means:
        old_first = 0.25 * old_first + 0.75 * mean
    started = means[0]
    for mean in means[1:]:
        started = 0.75 * started + 0.25 * mean
    if isinstance(got, float):
        expect(
            not math.isclose(got, old_first),
            "the momentum of batch norm weighs the new value",
        )
        expect(
            not math.isclose(got, started),
            "a fresh layer starts from 0, not from the first mean",
        )
    same_number(got, 4.03125, "each batch mixes the old value with the new")
    same_number(
        call(answer, means, None),
        6.0,
        "with momentum None every batch counts the same",
        name="the result for momentum None",
    )
    same_number(
        call(answer, means, 0.0),
        0.0,
        "0 is a number and not None: the running mean stays where it was",
        name="the result for momentum 0",
    )


@exercise("8.5")
def pixel_norm(answer):
    X = torch.randn(2, 4, 3, 4) * 3 + 5
    weight, bias = torch.randn(4), torch.randn(4)
    got = call(answer, X, weight, bias)
    is_tensor(got, shape=X.shape, dtype=X.dtype)
    rows = F.layer_norm(X, (4,), weight, bias, 1e-6)
    expect(
        not torch.allclose(got, rows, atol=1e-4),
        "that normalizes rows of pixels: the channels are on axis 1",
    )
    want = F.layer_norm(X.movedim(1, -1), (4,), weight, bias, 1e-6)
    want = want.movedim(-1, 1)
    plain = F.layer_norm(X.movedim(1, -1), (4,)).movedim(-1, 1)
    expect(
        not torch.allclose(got, plain, atol=1e-3),
        "weight and bias are not used",
    )
    same_tensor(
        call(answer, X, torch.ones(4), torch.zeros(4)),
        plain,
        "each pixel has its own mean over the channels, and its own biased "
        "variance",
    )
    same_tensor(
        got, want, "weight and bias are for the channels, which are on axis 1"
    )
    last = (X / 3e3).movedim(1, -1)  # a variance as small as 1e-6
    for eps, given in ((1e-6, ()), (1.0, (1.0,))):
        same_tensor(
            call(answer, X / 3e3, weight, bias, *given),
            F.layer_norm(last, (4,), weight, bias, eps).movedim(-1, 1),
            f"eps should be {eps} here",
        )


@exercise("8.6")
def param_groups(answer):
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2)
    )
    model.register_parameter("scale", nn.Parameter(torch.tensor(1.0)))
    got = call(answer, model, 0.25)
    expect(
        is_sequence(got, 2)
        and all(isinstance(group, dict) for group in got)
        and all("params" in group for group in got),
        'return a list of two dictionaries, each with "params"',
    )
    decays = {}
    for group in got:
        for p in list(group["params"]):
            expect(
                isinstance(p, nn.Parameter),
                '"params" should hold parameters, not names or modules',
            )
            decays.setdefault(id(p), []).append(group.get("weight_decay"))
    expect(
        all(len(found) == 1 for found in decays.values()),
        "a parameter is in both groups",
    )
    for name, p in model.named_parameters():
        found = decays.get(id(p))
        expect(found is not None, "a parameter of the model is in no group")
        found = found[0]
        expect(
            found is not None,
            'a group without "weight_decay" gets the optimizer\'s default',
        )
        want = 0.25 if p.dim() > 1 else 0.0
        expect(
            found == want,
            f"a parameter with {p.dim()} axes ({name}) got decay {found}",
        )


@exercise("8.7")
def smooth_targets(answer):
    y = torch.tensor([2, 0, 1])
    got = call(answer, y, 4, 0.2)
    is_tensor(got, shape=(3, 4), dtype=torch.float32)
    hot = F.one_hot(y, 4).float()
    expect(
        not torch.allclose(got, hot * 0.8 + (1 - hot) * 0.2 / 3),
        "PyTorch spreads eps over all classes, the right one included",
    )
    expect(
        torch.allclose(got.sum(dim=1), torch.ones(3)),
        "the targets of an example should sum to 1",
    )
    same_tensor(
        got,
        0.8 * hot + 0.05,
        "mix the one-hot target with the even distribution",
    )


@exercise("8.8")
def merge(answer):
    X = torch.randn(7, 3) * 2 + torch.tensor([0.0, 3.0, -5.0])
    X[4:] += 4.0
    a, b = X[:4], X[4:]
    parts = [
        value
        for share in (a, b)
        for value in (share.mean(0), share.var(0, correction=0), len(share))
    ]
    got = call(answer, *parts)
    expect(
        is_sequence(got, 2),
        "return two values, the mean and the variance",
    )
    mean, var = got
    is_tensor(mean, shape=(3,), name="the mean")
    expect(
        not torch.allclose(mean, (a.mean(0) + b.mean(0)) / 2),
        "the shares have different sizes: weigh them",
    )
    same_tensor(mean, X.mean(0), "a weighted mean of means", name="the mean")
    within = (4 * a.var(0, correction=0) + 3 * b.var(0, correction=0)) / 7
    is_tensor(var, shape=(3,), name="the variance")
    expect(
        not torch.allclose(var, within),
        "the distance between the two means adds to the variance",
    )
    expect(
        not torch.allclose(var, X.var(0)),
        "the biased variance is asked for: divide by N",
    )
    same_tensor(
        var,
        X.var(0, correction=0),
        "variance is the mean square less the squared mean",
        name="the variance",
        rtol=1e-3,
        atol=1e-4,
    )


@exercise("8.9")
def fold_linear(answer):
    for bias in (True, False):
        linear, bn = nn.Linear(3, 4, bias=bias), nn.BatchNorm1d(4, eps=0.1)
        with torch.no_grad():
            for tensor in (bn.weight, bn.bias, bn.running_mean):
                tensor.uniform_(-2, 2)
            bn.running_var.uniform_(0.5, 3)
        nn.Sequential(linear, bn).eval()
        state = copy.deepcopy(linear.state_dict())
        X = torch.randn(5, 3)
        want = bn(linear(X)).detach()
        folded = call(answer, linear, bn)
        expect(
            isinstance(folded, nn.Linear),
            "return an nn.Linear; is a return missing?",
        )
        expect(
            folded is not linear
            and all(
                torch.equal(state[name], value)
                for name, value in linear.state_dict().items()
            ),
            "the layer that was passed in has changed; make a new one",
        )
        expect(
            isinstance(folded.bias, torch.Tensor),
            "the folded layer needs a bias, even when linear has none",
        )
        got = call(folded, X)
        slope = folded.weight / linear.weight
        expect(
            torch.allclose(slope, slope[:, :1], rtol=1e-3),
            "each output feature has one scale: a row of the weight",
        )
        scale = bn.weight / (bn.running_var + bn.eps).sqrt()
        expect(
            torch.allclose(slope[:, 0], scale, rtol=1e-3),
            "the scale is weight over the square root of running_var + eps",
        )
        same_tensor(
            got,
            want,
            "the weight is right; look at the bias again",
            name="the output of the new layer",
        )


@exercise("8.10")
def early_stopping(answer):
    stopper = call(answer, 2)
    expect(
        callable(getattr(type(stopper), "step", None)),
        "the class needs a method step(loss)",
    )
    told = [
        call(stopper.step, loss, mutates=True)
        for loss in (5.0, 4.0, 4.5, 3.0, 3.0)
    ]
    expect(
        all(isinstance(value, bool) for value in told),
        "step should return True or False",
    )
    expect(
        not (told[0] or told[1] or told[3]),
        "a new best loss should never stop the training",
    )
    expect(not told[2], "with patience 2 one bad loss is no reason to stop")
    expect(
        not told[4],
        "an improvement resets the count: only bad losses in a row matter",
    )
    last = call(stopper.step, 3.5, mutates=True)
    expect(
        last is True,
        "two calls in a row did not beat the best (3.0, then 3.5): stop",
    )
    expect(hasattr(stopper, "best"), "the attribute best is missing")
    same_number(stopper.best, 3.0, "best should hold the best loss so far")
    patient = call(answer, 3)
    told = [
        call(patient.step, loss, mutates=True) for loss in (5.0, 6.0, 5.5, 5.7)
    ]
    expect(not told[2], "with patience 3 two bad losses are no reason to stop")
    expect(told[3], "compare with the best loss, not with the one before")


@exercise("8.11")
def recalibrate(answer):
    model = nn.Sequential(
        nn.Conv2d(2, 3, 3),
        nn.Dropout2d(0.5),
        nn.Sequential(nn.BatchNorm2d(3, momentum=0.3)),
        nn.Unflatten(1, (3, 1)),
        nn.BatchNorm3d(3),
        nn.Flatten(),
        nn.BatchNorm1d(12),
    )
    with torch.no_grad():
        for p in model.parameters():
            p.uniform_(0.5, 2)
        for _ in range(3):
            model.train()(torch.randn(8, 2, 4, 4))
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    batches = [torch.randn(8, 2, 4, 4) * 2 + i for i in range(4)]
    with torch.no_grad():
        seen = [model[0](X) for X in batches]
    mean = torch.stack([y.mean((0, 2, 3)) for y in seen]).mean(0)
    var = torch.stack([y.var((0, 2, 3)) for y in seen]).mean(0)
    got = call(answer, model, batches, mutates=True)
    expect(got is model, "return the model itself; is a return missing?")
    bn = got[2][0]
    expect(
        all(
            torch.equal(before[name], p)
            for name, p in got.named_parameters()
            if name in before
        ),
        "a parameter has changed; only running statistics may",
    )
    expect(
        not any(module.training for module in got.modules()),
        "the model should be in eval mode afterwards",
    )
    expect(model[1].p == 0.5, "dropout should drop as before afterwards")
    expect(
        bn.momentum == 0.3 and got[6].momentum == 0.1,
        "give each layer its old momentum back",
    )
    count = int(bn.num_batches_tracked)
    expect(
        count != 7, "the old statistics still count: reset them before you run"
    )
    expect(
        count == 4,
        f"the nested layer counted {count} batches, not 4; "
        "is it in train mode, and found by modules()?",
    )
    close = dict(rtol=1e-3, atol=1e-3)
    expect(
        torch.allclose(bn.running_mean, mean, **close)
        and torch.allclose(bn.running_var, var, **close),
        "that is no plain average of clean batches: is momentum None, "
        "and dropout off?",
    )
    expect(
        all(int(got[i].num_batches_tracked) == 4 for i in (4, 6)),
        "not every BN layer was recalibrated; there are three kinds",
    )


@exercise("8.12")
def spectral(answer):
    double = torch.float64
    U = torch.linalg.qr(torch.randn(5, 3, dtype=double))[0]
    V = torch.linalg.qr(torch.randn(3, 3, dtype=double))[0]
    W = U @ torch.diag(torch.tensor([4.0, 2.0, 1.0], dtype=double)) @ V.T
    got = call(answer, W, 300)  # 16 ** 300 is too large for a float64
    is_tensor(got, shape=(), dtype=double)
    got = got.detach()
    want = torch.tensor(4.0, dtype=double)
    expect(
        not torch.isclose(got, W.norm(), rtol=1e-3),
        "that is the Frobenius norm: the root of all squares",
    )
    expect(
        not torch.isclose(got, 4 * want, rtol=1e-3),
        "that is the square of it: an eigenvalue of W.T @ W",
    )
    same_tensor(
        got,
        want,
        "it does not reach the largest singular value",
        rtol=1e-3,
    )
    wide = torch.tensor([[3.0, 1.0, 0.0], [0.0, 2.0, 1.0]])
    once = wide @ torch.ones(3)
    same_tensor(
        call(answer, wide, 1),
        (wide.T @ once).norm() / once.norm(),
        "one step is one product with W, from equal numbers, and one with W.T",
        name="the result of a single step",
    )


@exercise("8.13")
def batch_norm_backward(answer):
    X = (torch.randn(6, 3, dtype=torch.float64) * 2 + 1).requires_grad_()
    dY = torch.randn(6, 3, dtype=torch.float64)
    eps = 0.1
    Y = F.batch_norm(X, None, None, training=True, eps=eps)
    (want,) = torch.autograd.grad(Y, X, dY)
    X = X.detach()
    got = call_by_hand(answer, dY, X, eps)
    is_tensor(got, shape=want.shape, dtype=want.dtype)
    std = (X.var(0, correction=0) + eps).sqrt()
    naive = dY / std
    expect(
        not torch.allclose(got, naive),
        "mean and variance are no constants: they depend on X too",
    )
    expect(
        not torch.allclose(got, naive - naive.mean(0)),
        "that holds when only the mean depends on X; so does the variance",
    )
    expect(
        torch.allclose(got.sum(0), torch.zeros(3, dtype=got.dtype), atol=1e-6),
        "shifting all examples changes nothing: columns should sum to 0",
    )
    same_tensor(
        got,
        want,
        "columns sum to 0, but the part along the normalized X is off",
    )


@exercise("8.14")
def lengthen(answer):
    torch.manual_seed(3)
    twin = nn.Sequential(
        nn.Conv2d(1, 4, 3, bias=False),
        nn.BatchNorm2d(4, eps=1e-12),
        nn.ReLU(),
        nn.Conv2d(4, 4, 3),  # no norm directly behind this one
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(16, 8),
        nn.BatchNorm1d(8, eps=1e-12),
        nn.PReLU(),  # has a weight, and is neither of the two kinds
        nn.BatchNorm1d(8, eps=1e-12),
        nn.Linear(8, 3),
    ).double()
    model = copy.deepcopy(twin)
    groups = call(answer, model, 4.0, 0.25, mutates=True)
    expect(
        isinstance(groups, (list, tuple))
        and all(
            isinstance(g, dict) and {"params", "lr"} <= {*g} for g in groups
        ),
        'return a list of dictionaries, each with "params" and "lr"',
    )
    for i in (0, 6):
        expect(
            torch.allclose(model[i].weight, 4 * twin[i].weight),
            "a weight directly before a batch norm is not 4 times as long",
        )
        model[i].weight.data /= 4
    expect(
        all(map(torch.equal, model.parameters(), twin.parameters())),
        "something else was lengthened: only weights before a norm may be",
    )
    for i in (0, 6):
        model[i].weight.data *= 4
    groups = [  # SGD takes a tensor by itself too
        {
            **group,
            "params": [group["params"]]
            if isinstance(group["params"], torch.Tensor)
            else list(group["params"]),
        }
        for group in groups
    ]
    held = [id(p) for group in groups for p in group["params"]]
    expect(
        sorted(held) == sorted(map(id, model.parameters())),
        "every parameter of the model should be in exactly one group",
    )
    X, y = torch.randn(24, 1, 6, 6).double(), torch.arange(24) % 3
    both = (
        (twin, torch.optim.SGD(twin.parameters(), 0.25)),
        (
            model,
            torch.optim.SGD(groups, 0.25),
        ),
    )
    for net, optimizer in both:
        for _ in range(6):
            optimizer.zero_grad()
            F.cross_entropy(net(X), y).backward()
            optimizer.step()
    expect(
        torch.allclose(model(X), twin(X), atol=1e-4),
        "after six steps the two networks differ: weights 4 times as long "
        "have a gradient 4 times smaller, and must move 4 times as far",
    )


@exercise("8.15")
def sturdy(answer):
    digits = load_digits()
    images = torch.tensor(digits.data, dtype=torch.float32)
    images = (images - images.mean()) / images.std()
    labels, shares = torch.tensor(digits.target), []
    for seed in range(3):
        generator = torch.Generator().manual_seed(seed)
        order = torch.randperm(len(images), generator=generator)
        train, val, test = order[:150], order[150:170], order[250:650]
        y = labels[train].clone()
        bad = torch.rand(150, generator=generator) < 1 / 3
        shift = torch.randint(1, 10, (int(bad.sum()),), generator=generator)
        y[bad] = (y[bad] + shift) % 10
        torch.manual_seed(seed)
        model = call(answer, images[train], y, images[val], labels[val])
        expect(
            isinstance(model, nn.Module),
            "return the trained network; is a return missing?",
        )
        expect(
            not any(module.training for module in model.modules()),
            "the network should be in eval mode",
        )
        with torch.no_grad():
            logits = call(model, images[test])
        is_tensor(logits, shape=(400, 10), name="the output of the network")
        hits = logits.argmax(dim=1) == labels[test]
        shares.append(hits.float().mean().item())
    share = sum(shares) / 3
    expect(
        share >= 0.76,
        f"it reads {share:.0%} of unseen digits, 76% are asked for; "
        "does it learn the wrong labels by heart, or leave the clean ones "
        "unused?",
    )
