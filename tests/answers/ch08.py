"""Wrong answers for chapter 8 with a part of the hint that each must get."""

import torch
import torch.nn.functional as F
from torch import nn


def _bn(X):
    return (X - X.mean(0)) / (X.var(0, correction=0) + 1e-5).sqrt()


def _counts(**changed):
    def count(norm, shape, num_groups=1):
        N, C, H, W = shape
        counts = {"batch": C, "layer": N, "pixel": N * H * W}
        counts |= {"instance": N * C, "group": N * num_groups}
        counts |= {k: f(N, C, H, W, num_groups) for k, f in changed.items()}
        return counts[norm]

    return count


def _running(means, momentum):
    running = 0.0
    for mean in means:
        running = (1 - (momentum or 0.1)) * running + (momentum or 0.1) * mean
    return running


def _old_momentum(means, momentum):
    running = 0.0
    for mean in means:
        running = momentum * running + (1 - momentum) * mean
    return running


def _from_the_first(means, momentum):
    running = means[0]
    for mean in means[1:]:
        running = (1 - momentum) * running + momentum * mean
    return running


def _permuted(X, weight, bias, eps=1e-6):
    y = F.layer_norm(X.movedim(1, -1), weight.shape, weight, bias, eps)
    return y.reshape(X.shape)


def _groups(model, weight_decay):
    decay = [p for n, p in model.named_parameters() if n.endswith("weight")]
    rest = [p for n, p in model.named_parameters() if not n.endswith("weight")]
    return [
        {"params": decay, "weight_decay": weight_decay},
        {"params": rest, "weight_decay": 0.0},
    ]


def _groups_without_zero(model, weight_decay):
    decay = [p for p in model.parameters() if p.dim() > 1]
    rest = [p for p in model.parameters() if p.dim() <= 1]
    return [
        {"params": decay, "weight_decay": weight_decay},
        {"params": rest},
    ]


def _others_share(y, num_classes, eps):
    hot = F.one_hot(y, num_classes).float()
    return (1 - eps) * hot + (1 - hot) * eps / (num_classes - 1)


def _merge(mean_a, var_a, n_a, mean_b, var_b, n_b):
    n = n_a + n_b
    return (n_a * mean_a + n_b * mean_b) / n, (n_a * var_a + n_b * var_b) / n


def _fold(linear, bn):
    folded = nn.Linear(linear.in_features, linear.out_features)
    scale = bn.weight / (bn.running_var + bn.eps).sqrt()
    bias = 0 if linear.bias is None else linear.bias
    folded.weight = nn.Parameter((linear.weight * scale[:, None]).detach())
    folded.bias = nn.Parameter((bias + bn.bias - bn.running_mean).detach())
    return folded


def _fold_std(linear, bn):
    folded = nn.Linear(linear.in_features, linear.out_features)
    scale = bn.weight / bn.running_var
    folded.weight = nn.Parameter((linear.weight * scale[:, None]).detach())
    return folded


def _fold_inplace(linear, bn):
    scale = bn.weight / (bn.running_var + bn.eps).sqrt()
    with torch.no_grad():
        linear.weight.mul_(scale[:, None])
    return linear


class _NeverResets:
    def __init__(self, patience):
        self.patience, self.waited, self.best = patience, 0, float("inf")

    def step(self, loss):
        if loss < self.best:
            self.best = loss
        else:
            self.waited += 1
        return self.waited >= self.patience


class _Previous:
    def __init__(self, patience):
        self.patience, self.waited = patience, 0
        self.best = self.last = float("inf")

    def step(self, loss):
        self.waited = 0 if loss < self.last else self.waited + 1
        self.last, self.best = loss, min(loss, self.best)
        return self.waited >= self.patience


class _Hasty(_NeverResets):
    def step(self, loss):
        worse = loss >= self.best
        self.best = min(loss, self.best)
        return worse


def _norms(model):
    return [m for m in model.modules() if isinstance(m, nn.BatchNorm1d)]


def _whole_train(model, batches):
    model.train()
    for norm in _norms(model):
        norm.reset_running_stats()
    old = [norm.momentum for norm in _norms(model)]
    for norm in _norms(model):
        norm.momentum = None
    with torch.no_grad():
        for X in batches:
            model(X)
    for norm, momentum in zip(_norms(model), old, strict=True):
        norm.momentum = momentum
    return model.eval()


def _no_reset(model, batches):
    model.eval()
    for norm in _norms(model):
        norm.train()
    with torch.no_grad():
        for X in batches:
            model(X)
    return model.eval()


def _stays_in_eval(model, batches):
    model.eval()
    for norm in _norms(model):
        norm.reset_running_stats()
    with torch.no_grad():
        for X in batches:
            model(X)
    return model


def _keeps_momentum(model, batches):
    model.eval()
    for norm in _norms(model):
        norm.reset_running_stats()
        norm.momentum = None
        norm.train()
    with torch.no_grad():
        for X in batches:
            model(X)
    return model.eval()


def _squared(W, steps):
    v = torch.ones(W.shape[1])
    for _ in range(steps):
        v = F.normalize(W.T @ (W @ v), dim=0)
    return v @ (W.T @ (W @ v))


def _overflows(W, steps):
    v = torch.ones(W.shape[1])
    for _ in range(steps):
        v = W.T @ (W @ v)
    return (W @ v).norm() / v.norm()


def _constants(dY, X, eps):
    return dY / (X.var(0, correction=0) + eps).sqrt()


def _unbiased(dY, X, eps):
    std = (X.var(0) + eps).sqrt()
    X_hat = (X - X.mean(0)) / std
    return (dY - dY.mean(0) - X_hat * (dY * X_hat).mean(0)) / std


WRONG = {
    "8.1": [
        (lambda X: (X - X.mean(0)) / (X.var(0) + 1e-5).sqrt(), "N - 1"),
        (lambda X: F.layer_norm(X, X.shape), "each feature has its own"),
        (lambda X: F.layer_norm(X, X.shape[1:]), "each example"),
        (
            lambda X: (X - X.mean(0)) / (X.var(0, correction=0).sqrt() + 1e-5),
            "eps belongs",
        ),
        (lambda X: X.sub_(X.mean(0)), "changes its input"),
    ],
    "8.2": [
        (lambda w, lr, wd, n: w * (1 - wd) ** n, "learning rate is missing"),
        (lambda w, lr, wd, n: w - lr * n, "Adam with L2"),
        (lambda w, lr, wd, n: w * (1 - n * lr * wd), "a power"),
    ],
    "8.3": [
        (_counts(batch=lambda N, C, H, W, G: N * C), "batch norm has one"),
        (_counts(layer=lambda N, C, H, W, G: C), "layer norm has one"),
        (_counts(group=lambda N, C, H, W, G: N * C // G), "example and group"),
        (_counts(pixel=lambda N, C, H, W, G: H * W), "each position"),
    ],
    "8.4": [
        (_old_momentum, "weighs the new value"),
        (_from_the_first, "starts from 0"),
        (_running, "counts the same"),
    ],
    "8.5": [
        (
            lambda X, w, b, eps=1e-6: F.layer_norm(X, w.shape, w, b, eps),
            "rows of pixels",
        ),
        (
            lambda X, w, b, eps=1e-6: F.layer_norm(
                X.movedim(1, -1), w.shape, None, None, eps
            ).movedim(-1, 1),
            "not used",
        ),
        (_permuted, "each pixel has its own mean"),
    ],
    "8.6": [
        (_groups, "got decay 0.25"),
        (_groups_without_zero, "optimizer's default"),
        (
            lambda model, weight_decay: [
                {"params": model.parameters(), "weight_decay": weight_decay}
            ],
            "two dictionaries",
        ),
    ],
    "8.7": [
        (_others_share, "the right one included"),
        (
            lambda y, K, eps: (1 - eps) * F.one_hot(y, K).float() + eps,
            "sum to 1",
        ),
        (lambda y, K, eps: F.one_hot(y, K), "dtype"),
    ],
    "8.8": [
        (_merge, "between the two means"),
        (
            lambda ma, va, na, mb, vb, nb: ((ma + mb) / 2, (va + vb) / 2),
            "weigh them",
        ),
    ],
    "8.9": [
        (_fold, "look at the bias"),
        (_fold_std, "square root"),
        (_fold_inplace, "make a new one"),
    ],
    "8.10": [
        (_NeverResets, "resets the count"),
        (_Previous, "not with the one before"),
        (_Hasty, "no reason to stop"),
    ],
    "8.11": [
        (_whole_train, "dropout"),
        (_no_reset, "reset them"),
        (_stays_in_eval, "train mode"),
        (_keeps_momentum, "old momentum"),
    ],
    "8.12": [
        (lambda W, steps: W.norm(), "Frobenius"),
        (_squared, "square of it"),
        (_overflows, "NaN"),
    ],
    "8.13": [
        (_constants, "no constants"),
        (
            lambda dY, X, eps: (
                (dY - dY.mean(0)) / (X.var(0, correction=0) + eps).sqrt()
            ),
            "so does the variance",
        ),
        (_unbiased, "is off"),
    ],
}
