"""Wrong answers for chapter 4 with a part of the hint that each must get."""

import math

import torch
import torch.nn.functional as F
from torch import nn


class PlainStandardize(nn.Module):
    def __init__(self, mean, std):
        super().__init__()
        self.mean, self.std = mean, std

    def forward(self, X):
        return (X - self.mean) / self.std


class LearntStandardize(PlainStandardize):
    def __init__(self, mean, std):
        super().__init__(nn.Parameter(mean.clone()), nn.Parameter(std.clone()))


class UnsavedStandardize(nn.Module):
    def __init__(self, mean, std):
        super().__init__()
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("std", std, persistent=False)

    def forward(self, X):
        return (X - self.mean) / self.std


class ListMLP(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        pairs = zip(sizes[:-1], sizes[1:], strict=True)
        self.layers = [nn.Linear(a, b) for a, b in pairs]

    def forward(self, X):
        for layer in self.layers[:-1]:
            X = layer(X).relu()
        return self.layers[-1](X)


class AllReluMLP(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        pairs = zip(sizes[:-1], sizes[1:], strict=True)
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairs)

    def forward(self, X):
        for layer in self.layers:
            X = layer(X).relu()
        return X


class StraightMLP(AllReluMLP):
    def forward(self, X):
        for layer in self.layers:
            X = layer(X)
        return X


def pair(first, second):
    return nn.Sequential(first, second)


def kaiming_top_level(model, slope):
    for module in model.children():
        if isinstance(module, nn.Linear | nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, a=slope)
            nn.init.zeros_(module.bias)


def kaiming(model, slope, kinds=(nn.Linear, nn.Conv2d), zero=True, **options):
    for module in model.modules():
        if isinstance(module, kinds):
            nn.init.kaiming_normal_(module.weight, **options)
            if zero and module.bias is not None:
                nn.init.zeros_(module.bias)


def all_parameters(model, slope):
    kaiming(model, slope, a=slope)
    for module in model.modules():
        if getattr(module, "bias", None) is not None:
            nn.init.zeros_(module.bias)


def one_group(X, W, groups):
    windows = F.unfold(X, W.shape[-1])
    rows = W.repeat(1, groups, 1, 1).reshape(len(W), -1)
    out = rows @ windows
    return out.reshape(len(X), len(W), X.shape[2] - 2, X.shape[3] - 2)


def overwrite_stamps(x, w, stride):
    (kh, kw), (n, m) = w.shape, x.shape
    out = torch.zeros((n - 1) * stride + kh, (m - 1) * stride + kw)
    for i in range(n):
        for j in range(m):
            top, left = i * stride, j * stride
            out[top : top + kh, left : left + kw] = x[i, j] * w
    return out


def no_heads(mha, X, memory, heads=1, scale=None, project=True):
    Q, K, V = (
        F.linear(source, W, b).unflatten(-1, (heads, -1)).transpose(1, 2)
        for source, W, b in zip(
            (X, memory, memory),
            mha.in_proj_weight.chunk(3),
            mha.in_proj_bias.chunk(3),
            strict=True,
        )
    )
    scale = scale or Q.shape[-1] ** -0.5
    mixed = (Q @ K.transpose(-2, -1) * scale).softmax(-1) @ V
    mixed = mixed.transpose(1, 2).flatten(-2)
    return mha.out_proj(mixed) if project else mixed


def receptive(layers, add=0, dilate=True, stride=True, late=False):
    field, step = 1, 1
    for k, s, d in layers:
        if late:
            step *= s
        field += (d if dilate else 1) * (k - 1 + add) * step
        if stride and not late:
            step = step * s
    return field


def pool_by_unfold(X, k, stride, padding):
    out = F.unfold(X, k, padding=padding, stride=stride)
    size = [(n + 2 * padding - k) // stride + 1 for n in X.shape[2:]]
    return out.view(*X.shape[:2], k * k, -1).amax(2).view(*X.shape[:2], *size)


SAMPLE = torch.linspace(-8, 8, 100_001, dtype=torch.float64)
DENSITY = torch.exp(-(SAMPLE**2) / 2) / torch.exp(-(SAMPLE**2) / 2).sum()


def variance_gain(activation):
    y = activation(SAMPLE)
    mean = (y * DENSITY).sum()
    return ((y - mean).square() * DENSITY).sum().rsqrt().item()


WRONG = {
    "4.1": [
        (
            lambda i, k, s=1, p=0, d=1: (i + 2 * p - d * (k - 1) - 1) / s + 1,
            "a size is an integer",
        ),
        (
            lambda i, k, s=1, p=0, d=1: (i + p - d * (k - 1) - 1) // s + 1,
            "padding adds pixels on both sides",
        ),
        (
            lambda i, k, s=1, p=0, d=1: (i + 2 * p - k) // s + 1,
            "a dilated kernel",
        ),
        (
            lambda i, k, s=1, p=0, d=1: (
                math.ceil((i + 2 * p - d * (k - 1) - 1) / s) + 1
            ),
            "a last window that does not fit",
        ),
    ],
    "4.2": [
        (
            lambda model: sum(p.numel() for p in model.parameters()),
            "frozen",
        ),
        (
            lambda model: sum(
                p.numel()
                for m in model
                for p in m.parameters()
                if p.requires_grad
            ),
            "used twice",
        ),
        (
            lambda model: sum(t.numel() for t in model.state_dict().values()),
            "no buffers",
        ),
        (
            lambda model: len(list(model.parameters())),
            "count weights and biases",
        ),
    ],
    "4.3": [
        (PlainStandardize, "do not move"),
        (LearntStandardize, "are learnt"),
        (UnsavedStandardize, "not saved"),
    ],
    "4.4": [
        (ListMLP, "are they registered?"),
        (AllReluMLP, "no ReLU after the last"),
        (StraightMLP, "put a ReLU after each"),
    ],
    "4.5": [
        (
            lambda n_in, n_out, k: pair(
                nn.Conv2d(n_in, n_in, k, padding=k // 2, bias=False),
                nn.Conv2d(n_in, n_out, 1, bias=False),
            ),
            "see groups",
        ),
        (
            lambda n_in, n_out, k: pair(
                nn.Conv2d(n_in, n_in, k, groups=n_in, bias=False),
                nn.Conv2d(n_in, n_out, 1, bias=False),
            ),
            "shape",
        ),
        (
            lambda n_in, n_out, k: pair(
                nn.Conv2d(n_in, n_in, k, padding=k // 2, groups=n_in),
                nn.Conv2d(n_in, n_out, 1),
            ),
            "leave out the biases",
        ),
    ],
    "4.6": [
        (lambda layers: receptive(layers, stride=False), "counts twice"),
        (lambda layers: receptive(layers, dilate=False), "dilated kernel"),
        (lambda layers: receptive(layers, late=True), "after it"),
        (lambda layers: sum(k for k, s, d in layers), "adds 2 pixels, not 3"),
    ],
    "4.7": [
        (pool_by_unfold, "lose to your padding"),
        (lambda X, k, s, p: F.max_pool2d(X, k, s, p), "do it by hand"),
        (
            lambda X, k, s, p: X.unfold(2, k, k).unfold(3, k, k).amax((4, 5)),
            "has shape",
        ),
    ],
    "4.8": [
        (variance_gain, "not the variance"),
        (lambda activation: variance_gain(activation) ** 2, "ReLU"),
        (
            lambda activation: (
                nn.init.calculate_gain(
                    "tanh" if activation is torch.tanh else "relu"
                )
                if activation in (torch.tanh, torch.relu)
                else 1.0
            ),
            "tanh",
        ),
    ],
    "4.9": [
        (kaiming_top_level, "is it nested?"),
        (
            lambda model, slope: kaiming(model, slope, nonlinearity="relu"),
            "slope is not used",
        ),
        (
            lambda model, slope: kaiming(
                model, slope, a=slope, mode="fan_out"
            ),
            "fan_in",
        ),
        (
            lambda model, slope: kaiming(model, slope, a=slope, zero=False),
            "is not zero",
        ),
        (all_parameters, "leave the batch normalization"),
    ],
    "4.10": [
        (one_group, "sees its own group"),
        (
            lambda X, W, groups: F.conv2d(X, W, groups=groups),
            "do it by hand",
        ),
    ],
    "4.11": [
        (overwrite_stamps, "they add up"),
        (
            lambda x, w, stride: F.conv_transpose2d(
                x[None, None], w[None, None], stride=stride
            )[0, 0],
            "do it by hand",
        ),
        (
            lambda x, w, stride: F.conv_transpose2d(
                x[None, None], w.flip(0, 1)[None, None], stride=stride
            )[0, 0],
            "already wrong",
        ),
    ],
    "4.12": [
        (no_heads, "split the features into heads"),
        (
            lambda mha, X, memory: no_heads(
                mha, X, memory, heads=3, scale=12**-0.5
            ),
            "the size of one head",
        ),
        (
            lambda mha, X, memory: no_heads(
                mha, X, memory, heads=3, project=False
            ),
            "out_proj, is missing",
        ),
        (
            lambda mha, X, memory: mha(X, memory, memory)[0],
            "do it by hand",
        ),
    ],
}
