"""Wrong answers to the exercises of chapter 6, each with its hint."""

import math

import torch
from torch import nn, optim


def count_one_group(optimizer):
    return sum(w.numel() for w in optimizer.param_groups[0]["params"])


def scale_first(optimizer, factor):
    optimizer.param_groups[0]["lr"] *= factor


def scale_defaults(optimizer, factor):
    optimizer.defaults["lr"] *= factor


def scale_to_first(optimizer, factor):
    lr = optimizer.param_groups[0]["lr"] * factor
    for group in optimizer.param_groups:
        group["lr"] = lr


def distance_averaged(steps, lr, momentum):
    v, total = 0.0, 0.0
    for _ in range(steps):
        v = momentum * v + (1 - momentum)
        total += lr * v
    return total


def adamw_default_decay(model, lr, weight_decay):
    trained = [w for w in model.parameters() if w.requires_grad]
    return optim.AdamW(
        [
            {
                "params": [w for w in trained if w.ndim >= 2],
                "weight_decay": weight_decay,
            },
            {"params": [w for w in trained if w.ndim < 2]},
        ],
        lr=lr,
    )


def adamw_frozen(model, lr, weight_decay):
    return optim.AdamW(
        [
            {
                "params": [w for w in model.parameters() if w.ndim >= 2],
                "weight_decay": weight_decay,
            },
            {
                "params": [w for w in model.parameters() if w.ndim < 2],
                "weight_decay": 0.0,
            },
        ],
        lr=lr,
    )


def adamw_by_name(model, lr, weight_decay):
    named = [(n, w) for n, w in model.named_parameters() if w.requires_grad]
    return optim.AdamW(
        [
            {
                "params": [w for n, w in named if n.endswith("weight")],
                "weight_decay": weight_decay,
            },
            {
                "params": [w for n, w in named if n.endswith("bias")],
                "weight_decay": 0.0,
            },
        ],
        lr=lr,
    )


def factor_from_zero(t, warmup, total):
    if t < warmup:
        return t / warmup
    return (1 + math.cos(math.pi * (t - warmup) / (total - warmup))) / 2


def factor_late(t, warmup, total):
    if t < warmup:
        return (t + 1) / warmup
    return (1 + math.cos(math.pi * t / total)) / 2


def factor_linear(t, warmup, total):
    if t < warmup:
        return (t + 1) / warmup
    return (total - t) / (total - warmup)


def accumulate_sum(model, loss_fn, batches, optimizer):
    optimizer.zero_grad()
    for X, y in batches:
        loss_fn(model(X), y).backward()
    optimizer.step()
    return 0.0


def accumulate_equal(model, loss_fn, batches, optimizer):
    optimizer.zero_grad()
    for X, y in batches:
        (loss_fn(model(X), y) / len(batches)).backward()
    optimizer.step()
    return 0.0


def accumulate_old(model, loss_fn, batches, optimizer):
    n = sum(len(y) for _, y in batches)
    for X, y in batches:
        (loss_fn(model(X), y) * len(y) / n).backward()
    optimizer.step()
    return 0.0


def accumulate_loss(model, loss_fn, batches, optimizer):
    n = sum(len(y) for _, y in batches)
    optimizer.zero_grad()
    losses = []
    for X, y in batches:
        loss = loss_fn(model(X), y)
        (loss * len(y) / n).backward()
        losses.append(loss.item())
    optimizer.step()
    return sum(losses) / len(losses)


def _adam(w, g, s, lr, betas, eps, corrected):
    t = s["t"] = s.get("t", 0) + 1
    s["m"] = betas[0] * s.get("m", 0) + (1 - betas[0]) * g
    s["v"] = betas[1] * s.get("v", 0) + (1 - betas[1]) * g**2
    v = s["v"] / (1 - betas[1] ** t)
    if corrected:
        v = s["top"] = torch.maximum(s.get("top", v), v)
    return w - lr * s["m"] / (1 - betas[0] ** t) / (v.sqrt() + eps)


def amsgrad_plain(w, g, s, lr, betas, eps):
    return _adam(w, g, s, lr, betas, eps, False)


def amsgrad_corrected(w, g, s, lr, betas, eps):
    return _adam(w, g, s, lr, betas, eps, True)


def amsgrad_uncorrected(w, g, s, lr, betas, eps):
    s["m"] = betas[0] * s.get("m", 0) + (1 - betas[0]) * g
    s["v"] = betas[1] * s.get("v", 0) + (1 - betas[1]) * g**2
    return w - lr * s["m"] / (s["v"].sqrt() + eps)


class EMASwapped:
    def __init__(self, model, decay):
        self.decay = decay
        self.mean = {
            n: w.detach().clone() for n, w in model.named_parameters()
        }

    @torch.no_grad()
    def update(self, model):
        for name, w in model.named_parameters():
            self.mean[name].lerp_(w, self.decay)

    def averaged(self):
        return self.mean


class EMAReference(EMASwapped):
    def __init__(self, model, decay):
        self.decay = decay
        self.mean = {n: w.detach() for n, w in model.named_parameters()}

    @torch.no_grad()
    def update(self, model):
        for name, w in model.named_parameters():
            self.mean[name] = w.detach()


class EMAGraph(EMASwapped):
    def update(self, model):
        d = self.decay
        for name, w in model.named_parameters():
            self.mean[name] = d * self.mean[name] + (1 - d) * w


def _epoch(mode=True, clip=True, per_batch=True, weigh=True, clear=True):
    def train_epoch(model, batches, loss_fn, optimizer, scheduler, max_norm):
        if mode:
            model.train()
        total = []
        for X, y in batches:
            if clear:
                optimizer.zero_grad()
            loss = loss_fn(model(X), y)
            loss.backward()
            if clip:
                nn.utils.clip_grad_norm_(model.parameters(), max_norm)
            optimizer.step()
            if per_batch:
                scheduler.step()
            total.append(loss.item())
        if not per_batch:
            scheduler.step()
        return sum(total) / len(total)

    return train_epoch


class Lion(optim.Optimizer):
    first, second, skip = 0, 1, True

    def __init__(self, params, lr, betas=(0.9, 0.99), weight_decay=0.0):
        defaults = {"lr": lr, "betas": betas, "weight_decay": weight_decay}
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for w in group["params"]:
                if w.grad is None:
                    continue
                m = self.state[w].setdefault("m", torch.zeros_like(w))
                u = m.lerp(w.grad, 1 - group["betas"][self.first]).sign()
                w -= group["lr"] * (u + group["weight_decay"] * w)
                m.lerp_(w.grad, 1 - group["betas"][self.second])


class LionSwapped(Lion):
    first, second = 1, 0


class LionNoDecay(Lion):
    def __init__(self, params, lr, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, lr, betas, 0.0)


class LionNoDefaults(optim.Optimizer):
    def __init__(self, params, lr, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, {})
        self.lr = lr

    def step(self, closure=None):
        for group in self.param_groups:
            for w in group["params"]:
                w.detach().sub_(self.lr)


def _power(loss_fn, w, rounds):
    v = torch.ones_like(w)
    largest = v @ v
    for _ in range(rounds):
        v = v / v.norm()
        Hv = torch.func.jvp(torch.func.grad(loss_fn), (w,), (v,))[1]
        largest, v = v @ Hv, Hv
    return largest.item()


WRONG = {
    "6.1": [
        (lambda o: len(o.param_groups[0]["params"]), "not the tensors"),
        (count_one_group, "several groups"),
        (lambda o: 12, "biases"),
    ],
    "6.2": [
        (lambda c: (2 / c, 1 / c), "does not reach 0"),
        (lambda c: (1 / c, 1 / c), "lands at -x"),
        (lambda c: 1 / c, "two numbers"),
    ],
    "6.3": [
        (scale_first, "more than one group"),
        (scale_defaults, "did not change"),
        (scale_to_first, "its own old rate"),
    ],
    "6.4": [
        (lambda steps, lr, momentum: lr * steps, "without momentum"),
        (distance_averaged, "first step is lr long"),
        (
            lambda steps, lr, momentum: lr * steps / (1 - momentum),
            "first step is lr long",
        ),
    ],
    "6.5": [
        (adamw_default_decay, "decays by default"),
        (adamw_frozen, "requires no gradient"),
        (adamw_by_name, "one axis"),
        (
            lambda model, lr, weight_decay: optim.AdamW(
                model.parameters(), lr=lr, weight_decay=weight_decay
            ),
            "two groups",
        ),
    ],
    "6.6": [
        (factor_from_zero, "should not be 0"),
        (factor_late, "start at 1"),
        (factor_linear, "no half cosine"),
    ],
    "6.7": [
        (accumulate_sum, "without a weight"),
        (accumulate_equal, "differ in size"),
        (accumulate_old, "old gradients"),
        (accumulate_loss, "mean over all examples"),
    ],
    "6.8": [
        (amsgrad_plain, "plain Adam"),
        (amsgrad_corrected, "uncorrected average"),
        (amsgrad_uncorrected, "that of Adam"),
    ],
    "6.9": [
        (EMASwapped, "1 - decay to the new"),
        (EMAReference, "is a copy missing"),
        (EMAGraph, "hang on the graph"),
    ],
    "6.10": [
        (_epoch(mode=False), "evaluation mode"),
        (_epoch(per_batch=False), "stepped 1 times"),
        (_epoch(clip=False), "check the order"),
        (_epoch(clear=False), "check the order"),
        (_epoch(), "differ in size"),
    ],
    "6.11": [
        (LionSwapped, "which beta"),
        (LionNoDecay, "decay comes on top"),
        (LionNoDefaults, "in the groups"),
        (lambda params, lr: [params], "a subclass"),
    ],
    "6.12": [
        (lambda f, w: _power(f, w, 300), "the eigenvalue"),
        (lambda f, w: 1 / _power(f, w, 300), "half of the border"),
        (lambda f, w: 2 / _power(f, w, 1), "converge"),
    ],
}
