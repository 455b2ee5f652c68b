"""The answer checks of chapter 11."""

import copy
import math

import torch
import torch.nn.functional as F
from torch import nn

from checks import (
    Hint,
    call,
    exercise,
    expect,
    is_tensor,
    same_number,
    same_tensor,
)

# the first optimizer of a process loads much; that is no learner's time
torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1)


@exercise("11.1")
def _(answer):
    want = -math.log(0.3) - math.log(0.7)
    if isinstance(answer, float):
        expect(
            not math.isclose(answer, want / 2, rel_tol=1e-3),
            "this is the mean of the two parts; their sum is asked for",
        )
        expect(
            not math.isclose(answer, -want, rel_tol=1e-3),
            "a cross-entropy is never negative: it has a minus sign",
        )
    same_number(
        answer,
        want,
        "a real example costs minus the log of the answer; what does a fake "
        "cost, whose right answer is 0?",
        rtol=1e-3,
    )


@exercise("11.2")
def _(answer):
    p = torch.tensor([0.3, 0.0, 0.5, 0.2])
    q = torch.tensor([0.1, 0.4, 0.0, 0.2])
    got = call(answer, p, q)
    is_tensor(got, shape=(4,), dtype=torch.float32)
    expect(
        not torch.allclose(got, q / (p + q)),
        "this is the probability of being fake",
    )
    same_tensor(
        got, p / (p + q), "which share of what D sees at a place is real?"
    )
    got = call(answer, torch.tensor([0.0, 0.2]), torch.tensor([0.0, 0.6]))
    same_tensor(
        got,
        torch.tensor([0.5, 0.25]),
        "where both densities are 0 the answer should be 0.5, and the other "
        "places should not change",
    )


@exercise("11.3")
def _(answer):
    real, fake = torch.tensor([2.0, -1.0, 30.0]), torch.tensor([0.5, 40.0])

    def loss(label_real, label_fake, real, fake):
        bce = F.binary_cross_entropy_with_logits
        return bce(real, torch.full_like(real, label_real)) + bce(
            fake, torch.full_like(fake, label_fake)
        )

    got = call(answer, real, fake)
    is_tensor(got, shape=())
    expect(
        not torch.isclose(got, loss(0.9, 0.1, real, fake)),
        "the fakes are smoothed too; only the real label should be",
    )
    expect(
        not torch.isclose(got, loss(1.0, 0.0, real, fake)),
        "the labels are not smoothed",
    )
    same_tensor(
        got,
        loss(0.9, 0.0, real, fake),
        "not the loss; is it computed from logits, stable at 40, and are "
        "both parts averaged?",
    )
    got = call(answer, real, fake, 0.7)
    same_tensor(
        got, loss(0.7, 0.0, real, fake), "the argument `label` is not used"
    )


@exercise("11.4")
def _(answer):
    double = (4, 2, 1)
    cases = [
        ([(4, 1, 0)], 1, 4),
        ([(4, 1, 0), double, double, double, double], 1, 64),
        ([(3, 1, 0), (3, 2, 1), (5, 3, 2)], 1, 13),
        ([(3, 2, 0)], 7, 15),
        ([], 9, 9),
    ]
    for layers, size, want in cases:
        got = call(answer, layers, size)
        same_number(
            got,
            want,
            f"{layers} from {size} does not give this; the formula of a "
            "convolution runs the other way",
        )
    same_number(
        call(answer, [double]), 2, "without `size` the picture starts at 1"
    )


@exercise("11.5")
def _(answer):
    real, fake = torch.tensor([3.0, 0.5, -1.0]), torch.tensor([-2.0, 0.25])
    got = call(answer, real, fake)
    expect(
        isinstance(got, (tuple, list)) and len(got) == 2,
        "two losses are asked for, of D and of G",
    )
    same_tensor(
        got[0],
        F.relu(1 - real).mean() + F.relu(1 + fake).mean(),
        "the loss of D is not right; a real score above 1 and a fake score "
        "below -1 cost nothing, no more and no less",
        name="the loss of D",
    )
    same_tensor(
        got[1],
        -fake.mean(),
        "the loss of G is not right; it wants high scores for fakes, and "
        "it is not cut off",
        name="the loss of G",
    )


@exercise("11.6")
def _(answer):
    def build():
        return nn.Sequential(
            nn.ConvTranspose2d(16, 64, 4),
            nn.BatchNorm2d(64),
            nn.Sequential(nn.Conv2d(8, 32, 4), nn.BatchNorm2d(32)),
            nn.Linear(50, 60),
        )

    model = build()
    for layer in (model[1], model[2][1]):
        nn.init.constant_(layer.bias, 3.0)
    before = copy.deepcopy(model)
    got = call(answer, model, mutates=True)
    expect(got is not None, "the result is None; is a return missing?")
    expect(got is model, "return the same model, changed in place")
    for layer in (model[0], model[2][0]):
        weight = layer.weight.detach()
        expect(
            weight.std() < 0.03 and weight.std() > 0.015,
            f"the weights of a {type(layer).__name__} should have the "
            "standard deviation 0.02; do you reach layers of all kinds and "
            "inside other containers?",
        )
        expect(weight.mean().abs() < 0.005, "convolutions have mean 0")
    for layer in (model[1], model[2][1]):
        weight = layer.weight.detach()
        expect(
            (weight.mean() - 1).abs() < 0.02,
            "the weights of a BatchNorm2d scale: they should be around 1",
        )
        expect(
            0.01 < weight.std() < 0.04,
            "the weights of a BatchNorm2d vary with 0.02 around 1",
        )
        expect(
            bool((layer.bias == 0).all()), "the biases of a BatchNorm2d are 0"
        )
    expect(
        torch.equal(model[3].weight, before[3].weight)
        and torch.equal(model[0].bias, before[0].bias),
        "something else has changed: linear layers or biases of convolutions",
    )


@exercise("11.7")
def _(answer):
    X, y = torch.randn(4, 2, 3, 5), torch.tensor([2, 0, 5, 2])
    got = call(answer, X, y, 6)
    is_tensor(got, shape=(4, 8, 3, 5), dtype=torch.float32)
    expect(
        torch.equal(got[:, :2], X),
        "the first channels should be the picture itself",
    )
    want = torch.zeros(4, 6, 3, 5)
    for i, label in enumerate(y.tolist()):
        want[i, label] = 1
    same_tensor(
        got[:, 2:],
        want,
        "the extra channels are wrong: channel y[i] of picture i is all "
        "ones, all others are zero",
    )


@exercise("11.8")
def _(answer):
    centres = torch.tensor([[0.0, 0.0], [1.0, 0.0], [9.0, 9.0]])
    samples = torch.tensor(
        [[0.1, 0.0], [0.45, 0.0], [0.9, 0.0], [9.0, 6.0], [5.0, 5.0]]
    )
    cases = [
        (0.5, 1, 2, "are the samples too far from every centre left out?"),
        (0.5, 2, 1, "does a centre need `least` samples?"),
        (0.7, 2, 1, "a sample counts for its nearest centre only"),
        (3.5, 1, 3, "does the radius matter?"),
    ]
    for radius, least, want, hint in cases:
        got = call(answer, samples, centres, radius, least)
        same_number(got, want, hint)


@exercise("11.9")
def _(answer):
    class Inner(nn.Module):
        def __init__(self):
            super().__init__()
            self.module = nn.Linear(2, 3)
            self.head = nn.Linear(3, 1)

    for prefix in ("module.", ""):
        for source in (Inner(), nn.Linear(2, 2)):
            if prefix == "" and isinstance(source, Inner):
                continue  # its own names begin like the prefix
            state = {
                prefix + name: value.clone()
                for name, value in source.state_dict().items()
            }
            target = copy.deepcopy(source)
            for p in target.parameters():
                nn.init.constant_(p, 7.0)
            try:
                got = answer(target, dict(state))
            except Exception as error:
                text = " ".join(str(error).split())[:80]
                raise Hint(
                    f"names like {next(iter(state))} do not load "
                    f"({type(error).__name__}: {text})"
                ) from None
            expect(got is not None, "the result is None; is a return missing?")
            expect(got is target, "return the model that was given")
            for name, value in source.state_dict().items():
                expect(
                    torch.equal(target.state_dict()[name], value),
                    "the model keeps its old weights, and nobody complains; "
                    "is strict=False at work?",
                )
    try:
        answer(nn.Linear(2, 2), {"module.weight": torch.ones(2, 2)})
    except Exception:
        return
    raise Hint("a state without the bias loads silently; it should raise")


@exercise("11.10")
def _(answer):
    training = torch.zeros(2, 1, 2, 2)
    training[1] = 10.0
    held = torch.full((2, 1, 2, 2), 4.0)
    held[1] = -20.0
    levels = [0.5, 1.7, 9.0, 1.0, 7.0]
    samples = torch.stack([torch.full((1, 2, 2), v) for v in levels])
    got = call(answer, samples, training, held)
    same_number(
        got,
        0.6,
        "not the share; take for each sample its nearest picture of each "
        "pool, over all pixels, and compare with one half",
    )
    edge = torch.full((1, 1, 2, 2), 0.0)
    near, far = edge + 1, edge + 2
    same_number(
        call(answer, edge, near, far),
        0.0,
        "exactly half as far is not strictly less",
    )


@exercise("11.11")
def _(answer):
    D = nn.Linear(3, 1)
    with torch.no_grad():
        D.weight.copy_(torch.tensor([[2.0, -4.0, 4.0]]))
    real = torch.randn(5, 3)
    got = call(answer, D, real)
    is_tensor(got, shape=())
    value = got.item()
    expect(
        not math.isclose(value, 25.0, rel_tol=1e-4),
        "R1 pulls the slope to 0, not to 1: no 1 is subtracted",
    )
    expect(
        not math.isclose(value, 6.0, rel_tol=1e-4),
        "this is the length of the gradient; its square is asked for",
    )
    same_number(
        value,
        36.0,
        "a linear D with the weights (2, -4, 4) has the penalty 36, for any "
        "number of examples",
    )
    expect(
        got.requires_grad,
        "nothing can be trained on it; the gradient needs a graph of its own",
    )
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Tanh(), nn.Flatten())
    net.append(nn.Linear(16, 1))
    real = torch.randn(6, 1, 4, 4)
    got = call(answer, net, real)
    x = real.clone().requires_grad_()
    (slope,) = torch.autograd.grad(net(x).sum(), x, create_graph=True)
    want = slope.pow(2).sum(dim=(1, 2, 3)).mean()
    same_tensor(
        got,
        want,
        "for pictures the value differs; sum over all pixels of a picture, "
        "then take the mean over the pictures",
    )
    expect(not real.requires_grad, "the real batch now records; use a copy")
    weight = net[0].weight
    same_tensor(
        torch.autograd.grad(got, weight)[0],
        torch.autograd.grad(want, weight)[0],
        "the gradient of the penalty for the weights of D is not right",
    )


@exercise("11.12")
def _(answer):
    A = torch.tensor([[-1.0, 0.0], [1.0, 0.0], [-1.0, 2.0], [1.0, 2.0]])
    same_number(
        call(answer, A, A + 3),
        18.0,
        "a cloud shifted by 3 in two directions is at distance 18",
    )
    same_number(
        call(answer, A, A * torch.tensor([2.0, 1.0])),
        4 / 3,
        "the part of the covariances is not right (first axis doubled)",
    )
    mix = torch.tensor([[1.0, 0.8, 0.0], [0.0, 0.5, 0.3], [0.4, 0.0, 2.0]])
    A, B = torch.randn(40, 3), torch.randn(50, 3) @ mix + 0.5
    gap = (A.mean(0) - B.mean(0)).double().pow(2).sum()
    C1, C2 = torch.cov(A.double().T), torch.cov(B.double().T)
    root = torch.linalg.eigvals(C1 @ C2).real.sqrt().sum()
    want = (gap + C1.trace() + C2.trace() - 2 * root).item()
    same_number(
        call(answer, A, B),
        want,
        "with correlated features the number differs; a root of a matrix is "
        "not the root of each of its elements",
    )
    A = torch.randn(5, 8)
    try:
        got = call(answer, A, A.clone())
        expect(got == got, "NaN")
    except Hint:
        raise Hint(
            "with 5 examples of 8 features it breaks: some eigenvalues are 0, "
            "and rounding takes them a little below"
        ) from None
    same_number(
        got,
        0.0,
        "5 examples of 8 features: the same set is at distance 0",
        atol=1e-5,
    )


@exercise("11.13")
def _(answer):
    expect(callable(answer), "a function is asked for")

    def scene():
        torch.manual_seed(1)
        G = nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 3))
        D = nn.Sequential(nn.Linear(3, 6), nn.BatchNorm1d(6), nn.Tanh())
        D.append(nn.Linear(6, 1))
        optimizers = [torch.optim.SGD(m.parameters(), lr=0.5) for m in (G, D)]
        for p in [*G.parameters(), *D.parameters()]:
            p.grad = torch.randn_like(p)
        return G, D, *optimizers

    real, z = torch.randn(7, 3) + 1, torch.randn(7, 2)
    G, D, optimizer_G, optimizer_D = scene()
    start_G, start_D = copy.deepcopy(G), copy.deepcopy(D)
    G1, D1, o_G, o_D = scene()
    fake = G1(z)
    o_D.zero_grad()
    loss = F.softplus(-D1(real)).mean() + F.softplus(D1(fake.detach())).mean()
    loss.backward()
    o_D.step()
    o_G.zero_grad()
    F.softplus(-D1(fake)).mean().backward()
    o_G.step()
    try:
        answer(G, D, optimizer_G, optimizer_D, real.clone(), z.clone())
    except (Exception, SystemExit, GeneratorExit) as error:
        text = " ".join(str(error).split())[:100]
        raise Hint(
            f"your code raised {type(error).__name__}: {text}"
        ) from None

    def same(one, two):
        return all(
            torch.allclose(a, b, atol=1e-5)
            for a, b in zip(one.parameters(), two.parameters(), strict=True)
        )

    expect(not same(D, start_D), "D has not moved")
    expect(not same(G, start_G), "G has not moved; does its loss reach it?")
    expect(
        same(D, D1),
        "D is not where it should be: one step on the labels 1 and 0, two "
        "separate batches, no old gradients, and nothing from the step of G",
    )
    expect(
        same(G, G1),
        "G is not where it should be: old gradients cleared, none from the "
        "step of D, the loss -log D, and the updated D",
    )
    expect(
        all(p.grad is None for p in D.parameters()),
        "D still holds gradients from the step of G",
    )
