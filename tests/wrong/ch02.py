"""Wrong answers for chapter 2 with a part of the hint that each must get."""

import torch
import torch.nn.functional as F
from torch.autograd import grad
from torch.func import jacrev

from solutions import edit, edits


def slope_value(f, x):
    return f(torch.tensor(float(x))).item()


def slope_by_differences(f, x):
    x = torch.tensor(float(x), dtype=torch.float64)
    return ((f(x + 1e-5) - f(x - 1e-5)) / 2e-5).item()


def masked_as_given(x):
    s = x.sigmoid()
    squares = s * s
    s[0] = 0
    squares[0] = 0
    return squares.sum()


def in_one_formula(w, X, y, parts):
    return 2 / len(y) * X.T @ (X @ w - y)


def in_parts_by_torch_func(w, X, y, parts):
    def loss(w, X, y):
        return ((X @ w - y) ** 2).sum()

    pairs = zip(X.tensor_split(parts), y.tensor_split(parts), strict=True)
    return sum(torch.func.grad(loss)(w, *pair) for pair in pairs) / len(y)


def derivative_by_differences(f, x, order):
    def slope(f):
        return lambda x: (f(x + 0.01) - f(x - 0.01)) / 0.02

    for _ in range(order):
        f = slope(f)
    return f(x.double()).to(x.dtype)


def count_twice(y):
    def count(node):
        return 1 + sum(count(n) for n, _ in node.next_functions if n)

    return count(y.grad_fn) if y.grad_fn else 0


def jacobian_sum(f, x):
    x = x.clone().requires_grad_()
    return grad(f(x).sum(), x)[0]


def jacobian_by_differences(f, x):
    columns = []
    for step in 1e-5 * torch.eye(len(x), dtype=torch.float64):
        columns.append((f(x + step) - f(x - step)).detach() / 2e-5)
    return torch.stack(columns, dim=1).to(x.dtype)


def softmax_by_autograd(p, delta):
    z = p.log().requires_grad_()
    return grad(z.softmax(0), z, delta)[0]


def softmax_whole(p, delta):
    return (p.diag() - p.outer(p)) @ delta


def transposed(delta, kernel, stride, length):
    got = F.conv_transpose1d(delta[None], kernel[None, None], stride=stride)[0]
    return F.pad(got, (0, length - len(got)))


def padded_for_odd(delta, kernel, stride, length):
    pad = 2 * (len(kernel) // 2)
    spread = delta.new_zeros((len(delta) - 1) * stride + 1)
    spread[::stride] = delta
    spread = F.pad(spread, (pad, pad))[None, None]
    got = F.conv1d(spread, kernel.flip(0)[None, None])[0, 0]
    return F.pad(got, (0, length - len(got)))


def train_as_given(X, y, W1, W2, lr, num_steps):
    W1, W2 = W1.clone().requires_grad_(), W2.clone().requires_grad_()
    losses = []
    for _ in range(num_steps):
        hidden = (X @ W1).tanh().data
        loss = ((hidden @ W2).squeeze(1) - y).pow(2).mean()
        loss.backward()
        losses.append(loss)
        W2.data -= lr * W2.grad
    return W1, W2, losses


def train_with_a_sum_of_gradients(X, y, W1, W2, lr, num_steps):
    W1, W2 = W1.clone().requires_grad_(), W2.clone().requires_grad_()
    losses = []
    for _ in range(num_steps):
        loss = (((X @ W1).tanh() @ W2).squeeze(1) - y).pow(2).mean()
        loss.backward()
        losses.append(loss.item())
        with torch.no_grad():
            W1 -= lr * W1.grad
            W2 -= lr * W2.grad
    return W1.detach(), W2.detach(), losses


def backward_as_in_the_chapter(root):
    root.grad = 1.0
    order, seen = [], set()

    def visit(value):
        if value not in seen:
            seen.add(value)
            for parent in value.parents:
                visit(parent)
            order.append(value)

    visit(root)
    for value in reversed(order):
        for parent, slope in zip(value.parents, value.slopes, strict=True):
            parent.grad += slope * value.grad


def backward_breadth_first(root):
    order = [root]
    for value in order:
        order += [p for p in dict.fromkeys(value.parents) if p not in order]
    for value in order:
        if value.parents:
            value.grad = 0.0
    root.grad += 1.0
    for value in order:
        for parent, slope in zip(value.parents, value.slopes, strict=True):
            parent.grad += slope * value.grad


def hessian_no_second(f, x, v):
    x = x.clone().requires_grad_()
    return grad(f(x), x)[0] * v


def hessian_by_steps(f, x, v):
    def slope(x):
        x = x.detach().requires_grad_()
        return grad(f(x), x)[0]

    step = 1e-5 * v.double()
    return (slope(x + step) - slope(x - step)).div(2e-5).to(x.dtype)


def hessian_whole(f, x, v):
    return torch.autograd.functional.hessian(f, x) @ v


WRONG = {
    "2.1": [
        edit("False, True, True", "False, False, True", "think about c"),
        edit("True, True, False", "True, False, False", "think about d"),
        edit("[True, False, True", "[True, True, True", "think about b"),
        edit(", True, True, False", "", "five booleans"),
        edit("True, False, True, True, False", "1, 0, 1, 1, 0", "True or"),
    ],
    "2.2": [
        (slope_value, "is it the value"),
        edit(".item()", "", "see .item()"),
        edit("dtype=torch.float64, ", "", "double precision"),
        (slope_by_differences, "by autograd"),
    ],
    "2.3": [
        (masked_as_given, "still raises"),
        edit("sigmoid() ** 2", "sigmoid() * x.sigmoid().detach()", "factor"),
        edit("x.sigmoid()", "x.detach().sigmoid()", "no history"),
        edit("x.", "x.detach().requires_grad_().", "no gradient arrives"),
        edit("[1:]", "", "without the first"),
    ],
    "2.4": [
        edit(".sum() / len(y)", ".mean()", "counts too much"),
        edit(".sum() / len(y)", ".mean() / parts", "count less"),
        edit("loss.backward()", "w.grad = None; loss.backward()", "several"),
        edit("return w.grad", "return 2 * w.grad", "in one part is wrong"),
        edit("return w.grad", "return w.grad[None]", "has shape (1, 7)"),
        edit(".detach().clone()", "", "changes its input"),
        (in_one_formula, "a backward pass of its own"),
        edits(
            ("X.tensor_split(parts)", "[X]"),
            ("y.tensor_split(parts)", "[y]"),
            hint="a backward pass of its own",
        ),
        edits(
            ("    for X_part", "    loss = 0\n    for X_part"),
            ("loss = ((X", "loss = loss + ((X"),
            ("        loss.backward()", "    loss.backward()"),
            hint="a backward pass of its own",
        ),
        (in_parts_by_torch_func, "use backward()"),
    ],
    "2.5": [
        edit(", create_graph=True", "", "order 2 of x**4"),
        edit("range(order)", "range(order + 1)", "order 0"),
        edit("range(order)", "range(min(order, 3))", "order 4"),
        edit("return torch.zeros_like(x)", "break", "should be 0"),
        edit(", materialize_grads=True", "", "your code raised"),
        edit("x.detach().requires_grad_()", "x.requires_grad_()", "its input"),
        (derivative_by_differences, "no small steps"),
        edit("x.detach()", "x.detach().float()", "has dtype"),
    ],
    "2.6": [
        (count_twice, "on two paths"),
        edit(
            "is not None", "is not None and node.next_functions", "counts too"
        ),
        edit("return 0", "return 1", "has no node behind it"),
        edit("not in seen", "not in stack", "no answer after"),
        edits(
            ("{y.grad_fn}, ", "{(y.grad_fn, 0)}, "),
            ("for node, _ in", "for node, place in"),
            ("node not in seen", "(node, place) not in seen"),
            ("seen.add(node)", "seen.add((node, place))"),
            hint="two results",
        ),
        (7, "a function is asked for"),
    ],
    "2.7": [
        edit("torch.stack(rows)", "torch.stack(rows, 1)", "swapped"),
        (jacobian_sum, "shape (2,)"),
        edit("retain_graph=True, ", "", "a second time"),
        edit("v[i] = 1", "v[i] = 2", "an entry"),
        edit(", materialize_grads=True", "", "your code raised"),
        edit("x.new_zeros(len(y)", "x.new_ones(len(y)", "a row of zeros"),
        edit("torch.stack(rows)", "rows", "should be a tensor"),
        edit("x.new_zeros(len(y)", "torch.zeros(len(y)", "has dtype"),
        (lambda f, x: jacrev(f)(x), "builds the Jacobian"),
        (torch.autograd.functional.jacobian, "builds the Jacobian"),
        (jacobian_by_differences, "requires a gradient"),
    ],
    "2.8": [
        edit(" * ((x >= 0) & (x <= 1))", "", "should be zero"),
        edit(", None", "", "incorrect number of gradients"),
        edits(
            (" * (levels - 1)", " * levels"),
            ("/ (levels - 1)", "/ levels"),
            hint="multiples of",
        ),
        edit(".round()", ".floor()", "the nearest is asked for"),
        edit("x.clamp(0, 1)", "x", "clamped"),
        edit(
            "delta * ((x >= 0) & (x <= 1))",
            "((x >= 0) & (x <= 1)) * 1.0",
            "is lost",
        ),
        edit("x >= 0", "x > 0", "look at the limits"),
        edit(".round()", ".round().sum()", "has shape"),
        edit("delta * (", "delta.mul_(", "changes the gradient"),
        edit(
            "(x.clamp(0, 1) * (levels - 1)).round() / (levels - 1)",
            "(s := torch.linspace(0, 1, levels))"
            "[(x[:, None] - s).abs().argmin(1)]",
            "your code raised",
        ),
        (lambda x, levels: x, "a subclass"),
    ],
    "2.9": [
        edit("delta - (p * delta).sum()", "delta * (1 - p)", "diagonal"),
        edit("p * (delta - (p * delta).sum())", "p * delta", "sum to zero"),
        edit("return p", "return -p", "the gradient is wrong"),
        edit("return p", "return p[None]", "has shape"),
        edit("return", "_ =", "is a return missing"),
        (softmax_by_autograd, "autograd is at work"),
        (softmax_whole, "the Jacobian was built"),
    ],
    "2.10": [
        (backward_as_in_the_chapter, "inner values still hold"),
        edit("if value.parents:", "if True:", "not replace"),
        edit("root.grad += 1.0", "pass", "2 and 5"),
        edit("+= slope", "-= slope", "should be 3 and 2"),
        edit(
            "if value.parents:",
            "if value.parents or value is root:",
            "a leaf itself",
        ),
        edit("+= 1.0", "+= torch.tensor(1.0)", "a plain number"),
        edit("value.slopes", "value.slope", "your code raised"),
        (backward_breadth_first, "before a passes it on"),
        edits(
            (
                "    for value in order:\n        if value.parents:\n"
                "            value.grad = 0.0\n",
                "",
            ),
            (
                "slope * value.grad\n",
                "slope * value.grad\n        if value.parents:\n"
                "            value.grad = 0.0\n",
            ),
            hint="another backward",
        ),
    ],
    "2.11": [
        (hessian_no_second, "once more"),
        edit("slope @ v", "slope.sum()", "v does not enter"),
        edit(", create_graph=True", "", "with the Hessian"),
        edit("slope @ v", "slope @ v.abs()", "with the Hessian"),
        edit("grads=True)[0]", "grads=True)", "should be a tensor"),
        edit(", materialize_grads=True", "", "your code raised"),
        edit("return torch.zeros_like(x)", "return v", "linear function"),
        (hessian_by_steps, "no small steps"),
        (hessian_whole, "the whole Hessian was built"),
    ],
    "2.12": [
        edit("d * kernel", "d * kernel.flip(0)", "wrong way round"),
        edit("i * stride", "i", "later patch"),
        edit(
            "(length, dtype=",
            "((len(delta) - 1) * stride + len(kernel), dtype=",
            "has shape",
        ),
        edit(", dtype=delta.dtype", "", "has dtype"),
        edit("return gradient", "return gradient.tolist()", "be a tensor"),
        edit("return gradient", "return gradient / 2", "with stride 1"),
        (transposed, "write it yourself"),
        (padded_for_odd, "with stride 1"),
    ],
    "2.13": [
        (train_as_given, "still requires a gradient"),
        (train_with_a_sum_of_gradients, "whose gradient is used"),
        edit("(X @ W1)", "(X @ W1).detach()", "your code raised"),
        edit("W1 -= lr * slopes[0]", "pass", "W1 has not moved"),
        edit("W.clone().requires_grad_()", "W.requires_grad_()", "its input"),
        edit("W1 -= lr", "W1 -= 2 * lr", "after one step W1 is wrong"),
        edit(", losses\n", "\n", "a list of losses"),
        edit("append(loss.item())", "append(loss.item() / 2)", "before each"),
        edit("losses.append(loss.item())", "losses = [loss.item()]", "a list"),
        edit("return W1.detach()", "return W1.detach().tolist()", "a tensor"),
    ],
    "2.14": [
        edit(" * squares.sqrt()", "", "ranked wrong"),
        edit("dim=1) + 1", "dim=1)", "the gradient by b"),
        edit(
            "X.square().sum(dim=1) + 1",
            "(X.abs().sum(dim=1) + 1) ** 2",
            "ranked wrong",
        ),
        edit(".sort().values", "", "rising order"),
        edit("w - lr * error @ X / len(y)", "w - lr * error @ X", "the steps"),
        edit("range(num_steps)", "range(min(num_steps, 20))", "the steps"),
        edit("    w, b = X", "    X = X[:, :3]\n    w, b = X", "of 15"),
        edit("sort().values", "sort().values.int()", "has dtype"),
        edit("sort().values", "sort().values.tolist()", "be a tensor"),
    ],
}

# (old, new) texts of the solution: answers that are right too
RIGHT = {
    "2.4": [
        ("X_part @ w", "w @ X_part.T"),
        ("X_part @ w - y_part", "X_part @ w[:, None] - y_part[:, None]"),
        (
            "((X_part @ w - y_part) ** 2).sum()",
            "(X_part @ w - y_part) @ (X_part @ w - y_part)",
        ),
        (
            "((X_part @ w - y_part) ** 2).sum()",
            "sum((row @ w - t) ** 2 for row, t in zip(X_part, y_part))",
        ),
    ],
}

EQUAL = {
    "2.4": {
        "w = w.detach().clone().requires_grad_() => "
        "w = w.clone().requires_grad_()": "w has no history to cut",
        "w = w.detach().clone().requires_grad_() => "
        "w = w.detach().requires_grad_()": "nothing changes w in place",
    },
    "2.5": {
        "return y.detach() => return y": "a result with history is right too",
    },
    "2.8": {
        "@staticmethod => ": "a function in a class works without it too",
        "@staticmethod =>  (2)": "a function in a class works without it too",
    },
}
