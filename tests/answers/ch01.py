"""Wrong answers for chapter 1 with a part of the hint that each must get."""

import numpy as np
import torch

SHAPES = {
    "a": (4,),
    "b": (4, 1),
    "c": (4, 3),
    "d": (4, 1),
    "e": (4, 2, 3),
    "f": (5, 4, 3),
}


def crop_from_end(photo, size):
    top = (photo.shape[0] - size) // 2
    left = (photo.shape[1] - size) // 2
    return photo[top:-top, left:-left]


def crop_rounded_up(photo, size):
    top = (photo.shape[0] - size + 1) // 2
    left = (photo.shape[1] - size + 1) // 2
    return photo[top : top + size, left : left + size]


def crop_copy(photo, size):
    top = (photo.shape[0] - size) // 2
    left = (photo.shape[1] - size) // 2
    return photo[top : top + size, left : left + size].clone()


def one_hot_scatter(labels, num_classes):
    result = torch.zeros(labels.shape[0], num_classes, dtype=torch.int64)
    return result.scatter(1, labels[:, None], 1)


def moved(bgr):
    return torch.from_numpy(bgr[:, :, ::-1].copy()).permute(2, 0, 1)


def strides_forward(shape):
    strides, jump = [], 1
    for length in shape:
        strides.append(jump)
        jump *= length
    return tuple(strides)


def strides_include_own(shape):
    return tuple(int(np.prod(shape[i:])) for i in range(len(shape)))


def windows_apart(x, size):
    count = x.shape[0] - size + 1
    return x[: x.shape[0] // size * size].view(-1, size).repeat(4, 1)[:count]


def windows_from_start(x, size):
    return torch.as_strided(x, (x.shape[0] - size + 1, size), (1, 1), 0)


def broadcast_left(first, second):
    result = []
    for i in range(max(len(first), len(second))):
        a = first[i] if i < len(first) else 1
        b = second[i] if i < len(second) else 1
        if a != b and 1 not in (a, b):
            return None
        result.append(max(a, b))
    return tuple(result)


def broadcast_never_none(first, second):
    axes = max(len(first), len(second))
    first = (1,) * (axes - len(first)) + tuple(first)
    second = (1,) * (axes - len(second)) + tuple(second)
    return tuple(
        b if a == 1 else a for a, b in zip(first, second, strict=True)
    )


def broadcast_max(first, second):
    result = broadcast_never_none(first, second)
    return tuple(max(1, n) for n in result)


def descend(factor, reduce=torch.mean):
    def fit(x, y, lr, num_steps):
        features = torch.stack([x**2, x, torch.ones_like(x)], dim=1)
        weights = torch.zeros(3)
        for _ in range(num_steps):
            error = features @ weights - y
            gradient = reduce(features * error[:, None], dim=0)
            weights = weights - factor * lr * gradient
        return weights

    return fit


def flattens_if_decreasing(shape, strides):
    return all(a >= b for a, b in zip(strides, strides[1:], strict=False))


def flattens_if_contiguous(shape, strides):
    return strides == torch.empty(shape).stride()


def flattens_counting_ones(shape, strides):
    return all(
        strides[i] == shape[i + 1] * strides[i + 1]
        for i in range(len(shape) - 1)
    )


WRONG = {
    "1.1": [
        (torch.arange(1, 19, 2), "stops before its end"),
        (torch.arange(1.0, 20.0, 2), "decimal point"),
        (torch.arange(0, 20, 2), "first number"),
        (torch.arange(1, 11), "two above"),
        ([1, 3, 5, 7, 9, 11, 13, 15, 17, 19], "should be a tensor"),
    ],
    "1.2": [
        (SHAPES | {"a": (4, 1)}, "removes its axis"),
        (SHAPES | {"b": (4,)}, "a slice keeps"),
        (SHAPES | {"d": (4,)}, "keepdim"),
        (SHAPES | {"e": (8, 3)}, "new axis"),
        (SHAPES | {"a": 4}, "should be a tuple"),
    ],
    "1.3": [
        (lambda photo, size: photo[:size, :size], "in the middle"),
        (crop_from_end, "has shape (5, 5, 3)"),
        (crop_rounded_up, "smaller part"),
        (crop_copy, "is a copy"),
    ],
    "1.4": [
        (lambda photo, factor: photo * factor, "dtype torch.float32"),
        (
            lambda photo, factor: (photo.int() * int(factor)).to(torch.uint8),
            "cut to the range",
        ),
        (
            lambda photo, factor: (
                (photo * factor).clamp(0, 255).to(torch.uint8)
            ),
            "only cuts",
        ),
    ],
    "1.5": [
        (
            lambda labels, num_classes: (
                labels[..., None] == torch.arange(int(labels.max()) + 1)
            ).long(),
            "largest label",
        ),
        (
            lambda labels, num_classes: torch.eye(num_classes)[labels],
            "int64 is asked for",
        ),
        (one_hot_scatter, "number of dimensions"),
        (
            lambda labels, num_classes: (
                labels == torch.arange(num_classes)
            ).long(),
            "not (4,)",
        ),
    ],
    "1.6": [
        (
            lambda p: (p - p.mean()) / p.std(correction=0),
            "which axes disappear",
        ),
        (
            lambda p: (
                (p - p.mean((0, 2, 3), keepdim=True))
                / p.std((0, 2, 3), correction=0, keepdim=True)
            ),
            "every channel of every photo",
        ),
        (
            lambda p: (
                (p - p.mean((2, 3), keepdim=True))
                / p.std((2, 3), keepdim=True)
            ),
            "which divisor",
        ),
        (lambda p: p - p.mean((2, 3)), "your code raised"),
    ],
    "1.7": [
        (lambda bgr: moved(bgr).float().contiguous(), "should end at 1"),
        (
            lambda bgr: (
                torch.from_numpy(bgr).permute(2, 0, 1).contiguous() / 255
            ),
            "blue still comes first",
        ),
        (
            lambda bgr: torch.from_numpy(bgr).flip(2).view(3, 5, 7) / 255,
            "re-cut",
        ),
        (lambda bgr: moved(bgr) / 255, "not contiguous"),
        (
            lambda bgr: torch.from_numpy(bgr[:, :, ::-1]).permute(2, 0, 1),
            "negative",
        ),
        (
            lambda bgr: moved(bgr).permute(1, 2, 0) / 255,
            "has shape (5, 7, 3)",
        ),
    ],
    "1.8": [
        (strides_forward, "last axis should have stride 1"),
        (strides_include_own, "last axis should have stride 1"),
        (lambda shape: list(torch.empty(shape).stride()), "a tuple"),
        (lambda shape: (*shape[1:], 1)[: len(shape)], "skipped by one step"),
    ],
    "1.9": [
        (
            lambda x, size: torch.stack(
                [x[i : i + size] for i in range(len(x) - size + 1)]
            ),
            "they are a copy",
        ),
        (
            lambda x, size: torch.as_strided(x, (len(x) - size, size), (1, 1)),
            "give shape (7, 4)",
        ),
        (windows_apart, "row to row"),
        (windows_from_start, "itself a slice"),
    ],
    "1.10": [
        (broadcast_left, "aligned at the right"),
        (broadcast_never_none, "neither is 1"),
        (broadcast_max, "even to 0"),
        (lambda a, b: torch.broadcast_shapes(a, b), "your code raised"),
    ],
    "1.11": [
        (
            lambda p: torch.einsum("nchw,ndhw->ncd", p, p),
            "divided by the number of pixels",
        ),
        (
            lambda p: torch.einsum("nchw,mdhw->ncd", p, p) / 20,
            "which letters are matched",
        ),
        (lambda p: torch.einsum("nchw,ndhw->cd", p, p) / 20, "has shape"),
    ],
    "1.12": [
        (descend(2), "twice as long"),
        (descend(-1), "uphill"),
        (descend(1, torch.sum), "is the loss a mean"),
        (
            lambda *args: descend(1)(*args).flip(0),
            "order a, b, c",
        ),
        (lambda x, y, lr, n: descend(1)(x, y, lr, 1), "500 steps"),
    ],
    "1.13": [
        (flattens_if_decreasing, "first columns only"),
        (flattens_if_contiguous, "constant jump"),
        (flattens_counting_ones, "length one"),
        (lambda shape, strides: int(True), "True or False"),
    ],
}
