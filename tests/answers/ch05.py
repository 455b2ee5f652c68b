"""Wrong answers for chapter 5 with a part of the hint that each must get."""

import itertools

import torch
import torch.nn.functional as F
from torch import nn

CHOICE = {
    "price": "HuberLoss",
    "tags": "BCEWithLogitsLoss",
    "digit": "CrossEntropyLoss",
    "goals": "PoissonNLLLoss",
    "speech": "CTCLoss",
    "face": "TripletMarginLoss",
}


def _always_mean(y_hat, y, reduction="mean"):
    return (y_hat - y).abs().mean()


def _signed(y_hat, y, reduction="mean"):
    return y_hat - y


def _mean_of_rows(y_hat, y, reduction="mean"):
    losses = (y_hat - y).abs()
    if reduction == "none":
        return losses
    return losses.sum() if reduction == "sum" else losses.sum() / len(y)


def _masked(y_hat, y, lengths, keep=torch.lt):
    return keep(torch.arange(y.shape[1]), lengths[:, None])


def _rows_first(y_hat, y, lengths):
    real = _masked(y_hat, y, lengths)
    return (((y_hat - y) ** 2 * real).sum(1) / lengths).mean()


def _zeroed(y_hat, y, lengths):
    return ((y_hat - y) ** 2 * _masked(y_hat, y, lengths)).mean()


def _one_more(y_hat, y, lengths):
    return ((y_hat - y) ** 2)[_masked(y_hat, y, lengths, torch.le)].mean()


def _multiplied(y_hat, y, lengths):
    real = _masked(y_hat, y, lengths)
    return ((y_hat - y) ** 2 * real).sum() / real.sum()


def _focal_of_class_1(x, y, alpha=0.25, gamma=2.0):
    ce = F.binary_cross_entropy_with_logits(x, y, reduction="none")
    alpha_t = torch.where(y == 1, alpha, 1 - alpha)
    return alpha_t * (1 - x.sigmoid()) ** gamma * ce


def _focal_one_alpha(x, y, alpha=0.25, gamma=2.0):
    ce = F.binary_cross_entropy_with_logits(x, y, reduction="none")
    return alpha * (1 - (-ce).exp()) ** gamma * ce


def _focal_unstable(x, y, alpha=0.25, gamma=2.0):
    p = torch.where(y == 1, x.sigmoid(), 1 - x.sigmoid())
    alpha_t = torch.where(y == 1, alpha, 1 - alpha)
    return -alpha_t * (1 - p) ** gamma * p.log()


def _dice_of_batch(p, m, s=1.0):
    return 1 - (2 * (p * m).sum() + s) / (p.sum() + m.sum() + s)


def _dice_overlap(p, m, s=1.0):
    overlap, areas = (p * m).sum((1, 2)), (p + m).sum((1, 2))
    return ((2 * overlap + s) / (areas + s)).mean()


def _contrastive(u, v, same, m=1.0, clamp=True, swap=False):
    d = F.pairwise_distance(u, v)
    apart = (m - d).clamp(min=0) ** 2 if clamp else (m - d) ** 2
    return torch.where((same == 1) != swap, d**2, apart).mean()


def _contrastive_unclamped(u, v, same, m=1.0):
    return _contrastive(u, v, same, m, clamp=False)


def _contrastive_swapped(u, v, same, m=1.0):
    return _contrastive(u, v, same, m, swap=True)


def _contrastive_root(u, v, same, m=1.0):
    d = ((u - v) ** 2).sum(1).sqrt()
    return torch.where(same == 1, d**2, (m - d).clamp(min=0) ** 2).mean()


class _OverflowingLogCosh(nn.Module):
    def __init__(self, reduction="mean"):
        super().__init__()
        self.reduction = reduction

    def forward(self, y_hat, y):
        losses = (y_hat - y).cosh().log()
        if self.reduction == "none":
            return losses
        return losses.sum() if self.reduction == "sum" else losses.mean()


class _DeafLogCosh(nn.Module):
    def __init__(self, reduction="mean"):
        super().__init__()

    def forward(self, y_hat, y):
        d = (y_hat - y).abs()
        return d + F.softplus(-2 * d) - torch.tensor(2.0).log()


def _drop_then_merge(log_p, blank=0):
    return [
        [k for k, _ in itertools.groupby(k for k in path if k != blank)]
        for path in log_p.argmax(2).T.tolist()
    ]


def _no_merge(log_p, blank=0):
    return [
        [k for k in path if k != blank] for path in log_p.argmax(2).T.tolist()
    ]


def _batch_first(log_p, blank=0):
    return [
        [k for k, _ in itertools.groupby(path) if k != blank]
        for path in log_p.argmax(2).tolist()
    ]


def _blank_0(log_p, blank=0):
    return [
        [k for k, _ in itertools.groupby(path) if k]
        for path in log_p.argmax(2).T.tolist()
    ]


def _one_way(u, v, temperature=0.1):
    u, v = F.normalize(u, dim=1), F.normalize(v, dim=1)
    return F.cross_entropy(u @ v.T / temperature, torch.arange(len(u)))


def _unscaled(u, v, temperature=0.1):
    logits, own = u @ v.T / temperature, torch.arange(len(u))
    return (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2


def _ctc(log_p, target, blank=0, always_skip=False, ends=2):
    states = [blank]
    for letter in target:
        states += [letter, blank]
    p = log_p.exp()
    alpha = [p[0, states[0]], p[0, states[1]]]
    alpha += [torch.tensor(0.0)] * (len(states) - 2)
    for row in p[1:]:
        new = []
        for i, s in enumerate(states):
            total = alpha[i] + (alpha[i - 1] if i else 0)
            different = always_skip or (i > 1 and s != states[i - 2])
            if i > 1 and s != blank and different:
                total = total + alpha[i - 2]
            new.append(total * row[s])
        alpha = new
    return -sum(alpha[-ends:]).log()


def _ctc_always_skip(log_p, target, blank=0):
    return _ctc(log_p, target, blank, always_skip=True)


def _ctc_one_end(log_p, target, blank=0):
    return _ctc(log_p, target, blank, ends=1)


def _ctc_positive(log_p, target, blank=0):
    return -_ctc(log_p, target, blank)


WRONG = {
    "5.1": [
        (_always_mean, 'the result for "none" has shape ()'),
        (_signed, "which function drops the sign"),
        (_mean_of_rows, "number of elements"),
    ],
    "5.2": [
        (CHOICE | {"price": "MSELoss"}, "one wild example"),
        (CHOICE | {"tags": "CrossEntropyLoss"}, "its own question"),
        (CHOICE | {"tags": "BCELoss"}, "raw logit"),
        (CHOICE | {"digit": "NLLLoss"}, "raw logits"),
        (CHOICE | {"face": "TripletLoss"}, "mind the spelling"),
    ],
    "5.3": [
        (lambda x: x.exp().mean(dim=-1).log(), "exponential of such a number"),
        (lambda x: x.logsumexp(dim=-1), "the mean is asked for"),
        (lambda x: x.mean(dim=-1), "exponentiate first"),
        (
            lambda x: x.logsumexp(-1, keepdim=True) - len(x),
            "not stay as length 1",
        ),
    ],
    "5.4": [
        (
            lambda x, y: x.softmax(1) - F.one_hot(y, x.shape[1]),
            "gradient of the sum",
        ),
        (
            lambda x, y: (F.one_hot(y, x.shape[1]) - x.softmax(1)) / len(y),
            "the sign is wrong",
        ),
        (
            lambda x, y: (x.softmax(0) - F.one_hot(y, x.shape[1])) / len(y),
            "every row should sum to 0",
        ),
    ],
    "5.5": [
        (
            lambda y_hat, y, q: torch.maximum(
                q * (y_hat - y), (q - 1) * (y_hat - y)
            ).mean(),
            "the sides are swapped",
        ),
        (lambda y_hat, y, q: (q * (y - y_hat)).abs().mean(), "1 too low"),
        (
            lambda y_hat, y, q: torch.maximum(
                q * (y - y_hat), (q - 1) * (y - y_hat)
            ),
            "shape (2,)",
        ),
    ],
    "5.6": [
        (lambda y_hat, y, lengths: F.mse_loss(y_hat, y), "still count"),
        (_zeroed, "in the divisor"),
        (_rows_first, "averages rows first"),
        (_one_more, "one step too many"),
        (_multiplied, "select, do not multiply"),
    ],
    "5.7": [
        (_focal_of_class_1, "probability of the true answer"),
        (_focal_one_alpha, "target 0 has another factor"),
        (_focal_unstable, "logarithm of the sigmoid"),
    ],
    "5.8": [
        (_dice_of_batch, "keep the images apart"),
        (_dice_overlap, "a perfect mask should cost 0"),
    ],
    "5.9": [
        (_contrastive_unclamped, "beyond the margin"),
        (_contrastive_swapped, "swapped"),
        (_contrastive_root, "the root has no slope"),
    ],
    "5.10": [
        (_OverflowingLogCosh, "overflows"),
        (_DeafLogCosh, 'the result for "sum" has shape (3,)'),
        (nn.HuberLoss, "one of 3 2.3093"),
    ],
    "5.11": [
        (_drop_then_merge, "merge repeats before dropping"),
        (_no_merge, "repeats are not merged"),
        (_batch_first, "which axis is the batch"),
        (_blank_0, "with blank=3"),
    ],
    "5.12": [
        (_one_way, "the other way is missing"),
        (_unscaled, "not scaled to length 1"),
    ],
    "5.13": [
        (_ctc_positive, "the other sign"),
        (_ctc_one_end, "blank after it"),
        (_ctc_always_skip, "need a blank between"),
        (_ctc, "a hundred steps"),
    ],
}
