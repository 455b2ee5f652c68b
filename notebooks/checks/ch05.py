"""Checks of chapter 5, losses."""

import itertools
import math

import torch
import torch.nn.functional as F
from scipy.optimize import linprog
from torch import nn

from checks.watchers import Calls
from checks.words import (
    call,
    call_by_hand,
    exercise,
    expect,
    is_sequence,
    is_tensor,
    same_tensor,
    same_value,
)


def _draw(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(5))


@exercise("5.1")
def mae(answer):
    y_hat, y = torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[3.0, 2.0, 0.0]])

    def ask(**options):
        with Calls() as calls:
            got = call(answer, y_hat, y, **options)
        for name in calls.names:
            expect(
                not name.endswith("_loss"),
                f"PyTorch's own {name} was called; write the formula",
            )
        return got

    kept = ask(reduction="none")
    is_tensor(kept, shape=(1, 3), name='the result for "none"')
    expect(
        (kept >= 0).all().item(),
        "a loss is negative; which function drops the sign?",
    )
    same_tensor(
        kept,
        (y_hat - y).abs(),
        "an error of 2 should cost 2, one of 3 costs 3",
    )
    same_tensor(
        ask(reduction="sum"),
        torch.tensor(5.0),
        "errors of 2, 0 and 3 should sum to 5",
        name='the result for "sum"',
    )
    same_tensor(
        ask(),
        torch.tensor(5 / 3),
        "the mean should divide by the number of elements",
        name="the result without a reduction",
    )


@exercise("5.2")
def choice(answer):
    right = {
        "price": ("HuberLoss", "SmoothL1Loss", "L1Loss"),
        "tags": (
            "BCEWithLogitsLoss",
            "MultiLabelSoftMarginLoss",
            "MultiLabelMarginLoss",
        ),
        "digit": ("CrossEntropyLoss", "MultiMarginLoss"),
        "goals": ("PoissonNLLLoss",),
        "speech": ("CTCLoss",),
        "face": ("TripletMarginLoss", "TripletMarginWithDistanceLoss"),
    }
    hints = {
        "price": "which loss does not let one wild example pull hardest?",
        "tags": "each tag is its own question, asked of a raw logit",
        "digit": "exactly one class is right, and the scores are raw logits",
        "goals": "the target is a whole number that is never negative",
        "speech": "which loss sums over all alignments?",
        "face": "which loss takes three vectors?",
    }
    expect(isinstance(answer, dict), "a dictionary of six names is asked for")
    for task, names in right.items():
        expect(task in answer, f'the task "{task}" has no entry')
        name = answer[task]
        expect(
            isinstance(name, str),
            f'"{task}": give the name of the class as text',
        )
        expect(
            isinstance(getattr(nn, name, None), type),
            f'"{task}": torch.nn has no class of that name; mind the spelling',
        )
        expect(name in names, f'"{task}": {hints[task]}')


@exercise("5.3")
def log_mean_exp(answer):
    x = _draw(2, 3, 4)
    got = call(answer, x)
    is_tensor(got)
    expect(
        got.shape != (2, 3, 1), "the last axis should go, not stay as length 1"
    )
    want = x.logsumexp(dim=-1) - math.log(4)
    if got.shape == want.shape:
        expect(
            not torch.allclose(got, x.logsumexp(dim=-1), atol=1e-4),
            "this is the logarithm of the sum; the mean is asked for",
        )
        expect(
            not torch.allclose(got, x.mean(dim=-1), atol=1e-4),
            "this is the mean of x; exponentiate first, then take the mean",
        )
    same_tensor(got, want, "two equal values should give that value back")
    for value in (1000.0, -1000.0):
        same_tensor(
            call(answer, torch.tensor([value, value])),
            torch.tensor(value),
            f"two values of {value:g} should give {value:g}; "
            "what is the exponential of such a number?",
        )
    same_tensor(
        call(answer, torch.tensor([[1000.0, 0.0], [-1000.0, -1000.0]])),
        torch.tensor([1000 - math.log(2), -1000.0]),
        "rows of 1000 and 0 and of -1000 spoil each other; "
        "what is the largest value of each row?",
    )


@exercise("5.4")
def cross_entropy_gradient(answer):
    logits, y = _draw(5, 3), torch.tensor([0, 1, 1, 0, 1])
    x = logits.clone().requires_grad_()
    F.cross_entropy(x, y).backward()
    with Calls() as calls:
        got = call_by_hand(answer, logits, y)
    expect(
        "cross_entropy" not in calls.names,
        "F.cross_entropy was called; write the formula of its gradient down",
    )
    is_tensor(got, shape=(5, 3))
    if got.dtype == x.grad.dtype:
        for factor, hint in (
            (5, "this is the gradient of the sum; what does the mean change?"),
            (-1, "the sign is wrong: the right class should be pushed up"),
            (1 / 3, "the mean is over the 5 examples, not over all 15 logits"),
            (5 / 3, "the mean is over the examples, not over the classes"),
        ):
            expect(not torch.allclose(got, factor * x.grad, atol=1e-5), hint)
    same_tensor(
        got, x.grad, "every row should sum to 0; start from the probabilities"
    )


@exercise("5.5")
def pinball(answer):
    y_hat, y = torch.tensor([0.0, 0.0]), torch.tensor([1.0, -2.0])
    got = call(answer, y_hat, y, 0.9)
    is_tensor(got, shape=())
    expect(
        not math.isclose(got.item(), (0.1 + 1.8) / 2, abs_tol=1e-5),
        "the sides are swapped: at q = 0.9 a prediction that is too low "
        "should cost more than one that is too high",
    )
    same_tensor(
        got,
        torch.tensor((0.9 + 0.2) / 2),
        "at q = 0.9, being 1 too low should cost 0.9 and 2 too high 0.2",
    )
    same_tensor(
        call(answer, y_hat, y, 0.5),
        torch.tensor(0.75),
        "at q = 0.5 it should be half the absolute error",
    )
    y_hat, y = _draw(4, 3), _draw(3, 4).T + 0.5
    d = y - y_hat
    same_tensor(
        call(answer, y_hat, y, 0.3),
        torch.where(d > 0, 0.3 * d, -0.7 * d).mean(),
        "the mean should run over all elements of a table too",
    )


@exercise("5.6")
def masked_mse(answer):
    y_hat, y = _draw(3, 4), 1 - _draw(4, 3).T
    lengths = torch.tensor([4, 1, 2])
    squares, real = (y_hat - y) ** 2, torch.arange(4) < lengths[:, None]
    got = call(answer, y_hat, y, lengths)
    is_tensor(got, shape=())
    for wrong, hint in (
        (squares.mean(), "the padded steps still count"),
        (
            (squares * real).mean(),
            "the padded steps are zero but still counted in the divisor",
        ),
        (
            ((squares * real).sum(1) / lengths).mean(),
            "this averages rows first, so steps of short rows count more",
        ),
        (
            squares[torch.arange(4) <= lengths[:, None]].mean(),
            "one step too many is kept in each row; steps count from 0",
        ),
    ):
        expect(not math.isclose(got.item(), wrong.item(), rel_tol=1e-4), hint)
    same_tensor(got, squares[real].mean(), "seven of twelve steps are real")
    for guess, truth, what in (
        (y_hat.masked_fill(~real, math.inf), y, "infinite padding in y_hat"),
        (
            y_hat.clone(),
            y.masked_fill(~real, math.inf),
            "infinite padding in y",
        ),
        (y_hat.masked_fill(~real, 1e30), y, "padding of 1e30 in y_hat"),
    ):
        guess.requires_grad_()
        got = call(answer, guess, truth, lengths)
        expect(
            got.isfinite().item(),
            f"{what} should not matter; select, do not multiply",
        )
        expect(got.requires_grad, "the gradient does not reach y_hat")
        (slope,) = torch.autograd.grad(got, guess)
        expect(
            slope.isfinite().all().item(),
            f"{what} spoils the gradient; select before you subtract",
        )


@exercise("5.7")
def focal(answer):
    x, y = torch.tensor([-2.0, 0.5, 3.0, 0.0]), torch.tensor([1.0, 0, 1, 0])
    ce = F.binary_cross_entropy_with_logits(x, y, reduction="none")
    p_hat = (-ce).exp()
    alpha_t = torch.where(y == 1, 0.25, 0.75)
    want = alpha_t * (1 - p_hat) ** 2 * ce
    got = call(answer, x, y)
    is_tensor(got, shape=(4,))
    if got.dtype == want.dtype:
        for wrong, hint in (
            (
                (1 - alpha_t) * (1 - p_hat) ** 2 * ce,
                "alpha belongs to target 1, 1 - alpha to target 0",
            ),
            (
                (1 - p_hat) ** 2 * ce,
                "the factor alpha is missing",
            ),
            (
                0.25 * (1 - p_hat) ** 2 * ce,
                "alpha is for target 1 only; target 0 has another factor",
            ),
            (
                alpha_t * p_hat**2 * ce,
                "easy examples keep their loss and hard ones lose it: "
                "the other way round is asked for",
            ),
            (
                alpha_t * (1 - x.sigmoid()) ** 2 * ce,
                "the probability of the true answer is not that of class 1 "
                "when the target is 0",
            ),
        ):
            expect(not torch.allclose(got, wrong, rtol=1e-4), hint)
    same_tensor(
        got, want, "start from the probability given to the true answer"
    )
    same_tensor(
        call(answer, x, y, alpha=0.5, gamma=0.0),
        0.5 * ce,
        "with gamma 0 and alpha 0.5, half the cross-entropy should be left",
    )
    far = torch.tensor([-200.0, 200.0])
    got = call(answer, far, torch.tensor([1.0, 0.0]))
    expect(
        got.isfinite().all().item(),
        "logits of 200 give an infinite loss or NaN; "
        "which function is the logarithm of the sigmoid?",
    )
    same_tensor(
        got,
        torch.tensor([50.0, 150.0]),
        "for a logit of 200 on the wrong side the logarithm should be -200",
    )


@exercise("5.8")
def dice(answer):
    p = torch.tensor([[[0.9, 0.1], [0.0, 0.0]], [[0.5, 0.5], [1.0, 1.0]]])
    m = torch.tensor([[[1.0, 0.0], [0.0, 0.0]], [[1.0, 1.0], [1.0, 0.0]]])

    got = call(answer, p, m, s=0.5)
    is_tensor(got, shape=())
    want = (0.2 / 2.5 + 2 / 6.5) / 2  # per image: areas less twice the overlap
    for wrong, hint in (
        (
            2.2 / 8.5,
            "the sums run over the whole batch; keep the images apart",
        ),
        (1 - want, "this is the overlap; a perfect mask should cost 0"),
        ((0.2 / 3 + 2 / 7) / 2, "the argument s is not used"),
    ):
        expect(not math.isclose(got.item(), wrong, rel_tol=1e-4), hint)
    same_tensor(
        got,
        torch.tensor(want),
        "for each image: twice the overlap over the sum of both areas",
    )
    same_tensor(
        call(answer, p, m),
        torch.tensor((0.2 / 3 + 2 / 7) / 2),
        "s should be 1 unless told",
    )


@exercise("5.9")
def contrastive(answer):
    u = torch.tensor([[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]])
    v = torch.tensor([[3.0, 4.0], [0.36, 0.48], [3.0, 4.0]])
    same = torch.tensor([1, 0, 0])
    got = call(answer, u, v, same, m=2.0)
    is_tensor(got, shape=())
    for wrong, hint in (
        ((5 + 1.4**2) / 3, "the distance of a similar pair should be squared"),
        (
            (25 + 4 - 0.36) / 3,
            "the margin minus the distance is squared, not each of them",
        ),
        (
            (25 + 1.4**2 + 9) / 3,
            "a different pair beyond the margin should cost nothing",
        ),
        ((0.36 + 25) / 3, "similar and different are swapped"),
        ((25 + 0.4**2) / 3, "the argument m is not used"),
        (25 + 1.4**2, "the mean over the pairs is asked for"),
    ):
        expect(not math.isclose(got.item(), wrong, rel_tol=1e-4), hint)
    same_tensor(
        got,
        torch.tensor((25 + 1.4**2) / 3),
        "distances 5, 0.6, 5 with margin 2 should cost 25, 1.96 and 0",
        rtol=1e-3,
    )
    same_tensor(
        call(answer, u, v, same),
        torch.tensor((25 + 0.4**2) / 3),
        "the margin should be 1 unless told",
        rtol=1e-3,
    )
    twin = torch.ones(2, 3, requires_grad=True)
    loss = call(answer, twin, torch.ones(2, 3), torch.tensor([1, 0]))
    expect(loss.requires_grad, "the gradient does not reach u")
    (slope,) = torch.autograd.grad(loss, twin)
    expect(
        slope.isfinite().all().item(),
        "the gradient is not finite for equal vectors: "
        "the root has no slope at 0",
    )


@exercise("5.10")
def log_cosh(answer):
    y_hat, y = torch.tensor([0.0, 1.0, -2.0]), torch.tensor([0.0, 0.5, 1.0])
    want = (y_hat - y).cosh().log()
    module = call(answer, reduction="none")
    expect(
        isinstance(module, nn.Module), "a subclass of nn.Module is asked for"
    )
    same_tensor(
        call(module, y_hat, y),
        want,
        "an error of 0 should cost 0 and one of 3 2.3093",
        name='the result for "none"',
    )
    for sign in (1, -1):
        error = torch.tensor([sign * 1000.0], requires_grad=True)
        big = call(module, error, torch.zeros(1))
        expect(
            big.isfinite().all().item(),
            "an error of 1000 overflows; take the largest exponential out "
            "of the cosh, as with log-sum-exp",
        )
        same_tensor(
            big,
            torch.tensor([1000 - math.log(2)]),
            "an error of 1000 should cost about 999.3, of either sign",
        )
        expect(big.requires_grad, "the gradient does not reach y_hat")
        (slope,) = torch.autograd.grad(big, error)
        expect(
            slope.isfinite().all().item(),
            "for an error of 1000 the loss is right, but its slope is NaN",
        )
        expect(
            abs(slope.item() - sign) < 1e-3,
            f"for an error of {1000 * sign} the loss is right, but its slope "
            f"is {slope.item() + 0.0:.2g} and not {sign}",
        )
    for reduction, value in (("sum", want.sum()), ("mean", want.mean())):
        module = call(answer, reduction=reduction)
        same_tensor(
            call(module, y_hat, y),
            value,
            f'the reduction "{reduction}" is not followed',
            name=f'the result for "{reduction}"',
        )
    same_tensor(
        call(call(answer), y_hat, y),
        want.mean(),
        "without an argument the mean is asked for",
    )


@exercise("5.11")
def greedy_decode(answer):
    def table(*paths, num_classes=4):
        return (
            F.one_hot(torch.tensor(paths).T, num_classes)
            .float()
            .log_softmax(2)
        )

    log_p = table([1, 1, 0, 1, 2], [0, 3, 3, 0, 0])
    got = call(answer, log_p)
    expect(
        isinstance(got, list) and all(isinstance(row, list) for row in got),
        "a list of lists is asked for; see .tolist()",
    )
    expect(
        len(got) == 2,
        f"two sequences should give two lists, not {len(got)}; "
        "which axis is the batch?",
    )
    expect(
        got != [[1, 2], [3]],
        "1, blank, 1 is two letters: merge repeats before dropping blanks",
    )
    expect(0 not in got[0] + got[1], "a blank is left in the text")
    expect(got != [[1, 1, 1, 2], [3, 3]], "repeats are not merged")
    same_value(got, [[1, 1, 2], [3]], "1 1 blank 1 2 should give 1 1 2")
    expect(
        call(answer, table([0, 0, 3, 3], [2, 2, 2, 2]), blank=3) == [[0], [2]],
        "with blank=3 the class 0 is a letter like any other",
    )


@exercise("5.12")
def info_nce(answer):
    u, v = _draw(5, 3), _draw(3, 5).T + 0.5

    def table(u, v, temperature=0.5, axis=1):
        if axis is not None:
            u, v = F.normalize(u, dim=axis), F.normalize(v, dim=axis)
        return u @ v.T / temperature

    def ask(logits):
        return (logits.logsumexp(1) - logits.diagonal()).mean()

    def loss(u, v, temperature=0.5, axis=1, both=True):
        logits = table(u, v, temperature, axis)
        there, back = ask(logits), ask(logits.T)
        return (there + back) / 2 if both else there

    got = call(answer, u, v, temperature=0.5)
    is_tensor(got, shape=())
    for wrong, hint in (
        (loss(u, v, axis=None), "the rows are not scaled to length 1"),
        (loss(u, v, axis=0), "scale each row to length 1, not each column"),
        (
            (ask(table(u, v).softmax(1)) + ask(table(v, u).softmax(1))) / 2,
            "cross-entropy takes the products as they are, without a softmax",
        ),
        (
            _among_all(table(torch.cat([u, v]), torch.cat([u, v]))),
            "each u should be asked among the v only, not among the other u",
        ),
        (5 * loss(u, v), "the mean over the rows is asked for, not the sum"),
        (
            loss(u, v, both=False),
            "this asks each u for its v; the other way is missing",
        ),
        (
            loss(v, u, both=False),
            "this asks each v for its u; the other way is missing",
        ),
        (loss(u, v, 2.0), "divide by the temperature, do not multiply"),
        (loss(u, v, 1.0), "the temperature is not used"),
        (2 * loss(u, v), "the average of both directions, not their sum"),
    ):
        expect(not math.isclose(got.item(), wrong.item(), rel_tol=1e-4), hint)
    same_tensor(got, loss(u, v), "row i of the table of products has target i")
    same_tensor(
        call(answer, u, v),
        loss(u, v, 0.1),
        "the temperature should be 0.1 unless told",
    )


def _among_all(logits):
    """Ask each of 2N views for its partner among all the others."""
    n = len(logits) // 2
    others = logits.masked_fill(torch.eye(2 * n, dtype=torch.bool), -math.inf)
    return F.cross_entropy(others, torch.arange(2 * n).roll(n))


def _list_paths(log_p, target, blank):
    num_steps, num_classes = log_p.shape
    chances = []
    for path in itertools.product(range(num_classes), repeat=num_steps):
        text = [k for k, _ in itertools.groupby(path) if k != blank]
        if text == target:
            chances.append(log_p[range(num_steps), path].sum())
    return -torch.stack(chances).logsumexp(0)


@exercise("5.13")
def ctc(answer):
    log_p = _draw(4, 3).log_softmax(1)
    with Calls() as calls:
        loss = call(answer, log_p, [1, 2])
    expect(
        "ctc_loss" not in calls.names,
        "PyTorch's own ctc_loss was called; walk through the states yourself",
    )
    is_tensor(loss)
    expect(loss.numel() == 1, "one number is asked for")
    want = _list_paths(log_p, [1, 2], 0)
    expect(
        not math.isclose(loss.item(), -want.item(), rel_tol=1e-4),
        "this is the log-probability; the loss has the other sign",
    )
    one_end = _last_state_only(log_p, [1, 2])
    expect(
        not math.isclose(loss.item(), one_end, rel_tol=1e-4),
        "a path may end in the last letter or in the blank after it",
    )
    same_tensor(
        loss.reshape(()), want, "four steps, text 1 2: list the 15 paths"
    )
    log_p = _draw(6, 4).log_softmax(1)
    for target, blank, hint in (
        ([1, 1], 0, "two equal letters need a blank between them"),
        ([0, 2, 0], 3, "with blank=3 the class 0 is a letter"),
        ([3], 0, "a text of one letter has three states"),
    ):
        loss = call(answer, log_p, target, blank)
        same_tensor(
            loss.reshape(()),
            F.ctc_loss(
                log_p[:, None],
                torch.tensor([target]),
                (6,),
                (len(target),),
                blank=blank,
                reduction="sum",
            ),
            hint,
        )
    log_p = (5 * _draw(100, 4)).log_softmax(1)
    target = [1, 2, 3, 3, 1] * 4
    loss = call(answer, log_p, target)
    expect(
        loss.isfinite().all().item(),
        "a hundred steps give an infinite loss: "
        "are probabilities multiplied instead of logarithms added?",
    )
    same_tensor(
        loss.reshape(()),
        F.ctc_loss(
            log_p[:, None],
            torch.tensor([target]),
            (100,),
            (20,),
            reduction="sum",
        ),
        "short texts are right, a text of twenty letters is not",
        rtol=1e-3,
    )


def _last_state_only(log_p, target):
    """The loss of an answer that lets paths end in the last blank only."""
    num_steps, num_classes = log_p.shape
    chances = []
    for path in itertools.product(range(num_classes), repeat=num_steps):
        text = [k for k, _ in itertools.groupby(path)]
        if [k for k in text if k] == target and path[-1] == 0:
            chances.append(log_p[range(num_steps), path].sum())
    return -torch.stack(chances).logsumexp(0).item()


@exercise("5.14")
def cheapest_threshold(answer):
    torch.manual_seed(0)
    y = (torch.rand(300) < 0.3).long()
    logits = 2 * torch.randn(300) + 1.5 * y + 1  # no honest probabilities
    for miss, alarm in ((1.0, 1.0), (5.0, 1.0), (1.0, 7.0)):
        _is_cheapest(answer, logits, y, miss, alarm)
    certain = torch.tensor([-3.0, -2.0, 4.0, 5.0])
    few = torch.tensor([0, 1, 0, 1])
    _is_cheapest(answer, certain, few, 1.0, 100.0)
    _is_cheapest(answer, certain, few, 100.0, 1.0)
    narrow = torch.tensor([-90.0, 0.5013, 0.5017, 90.0])  # no grid meets it
    _is_cheapest(answer, narrow, torch.tensor([0, 0, 1, 1]), 1.0, 1.0)
    _is_cheapest(answer, certain, torch.ones(4).long(), 1.0, 1.0)
    _is_cheapest(answer, certain, torch.zeros(4).long(), 1.0, 1.0)


def _is_cheapest(answer, logits, y, miss, alarm):
    """Refuse a threshold that costs more than the best one."""

    def cost(at, logits=logits):
        above = logits > at
        missed = (~above & (y == 1)).sum()
        return (miss * missed + alarm * (above & (y == 0)).sum()).item()

    at = call(answer, logits, y, miss, alarm)
    expect(at is not None, "the result is None; is a return missing?")
    expect(
        isinstance(at, int | float) and not isinstance(at, bool),
        "the threshold should be a plain number",
    )
    expect(not math.isnan(at), "the threshold is NaN")
    best = min(cost(v) for v in [-math.inf, *logits.tolist()])
    expect(  # in double precision a threshold just below a logit stays below
        min(cost(at), cost(at, logits.double())) <= best,
        f"with miss {miss:g} and alarm {alarm:g} your threshold costs "
        f"{cost(at):g} on {len(y)} examples; {best:g} is possible",
    )


@exercise("5.15")
def quantile_line(answer):
    torch.manual_seed(0)
    x = 50 + 20 * torch.rand(400)
    noise = (x - 45) * torch.randn(400)
    for y, q in ((9000 + 30 * x + noise, 0.9), (0.1 * x + 0.01 * noise, 0.2)):
        got = call(answer, x, y, q)
        expect(
            is_sequence(got, 2),
            "return two numbers, the slope and the intercept",
        )
        slope, intercept = got
        expect(
            all(isinstance(v, int | float) for v in got),
            "slope and intercept should be plain numbers",
        )
        d = y.double() - (slope * x.double() + intercept)
        below = (d < 0).double().mean().item()
        expect(
            abs(below - q) < 0.04,
            f"for q = {q:g} a share of {below:.2f} lies under your line",
        )
        loss = torch.maximum(q * d, (q - 1) * d).mean().item()
        expect(
            loss < 1.01 * _smallest_pinball(x.double(), y.double(), q),
            "the share is right, the line is not: look at both ends of x",
        )


def _smallest_pinball(x, y, q):
    """The smallest pinball loss of a line, by linear programming."""
    n = len(x)
    ones = torch.ones(n, dtype=x.dtype)
    eye = torch.eye(n, dtype=x.dtype)
    found = linprog(
        torch.cat([torch.zeros(2, dtype=x.dtype), q * ones, (1 - q) * ones]),
        A_eq=torch.cat([torch.stack([x, ones], 1), eye, -eye], 1),
        b_eq=y,
        bounds=[(None, None)] * 2 + [(0, None)] * (2 * n),
    )
    return found.fun / n
