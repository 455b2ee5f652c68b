"""Wrong answers for chapter 1 with a part of the hint that each must get."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from solutions import edit, edits


def crop_by_strides(photo, size):
    height, width = photo.shape[:2]
    top, left = (height - size) // 2, (width - size) // 2
    start = 3 * (top * width + left)
    strides = (3 * width, 3, 1)
    return torch.as_strided(photo, (size, size, 3), strides, start)


def one_hot_embedding(labels, num_classes):
    return F.embedding(labels, torch.eye(num_classes, dtype=torch.int64))


def one_hot_scatter(labels, num_classes):
    result = torch.zeros(labels.shape[0], num_classes, dtype=torch.int64)
    return result.scatter(1, labels[:, None], 1)


def moved(bgr):
    return torch.from_numpy(bgr[:, :, ::-1].copy()).permute(2, 0, 1)


def windows_apart(x, size):
    count = x.shape[0] - size + 1
    return x[: x.shape[0] // size * size].view(-1, size).repeat(4, 1)[:count]


def broadcast_left(first, second):
    result = []
    for i in range(max(len(first), len(second))):
        a = first[i] if i < len(first) else 1
        b = second[i] if i < len(second) else 1
        if a != b and 1 not in (a, b):
            return None
        result.append(max(a, b))
    return tuple(result)


def broadcast_by_pytorch(first, second):
    try:
        return tuple(torch.broadcast_shapes(first, second))
    except RuntimeError:
        return None


def broadcast_by_adding(first, second):
    try:
        return tuple((torch.empty(first) + torch.empty(second)).shape)
    except RuntimeError:
        return None


def gram_by_matmul(photos):
    flat = photos.flatten(2)
    return flat @ flat.mT / flat.shape[2]


def flattens_if_decreasing(shape, strides):
    return all(a >= b for a, b in zip(strides, strides[1:], strict=False))


def flattens_if_contiguous(shape, strides):
    return all(
        stride == math.prod(shape[i + 1 :]) for i, stride in enumerate(strides)
    )


def flattens_by_extent(shape, strides):
    elements = math.prod(shape)
    return not shape or shape[0] * strides[0] == elements * strides[-1]


def flattens_by_neighbours(shape, strides):
    return all(
        1 in (shape[i], shape[i + 1])
        or strides[i] == shape[i + 1] * strides[i + 1]
        for i in range(len(shape) - 1)
    )


def flattens_by_trying(shape, strides):
    try:
        torch.empty_strided(shape, strides).view(-1)
    except RuntimeError:
        return False
    return True


def parabola_by_autograd(x, y, lr, num_steps):
    weights = torch.zeros(3, requires_grad=True)
    features = torch.stack([x**2, x, torch.ones_like(x)], dim=1)
    for _ in range(num_steps):
        loss = 0.5 * (features @ weights - y).pow(2).mean()
        slope = torch.autograd.grad(loss, weights)[0]
        weights = (weights - lr * slope).detach().requires_grad_()
    return weights.detach()


def parabola_by_torch_func(x, y, lr, num_steps):
    def loss(weights):
        a, b, c = weights
        return 0.5 * (a * x**2 + b * x + c - y).pow(2).mean()

    weights = x.new_zeros(3)
    for _ in range(num_steps):
        weights = weights - lr * torch.func.grad(loss)(weights)
    return weights


def line_as_given(x, y, lr, num_steps):
    w, b, losses = torch.zeros(1), torch.zeros(1), []
    for _ in range(num_steps):
        error = w * x + b - y
        losses.append(0.5 * error.pow(2).mean())
        w -= lr * (error * x).mean()
        b -= lr * error.mean()
    return torch.cat([w, b]), torch.stack(losses)


WRONG = {
    "1.1": [
        edit("20", "19", "stops before its end"),
        edit("1, 20", "1.0, 20.0", "has dtype torch.float32"),
        edit("(1, 20, 2)", "(1, 20, 2, dtype=torch.int32)", "int64 is asked"),
        edit("1, 20", "0, 20", "first number"),
        edit("1, 20, 2", "1, 11", "two above"),
        ([1, 3, 5, 7, 9, 11, 13, 15, 17, 19], "should be a tensor"),
    ],
    "1.2": [
        edit('"a": (4,)', '"a": (4, 1)', "removes its axis"),
        edit('"b": (4, 1)', '"b": (4,)', "a slice keeps"),
        edit('"d": (4, 1)', '"d": (4,)', "keepdim"),
        edit("(4, 2, 3)", "(8, 3)", "new axis"),
        edit('"a": (4,)', '"a": 4', "should be a tuple"),
        edit('"f"', '"g"', "the keys"),
    ],
    "1.3": [
        (lambda photo, size: photo[:size, :size], "left at each side"),
        edit(
            "[top : top + size, left : left + size]",
            "[top:-top, left:-left]",
            "has shape (5, 5, 3)",
        ),
        edits(
            ("[0] - size)", "[0] - size + 1)"),
            ("[1] - size)", "[1] - size + 1)"),
            hint="smaller part",
        ),
        edits(
            (
                "(photo.shape[0] - size) // 2",
                "photo.shape[0] // 2 - size // 2",
            ),
            (
                "(photo.shape[1] - size) // 2",
                "photo.shape[1] // 2 - size // 2",
            ),
            hint="halve the whole margin",
        ),
        edit("left : left + size]", "left : left + size].clone()", "a copy"),
        (crop_by_strides, "other strides"),
    ],
    "1.4": [
        edit(
            ".round().clamp(0, 255).to(torch.uint8)", "", "dtype torch.float"
        ),
        edit(
            "(photo.float() * factor).round().clamp(0, 255)",
            "(photo.int() * int(factor))",
            "cut to the range",
        ),
        edit(".round()", "", "only cuts"),
        edit(".round()", ".ceil()", "nearest to 60"),
        edit("photo.float()", "photo", "a factor of 2"),
        edit("clamp(0, 255)", "clamp(max=255)", "negative factor"),
    ],
    "1.5": [
        edit("(num_classes)", "(int(labels.max()) + 1)", "largest label"),
        edit(".long()", ".float()", "int64 is asked for"),
        edit("[..., None]", "", "not (4,)"),
        edit("(num_classes)", "(1, num_classes + 1)", "a single 1"),
        edit("labels[..., None]", "labels.flatten()[:, None]", "has shape"),
        (lambda labels, num_classes: labels.tolist(), "should be a tensor"),
        (one_hot_scatter, "number of dimensions"),
        (torch.nn.functional.one_hot, "build it yourself"),
        (one_hot_embedding, "build it yourself"),
    ],
    "1.6": [
        (
            lambda p: (p - p.mean()) / p.std(correction=0),
            "which axes disappear",
        ),
        edits(
            ("mean(dim=(2, 3)", "mean(dim=(0, 2, 3)"),
            ("std(dim=(2, 3)", "std(dim=(0, 2, 3)"),
            hint="every channel of every photo",
        ),
        edit("correction=0, ", "", "which divisor"),
        edit("std(dim=(2, 3)", "std(dim=(1, 2, 3)", "which axes, which"),
        (lambda p: p - p.mean((2, 3)), "your code raised"),
        (lambda p: p.mean((2, 3)), "has shape (4, 3)"),
    ],
    "1.7": [
        edit(" / 255", "", "should end at 1"),
        edit(" / 255", " / 256", "not those of the photo"),
        edit(" / 255", " / int(bgr.max())", "not those of the photo"),
        edit(".flip(2)", "", "blue still comes first"),
        edit(".permute(2, 0, 1)", ".view(3, 5, 7)", "re-cut"),
        edit(".contiguous()", "", "not contiguous"),
        edit("torch.from_numpy(bgr).flip(2)", "bgr[:, :, ::-1]", "raised"),
        edit("permute(2, 0, 1)", "permute(0, 1, 2)", "has shape (5, 7, 3)"),
        edit(".float() / 255", ".double() / 255", "has dtype torch.float64"),
    ],
    "1.8": [
        edit(
            "insert(0, jump)", "append(jump)", "last axis should have stride"
        ),
        (
            lambda shape: tuple(int(np.prod(shape[i:])) for i in range(9)),
            "one stride for each axis",
        ),
        edits(
            ("strides.insert(0, jump)", "pass"),
            ("jump *= length", "strides.insert(0, jump := jump * length)"),
            hint="last axis should have stride 1",
        ),
        edit("tuple(strides)", "strides", "a tuple"),
        (lambda shape: (*shape[1:], 1)[: len(shape)], "skipped by one step"),
    ],
    "1.9": [
        (
            lambda x, size: torch.stack(
                [x[i : i + size] for i in range(len(x) - size + 1)]
            ),
            "they are a copy",
        ),
        edit("- size + 1", "- size", "give shape (7, 4)"),
        edit("- size + 1", "- (size - 1 if size < 7 else size)", "fits once"),
        (windows_apart, "row to row"),
        edit(", offset)", ", 0)", "itself a slice"),
        (lambda x, size: x.tolist(), "should be a tensor"),
    ],
    "1.10": [
        (broadcast_left, "aligned at the right"),
        edit("return None", "pass", "neither is 1"),
        edit("b if a == 1 else a for", "max(a, b) for", "even to 0"),
        (lambda a, b: torch.broadcast_shapes(a, b), "PyTorch does the work"),
        (broadcast_by_pytorch, "PyTorch does the work"),
        (broadcast_by_adding, "PyTorch does the work"),
        (lambda a, b: list(torch.broadcast_shapes(a, b)), "give a tuple"),
    ],
    "1.11": [
        edit(" / pixels", "", "divided by the number of pixels"),
        edit("ndhw", "mdhw", "which letters are matched"),
        edit("->ncd", "->cd", "has shape"),
        edit(" / pixels", ".double() / pixels", "has dtype torch.float64"),
        (gram_by_matmul, "torch.einsum"),
    ],
    "1.12": [
        edit("lr * (", "2 * lr * (", "twice as long"),
        edit("-= lr", "+= lr", "uphill"),
        edit(".mean(dim=0)", ".sum(dim=0)", "is the loss a mean"),
        edit("return weights", "return weights.flip(0)", "order a, b, c"),
        edit("range(num_steps)", "range(1)", "500 steps"),
        edit("range(num_steps)", "range(num_steps + 1)", "is it one step"),
        edit("zeros(3)", "zeros(3, 1)", "your code raised"),
        edit("x.new_zeros(3)", "torch.zeros(3)", "your code raised"),
        edit("return weights", "return weights.float()", "has dtype"),
        (parabola_by_autograd, "autograd is at work"),
        (parabola_by_torch_func, "autograd is at work"),
        edit("return weights", "return weights.tolist()", "a tensor"),
    ],
    "1.13": [
        (flattens_if_decreasing, "first columns only"),
        (flattens_if_contiguous, "constant jump"),
        (flattens_by_extent, "the middle two swapped"),
        edit("if length > 1", "if length > 0", "length one"),
        edit("zip(axes, axes[1:]", "zip(axes[:1], axes[1:]", "middle pair"),
        edit("axes, axes[1:]", "axes[:-1][-1:], axes[-1:]", "middle pair"),
        edit("axes, axes[1:]", "axes[1:], axes[2:]", "a transposed matrix"),
        edit("return True", "return 1", "True or False"),
        (flattens_by_trying, "a tensor is made"),
        (flattens_by_neighbours, "the first and the last axis break"),
    ],
    "1.14": [
        (line_as_given, "which shape has the error"),
        edit(", torch.stack(losses)", "", "two tensors"),
        edit("lr * error.mean()", "lr * error.sum()", "w and b are wrong"),
        edit("0.5 * error", "error", "the losses should be"),
        edit("cat([w, b])", "cat([w, b]).float()", "has dtype"),
        edit("torch.cat([w, b])", "[w, b]", "should be a tensor"),
    ],
    "1.15": [
        edit("y_train, y_train[order]", "y_train, y_train", "control"),
        edit(".argmin(", ".argmax(", "the accuracy is wrong"),
        edit(" / member.sum(dim=1, keepdim=True)", "", "nearest prototype"),
        edit("return tuple(", "return sum(", "two accuracies"),
        edit(".item()", "", "see .item()"),
        edit("int(labels.max()) + 1", "10", "of 5 classes"),
        edit(", generator=generator", "", "by the generator"),
    ],
}

# (old, new) texts of the solution: answers that are right too
RIGHT = {
    "1.13": [("return True", "return np.True_")],
}

EQUAL = {
    "1.1": {
        "odds = torch.arange(1, 20, 2) => odds = torch.arange(1, 21, 2)": (
            "21 is not reached: the end is left out"
        ),
    },
    "1.7": {
        "return rgb.permute(2, 0, 1).contiguous().float() / 255 => "
        "return rgb.permute(2, 0, 1).contiguous() / 255": (
            "a division of uint8 gives float32"
        ),
    },
    "1.9": {
        "return torch.as_strided(x, (count, size), (step, step), offset) => "
        "return torch.as_strided(x, (count, size), (step, step))": (
            "the offset of x is the default"
        ),
    },
}
