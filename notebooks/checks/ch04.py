"""Checks of chapter 4, layers and networks."""

import contextlib
import copy
import math

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

from checks.words import (
    call,
    exercise,
    expect,
    is_tensor,
    same_number,
    same_tensor,
)


def _module(value):
    """Refuse what is not a module."""
    expect(
        isinstance(value, nn.Module),
        f"an nn.Module is asked for, this is a {type(value).__name__}",
    )
    return value


@exercise("4.1")
def out_size(answer):
    for args, want, hint in (
        ((5, 3), 3, "a window of 3 fits into 5 pixels at three places"),
        ((32, 5, 1, 2), 32, "padding adds pixels on both sides"),
        ((10, 3, 4), 2, "a last window that does not fit whole is left out"),
        ((9, 3, 1, 0, 2), 5, "a dilated kernel of 3 spans more than 3 pixels"),
        ((224, 11, 4, 2), 55, "check the order of dividing, flooring, adding"),
        ((20, 4, 3, 1, 2), 6, "check stride and dilation together"),
    ):
        got = call(answer, *args)
        expect(
            not isinstance(got, float),
            "a size is an integer; which division gives one?",
        )
        same_number(got, want, hint)


@exercise("4.2")
def count_trainable(answer):
    plain = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    same_number(
        call(answer, plain),
        24,
        "count weights and biases of all layers, and no buffers",
    )
    frozen = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    frozen[0].requires_grad_(False)
    same_number(
        call(answer, frozen),
        10,
        "the first layer of this model is frozen (requires_grad is False)",
    )
    nested = nn.Sequential(nn.Sequential(nn.Linear(2, 2)), nn.RNNCell(1, 1))
    same_number(call(answer, nested), 10, "look at every level of the tree")
    tied = nn.Sequential(nn.Linear(5, 5), nn.Linear(5, 5))
    tied[1].weight = tied[0].weight
    same_number(
        call(answer, tied), 35, "two layers share a weight; count it once"
    )


@exercise("4.3")
def standardize(answer):
    mean, std = torch.tensor([1.0, 2.0]), torch.tensor([2.0, 4.0])
    layer = _module(call(answer, mean, std))
    X = torch.tensor([[1.0, 2.0], [3.0, 10.0]])
    want = (X - mean) / std
    same_tensor(call(layer, X), want, "compute (X - mean) / std")
    expect(
        not list(layer.parameters()),
        "mean and std are parameters here; state that is not learnt is a "
        "buffer",
    )
    other = _module(call(answer, torch.zeros(2), torch.ones(2)))
    moved = call(copy.deepcopy(layer).half(), X.half())
    expect(
        moved.dtype == torch.float16,
        "mean and std do not move with the module",
    )
    call(other.load_state_dict, layer.state_dict())
    same_tensor(
        call(other, X), want, "mean and std are not saved with the module"
    )


@exercise("4.4")
def mlp(answer):
    torch.manual_seed(0)
    for sizes in ([8, 32, 16, 3], [5, 2]):
        model = _module(call(answer, list(sizes)))
        linears = [m for m in model.modules() if isinstance(m, nn.Linear)]
        shapes = [(m.in_features, m.out_features) for m in linears]
        expect(
            sorted(shapes) == sorted(zip(sizes[:-1], sizes[1:], strict=True)),
            f"for sizes {sizes} the model knows the linear layers {shapes}; "
            "are all registered?",
        )
        linears.sort(key=lambda m: sizes.index(m.in_features))
        X = torch.randn(20, sizes[0])
        want = X
        for linear in linears[:-1]:
            want = linear(want).relu()
        want = linears[-1](want)
        got = call(model, X)
        is_tensor(got, shape=want.shape)
        expect(
            not torch.allclose(got, want.relu(), atol=1e-6),
            "there should be no ReLU after the last layer",
        )
        same_tensor(got, want, "put a ReLU after each layer but the last")


@exercise("4.5")
def separable(answer):
    torch.manual_seed(0)
    for n_in, n_out, k in ((6, 10, 3), (4, 3, 5)):
        model = _module(call(answer, n_in, n_out, k))
        X = torch.randn(2, n_in, 9, 8)
        got = call(model, X)
        convs = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
        expect(len(convs) == 2, f"two convolutions, not {len(convs)}")
        deep, point = sorted(convs, key=lambda c: c.out_channels == n_out)
        expect(all(c.bias is None for c in convs), "leave out the biases")
        expect(
            deep.groups == n_in,
            "depthwise means that no two channels are mixed; see groups",
        )
        expect(
            deep.kernel_size == (k, k) and point.kernel_size == (1, 1),
            "the first kernel is k by k, the second 1 by 1",
        )
        expect(point.groups == 1, "the 1 by 1 convolution mixes all channels")
        want = F.conv2d(X, deep.weight, padding=k // 2, groups=n_in)
        want = F.conv2d(want, point.weight)
        same_tensor(got, want, "nothing but the two convolutions, in order")


@exercise("4.6")
def field_of_view(answer):
    for layers, want, hint in (
        ([(3, 1, 1)], 3, "one kernel of 3 sees 3 pixels"),
        ([(3, 1, 1)] * 3, 7, "each further layer of 3 adds 2 pixels, not 3"),
        ([(3, 1, 2)], 5, "a dilated kernel spans more pixels"),
        (
            [(3, 1, 1), (3, 2, 1)],
            5,
            "a layer's stride concerns only the layers after it",
        ),
        (
            [(3, 2, 1), (3, 1, 1)],
            7,
            "after a stride of 2 each step counts twice",
        ),
        (
            [(3, 2, 1), (3, 2, 1), (3, 1, 1)],
            15,
            "strides multiply from layer to layer",
        ),
        ([(5, 2, 1), (2, 2, 1), (3, 1, 3)], 31, "check a mixed stack by hand"),
        ([], 1, "without layers a pixel sees itself"),
    ):
        same_number(call(answer, layers), want, hint)


@exercise("4.7")
def max_pool(answer):
    torch.manual_seed(0)
    for k, stride, padding, hint in (
        (2, 2, 0, "take the largest value of each window"),
        (3, 1, 0, "windows may overlap; is the stride right?"),
        (3, 2, 1, "negative inputs at the border lose to your padding"),
        (4, 3, 2, "check kernel, stride and padding together"),
    ):
        X = -1e10 * (1 + torch.rand(2, 3, 9, 8))
        want = F.max_pool2d(X, k, stride, padding)
        same_tensor(call(answer, X, k, stride, padding), want, hint)
    with _without(
        *("max_pool1d", "max_pool2d", "max_pool3d"),
        "max_pool2d_with_indices",
    ):
        call(answer, X, k, stride, padding)


@contextlib.contextmanager
def _without(*names):
    """Let these functions of PyTorch refuse to work in the block."""

    def refuse(*args, **kwargs):
        raise RuntimeError("a ready function was called; do it by hand")

    homes = [(home, n) for home in (F, torch) for n in names]
    homes = [(home, n) for home, n in homes if hasattr(home, n)]
    kept = [getattr(home, n) for home, n in homes]
    for home, n in homes:
        setattr(home, n, refuse)
    try:
        yield
    finally:
        for (home, n), function in zip(homes, kept, strict=True):
            setattr(home, n, function)


@exercise("4.8")
def gain(answer):
    for activation, want, hint in (
        (lambda x: x, 1.0, "no activation needs no gain"),
        (
            torch.relu,
            math.sqrt(2),
            "for ReLU it should be the square root of 2: "
            "is it E(x squared), not the variance, that you keep?",
        ),
        (torch.tanh, 1.5926, "it is wrong for tanh"),
        (
            lambda x: F.leaky_relu(x, 0.5),
            math.sqrt(2 / 1.25),
            "it is wrong for a leaky ReLU",
        ),
    ):
        same_number(call(answer, activation), want, hint, rtol=0.02)


@exercise("4.9")
def initialize(answer):
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(16, 128, (5, 3), groups=2),
        nn.Sequential(nn.BatchNorm2d(128), nn.Linear(900, 300, bias=False)),
        nn.Linear(400, 800),
        *(nn.Conv1d(4, 5, 3), nn.Embedding(6, 7)),
    )
    others = [model[1][0], model[3], model[4]]
    for parameter in others[0].parameters():
        nn.init.constant_(parameter, 3.0)
    before, slope = copy.deepcopy(others), 0.7
    call(answer, model, slope, mutates=True)
    layers = ((model[0], 120), (model[1][1], 900), (model[2], 400))
    for layer, n in layers:
        name = type(layer).__name__
        W = layer.weight.detach()
        want = math.sqrt(2 / (1 + slope**2) / n)
        got = W.std().item()
        expect(
            abs(got * math.sqrt(3 * n) - 1) > 0.03,
            f"a {name} still has its first weights; is it nested?",
        )
        for other, hint in (
            (math.sqrt(2 / n), "the slope is not used"),
            (
                math.sqrt(2 / (1 + slope**2) / (W.shape[0] * n / W.shape[1])),
                "count over the inputs (fan_in)",
            ),
        ):
            if abs(other / want - 1) > 0.1:
                expect(abs(got / other - 1) > 0.03, f"{name}: {hint}")
        expect(
            abs(got / want - 1) < 0.03,
            f"the weights of a {name} have the wrong standard deviation",
        )
        expect(
            W.abs().max() > 2 * want, f"{name}: normal numbers, not uniform"
        )
        if layer.bias is not None:
            expect(not layer.bias.any(), f"the bias of a {name} is not zero")
    for layer, old in zip(others, before, strict=True):
        expect(
            all(map(torch.equal, layer.parameters(), old.parameters())),
            f"leave a {type(layer).__name__} as it is",
        )


@exercise("4.10")
def grouped_conv(answer):
    torch.manual_seed(0)
    for groups, k, hint in (
        (1, 3, "it is wrong already for one group"),
        (2, 3, "each group of outputs sees its own group of channels only"),
        (6, 3, "it is wrong for a depthwise convolution"),
        (2, 4, "it is wrong for a kernel of 4"),
    ):
        X, W = torch.randn(2, 6, 9, 7), torch.randn(12, 6 // groups, k, k)
        want = F.conv2d(X, W, groups=groups)
        same_tensor(call(answer, X, W, groups), want, hint)
    with _without("conv1d", "conv2d", "conv3d", "convolution"):
        call(answer, X, W, groups)


@exercise("4.11")
def stamp(answer):
    torch.manual_seed(0)
    for stride, size, hint in (
        (3, (3, 3), "where stamps do not overlap it is already wrong"),
        (1, (3, 3), "where stamps overlap, they add up"),
        (2, (3, 2), "it is wrong for a kernel that is not square"),
        (2, (1, 1), "it is wrong for a kernel of one value"),
    ):
        x, w = torch.randn(4, 5), torch.randn(size)
        want = F.conv_transpose2d(x[None, None], w[None, None], stride=stride)
        same_tensor(call(answer, x, w, stride), want[0, 0], hint)
    with _without(
        *("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"),
        *("conv2d", "convolution", "fold"),
    ):
        call(answer, x, w, stride)


@exercise("4.12")
def cross_attention(answer):
    torch.manual_seed(0)
    mha = nn.MultiheadAttention(12, 3, batch_first=True)
    nn.init.normal_(mha.in_proj_bias)
    nn.init.normal_(mha.out_proj.bias)
    X, memory = 2 * torch.randn(2, 5, 12), 2 * torch.randn(2, 7, 12)
    want, _ = mha(X, memory, memory)
    before = {k: v.clone() for k, v in mha.state_dict().items()}

    with _without(
        "scaled_dot_product_attention", "multi_head_attention_forward"
    ):
        got = call(answer, mha, X, memory, mutates=True)
    expect(
        all(torch.equal(before[k], v) for k, v in mha.state_dict().items()),
        "your code changes the weights of mha",
    )
    is_tensor(got, shape=want.shape)
    for slip, hint in _slips(mha):
        other, _ = slip(X, memory, memory)
        expect(not torch.allclose(got, other, atol=1e-5), hint)
    same_tensor(got, want, "check each step against the section's code")


def _slips(mha):
    """Copies of an attention layer that each make one slip, with its hint."""
    d = mha.embed_dim

    def scale_queries(layer, factor):
        layer.in_proj_weight[:d].mul_(factor)
        layer.in_proj_bias[:d].mul_(factor)

    for hint, change in (
        (
            "the bias of the queries, keys and values is missing",
            lambda m: m.in_proj_bias.zero_(),
        ),
        ("the bias of out_proj is missing", lambda m: m.out_proj.bias.zero_()),
        (
            "the last linear layer, out_proj, is missing",
            lambda m: m.out_proj.load_state_dict(
                {"weight": torch.eye(d), "bias": torch.zeros(d)}
            ),
        ),
        (
            "divide the scores by the root of the size of one head",
            lambda m: scale_queries(m, m.num_heads**-0.5),
        ),
        (
            "the scores are not scaled",
            lambda m: scale_queries(m, m.head_dim**0.5),
        ),
        (
            "split the features into heads before the softmax",
            lambda m: setattr(m, "num_heads", 1),
        ),
    ):
        slip = copy.deepcopy(mha)
        with torch.no_grad():
            change(slip)
        yield slip, hint


@exercise("4.13")
def repaired(answer):
    torch.manual_seed(0)
    _repaired_plan(_module(call(answer, 16, 4)), 16, 4)
    model = _module(call(answer))
    _repaired_plan(model, 48, 12)
    pixels, y = load_digits(return_X_y=True)
    X = torch.tensor(pixels[:600] / 8 - 1, dtype=torch.float32)
    y = torch.tensor(y[:600])
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003, fused=True)
    for _ in range(60):
        batch = torch.randint(0, 600, (64,))
        optimizer.zero_grad()
        F.cross_entropy(model(X[batch]), y[batch]).backward()
        optimizer.step()
    loss = F.cross_entropy(model(X), y).item()
    expect(
        loss < 1.7,
        f"after 60 steps the loss is still {loss:.1f}; how large is the "
        "signal after each layer?",
    )


def _repaired_plan(model, width, depth):
    """Refuse another network than the plain one with ReLU."""
    linears = [m for m in model.modules() if isinstance(m, nn.Linear)]
    sizes = [64] + [width] * depth + [10]
    shapes = [(m.in_features, m.out_features) for m in linears]
    expect(
        sorted(shapes) == sorted(zip(sizes[:-1], sizes[1:], strict=True)),
        f"for width {width} and depth {depth} the network knows "
        f"{len(linears)} linear layers; are all registered, in their sizes?",
    )
    expect(
        all(p.requires_grad for p in model.parameters()),
        "every weight should be trained; one is frozen",
    )
    X, ran = torch.randn(40, 64), []
    hooks = [
        m.register_forward_hook(lambda m, _, out: ran.append(m))
        for m in linears
    ]
    got = call(model, X)
    for hook in hooks:
        hook.remove()
    is_tensor(got, shape=(40, 10))
    expect(len(ran) == len(linears), "each layer should run once")
    want = X
    for linear in ran[:-1]:
        want = linear(want).relu()
    want = ran[-1](want)
    expect(
        (got < 0).any(),
        "half of the logits cannot leave zero; look at the output",
    )
    same_tensor(
        got, want, "linear layers with a ReLU between two, and nothing else"
    )


@exercise("4.14")
def calibrate(answer):
    torch.manual_seed(0)
    plain = nn.Sequential(
        *(nn.Linear(20, 50), nn.Tanh(), nn.Linear(50, 40, bias=False)),
        *(nn.GELU(), nn.Linear(40, 7)),
    )
    plain[2].requires_grad_(False)
    _calibrated(answer, plain, 3 * torch.randn(300, 20) + 1)
    maps = nn.Sequential(
        *(nn.Conv2d(3, 8, 3), nn.PReLU(), nn.Flatten(), nn.Linear(128, 5)),
    )
    X = torch.rand(200, 3, 6, 6, dtype=torch.float64)
    _calibrated(answer, maps.double(), X)


def _calibrated(answer, model, X):
    """Refuse a calibration of a Sequential for the batch X."""
    before, first = copy.deepcopy(model), X.clone()
    owners = list(model.parameters())
    call(answer, model, X, mutates=True)
    expect(torch.equal(X, first), "your code changes the batch")
    expect(
        torch.is_grad_enabled() and all(m.training for m in model.modules()),
        "the training mode should stay, and gradients switched on",
    )
    expect(
        all(a is b for a, b in zip(owners, model.parameters(), strict=True)),
        "change the parameters in place; an optimizer may hold them",
    )
    for new, old in zip(owners, before.parameters(), strict=True):
        expect(
            new.requires_grad == old.requires_grad,
            "requires_grad should stay as it is",
        )
        expect(new.grad is None, "a gradient is left behind")
    with torch.no_grad():
        for number, (layer, old) in enumerate(zip(model, before, strict=True)):
            X = layer(X)
            if not isinstance(layer, nn.Linear | nn.Conv2d):
                expect(
                    all(
                        map(torch.equal, layer.parameters(), old.parameters())
                    ),
                    f"layer {number} is neither linear nor a convolution; "
                    "leave it as it is",
                )
                continue
            name = f"layer {number}, a {type(layer).__name__}"
            if layer.bias is not None:
                expect(not layer.bias.any(), f"{name}: the bias is not zero")
            expect(
                abs(X.std() - 1) < 0.02,
                f"{name}: the output has a standard deviation of "
                f"{X.std():.2f} when its turn comes",
            )
            ratio = layer.weight / old.weight
            expect(
                (ratio / ratio.flatten()[0] - 1).abs().max() < 1e-3,
                f"{name}: multiply the weight by one number",
            )
