"""Checks of chapter 2, automatic gradients."""

import contextlib
import math
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.autograd.graph import saved_tensors_hooks

from checks.watchers import Calls, Largest
from checks.words import (
    Hint,
    call,
    call_by_hand,
    exercise,
    expect,
    is_sequence,
    is_tensor,
    same_number,
    same_tensor,
    without_torch_func,
)


@exercise("2.1")
def leaves(answer):
    expect(
        is_sequence(answer, 5),
        "five booleans in a list are asked for",
    )
    expect(
        all(isinstance(value, bool) for value in answer),
        "each of the five should be True or False",
    )
    hints = {
        "a": "we make it ourselves; no operation does",
        "b": "it comes out of a recorded operation",
        "c": "has it any history after detach?",
        "d": "is an operation recorded when no input requires a gradient?",
        "e": "at least one of its inputs requires a gradient",
    }
    wants = [True, False, True, True, False]
    for (name, hint), value, want in zip(
        hints.items(), answer, wants, strict=True
    ):
        expect(value is want, f"think about {name}: {hint}")


@exercise("2.2")
def slope(answer):
    same_number(
        call(answer, lambda x: x**3, 2.0),
        12.0,
        "for x**3 at 2 the derivative is not this; is it the value?",
    )
    got = call(answer, lambda x: x.exp() * x.sin(), 1)
    same_number(
        got,
        math.e * (math.sin(1) + math.cos(1)),
        "for exp(x) * sin(x) at 1 it is wrong, or right to a few digits "
        "only: is all of it in double precision, and by autograd?",
        rtol=1e-12,
        atol=0,
    )


@exercise("2.3")
def masked(answer):
    x = torch.tensor([0.5, -1.0, 2.0], requires_grad=True)
    got = call(answer, x)
    s = x.detach().sigmoid()
    same_tensor(
        got,
        (s[1:] ** 2).sum(),
        "the value is wrong: squared sigmoids, without the first",
    )
    expect(
        got.requires_grad,
        "the result has no history, so no gradient can be computed",
    )
    try:
        got.backward()
    except RuntimeError:
        raise Hint(
            "the backward pass still raises: which value was saved and then "
            "overwritten?"
        ) from None
    expect(x.grad is not None, "no gradient arrives at x")
    want = 2 * s * s * (1 - s)
    want[0] = 0
    same_tensor(
        x.grad,
        want,
        "the value is right but the gradient is wrong: does every factor "
        "carry its history?",
        name="the gradient",
    )


@contextlib.contextmanager
def _passes_counted(columns):
    """A list: how many rows of X each backward pass takes."""
    rows, forward = [], [True]

    def pack(saved):
        forward[0] = True
        return saved

    def unpack(saved):
        if columns in saved.shape:  # a part of X, its transpose or a row
            if forward[0]:  # a backward pass begins
                rows.append(0)
            forward[0] = False
            rows[-1] += saved.numel() // columns
        return saved

    with saved_tensors_hooks(pack, unpack):
        yield rows


@exercise("2.4")
def gradient_in_parts(answer):
    generator = torch.Generator().manual_seed(2)
    w = torch.randn(7, generator=generator)
    for size, parts in ((8, 1), (8, 4), (10, 4), (6, 4)):
        X = torch.randn(size, 7, generator=generator)
        y = torch.randn(size, generator=generator)
        want = 2 / size * X.T @ (X @ w - y)
        told = "use backward() or torch.autograd.grad"
        with _passes_counted(X.shape[1]) as rows, without_torch_func(told):
            got = call(answer, w, X, y, parts)
        if parts > 1 and torch.allclose(got, want * parts, rtol=1e-3):
            raise Hint(
                f"{parts} parts give {parts} times the gradient: each part's "
                "mean counts too much"
            )
        hint = "the gradient of the whole batch in one part is wrong"
        if parts == 4:
            hint = "in several parts, the gradient is not that of the batch"
        if size % parts:
            hint = (
                "parts of different size: the last part is smaller, so it "
                "must count less"
            )
        same_tensor(got, want, hint, name="the gradient")
        expect(
            parts == 1 or (len(rows) == parts and max(rows) < size),
            f"the gradient is right, but X did not go through in {parts} "
            "parts, each with a backward pass of its own",
        )


@exercise("2.5")
def derivative(answer):
    x = torch.tensor(2.0)
    wants = [16.0, 32.0, 48.0, 48.0, 24.0]
    for order, want in enumerate(wants):
        got = call(answer, lambda x: x**4, x, order)
        hint = f"order {order} of x**4 at 2 is wrong"
        if order == 0:
            hint = "order 0 should be the value of the function"
        same_tensor(got, torch.tensor(want), hint)
    same_tensor(
        call(answer, lambda x: 3 * x, x, 2),
        torch.tensor(0.0),
        "the second derivative of 3 * x should be 0",
    )
    w = torch.tensor(3.0, requires_grad=True)
    same_tensor(
        call(answer, lambda x: w * x, x, 2),
        torch.tensor(0.0),
        "the second derivative of w * x by x should be 0, for a w that "
        "requires a gradient too",
    )
    same_tensor(
        call(answer, torch.exp, x.double(), 3),
        x.double().exp(),
        "order 3 of exp is wrong, or right to a few digits only; "
        "differentiate, and take no small steps",
        rtol=1e-12,
        atol=0,
    )


def _count(answer, y):
    """Call with a tensor that is no leaf, which cannot be copied."""
    expect(callable(answer), "a function is asked for")
    return call(lambda: answer(y))


@exercise("2.6")
def count_nodes(answer):
    x = torch.ones(2, requires_grad=True)
    w = torch.ones(2, requires_grad=True)
    same_number(
        _count(answer, torch.ones(2)),
        0,
        "a tensor without grad_fn has no node behind it",
    )
    chain = (x * 2).sin().exp()
    same_number(
        _count(answer, chain),
        4,
        "in a chain of three operations, the leaf's AccumulateGrad counts too",
    )
    shared = x * w
    same_number(
        _count(answer, shared.exp() + shared.sin()),
        6,
        "a node that is reached on two paths should count once",
    )
    first, second = w.unbind()
    same_number(
        _count(answer, first * second),
        3,
        "a node with two results, as of unbind, should count once",
    )
    for _ in range(40):
        x = x.sin() + x.exp()
    same_number(
        _count(answer, x), 121, "a chain with two ways a step is counted wrong"
    )


def _files_of_callers():
    """The source files of all functions that are at work."""
    frame = sys._getframe(1)
    while frame:
        yield frame.f_code.co_filename.replace("\\", "/")
        frame = frame.f_back


@exercise("2.7")
def jacobian(answer):
    x = torch.tensor([2.0, 3.0])

    gradients = []

    def f(x):
        gradients.append(x.requires_grad)
        expect(
            not any(
                "functorch" in file or "autograd/functional" in file
                for file in _files_of_callers()
            ),
            "a function of PyTorch builds the Jacobian or its rows; take them "
            "from torch.autograd.grad",
        )
        return torch.stack([x[0] * x[1], x[0] ** 2, x[1].sin()])

    want = torch.tensor([[3.0, 2.0], [4.0, 0.0], [0.0, math.cos(3)]])
    got = call(answer, f, x)
    is_tensor(got)
    expect(
        got.shape != want.T.shape or not torch.allclose(got, want.T),
        "rows and columns are swapped: one row for each output",
    )
    same_tensor(got, want, "an entry of the Jacobian is wrong")
    expect(
        any(gradients),
        "f saw no x that requires a gradient; take the rows from "
        "torch.autograd.grad",
    )
    w = torch.ones(2, requires_grad=True)
    for other, size in ((lambda x: 3 * w, 2), (lambda x: torch.ones(3), 3)):
        same_tensor(
            call(answer, other, x),
            torch.zeros(size, 2),
            "an output that does not depend on x should give a row of zeros",
        )
    for other in (f, lambda x: torch.ones(3)):
        is_tensor(call(answer, other, x.double()), dtype=torch.float64)


@exercise("2.8")
def quantize(answer):
    expect(
        isinstance(answer, type)
        and issubclass(answer, torch.autograd.Function),
        "a subclass of torch.autograd.Function is asked for",
    )
    x = torch.tensor([[-0.5, 0.0, 0.2], [0.6, 1.0, 1.4]], requires_grad=True)
    for levels in (2, 5):
        got = call(answer.apply, x, levels)
        is_tensor(got, shape=x.shape, dtype=x.dtype)
        expect(
            0 <= got.min() and got.max() <= 1,
            "a value lies outside of 0 and 1; is x clamped?",
        )
        want = (x.detach().clamp(0, 1) * (levels - 1)).round() / (levels - 1)
        same_tensor(
            got,
            want,
            f"with {levels} levels the values are the multiples of "
            f"1/{levels - 1}, and the nearest is asked for",
        )
    delta = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    given = delta.clone()
    try:
        got = torch.autograd.grad(answer.apply(x, 5), x, given)[0]
    except (RuntimeError, TypeError) as error:
        raise Hint(
            f"the backward pass raised: {str(error).splitlines()[0]}"
        ) from None
    expect(
        torch.equal(given, delta),
        "your backward changes the gradient that comes in; work on a copy",
    )
    expect(
        not torch.equal(got, delta),
        "outside of 0 and 1 the gradient should be zero",
    )
    inside = torch.tensor([[0.0, 1, 1], [1, 1, 0]])
    expect(
        not torch.equal(got, inside),
        "the gradient that comes in is lost; multiply by it",
    )
    same_tensor(
        got,
        delta * inside,
        "the gradient is wrong; look at the limits 0 and 1 themselves too",
        name="the gradient",
    )


@exercise("2.9")
def softmax_back(answer):
    generator = torch.Generator().manual_seed(9)
    for size in (2, 5, 50):
        z = torch.randn(size, generator=generator, requires_grad=True)
        delta = torch.randn(size, generator=generator)
        p = z.softmax(0)
        want = torch.autograd.grad(p, z, delta)[0]
        p = p.detach()
        with Largest() as largest:
            got = call_by_hand(answer, p, delta)
        is_tensor(got)
        expect(
            not torch.allclose(got, delta * p * (1 - p)),
            "that is the diagonal of the Jacobian only: z_j also moves the "
            "other p_i",
        )
        expect(
            abs(got.sum().item()) < 1e-5,
            "adding a constant to z changes no p, so the gradient must sum "
            "to zero",
        )
        same_tensor(got, want, "the gradient is wrong", name="the gradient")
        expect(
            size < 50 or largest.elements < size * size,
            "the gradient is right, but the Jacobian was built for it",
        )


class _Value:
    """The engine's value, for the check only."""

    def __init__(self, number, parents=(), slopes=()):
        self.number, self.grad = float(number), 0.0
        self.parents, self.slopes = parents, slopes


def _expression():
    x, w = _Value(2), _Value(1)
    a = _Value(3, (x, w), (1.0, 1.0))
    b = _Value(2, (w,), (1.0,))
    return x, w, _Value(6, (a, b), (2.0, 3.0))


@exercise("2.10")
def steady_backward(answer):
    x, w, y = _expression()
    for times in (1, 2, 3):
        call(answer, y, mutates=True)
        got = x.grad, w.grad
        expect(
            all(isinstance(g, (int, float)) for g in got),
            "a gradient is no longer a plain number",
        )
        if times == 1:
            expect(
                got == (2.0, 5.0),
                "the first call should leave the gradients 2 and 5 in "
                "x and w of (x + w) * (w + 1)",
            )
        expect(
            got != (2.0, 5.0) or times == 1,
            "the second call should add to the leaves, not replace",
        )
        expect(
            got == (2.0 * times, 5.0 * times),
            f"after call {times} the leaves do not hold {times} times the "
            "gradient; what do inner values still hold from before?",
        )
    x, w = _Value(2), _Value(3)
    call(answer, _Value(6, (x, w), (3.0, 2.0)), mutates=True)
    expect(
        (x.grad, w.grad) == (3.0, 2.0),
        "for x * w of 2 and 3 the gradients should be 3 and 2",
    )
    for old in (0.0, 5.0):  # what an earlier pass has left inside
        x = _Value(1)
        a = _Value(2, (x,), (2.0,))
        b = _Value(6, (a,), (3.0,))
        a.grad = b.grad = old
        call(answer, _Value(8, (a, b), (1.0, 1.0)), mutates=True)
        expect(
            x.grad == 8.0,
            "for a + 3 * a with a = 2 * x the gradient should be 8: "
            + (
                "another backward left gradients in inner values"
                if old
                else "has all of it reached a before a passes it on?"
            ),
        )
    leaf = _Value(3)
    for times in (1, 2):
        call(answer, leaf, mutates=True)
        expect(
            leaf.grad == times,
            f"a root that is a leaf itself should hold {times} after call "
            f"{times}",
        )


@exercise("2.11")
def hessian_times(answer):
    def f(x):
        return x[0] ** 2 * x[1] + x[1] ** 3 + x[2].exp() * x[0]

    x = torch.tensor([1.0, 2.0, 0.5])
    e = math.exp(0.5)
    slope = torch.tensor([4 + e, 13.0, e])
    H = torch.tensor([[4.0, 2.0, e], [2.0, 12.0, 0.0], [e, 0.0, e]])
    for v in (torch.tensor([1.0, 0, 0]), torch.tensor([1.0, -2.0, 3.0])):
        got = call(answer, f, x, v)
        is_tensor(got, shape=(3,))
        expect(
            not torch.allclose(got, slope * v),
            "this is the gradient times v; differentiate once more",
        )
        expect(
            not torch.allclose(got, H.sum(0)),
            "v does not enter: the plain sum of the gradient was used",
        )
        same_tensor(got, H @ v, "the product with the Hessian is wrong")
    third = call(answer, lambda x: x.exp().sum(), x.double(), v.double())
    same_tensor(
        third,
        x.double().exp() * v,
        "the product is right to a few digits only; differentiate, and take "
        "no small steps",
        rtol=1e-12,
        atol=0,
    )
    same_tensor(
        call(answer, lambda x: x.sum(), x, v),
        torch.zeros(3),
        "a linear function has no second derivative: the product is 0",
    )
    w = torch.ones(3, requires_grad=True)
    same_tensor(
        call(answer, lambda x: w @ x, x, v),
        torch.zeros(3),
        "for w @ x the product is 0, for a w that requires a gradient too",
    )
    big = torch.ones(200)
    with Largest() as largest:
        call(answer, lambda x: (x**3).sum(), big, big)
    expect(
        largest.elements < 200 * 200,
        "the product is right, but the whole Hessian was built for it",
    )


@exercise("2.12")
def conv1d_input_gradient(answer):
    generator = torch.Generator().manual_seed(12)
    for stride, length in (
        *((1, 7), (1, 8), (2, 7)),
        *((2, 8), (3, 11), (4, 11)),
    ):
        kernel = torch.randn(2 + length % 3, generator=generator)
        x = torch.randn(1, 1, length, generator=generator, requires_grad=True)
        if stride == 4:
            kernel, x = kernel.double(), x.detach().double().requires_grad_()
        y = F.conv1d(x, kernel.reshape(1, 1, -1), stride=stride)
        delta = torch.randn(y.shape, generator=generator, dtype=y.dtype)
        want = torch.autograd.grad(y, x, delta)[0].reshape(-1)
        with Calls() as calls:
            got = call_by_hand(
                answer, delta.reshape(-1), kernel.clone(), stride, length
            )
        expect(
            not any(
                "transpose" in name
                and "conv" in name
                or name == "convolution_backward"
                for name in calls.names
            ),
            "PyTorch's own backward pass does the work; write it yourself",
        )
        is_tensor(got)
        if got.shape == want.shape and got.dtype == want.dtype:
            flipped = torch.autograd.grad(
                F.conv1d(x, kernel.flip(0).reshape(1, 1, -1), stride=stride),
                x,
                delta,
            )[0].reshape(-1)
            expect(
                not torch.allclose(got, flipped, rtol=1e-4, atol=1e-5),
                "the kernel is turned the wrong way round",
            )
        hint = "the gradient is wrong with stride 1"
        if stride > 1:
            hint = f"with stride {stride}, output i looks at a later patch"
        same_tensor(got, want, hint, name="the gradient")


def _trained(X, y, W1, W2, num_steps):
    """Two matrices after some steps at a rate of 0.1, and the losses."""
    losses = []
    for _ in range(num_steps):
        hidden = (X @ W1).tanh()
        error = (hidden @ W2).squeeze(1) - y
        losses.append(error.square().mean().item())
        delta = 2 / len(y) * error[:, None]
        back = delta @ W2.T * (1 - hidden**2)
        W1, W2 = W1 - 0.1 * X.T @ back, W2 - 0.1 * hidden.T @ delta
    return W1, W2, losses


@exercise("2.13")
def train(answer):
    generator = torch.Generator().manual_seed(13)
    X = torch.randn(30, 3, generator=generator)
    y = (X[:, 0] * 2).sin()
    W1 = torch.randn(3, 6, generator=generator)
    W2 = torch.randn(6, 1, generator=generator)
    for num_steps in (1, 2, 100):
        got = call(answer, X, y, W1, W2, 0.1, num_steps)
        expect(
            is_sequence(got, 3),
            "two matrices and a list of losses are asked for",
        )
        *matrices, losses = got
        *wants, want_losses = _trained(X, y, W1, W2, num_steps)
        for name, matrix, want, start in zip(
            ("W1", "W2"), matrices, wants, (W1, W2), strict=True
        ):
            is_tensor(matrix, shape=want.shape, dtype=want.dtype, name=name)
            expect(
                not matrix.requires_grad,
                f"{name} still requires a gradient; a plain tensor is asked",
            )
            expect(
                not torch.equal(matrix, start),
                f"{name} has not moved; where does its gradient get lost?",
            )
            hint = f"after one step {name} is wrong"
            if num_steps > 1:
                hint = (
                    f"one step is right, after {num_steps} steps {name} is "
                    "wrong: whose gradient is used?"
                )
            same_tensor(matrix, want, hint, name=name, rtol=1e-2, atol=1e-3)
        expect(
            isinstance(losses, list) and len(losses) == num_steps,
            "a list with one loss for each step is asked for",
        )
        for loss, want in zip(losses, want_losses, strict=True):
            same_number(
                loss,
                want,
                "the losses should be those before each of the steps",
                name="a loss",
                rtol=1e-2,
            )


def _lengths(X, y, lr, num_steps):
    """The length of the gradient of each example's loss after training."""
    X = torch.cat([X, torch.ones(len(X), 1)], dim=1)
    w = torch.zeros(X.shape[1])
    for _ in range(num_steps):
        w = w - lr * X.T @ ((X @ w).sigmoid() - y) / len(y)
    return (((X @ w).sigmoid() - y)[:, None] * X).norm(dim=1)


@exercise("2.14")
def find_wrong_labels(answer):
    generator = torch.Generator().manual_seed(14)
    plain = torch.randn(40, 3, generator=generator)
    wide = plain * torch.logspace(-1, 1, 40)[:, None]
    y = (torch.rand(40, generator=generator) < 0.8).float()
    count = 20
    for X, num_steps, lr in (
        (plain, 0, 0.1),
        (wide, 0, 0.1),
        (wide, 1, 0.5),
        (wide, 20, 0.1),
        (wide, 100, 0.2),
    ):
        got = call(answer, X, y, lr, num_steps, count)
        is_tensor(got, shape=(count,), dtype=torch.int64)
        expect(
            torch.equal(got, got.sort().values),
            "the indices should be in rising order",
        )
        lengths = _lengths(X, y, lr, num_steps)
        hint = (
            "without any step, the lengths of the gradients are ranked wrong"
        )
        if num_steps:
            hint = (
                f"with {num_steps} steps the ranking is wrong; the steps, "
                "or the gradient by b?"
            )
        same_tensor(got, lengths.topk(count).indices.sort().values, hint)
    digits, labels = load_digits(return_X_y=True)
    chosen = (labels == 3) | (labels == 8)
    X = torch.tensor(digits[chosen][:300], dtype=torch.float32) / 16
    y = torch.tensor(labels[chosen][:300] == 8).float()
    wrong = torch.randperm(len(y), generator=generator)[:15]
    y[wrong] = 1 - y[wrong]
    got = call(answer, X, y, 0.5, 200, 15)
    found = len(set(got.tolist()) & set(wrong.tolist()))
    expect(found > 9, f"only {found} of 15 wrong labels of digits are found")
