"""Checks of chapter 1, tensors."""

from unittest import mock

import numpy as np
import torch
from sklearn.datasets import load_digits

from checks.watchers import Calls
from checks.words import (
    call,
    call_by_hand,
    exercise,
    expect,
    is_sequence,
    is_tensor,
    same_number,
    same_tensor,
    same_value,
)


def _is_view(result, source):
    """Whether the first number of a tensor lies in another's memory."""
    strip = source.untyped_storage()
    return 0 <= result.data_ptr() - strip.data_ptr() < strip.nbytes()


def _photo(height, width):
    """A small random `uint8` photo."""
    return torch.randint(0, 256, (height, width, 3), dtype=torch.uint8)


@exercise("1.1")
def odds(answer):
    is_tensor(answer, name="odds")
    expect(
        answer.dtype == torch.int64,
        f"odds has dtype {answer.dtype}, int64 is asked for; arange gives it "
        "when no dtype is named and no number has a decimal point",
    )
    expect(
        answer.ndim == 1 and answer.numel() == 10,
        f"odds has shape {tuple(answer.shape)}, ten numbers are asked for; "
        "arange stops before its end",
    )
    expect(answer[0] == 1, f"the first number should be 1, it is {answer[0]}")
    same_tensor(
        answer,
        torch.arange(10) * 2 + 1,
        "each number should be two above the one before",
        name="odds",
    )


@exercise("1.2")
def shapes(answer):
    expect(
        isinstance(answer, dict) and set(answer) == set("abcdef"),
        'a dict with the keys "a" to "f" is asked for',
    )
    x = torch.empty(4, 3)
    want = {
        "a": (x[:, 0], "a plain number as an index removes its axis"),
        "b": (x[:, :1], "a slice keeps its axis, even with one element"),
        "c": (x + torch.ones(3), "align the shapes at the right"),
        "d": (x.sum(dim=1, keepdim=True), "keepdim leaves a 1 in place"),
        "e": (torch.stack([x, x], dim=1), "stack puts a new axis at dim"),
        "f": (x[None].expand(5, 4, 3), "expand stretches the axis of one"),
    }
    for key, (tensor, hint) in want.items():
        expect(
            isinstance(answer[key], (tuple, list)),
            f"({key}) should be a tuple such as (4, 3)",
        )
        expect(tuple(answer[key]) == tuple(tensor.shape), f"({key}): {hint}")


@exercise("1.3")
def centre_crop(answer):
    cases = [
        (8, 10, 4, (2, 3), "how much is left at each side?"),
        (7, 9, 4, (1, 2), "the smaller part of a margin is at top and left"),
        (8, 10, 5, (1, 2), "halve the whole margin, not the two lengths"),
        (7, 9, 7, (0, 1), "beware of negative stops that become 0"),
    ]
    for height, width, size, (top, left), hint in cases:
        photo = _photo(height, width)
        got = call(answer, photo, size)
        same_tensor(
            got,
            photo[top : top + size, left : left + size],
            f"wrong for {height} x {width} and size {size}: {hint}",
            name="the crop",
        )
        expect(_is_view(got, photo), "the crop is a copy; a slice is enough")
    photo = _photo(10, 8).transpose(0, 1)
    same_tensor(
        call(answer, photo, 4),
        photo[2:6, 3:7],
        "wrong for a photo with other strides, such as a transposed one",
        name="the crop",
    )


@exercise("1.4")
def scale_light(answer):
    photo = torch.tensor([[[0, 10, 104], [100, 200, 255]]]).to(torch.uint8)
    got = call(answer, photo, 2.0)
    is_tensor(got, shape=photo.shape, dtype=torch.uint8)
    expect(
        got[0, 1, 1] == 255 and got[0, 1, 2] == 255,
        "200 times 2 should end at 255; cut to the range before the dtype "
        "becomes uint8 again",
    )
    same_tensor(
        call(answer, photo, -1.0),
        torch.zeros_like(photo),
        "a negative factor should end at 0",
    )
    same_tensor(
        call(answer, photo, 0.58),
        torch.tensor([[[0, 6, 60], [58, 116, 148]]]).to(torch.uint8),
        "10 times 0.58 is 5.8, which is nearest to 6, and 104 times 0.58 is "
        "60.32, nearest to 60; conversion to an integer only cuts",
    )
    same_tensor(
        call(answer, photo, 2),
        got,
        "a factor of 2 should do the same as 2.0; uint8 times a whole number "
        "wraps around",
    )


@exercise("1.5")
def one_hot(answer):
    labels = torch.tensor([2, 0, 1, 2])
    with Calls() as calls:
        got = call(answer, labels, 4)
    expect(
        not {"one_hot", "embedding"} & set(calls.names),
        "torch.nn.functional does the work; build it yourself",
    )
    is_tensor(got)
    expect(
        got.shape == (4, 4),
        f"four labels and 4 classes give shape (4, 4), not "
        f"{tuple(got.shape)}; the classes are a new last axis, and the "
        "largest label says nothing about their number",
    )
    expect(
        got.dtype == torch.int64,
        f"the result has dtype {got.dtype}; int64 is asked for",
    )
    for shape in ((2, 3, 5), (3, 1), ()):
        labels = torch.randint(0, 6, shape)
        same_tensor(
            call(answer, labels, 6),
            torch.eye(6, dtype=torch.int64)[labels],
            f"wrong for labels of shape {shape}: each label should become a "
            "row with a single 1, at the place of the label",
            name=f"the result for labels of shape {shape}",
        )


@exercise("1.6")
def standardise(answer):
    scale = torch.tensor([1.0, 10.0, 100.0])[:, None, None]
    photos = torch.rand(4, 3, 5, 6) * scale + torch.rand(4, 1, 1, 1)
    got = call(answer, photos)
    is_tensor(got, shape=photos.shape, dtype=torch.float32)
    expect(
        torch.allclose(got.mean((2, 3)), torch.zeros(4, 3), atol=1e-4),
        "the mean of every channel of every photo should be 0; which axes "
        "disappear in your mean?",
    )
    std = photos.std(dim=(2, 3), correction=0, keepdim=True)
    want = (photos - photos.mean(dim=(2, 3), keepdim=True)) / std
    same_tensor(
        got,
        want,
        "the means are right, the standard deviations are not 1; which "
        "axes, which divisor?",
    )


@exercise("1.7")
def to_input(answer):
    rng = np.random.default_rng(0)
    bgr = rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)
    got = call(answer, bgr)
    is_tensor(got, shape=(3, 5, 7), dtype=torch.float32)
    want = torch.tensor(bgr[:, :, ::-1].copy()).permute(2, 0, 1) / 255
    expect(
        not torch.allclose(got, want * 255),
        "the numbers go up to 255; they should end at 1",
    )
    expect(
        not torch.allclose(got, want.flip(0)),
        "blue still comes first",
    )
    expect(
        torch.allclose(got.flatten().sort()[0], want.flatten().sort()[0]),
        "the numbers are not those of the photo; 0 should stay 0 and 255 "
        "become 1, in every photo",
    )
    same_tensor(
        got,
        want,
        "the shape is right and the pixels are not where they belong; were "
        "the axes moved or the strip re-cut?",
    )
    expect(got.is_contiguous(), "the result is not contiguous")


@exercise("1.8")
def row_strides(answer):
    for shape in ((3, 4), (5,), (2, 3, 4, 5), (7, 1, 2), ()):
        got = call(answer, shape)
        expect(
            isinstance(got, tuple),
            f"a tuple is asked for, this is a {type(got).__name__}",
        )
        expect(
            len(got) == len(shape),
            f"shape {shape} needs one stride for each axis, not {len(got)}",
        )
        expect(
            not got or got[-1] == 1,
            f"shape {shape}: the last axis should have stride 1",
        )
        expect(
            got == torch.empty(shape).stride(),
            f"wrong for shape {shape}: how many elements are skipped by one "
            "step along the first axis?",
        )


@exercise("1.9")
def windows(answer):
    x = torch.arange(10.0)
    got = call(answer, x, 4)
    is_tensor(got)
    expect(
        got.shape == (7, 4),
        f"10 elements and size 4 give shape (7, 4), not {tuple(got.shape)}",
    )
    same_tensor(
        got,
        torch.stack([x[i : i + 4] for i in range(7)]),
        "row i should begin at x[i]; what is the jump from row to row?",
    )
    expect(
        _is_view(got, x),
        "the numbers are right, but they are a copy; only shape and strides "
        "should be new",
    )
    part = torch.arange(20.0)[5:12]
    same_tensor(
        call(answer, part, 3),
        torch.stack([part[i : i + 3] for i in range(5)]),
        "wrong for an x that is itself a slice; where does x begin in its "
        "storage?",
    )
    expect(len(call(answer, part, 7)) == 1, "a window as long as x fits once")


@exercise("1.10")
def broadcast(answer):
    cases = [
        ((3, 4), (3, 4), "equal shapes"),
        ((3, 1), (1, 4), "a 1 on either side"),
        ((3, 1), (4,), "shapes are aligned at the right"),
        ((4,), (3, 1), "the first shape may be the shorter one"),
        ((8, 1, 6, 1), (7, 1, 5), "missing axes count as 1"),
        ((), (2, 3), "a scalar has no axes"),
        ((1,), (0,), "a 1 is stretched to the other length, even to 0"),
        ((3, 2), (3,), "the right ends differ and neither is 1"),
        ((2, 1, 3), (4, 2), "some axis differs and neither is 1"),
    ]
    for first, second, hint in cases:
        try:
            want = tuple(torch.broadcast_shapes(first, second))
        except RuntimeError:
            want = None
        ready = mock.Mock(wraps=torch.broadcast_shapes)
        with Calls() as calls, mock.patch("torch.broadcast_shapes", ready):
            got = call(answer, first, second)
        expect(
            want is None or isinstance(got, tuple),
            f"{first} with {second} should give a tuple: {hint}",
        )
        expect(
            not calls.names and not ready.called,
            "PyTorch does the work; compare the lengths yourself",
        )
        hint = f"wrong for {first} with {second}: {hint}"
        expect(want is not None or got is None, hint)
        same_value(got, want, hint)


@exercise("1.11")
def gram(answer):
    photos = torch.randn(2, 3, 4, 5)
    with Calls() as calls:
        got = call(answer, photos)
    flat = photos.flatten(2)
    want = flat @ flat.mT / 20
    is_tensor(got, shape=want.shape, dtype=want.dtype)
    expect(
        not torch.allclose(got, want * 20, rtol=1e-3, atol=1e-4),
        "the sum still has to be divided by the number of pixels",
    )
    same_tensor(
        got,
        want,
        "the entries are wrong; which letters are matched, which are summed?",
    )
    expect(
        "einsum" in calls.names,
        "the numbers are right; now write them with torch.einsum",
    )


@exercise("1.12")
def fit_parabola(answer):
    x = torch.linspace(-1, 1, 21)
    y = 3 * x**2 - 2 * x + 1
    first = call_by_hand(answer, x, y, 0.5, 1)
    is_tensor(first, shape=(3,), dtype=torch.float32)
    features = torch.stack([x**2, x, torch.ones_like(x)], dim=1)
    step = 0.5 * features.mT @ y / 21
    expect(
        not torch.allclose(first, -step, atol=1e-5),
        "the first step goes uphill",
    )
    expect(
        not torch.allclose(first, 2 * step, atol=1e-5),
        "the first step is twice as long as it should be; this chapter's "
        "loss has a half",
    )
    expect(
        not torch.allclose(first, 21 * step, atol=1e-4),
        "the first step is 21 times too long; is the loss a mean?",
    )
    expect(
        not torch.allclose(first, step.flip(0), atol=1e-5),
        "the numbers come in the order a, b, c",
    )
    same_tensor(
        first,
        step,
        "after one step the numbers are wrong; are the derivatives by a, b "
        "and c taken at the same place, and is it one step?",
    )
    same_tensor(
        call(answer, x, y, 0.5, 500),
        torch.tensor([3.0, -2.0, 1.0]),
        "one step is right, 500 steps do not reach the parabola",
        atol=0.02,
    )
    same_tensor(
        call(answer, x.double(), y.double(), 0.5, 1),
        step.double(),
        "wrong for an x in double precision",
    )


@exercise("1.13")
def can_flatten(answer):
    cases = [
        (torch.empty(3, 4), "a contiguous tensor"),
        (torch.empty(3, 4).t(), "a transposed matrix"),
        (torch.empty(3, 4)[:, ::2], "every second column; one constant jump"),
        (torch.empty(3, 4)[:, :3], "the first columns only"),
        (torch.empty(3, 4)[1:], "the last rows"),
        (torch.empty(12)[::3], "one axis with any stride"),
        (torch.empty(2, 3, 4).permute(1, 0, 2), "two axes swapped"),
        (torch.empty(2, 3, 4, 5)[:, :, :3], "only the middle pair breaks"),
        (torch.empty(2, 3, 4, 5)[:, :2], "only the first pair breaks"),
        (torch.empty(2, 3, 4, 5)[..., :3], "only the last pair breaks"),
        (
            torch.empty(2, 3, 4, 5).permute(0, 2, 1, 3),
            "the middle two swapped",
        ),
        (torch.empty(3, 1, 4).transpose(0, 1), "an axis of length one"),
        (torch.empty(4, 1, 5)[..., :3], "the first and the last axis break"),
        (torch.empty(4, 1, 3)[:, :, :1], "axes of length one at the end"),
        (torch.empty(1, 4).t(), "a transposed row"),
        (torch.empty(1, 3).expand(4, 3), "a stride of zero"),
        (torch.empty(1, 1).expand(4, 3), "strides of zero only"),
        (torch.tensor(1.0), "no axis at all"),
    ]
    for x, kind in cases:
        try:
            x.view(-1)
            want = True
        except RuntimeError:
            want = False
        shape, strides = tuple(x.shape), x.stride()
        with Calls() as calls:
            got = call(answer, shape, strides)
        expect(not calls.names, "a tensor is made; calculate with the numbers")
        expect(
            isinstance(got, (bool, np.bool_)),
            f"True or False is asked for, this is a {type(got).__name__}",
        )
        expect(
            got == want, f"wrong for shape {shape}, strides {strides}: {kind}"
        )


def _two_steps(x, y):
    """The line after two steps at a rate of 0.1, and the two losses."""
    w, b, losses = x.new_zeros(1), x.new_zeros(1), []
    for _ in range(2):
        error = w * x + b - y
        losses.append(0.5 * error.square().mean())
        w, b = w - 0.1 * (error * x).mean(), b - 0.1 * error.mean()
    return torch.cat([w, b]), torch.stack(losses)


@exercise("1.14")
def fit_line(answer):
    generator = torch.Generator().manual_seed(14)
    points = torch.rand(20, 1, generator=generator) * 3
    for x in (points, points.double(), points[:1]):
        y = 2 * x.squeeze(1) + 5
        got = call_by_hand(answer, x, y, 0.1, 2)
        expect(
            is_sequence(got, 2),
            "two tensors are asked for: w and b, and the losses",
        )
        line, losses = _two_steps(x.squeeze(1), y)
        is_tensor(got[0], shape=(2,), dtype=x.dtype, name="w and b")
        flat, _ = _two_steps(x, y)
        expect(
            len(x) == 1 or not torch.allclose(got[0], flat),
            "the line is still too flat; which shape has the error?",
        )
        same_tensor(
            got[0],
            line,
            f"after two steps w and b are wrong, for {len(x)} points",
            name="w and b",
        )
        same_tensor(
            got[1],
            losses,
            "the losses should be those before each of the steps",
            name="the losses",
        )


def _digits():
    """Images and labels of the real digits, in an order of their own."""
    X, y = load_digits(return_X_y=True)
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(15))
    X = torch.tensor(X, dtype=torch.float32) / 16
    return X[order], torch.tensor(y)[order]


def _prototype_accuracy(X_train, labels, X_val, y_val):
    """The accuracy of the nearest class mean."""
    means = torch.stack(
        [X_train[labels == c].mean(dim=0) for c in labels.unique()]
    )
    apart = (X_val[:, None] - means).square().sum(dim=2)
    return (apart.argmin(dim=1) == y_val).float().mean().item()


@exercise("1.15")
def trial(answer):
    digits, labels = _digits()
    for classes, size in ((10, 1000), (10, 300), (5, 300)):
        X, y = (part[labels < classes] for part in (digits, labels))
        sets = X[:size], y[:size], X[size:], y[size:]
        generator = torch.Generator().manual_seed(size)
        got = call(answer, *sets, generator)
        expect(
            is_sequence(got, 2),
            "two accuracies are asked for",
        )
        generator.manual_seed(size)
        shuffled = sets[1][torch.randperm(size, generator=generator)]
        same_number(
            got[0],
            _prototype_accuracy(*sets),
            f"the accuracy is wrong with {size} digits of {classes} classes: "
            "the share of validation images whose nearest prototype has the "
            "right class",
            name="the accuracy",
            atol=0.004,
        )
        same_number(
            got[1],
            _prototype_accuracy(sets[0], shuffled, *sets[2:]),
            "the accuracy is right, that of the control is not: only the "
            "training labels are shuffled, once, by the generator",
            name="the control",
            atol=0.004,
        )
