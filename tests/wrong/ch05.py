"""Wrong answers for chapter 5 with a part of the hint that each must get."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from solutions import edit, edits


def gradient_by_autograd(logits, y):
    with torch.enable_grad():
        x = logits.clone().requires_grad_()
        return torch.autograd.grad(F.cross_entropy(x, y), x)[0]


def ready_ctc(log_p, target, blank=0):
    return nn.CTCLoss(blank, "sum")(
        log_p[:, None], torch.tensor([target]), (len(log_p),), (len(target),)
    )


def info_nce_among_all(u, v, temperature=0.1):
    both = F.normalize(torch.cat([u, v]), dim=1)
    logits = (both @ both.T / temperature).fill_diagonal_(-math.inf)
    return F.cross_entropy(logits, torch.arange(len(both)).roll(len(u)))


def threshold_of_a_grid(logits, y, miss, alarm):
    grid = torch.linspace(-10, 10, 2001)
    above = logits > grid[:, None]
    missed = (~above & (y == 1)).sum(dim=1)
    false = (above & (y == 0)).sum(dim=1)
    return grid[(miss * missed + alarm * false).argmin()].item()


WRONG = {
    "5.1": [
        (
            lambda y_hat, y, reduction="mean": F.l1_loss(
                y_hat, y, reduction=reduction
            ),
            "write the formula",
        ),
        (
            lambda y_hat, y, reduction="mean": F.smooth_l1_loss(
                y_hat, y, beta=0.0, reduction=reduction
            ),
            "write the formula",
        ),
        edit("losses.mean()", "F.l1_loss(y_hat, y)", "write the formula"),
        edit('== "none"', '== "sum"', 'the result for "none" has shape ()'),
        edit(".abs()", "", "which function drops the sign"),
        edit("losses.mean()", "losses.sum() / len(y)", "number of elements"),
        edit(".abs()", " ** 2", "an error of 2 should cost 2"),
        edit("losses.sum()", "losses.max()", "should sum to 5"),
    ],
    "5.2": [
        edit("HuberLoss", "MSELoss", "one wild example"),
        edit("BCEWithLogitsLoss", "CrossEntropyLoss", "its own question"),
        edit("BCEWithLogitsLoss", "BCELoss", "raw logit"),
        edit("CrossEntropyLoss", "NLLLoss", "raw logits"),
        edit("TripletMarginLoss", "TripletLoss", "mind the spelling"),
        edit('    "face": "TripletMarginLoss",\n', "", "has no entry"),
        edit('"CTCLoss"', '["CTCLoss"]', "as text"),
        (["HuberLoss"], "a dictionary of six"),
    ],
    "5.3": [
        (lambda x: x.exp().mean(dim=-1).log(), "exponential of such a number"),
        edit(" - math.log(x.shape[-1])", "", "the mean is asked for"),
        (lambda x: x.mean(dim=-1), "exponentiate first"),
        edit("dim=-1", "dim=-1, keepdim=True", "not stay as length 1"),
        edit("x.shape[-1]", "x.shape[0]", "give that value back"),
        (lambda x: x.mean(dim=-1).tolist(), "should be a tensor"),
        (
            lambda x: (x - x.max()).exp().mean(dim=-1).log() + x.max(),
            "largest value of each row",
        ),
    ],
    "5.4": [
        edit(" / len(y)", "", "gradient of the sum"),
        edit(
            "logits.softmax(dim=1) - one_hot",
            "one_hot - logits.softmax(dim=1)",
            "the sign is wrong",
        ),
        edit("softmax(dim=1)", "softmax(dim=0)", "every row should sum to 0"),
        edit("/ len(y)", "/ logits.numel()", "not over all 15"),
        edit("/ len(y)", "/ logits.shape[1]", "not over the classes"),
        edit("return (", "(", "a return missing"),
        edit("y, logits.shape[1]", "y", "your code raised"),
        (gradient_by_autograd, "autograd is at work"),
        (torch.func.grad(F.cross_entropy), "autograd is at work"),
        (torch.func.jacfwd(F.cross_entropy), "F.cross_entropy was called"),
    ],
    "5.5": [
        edit("y - y_hat", "y_hat - y", "the sides are swapped"),
        edit("(q - 1) * d", "-q * d", "1 too low"),
        edit(".mean()", "", "shape (2,)"),
        edit(".mean()", ".mean(dim=0).sum()", "all elements of a table"),
        edit("q * d, (q - 1) * d", "0.9 * d, -0.1 * d", "half the absolute"),
    ],
    "5.6": [
        edit("(y_hat[real] - y[real])", "(y_hat - y)", "still count"),
        edit(
            "((y_hat[real] - y[real]) ** 2)",
            "((y_hat - y) ** 2 * real)",
            "in the divisor",
        ),
        edit(
            "((y_hat[real] - y[real]) ** 2)",
            "(((y_hat - y) ** 2 * real).sum(1) / lengths)",
            "averages rows first",
        ),
        edit("< lengths", "<= lengths", "one step too many"),
        edit(
            "((y_hat[real] - y[real]) ** 2).mean()",
            "((y_hat - y) ** 2 * real).sum() / real.sum()",
            "select, do not multiply",
        ),
        edit(
            "((y_hat[real] - y[real]) ** 2)",
            "((y_hat - y) ** 2)[real]",
            "spoils the gradient",
        ),
        edit(
            "((y_hat[real] - y[real]) ** 2).mean()",
            "((y_hat.where(real, y) - y) ** 2).sum() / real.sum()",
            "infinite padding in y should not matter",
        ),
        edit(
            "((y_hat[real] - y[real]) ** 2).mean()",
            "((y_hat.nan_to_num(posinf=0) - y.nan_to_num(posinf=0)) ** 2"
            " * real).sum() / real.sum()",
            "padding of 1e30 in y_hat should not matter",
        ),
        edit("y_hat[real]", "y_hat.detach()[real]", "does not reach y_hat"),
        edit("** 2", "** 4", "seven of twelve"),
        edit("return (", "(", "a return missing"),
    ],
    "5.7": [
        edit("1 - log_p.exp()", "1 - x.sigmoid()", "of the true answer"),
        edit("alpha, 1 - alpha", "alpha, alpha", "has another factor"),
        edit("alpha, 1 - alpha", "1 - alpha, alpha", "belongs to target 1"),
        edit("-alpha_t * ", "-1 * ", "alpha is missing"),
        edit("(1 - log_p.exp())", "log_p.exp()", "the other way round"),
        edit(
            "F.logsigmoid(torch.where(y == 1, x, -x))",
            "torch.where(y == 1, x, -x).sigmoid().log()",
            "logarithm of the sigmoid",
        ),
        edit("** gamma ", "", "start from the probability"),
        edit("alpha, 1 - alpha", "0.25, 0.75", "half the cross-entropy"),
        edit("x, -x))", "x, -x)).clamp(min=-100)", "should be -200"),
        edit("return -", "-", "a return missing"),
    ],
    "5.8": [
        edit(
            "p.flatten(1), m.flatten(1)",
            "p.reshape(1, -1), m.reshape(1, -1)",
            "keep the images apart",
        ),
        edit("1 - (2 * overlap", "(2 * overlap", "a perfect mask should"),
        edit("m, s=1.0):", "m, s=1.0):\n    s = 1.0", "s is not used"),
        edit("2 * overlap", "overlap", "twice the overlap"),
        edit("s=1.0", "s=0.0", "should be 1 unless told"),
        edit("return (", "(", "a return missing"),
    ],
    "5.9": [
        edit(".clamp(min=0)", "", "beyond the margin"),
        edit("same == 1", "same == 0", "swapped"),
        edit(
            "F.pairwise_distance(u, v)",
            "((u - v) ** 2).sum(1).sqrt()",
            "the root has no slope",
        ),
        edit("d**2, apart", "d**2 / 2, apart", "distances 5, 0.6, 5"),
        edit("m - d", "1.0 - d", "m is not used"),
        edit("u, v)  #", "u.detach(), v)  #", "does not reach u"),
        edit("m=1.0", "m=0.5", "should be 1 unless told"),
        edit("return torch", "torch", "a return missing"),
    ],
    "5.10": [
        edit(
            "d + (-2 * d).exp().log1p() - math.log(2)",
            "d.cosh().log()",
            "overflows",
        ),
        edit("reduce(losses, self.reduction)", "losses", '"sum" has shape'),
        (nn.HuberLoss, "one of 3 2.3093"),
        edit(".abs()", ".abs().clamp(max=80)", "about 999.3"),
        edit(
            "d + (-2 * d).exp().log1p() - math.log(2)",
            "d.cosh().log().where(d < 50, d - math.log(2))",
            "its slope is NaN",
        ),
        edit("d + (-2", "d.detach() + (-2", "its slope is 0 and not 1"),
        edit(".abs()", ".abs().detach()", "does not reach y_hat"),
        edit("losses, self.reduction", 'losses, "mean"', '"none" has shape'),
        edit(
            "reduce(losses, self.reduction)",
            'losses if self.reduction == "none" else losses.mean()',
            '"sum" is not followed',
        ),
        edit('reduction="mean"', 'reduction="sum"', "without an argument"),
        edit("LogCosh(nn.Module)", "LogCosh", "a subclass of nn.Module"),
    ],
    "5.11": [
        edits(
            (
                "itertools.groupby(path)",
                "itertools.groupby(filter(None, path))",
            ),
            hint="merge repeats before dropping",
        ),
        edit("[k for k, _ in itertools.groupby(path)]", "path", "not merged"),
        edit(".T.tolist()", ".tolist()", "which axis is the batch"),
        edit("k != blank", "k", "with blank=3"),
        edit("groupby(path)]", "groupby([0, *path])][1:]", "with blank=3"),
        edit("[k for k in merged if k != blank]", "merged", "is left in"),
        edit("return texts", "return tuple(texts)", "a list of lists"),
        edit(".tolist()", "", "should be an int"),
    ],
    "5.12": [
        edit("(there + back) / 2", "there", "asks each u for its v"),
        edit("(there + back) / 2", "back", "asks each v for its u"),
        edit(
            "F.normalize(u, dim=1), F.normalize(v, dim=1)",
            "u, v",
            "not scaled to length 1",
        ),
        edit("/ temperature", "* temperature", "do not multiply"),
        edit(" / temperature", "", "temperature is not used"),
        edit("(there + back) / 2", "there + back", "not their sum"),
        edit("(len(u))", "(len(u)).flip(0)", "has target i"),
        edit(
            "F.normalize(u, dim=1), F.normalize(v, dim=1)",
            "F.normalize(u, dim=0), F.normalize(v, dim=0)",
            "not each column",
        ),
        edits(
            ("entropy(logits, own)", "entropy(logits.softmax(1), own)"),
            ("entropy(logits.T, own)", "entropy(logits.T.softmax(1), own)"),
            hint="without a softmax",
        ),
        edits(
            ("(logits, own)", "(logits, own, reduction='sum')"),
            ("(logits.T, own)", "(logits.T, own, reduction='sum')"),
            hint="not the sum",
        ),
        (info_nce_among_all, "not among the other u"),
        edit("=0.1", "=1.0", "should be 0.1 unless told"),
        edit("return (", "(", "a return missing"),
    ],
    "5.13": [
        edit("return -alpha", "return alpha", "the other sign"),
        edit("-alpha[-2:]", "-alpha[-1:]", "blank after it"),
        edit(
            "skip[2:][states[2:] != states[:-2]]",
            "skip[3::2]",
            "need a blank between",
        ),
        edit(
            "torch.stack(steps).logsumexp(dim=0)",
            "torch.stack(steps).exp().sum(dim=0).log()",
            "a hundred steps",
        ),
        edit("alpha[2:] = -", "alpha[1:] = -", "list the 15 paths"),
        edits(
            ("[blank]", "[0]"), ("[letter, blank]", "[letter, 0]"), hint="k=3"
        ),
        edit("= 0.0", "= 0.0; skip[9:] = -math.inf", "of twenty letters"),
        edit("-alpha[-2:].logsumexp(dim=0)", "-alpha[-2:]", "one number"),
        edit("return -", "-", "a return missing"),
        (ready_ctc, "walk through the states"),
    ],
    "5.14": [
        (lambda logits, y, miss, alarm: 0.0, "is possible"),
        (
            lambda logits, y, miss, alarm: math.log(alarm / miss),
            "is possible",
        ),
        (threshold_of_a_grid, "is possible"),
        edit("torch.cat([logits, always])", "logits", "is possible"),
        edit("(y == 1)", "(y == 0)", "is possible"),
        edit(".item()", "", "a plain number"),
        edit("return candidates", "candidates", "is a return missing?"),
        edit(
            "return candidates[(miss * missed + alarm * false).argmin()]",
            "return (0 * candidates[0] / 0)",
            "is NaN",
        ),
        edit(
            "logits > candidates[:, None]",
            "logits >= candidates[:, None]",
            "is possible",
        ),
    ],
    "5.15": [
        edit("return slope, (w", "return slope + (w", "return two numbers"),
        edit(
            "(w[0] * y.std() / x.std()).item()",
            "w[0] * y.std() / x.std()",
            "plain numbers",
        ),
        edit(
            "torch.maximum(q * d, (q - 1) * d).mean()",
            "d.square().mean()",
            "lies under your line",
        ),
        edit(
            "v - (w[0] * u + w[1])",
            "(w[0] * u + w[1]) - v",
            "lies under your line",
        ),
        edit(
            "v - (w[0] * u + w[1])",
            "v - (0 * w[0] * u + w[1])",
            "look at both ends",
        ),
        edits(
            ("(x - x.mean()) / x.std()", "x"),
            ("(y - y.mean()) / y.std()", "y"),
            ("(w[0] * y.std() / x.std()).item()", "w[0].item()"),
            (
                "(w[1] * y.std() + y.mean()).item() - slope * x.mean().item()",
                "w[1].item()",
            ),
            hint="lies under your line",
        ),
    ],
}

# (old, new) texts of the solution: answers that are right too
RIGHT = {
    "5.2": [
        ("CrossEntropyLoss", "MultiMarginLoss"),
        ("BCEWithLogitsLoss", "MultiLabelMarginLoss"),
    ],
    "5.10": [
        (
            "LogCosh(nn.Module):\n"
            '    def __init__(self, reduction="mean"):\n'
            "        super().__init__()\n"
            "        self.reduction = reduction\n",
            "LogCosh(nn.L1Loss):\n",
        ),
    ],
    "5.14": [
        (
            "    above = logits > candidates[:, None]",
            "    never = logits.max()[None] + 1\n"
            "    candidates = torch.cat([candidates, never]).double() - 1e-9\n"
            "    above = logits.double() > candidates[:, None]",
        ),
    ],
}

EQUAL = {
    "5.14": {
        "always = logits.min()[None] - 1 => always = logits.min()[None] - 2": (
            "two below the smallest is as much below all of them"
        ),
    },
    "5.15": {
        "w = torch.zeros(2, requires_grad=True) # on standardized data "
        "=> w = torch.ones(2, requires_grad=True) # on standardized data": (
            "another start, the same minimum"
        ),
        "w = torch.zeros(2, requires_grad=True) # on standardized data "
        "=> w = torch.zeros(3, requires_grad=True) # on standardized data": (
            "a third number that nothing reads"
        ),
        "optimizer = torch.optim.Adam([w], lr=0.05) => optimizer = "
        "torch.optim.Adam([w], lr=0.07500000000000001)": (
            "another rate of learning, the same minimum"
        ),
        "scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1, "
        "0.01, 200) => scheduler = "
        "torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0.015, 200)": (
            "another rate of learning, the same minimum"
        ),
        "scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1, "
        "0.01, 200) => scheduler = "
        "torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0.01, 199)": (
            "another rate of learning, the same minimum"
        ),
        "scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1, "
        "0.01, 200) => scheduler = "
        "torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0.01, 201)": (
            "another rate of learning, the same minimum"
        ),
        "for _ in range(200): => for _ in range(200 - 1):": (
            "one iteration more or less of 200"
        ),
        "for _ in range(200): => for _ in range(199):": (
            "one iteration more or less of 200"
        ),
        "for _ in range(200): => for _ in range(201):": (
            "one iteration more or less of 200"
        ),
        "loss = torch.maximum(q * d, (q - 1) * d).mean() => loss = "
        "torch.maximum(q * d, (q - 1) * d).sum()": (
            "Adam takes the same steps for any scale of the loss"
        ),
        "scheduler.step() => pass": (
            "a constant rate of 0.05 comes close enough on these data"
        ),
    },
    "5.9": {
        "d = F.pairwise_distance(u, v) # its eps keeps the root "
        "differentiable => d = F.pairwise_distance(v, u) # its eps keeps the "
        "root differentiable": "a distance is the same from both ends",
    },
    "5.12": {
        "u, v = F.normalize(u, dim=1), F.normalize(v, dim=1) => "
        "u, v = F.normalize(u), F.normalize(v, dim=1)": (
            "dim=1 is also the default"
        ),
        "u, v = F.normalize(u, dim=1), F.normalize(v, dim=1) => "
        "u, v = F.normalize(u, dim=1), F.normalize(v)": (
            "dim=1 is also the default"
        ),
    },
    "5.13": {
        "alpha = log_p[0, states].clone() => alpha = log_p[0, states]": (
            "an index by a tensor makes a copy already"
        ),
    },
}
