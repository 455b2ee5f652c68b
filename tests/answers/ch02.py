"""Wrong answers for chapter 2 with a part of the hint that each must get."""

import torch
from torch.autograd import grad


def slope_value(f, x):
    return f(torch.tensor(float(x))).item()


def slope_tensor(f, x):
    x = torch.tensor(float(x), requires_grad=True)
    return grad(f(x), x)[0]


def slope_single(f, x):
    x = torch.tensor(float(x), requires_grad=True)
    return grad(f(x), x)[0].item()


def masked_as_given(x):
    s = x.sigmoid()
    squares = s * s
    s[0] = 0
    squares[0] = 0
    return squares.sum()


def masked_detached(x):
    s = x.sigmoid()
    return (s * s.detach())[1:].sum()


def masked_no_grad(x):
    with torch.no_grad():
        return (x.sigmoid() ** 2)[1:].sum()


def masked_all(x):
    return (x.sigmoid() ** 2).sum()


def parts_no_division(w, X, y, parts):
    w = w.clone().requires_grad_()
    for a, b in zip(X.chunk(parts), y.chunk(parts), strict=True):
        ((a @ w - b) ** 2).mean().backward()
    return w.grad


def parts_equal_weight(w, X, y, parts):
    w = w.clone().requires_grad_()
    for a, b in zip(X.chunk(parts), y.chunk(parts), strict=True):
        (((a @ w - b) ** 2).mean() / parts).backward()
    return w.grad


def parts_last_only(w, X, y, parts):
    w = w.clone().requires_grad_()
    for a, b in zip(X.chunk(parts), y.chunk(parts), strict=True):
        w.grad = None
        (((a @ w - b) ** 2).sum() / len(y)).backward()
    return w.grad


def derivative_no_graph(f, x, order):
    x = x.clone().requires_grad_()
    y = f(x)
    for _ in range(order):
        y = grad(y, x)[0]
    return y.detach()


def derivative_one_more(f, x, order):
    x = x.clone().requires_grad_()
    y = f(x)
    for _ in range(order + 1):
        y = grad(y, x, create_graph=True)[0]
    return y.detach()


def count_twice(y):
    def count(node):
        return 1 + sum(count(n) for n, _ in node.next_functions if n)

    return count(y.grad_fn) if y.grad_fn else 0


def count_operations_only(y):
    seen, stack = set(), [y.grad_fn] if y.grad_fn else []
    while stack:
        node = stack.pop()
        if node is None or node in seen or hasattr(node, "variable"):
            continue
        seen.add(node)
        stack += [n for n, _ in node.next_functions]
    return len(seen)


def jacobian_columns(f, x):
    return torch.autograd.functional.jacobian(f, x).T


def jacobian_sum(f, x):
    x = x.clone().requires_grad_()
    return grad(f(x).sum(), x)[0]


def jacobian_freed(f, x):
    x = x.clone().requires_grad_()
    y = f(x)
    return torch.stack([grad(y_i, x)[0] for y_i in y])


class QuantizeAll(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, levels):
        return (x.clamp(0, 1) * (levels - 1)).round() / (levels - 1)

    @staticmethod
    def backward(ctx, delta):
        return delta, None


class QuantizeOneReturn(QuantizeAll):
    @staticmethod
    def backward(ctx, delta):
        return delta


class QuantizeSteps(QuantizeAll):
    @staticmethod
    def forward(ctx, x, levels):
        return (x.clamp(0, 1) * levels).round() / levels


class QuantizeNoClamp(QuantizeAll):
    @staticmethod
    def forward(ctx, x, levels):
        return (x * (levels - 1)).round() / (levels - 1)


class QuantizeNoDelta(QuantizeAll):
    @staticmethod
    def forward(ctx, x, levels):
        ctx.save_for_backward(x)
        return QuantizeAll.forward(ctx, x, levels)

    @staticmethod
    def backward(ctx, delta):
        (x,) = ctx.saved_tensors
        return ((x >= 0) & (x <= 1)).float(), None


def topological(root):
    order, seen = [], set()

    def visit(value):
        if value not in seen:
            seen.add(value)
            for parent in value.parents:
                visit(parent)
            order.append(value)

    visit(root)
    return order


def push(order):
    for value in reversed(order):
        for parent, slope in zip(value.parents, value.slopes, strict=True):
            parent.grad += slope * value.grad


def backward_as_in_the_chapter(root):
    root.grad = 1.0
    push(topological(root))


def backward_clearing_all(root):
    order = topological(root)
    for value in order:
        value.grad = 0.0
    root.grad = 1.0
    push(order)


def backward_without_start(root):
    push(topological(root))


def hessian_no_second(f, x, v):
    x = x.clone().requires_grad_()
    return grad(f(x), x)[0] * v


def hessian_plain_sum(f, x, v):
    x = x.clone().requires_grad_()
    slope = grad(f(x), x, create_graph=True)[0]
    return grad(slope.sum(), x)[0]


def hessian_not_recorded(f, x, v):
    x = x.clone().requires_grad_()
    slope = grad(f(x), x)[0]
    return grad(slope @ v, x)[0]


def conv_turned(delta, kernel, stride, length):
    gradient = torch.zeros(length)
    for i, d in enumerate(delta):
        start = i * stride
        gradient[start : start + len(kernel)] += d * kernel.flip(0)
    return gradient


def conv_stride_one(delta, kernel, stride, length):
    gradient = torch.zeros(length)
    for i, d in enumerate(delta):
        gradient[i : i + len(kernel)] += d * kernel
    return gradient


def conv_short(delta, kernel, stride, length):
    length = (len(delta) - 1) * stride + len(kernel)
    gradient = torch.zeros(length)
    for i, d in enumerate(delta):
        start = i * stride
        gradient[start : start + len(kernel)] += d * kernel
    return gradient


WRONG = {
    "2.1": [
        ([True, False, False, True, False], "think about c"),
        ([True, False, True, False, False], "think about d"),
        ([True, True, True, True, True], "think about b"),
        ([True, False], "five booleans"),
    ],
    "2.2": [
        (slope_value, "is it the value"),
        (slope_tensor, "see .item()"),
        (slope_single, "double precision"),
    ],
    "2.3": [
        (masked_as_given, "still raises"),
        (masked_detached, "every factor"),
        (masked_no_grad, "no history"),
        (masked_all, "without the first"),
    ],
    "2.4": [
        (parts_no_division, "counts too much"),
        (parts_equal_weight, "count less"),
        (parts_last_only, "in several parts"),
    ],
    "2.5": [
        (derivative_no_graph, "does not require grad"),
        (derivative_one_more, "order 0"),
    ],
    "2.6": [
        (count_twice, "count once"),
        (count_operations_only, "AccumulateGrad counts too"),
    ],
    "2.7": [
        (jacobian_columns, "swapped"),
        (jacobian_sum, "shape (2,)"),
        (jacobian_freed, "backward through the graph a second time"),
    ],
    "2.8": [
        (QuantizeAll, "should be zero"),
        (QuantizeOneReturn, "incorrect number of gradients"),
        (QuantizeSteps, "steps between"),
        (QuantizeNoClamp, "clamped"),
        (QuantizeNoDelta, "is lost"),
    ],
    "2.9": [
        (lambda p, delta: delta * p * (1 - p), "diagonal"),
        (lambda p, delta: p * delta, "sum to zero"),
    ],
    "2.10": [
        (backward_as_in_the_chapter, "inner values"),
        (backward_clearing_all, "not replace"),
        (backward_without_start, "2 and 5"),
    ],
    "2.11": [
        (hessian_no_second, "once more"),
        (hessian_plain_sum, "v does not enter"),
        (hessian_not_recorded, "does not require grad"),
    ],
    "2.12": [
        (conv_turned, "wrong way round"),
        (conv_stride_one, "later patch"),
        (conv_short, "has shape"),
    ],
}
