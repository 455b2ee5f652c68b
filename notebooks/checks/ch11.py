"""Checks of chapter 11, generative adversarial networks."""

import copy
import math

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.autograd.functional import jacobian

from checks.watchers import Calls
from checks.words import (
    Hint,
    call,
    exercise,
    expect,
    is_sequence,
    is_tensor,
    same_number,
    same_tensor,
    same_value,
)


@exercise("11.1")
def undecided_loss(answer):
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
def best_answer(answer):
    p = torch.tensor([0.3, 0.0, 0.5, 0.2])
    q = torch.tensor([0.1, 0.4, 0.0, 0.2])
    got = call(answer, p, q)
    is_tensor(got, shape=(4,), dtype=torch.float32)
    expect(
        not torch.allclose(got, torch.tensor([0.25, 1.0, 0.0, 0.5])),
        "this is the probability of being fake",
    )
    same_tensor(
        got,
        torch.tensor([0.75, 0.0, 1.0, 0.5]),
        "which share of what D sees at a place is real?",
    )
    p = torch.tensor([[0.0, 0.2], [1e-20, 0.0]])
    q = torch.tensor([[0.0, 0.6], [3e-20, 1e-20]])
    same_tensor(
        call(answer, p, q),
        torch.tensor([[0.5, 0.25], [0.25, 0.0]]),
        "where both densities are 0 the answer should be 0.5, and the other "
        "places should not change, not even where both are tiny",
    )


@exercise("11.3")
def smooth_loss(answer):
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
def last_size(answer):
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
def hinge(answer):
    real, fake = torch.tensor([3.0, 0.5, -1.0]), torch.tensor([-2.0, 0.25])
    got = call(answer, real, fake)
    expect(
        is_sequence(got, 2),
        "two losses are asked for, of D and of G",
    )
    same_tensor(
        got[0],
        torch.tensor((0 + 0.5 + 2) / 3 + (0 + 1.25) / 2),
        "the loss of D is not right; a real score above 1 and a fake score "
        "below -1 cost nothing, no more and no less",
        name="the loss of D",
    )
    same_tensor(
        got[1],
        torch.tensor(1.75 / 2),
        "the loss of G is not right; it wants high scores for fakes, and "
        "it is not cut off",
        name="the loss of G",
    )


@exercise("11.6")
def dcgan_init(answer):
    # many weights, so that their mean and deviation are well known
    model = nn.Sequential(
        nn.ConvTranspose2d(64, 16, 4),
        nn.BatchNorm2d(8192),
        nn.ModuleList([nn.Conv2d(16, 64, 4), nn.BatchNorm2d(8192)]),
        nn.Linear(50, 60),
        nn.Sequential(nn.Conv1d(4, 4, 3), nn.BatchNorm1d(4)),
    )
    convolutions, norms = (model[0], model[2][0]), (model[1], model[2][1])
    for layer in norms:
        nn.init.constant_(layer.bias, 3.0)
    others = [
        *(layer.bias for layer in convolutions),
        *model[3:].parameters(),
    ]
    before = [p.detach().clone() for p in others]
    got = call(answer, model, mutates=True)
    expect(got is not None, "the result is None; is a return missing?")
    expect(got is model, "return the same model, changed in place")
    for layer in (*convolutions, *norms):
        kind, weight = type(layer).__name__, layer.weight.detach()
        mean = 1 if layer in norms else 0
        expect(
            (weight.mean() - mean).abs() < 0.003,
            f"the weights of a {kind} should have the mean {mean}",
        )
        expect(
            (weight.std() - 0.02).abs() < 0.001,
            f"the weights of a {kind} should have the standard deviation "
            "0.02; do you reach layers of all kinds and inside other "
            "containers?",
        )
        expect(
            (weight - mean).abs().max() > 0.05,
            f"the weights of a {kind} are not normal: none is far from the "
            "mean",
        )
    for layer in norms:
        expect(
            bool((layer.bias == 0).all()), "the biases of a BatchNorm2d are 0"
        )
    expect(
        all(map(torch.equal, others, before)),
        "something else has changed: linear layers or biases of convolutions",
    )
    expect(
        model.training and all(p.requires_grad for p in model.parameters()),
        "something else has changed: the mode of the model, or a parameter "
        "is frozen",
    )


@exercise("11.7")
def with_label(answer):
    y = torch.tensor([2, 0, 4, 2])  # the last class, 5, does not occur
    want = torch.zeros(4, 6, 3, 5)
    for i, label in enumerate(y.tolist()):
        want[i, label] = 1
    for dtype in (torch.float32, torch.float64):
        X = torch.randn(4, 2, 3, 5, dtype=dtype)
        got = call(answer, X, y, 6)
        is_tensor(got, shape=(4, 8, 3, 5), dtype=dtype)
        expect(
            torch.equal(got[:, :2], X),
            "the first channels should be the picture itself",
        )
        same_tensor(
            got[:, 2:],
            want.to(dtype),
            "the extra channels are wrong: channel y[i] of picture i is all "
            "ones, all others are zero",
        )


@exercise("11.8")
def modes_reached(answer):
    centres = torch.tensor([[0.0, 0.0], [1.0, 0.0], [9.0, 9.0]])
    samples = torch.tensor(
        [[0.1, 0.0], [0.45, 0.0], [0.9, 0.0], [9.0, 6.0], [5.0, 5.0]]
    )
    cases = [
        (
            0.5,
            1,
            2,
            "are the samples too far from every centre left out, and do "
            "`least` samples suffice?",
        ),
        (0.5, 2, 1, "does a centre need `least` samples?"),
        (0.7, 2, 1, "a sample counts for its nearest centre only"),
        (6.0, 2, 2, "the distance is the length of the straight line"),
        (
            5.0,
            2,
            1,
            "a sample beyond the radius counts nowhere; the distance is the "
            "length of the straight line",
        ),
        (3.0, 1, 3, "a sample at exactly the radius is within it"),
    ]
    for radius, least, want, hint in cases:
        same_value(call(answer, samples, centres, radius, least), want, hint)


@exercise("11.9")
def load_repaired(answer):
    class Inner(nn.Module):
        def __init__(self):
            super().__init__()
            self.module = nn.Linear(2, 3)
            self.head = nn.Linear(3, 1)

    cases = [
        (Inner(), "module."),  # one of its own names begins like this
        (nn.Linear(2, 2), "module."),
        (nn.Linear(2, 2), ""),
        (nn.Sequential(Inner(), nn.BatchNorm1d(1)), ""),
    ]
    for source, prefix in cases:
        state = {prefix + k: x.clone() for k, x in source.state_dict().items()}
        target = copy.deepcopy(source)
        with torch.no_grad():
            for x in target.state_dict().values():
                x.fill_(7)
        got = call(answer, target, state)
        expect(got is not None, "the result is None; is a return missing?")
        expect(got is target, "return the model that was given")
        expect(
            all(
                torch.equal(x, target.state_dict()[name])
                for name, x in source.state_dict().items()
            ),
            "the model keeps its old weights, and nobody complains; is "
            "strict=False at work?",
        )
    try:
        call(answer, nn.Linear(2, 2), {"module.weight": torch.ones(2, 2)})
    except Hint:
        return
    raise Hint("a state without the bias loads silently; it should raise")


@exercise("11.10")
def copied_share(answer):
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
    zero = torch.zeros(1, 2, 2, 1)
    corner = torch.tensor([[[[0.0], [0.0]], [[1.0], [0.0]]]])
    for near, far in [(3 * corner, zero + 4), (zero + 2, 10 * corner)]:
        same_number(
            call(answer, zero, near, far),
            1.0,
            "pictures that differ in one pixel are misjudged; the distance "
            "is the root of the sum of squares over all pixels and channels",
        )
    edge = torch.full((1, 1, 2, 2), 0.0)
    near, far = edge + 1, edge + 2
    same_number(
        call(answer, edge, near, far),
        0.0,
        "exactly half as far is not strictly less; compare the distances "
        "themselves, not their squares",
    )


@exercise("11.11")
def r1_penalty(answer):
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
    # the slope of one picture's logit at another picture is 0
    slopes = jacobian(net, real, create_graph=True)
    want = slopes.square().sum() / len(real)
    same_tensor(
        got,
        want,
        "for pictures the value differs; sum over all pixels of a picture, "
        "then take the mean over the pictures",
    )
    expect(
        all(p.grad is None for p in net.parameters()),
        "your code leaves gradients in D; take the slope without backward",
    )
    weight = net[0].weight
    same_tensor(
        torch.autograd.grad(got, weight)[0],
        torch.autograd.grad(want, weight)[0],
        "the gradient of the penalty for the weights of D is not right",
    )


@exercise("11.12")
def frechet_of(answer):
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
    cases = [
        (
            0,
            "with correlated features the number differs; a root of a matrix "
            "is not the root of each of its elements",
        ),
        (1e5, "far from 0 the number differs; is all computed in float64?"),
    ]
    for shift, hint in cases:
        A = torch.randn(40, 3) + shift
        B = torch.randn(50, 3) @ mix + 0.5 + shift
        gap = (A.double().mean(0) - B.double().mean(0)).pow(2).sum()
        C1, C2 = torch.cov(A.double().T), torch.cov(B.double().T)
        root = torch.linalg.eigvals(C1 @ C2).real.sqrt().sum()
        want = (gap + C1.trace() + C2.trace() - 2 * root).item()
        same_number(call(answer, A, B), want, hint)
    A = torch.randn(5, 8)
    try:
        with Calls() as calls:
            got = call(answer, A, A.clone())
    except Hint:  # the roots of a matrix with NaN do not converge
        got = math.nan
    expect(
        got == got,
        "with 5 examples of 8 features it breaks: some eigenvalues are 0, "
        "and rounding takes them a little below",
    )
    same_number(
        got,
        0.0,
        "5 examples of 8 features: the same set is at distance 0; is all "
        "computed in float64?",
        atol=1e-5,
    )
    expect(
        "linalg_eigh" in calls.names,
        "no torch.linalg.eigh is at work; the root should be symmetric",
    )


@exercise("11.13")
def gan_step(answer):
    def scene():
        torch.manual_seed(1)
        G = nn.Sequential(nn.Linear(2, 6), nn.Dropout(), nn.Linear(6, 3))
        D = nn.Sequential(nn.Linear(3, 6), nn.BatchNorm1d(6), nn.Tanh())
        D.append(nn.Linear(6, 1))
        return G, D

    def descend(player, loss):
        weights = list(player.parameters())
        grads = torch.autograd.grad(loss, weights)
        with torch.no_grad():
            for p, grad in zip(weights, grads, strict=True):
                p -= 0.5 * grad

    def same(one, two):
        return all(
            torch.allclose(a, b, atol=1e-5)
            for a, b in zip(one.parameters(), two.parameters(), strict=True)
        )

    real, z = torch.randn(7, 3) + 1, torch.randn(7, 2)
    bce, ones = F.binary_cross_entropy_with_logits, torch.ones(7, 1)
    G1, D1 = scene()
    torch.manual_seed(2)  # for the dropout of G
    fake = G1(z)
    descend(D1, bce(D1(real), ones) + bce(D1(fake.detach()), 0 * ones))
    descend(G1, bce(D1(fake), ones))

    (G, D), (start_G, start_D) = scene(), scene()
    optimizers = [torch.optim.SGD(m.parameters(), lr=0.5) for m in (G, D)]
    for p in [*G.parameters(), *D.parameters()]:
        p.grad = torch.randn_like(p)
    visits = []
    G[0].weight.register_hook(lambda grad: visits.append(1))
    torch.manual_seed(2)
    call(answer, G, D, *optimizers, real, z, mutates=True)
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
        "step of D, the loss -log D, the updated D, and the same fakes, "
        "which G makes only once",
    )
    expect(
        all(p.grad is None for p in D.parameters()),
        "D still holds gradients from the step of G",
    )
    expect(
        all(p.requires_grad for p in [*G.parameters(), *D.parameters()]),
        "a player is left frozen; the next step needs its gradients",
    )
    expect(
        len(visits) == 1,
        "G gets gradients from the step of D as well; detach the fakes",
    )


@exercise("11.14")
def verdict(answer):
    digits = load_digits()
    images = torch.tensor(digits.images / 16, dtype=torch.float32)[:, None]
    classes = torch.tensor(digits.target)
    order = torch.randperm(
        len(images), generator=torch.Generator().manual_seed(0)
    )
    train, held, fresh = order[:500], order[500:1000], order[1000:]
    pools = images[train], classes[train], images[held]
    real, kinds = images[fresh], classes[fresh]
    edge = torch.cat([real[kinds != 7], real[kinds == 7][:20]])
    copies = images[train] + 0.02 * torch.randn(500, 1, 8, 8)
    ones = copies[classes[train] == 1]
    mixed = torch.cat([copies[:270], real[:230]])
    copied = torch.cat([copies[:300], real[:200]])
    grainy = real + 0.1 * torch.randn_like(real)
    grainier = real + 0.24 * torch.randn_like(real)
    cases = [
        (real, pools, "good", "fresh real digits"),
        (edge, pools, "good", "digits with few sevens"),
        (mixed, pools, "good", "slightly more than one half of copies"),
        (grainy, pools, "good", "digits with a little noise"),
        (copies, pools, "copier", "training digits with a little noise"),
        (ones, pools, "copier", "copies of one class: the first word counts"),
        (copied, pools, "copier", "three fifths of copies"),
        (real[kinds == 1], pools, "collapse", "perfect ones, nothing else"),
        (real[kinds != 9], pools, "collapse", "fresh digits without a 9"),
        (grainier, pools, "noise", "digits with much noise"),
        (grainier[kinds != 9], pools, "noise", "much noise and no 9"),
        (real[:80], pools, "good", "only eighty digits"),
        (images[held], pools, "good", "digits near to held_out only"),
    ]
    few = (images[train], classes[train], images[held][:10])
    cases.append((real, few, "good", "real digits, with ten held out"))
    seldom = torch.cat([real[kinds != 7], real[kinds == 7][:11]])  # 1.5 %
    cases.append((seldom, pools, "collapse", "digits with very few sevens"))
    dark = 1 - images[train][:50]  # black on white, and in training only
    wide = (
        torch.cat([images[train], dark]),
        torch.cat([classes[train], classes[train][:50]]),
        images[held],
    )
    cases.append((dark, wide, "copier", "copies far from held_out"))
    rough = torch.cat([dark + 0.3 * torch.randn_like(dark), real[:100]])
    cases.append((rough, wide, "noise", "samples near to training only"))
    sevens = images[train][classes[train] == 7][:11]
    others = images[train][classes[train] != 7]
    near = torch.cat([sevens, others, others])[:500]  # 2.2 % are sevens
    same = (images[train], classes[train], images[train])
    cases.append((near, same, "good", "two equal pools and few sevens"))
    without = images[train][classes[train] != 9]
    cases.append((without, same, "collapse", "equal pools, all classes but 9"))
    for samples, given, want, what in cases:
        got = call(answer, samples, *given)
        same_value(got, want, f"the verdict on {what} is {got!r}")


@exercise("11.15")
def clean_trial(answer):
    levels = torch.tensor([0.5, -0.5, -1.5]).repeat_interleave(400)
    fakes = torch.stack([torch.arange(1200.0), 4 - levels], dim=1)
    judged = []

    def score(samples):
        judged.append(samples[:, 0].long().tolist())
        return (samples[:, 1].mean() + 100 * len(judged)).item()

    def run(logits, seed, what):
        judged.clear()
        generator = torch.Generator().manual_seed(seed)
        got = call(answer, fakes, logits, score, generator)
        expect(
            is_sequence(got, 3),
            "three scores are asked for: all, cleaned and control",
        )
        expect(
            len(judged) == 3,
            f"`score` was called {len(judged)} times; it judges three sets",
        )
        every, kept, control = judged
        expect(
            every == list(range(1200)),
            "the first score should be that of all fakes",
        )
        expect(
            len(set(kept)) == len(kept),
            f"with {what}, a fake is kept twice",
        )
        seldom = levels.exp() / levels.max().exp()
        for i, ratio in enumerate(seldom[::400].tolist()):
            number = sum(fake // 400 == i for fake in kept)
            expect(
                abs(number - 400 * ratio) < 45,
                f"with {what}, {number} of 400 fakes are kept whose ratio "
                f"D / (1 - D) is {ratio:.2f} of the largest",
            )
        expect(
            len(control) == len(kept),
            "the control should hold as many fakes as were kept",
        )
        expect(
            len(set(control)) == len(control),
            "a fake stands twice in the control",
        )
        share = sum(fake < 400 for fake in control) / len(control)
        expect(
            abs(share - 1 / 3) < 0.09,
            f"{share:.0%} of the control are the likeliest fakes, and 33 % "
            "of all fakes are: the control is not drawn from all at random",
        )
        return got, list(judged)

    got, sets = run(levels, 0, "an unsure D")
    for i, name in enumerate(("all", "cleaned", "control")):
        want = fakes[sets[i], 1].mean().item() + 100 * (i + 1)
        same_number(got[i], want, f"the score of {name} is another one")
    run(levels - 200, 1, "a D that has won")
    expect(
        run(levels, 0, "an unsure D")[1] == sets,
        "the same seed gives other sets; draw from `generator` only",
    )
    other = run(levels, 2, "an unsure D")[1]
    expect(other[1] != sets[1], "what is kept is no matter of chance")
    few = slice(200)  # the sizes differ by chance
    expect(other[2][few] != sets[2][few], "the control is always the same")
    generator = torch.Generator()
    before = generator.get_state()
    call(answer, fakes, levels, score, generator)
    expect(
        not torch.equal(generator.get_state(), before),
        "nothing is drawn from `generator`; its seed alone is not enough",
    )
