"""Wrong answers for chapter 4 with a part of the hint that each must get."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from solutions import edit, edits


def table_gain(activation):
    known = {torch.relu: "relu", torch.tanh: "tanh"}
    return nn.init.calculate_gain(known.get(activation, "linear"))


def initialize_with(count):
    def initialize(model, slope):
        for module in model.modules():
            if isinstance(module, nn.Linear | nn.Conv2d):
                linear = isinstance(module, nn.Linear)
                n = module.in_features if linear else count(module)
                std = math.sqrt(2 / (1 + slope**2) / n)
                nn.init.normal_(module.weight, std=std)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    return initialize


WRONG = {
    "4.1": [
        edit("//", "/", "a size is an integer"),
        edit("2 * p", "p", "padding adds pixels on both sides"),
        edit("d * (k - 1) - 1)", "k)", "a dilated kernel"),
        edit(
            "(i + 2 * p - d * (k - 1) - 1) // s",
            "math.ceil((i + 2 * p - d * (k - 1) - 1) / s)",
            "a last window that does not fit",
        ),
        edit(
            "(i + 2 * p - d * (k - 1) - 1) // s",
            "round((i + 2 * p - d * (k - 1) - 1) / s)",
            "a last window that does not fit",
        ),
    ],
    "4.2": [
        edit(" if p.requires_grad", "", "frozen"),
        edit(
            "for p in model.parameters()",
            "for m in model.modules() for p in m.parameters(recurse=False)",
            "two layers share a weight",
        ),
        edit(
            "model.parameters()",
            "{p for m in model.children() for p in m.parameters(False)}",
            "every level",
        ),
        (
            lambda model: sum(t.numel() for t in model.state_dict().values()),
            "no buffers",
        ),
        edit("p.numel()", "1", "count weights and biases"),
    ],
    "4.3": [
        edit('register_buffer("mean", mean)', "mean = mean", "do not move"),
        edit(
            'register_buffer("std", std)',
            "std = nn.Parameter(std)",
            "are parameters",
        ),
        edit('"std", std', '"std", std, persistent=False', "not saved"),
        edit("(X - self.mean)", "X - self.mean", "compute (X - mean) / std"),
        (lambda mean, std: lambda X: (X - mean) / std, "an nn.Module is"),
    ],
    "4.4": [
        edit(
            "nn.ModuleList(nn.Linear(a, b) for a, b in pairs)",
            "[nn.Linear(a, b) for a, b in pairs]",
            "are all registered?",
        ),
        edit(
            "return self.layers[-1](X)",
            "return torch.relu(self.layers[-1](X))",
            "no ReLU after the last",
        ),
        edit("torch.relu(layer(X))", "layer(X)", "put a ReLU after each"),
        edit("return self", "self", "is a return missing?"),
    ],
    "4.5": [
        edit(", groups=n_in", "", "see groups"),
        edit("padding=k // 2, ", "", "has shape"),
        edit("n_out, 1, bias=False", "n_out, 1", "leave out the biases"),
        edit(
            "nn.Sequential(",
            "nn.Sequential(nn.Conv2d(n_in, n_in, 1, bias=False),",
            "two convolutions, not 3",
        ),
        edit("n_out, 1,", "n_out, 3, padding=1,", "the second 1 by 1"),
        edit("n_out, 1,", "n_out, 1, groups=2,", "mixes all channels"),
        edit(
            "nn.Conv2d(n_in, n_out",
            "nn.ReLU(), nn.Conv2d(n_in, n_out",
            "nothing but the two",
        ),
    ],
    "4.6": [
        edit("step *= s", "pass", "counts twice"),
        edit("step *= s", "step += s - 1", "strides multiply"),
        edit("d * (k - 1)", "(k - 1)", "a dilated kernel"),
        edit("d * (k - 1)", "d * k", "one kernel of 3"),
        edits(
            ("        step *= s\n", ""),
            ("field +=", "step *= s\n        field +="),
            hint="only the layers after it",
        ),
        edit("in layers", "in reversed(layers)", "only the layers after it"),
        edit("= 1, 1", "= len(layers[0]) - 2, 1", "IndexError"),
    ],
    "4.7": [
        edit("-math.inf", "0", "lose to your padding"),
        edit("-math.inf", "-1e9", "lose to your padding"),
        edit("3, k, stride", "3, k, k", "has shape"),
        (lambda X, k, s, p: F.max_pool2d(X, k, s, p), "do it by hand"),
        (
            lambda X, k, s, p: F.max_pool2d_with_indices(X, k, s, p)[0],
            "do it by hand",
        ),
    ],
    "4.8": [
        edit(".square().mean()", ".var()", "not the variance"),
        edit(".square()", ".abs()", "no activation needs no gain"),
        edit(".item()", "", "should be a Python number"),
        (table_gain, "wrong for tanh"),
    ],
    "4.9": [
        edit("model.modules()", "model.children()", "is it nested?"),
        edit("a=slope", 'nonlinearity="relu"', "slope is not used"),
        edit("a=slope", 'a=slope, mode="fan_out"', "fan_in"),
        edit("a=slope", 'nonlinearity="tanh"', "wrong standard deviation"),
        edit("kaiming_normal_", "kaiming_uniform_", "not uniform"),
        edit("nn.init.zeros_(module.bias)", "pass", "is not zero"),
        edits(
            ("nn.init.kaiming", "    nn.init.kaiming"),
            (
                "if isinstance",
                "if hasattr(module, 'bias'):\n            if isinstance",
            ),
            hint="leave a BatchNorm2d",
        ),
        edit(
            "nn.Linear | nn.Conv2d",
            "nn.Linear | nn.Conv2d | nn.Conv1d",
            "leave a Conv1d",
        ),
        (
            initialize_with(lambda c: c.in_channels * c.weight[0, 0].numel()),
            "wrong standard deviation",
        ),
        (
            initialize_with(
                lambda c: c.weight.shape[1] * c.kernel_size[0] ** 2
            ),
            "wrong standard deviation",
        ),
    ],
    "4.10": [
        edit(
            "W.reshape(groups, len(W) // groups, -1)",
            "W.reshape(len(W) // groups, groups, -1).transpose(0, 1)",
            "sees its own group",
        ),
        edit("W.shape[-1]", "3", "your code raised"),
        edit("height, width)\n", "height, width).mT\n", "has shape"),
        edit(
            "len(W), height, width",
            "len(W), math.isqrt(windows.shape[-1]), -1",
            "has shape",
        ),
        (lambda X, W, groups: F.conv2d(X, W, groups=groups), "do it by hand"),
        (
            lambda X, W, groups: torch.convolution(
                X, W, None, (1, 1), (0, 0), (1, 1), False, (0, 0), groups
            ),
            "do it by hand",
        ),
    ],
    "4.11": [
        edit("+= x", "= x", "they add up"),
        edit("* w\n", "* w.flip(0, 1)\n", "already wrong"),
        edit("return out", "return out[None]", "has shape"),
        (
            lambda x, w, stride: F.conv_transpose2d(
                x[None, None], w[None, None], stride=stride
            )[0, 0],
            "do it by hand",
        ),
        (
            lambda x, w, stride: F.conv_transpose3d(
                x[None, None, None],
                w[None, None, None],
                stride=(1, stride, stride),
            )[0, 0, 0],
            "do it by hand",
        ),
    ],
    "4.12": [
        edit("= mha.num_heads", "= 1", "split the features into heads"),
        edit("Q.shape[-1]", "X.shape[-1]", "the size of one head"),
        edit(" / math.sqrt(Q.shape[-1])", "", "are not scaled"),
        edit("source, W, b)", "source, W)", "bias of the queries"),
        edit(
            "mha.out_proj(mixed.transpose(1, 2).flatten(-2))",
            "F.linear(mixed.mT.flatten(1, 2).mT, mha.out_proj.weight)",
            "bias of out_proj",
        ),
        edit("return mha.out_proj(", "return (", "out_proj, is missing"),
        edit("return mha", "mha", "is a return missing?"),
        edit("dim=-1", "dim=-2", "each step"),
        edits(
            ("    Q, K", "    weights[0].data /= 2\n    Q, K"),
            hint="changes the weights",
        ),
        (lambda mha, X, memory: mha(X, memory, memory)[0], "do it by hand"),
    ],
    "4.13": [
        edit("nn.ModuleList(", "list(", "are all registered"),
        edit("range(depth - 1)", "range(depth)", "are all registered"),
        edit(
            'layer.weight, nonlinearity="relu"',
            "layer.weight, a=50",
            "how large is the signal",
        ),
        edit(
            'kaiming_normal_(layer.weight, nonlinearity="relu")',
            "normal_(layer.weight, std=0.02)",
            "how large is the signal",
        ),
        edit(
            "return self.last(X)",
            "return torch.relu(self.last(X))",
            "cannot leave zero",
        ),
        edit(
            "X = torch.relu(layer(X))",
            "X = X + torch.relu(layer(X))",
            "nothing else",
        ),
        edit(
            "            nn.init.zeros_(layer.bias)\n",
            "            nn.init.zeros_(layer.bias).requires_grad_(False)\n",
            "one is frozen",
        ),
        edit("in self.hidden:", "in self.hidden[1:]:", "should run once"),
        edit("return self", "self", "is a return missing?"),
    ],
    "4.14": [
        edit("X = layer(X)", "layer(X)", "your code raised"),
        edit("layer(X).std()", "layer.weight.std()", "when its turn"),
        edit("layer(X).std()", "layer(X).std(dim=1).mean()", "when its turn"),
        edit("layer.bias.zero_()", "pass", "bias is not zero"),
        edit(
            "layer.weight /= layer(X).std()",
            "layer.weight = nn.Parameter(layer.weight / layer(X).std())",
            "in place",
        ),
        edit(
            "if layer.bias is not None:",
            "layer.requires_grad_(False)\n"
            "            if layer.bias is not None:",
            "requires_grad should stay",
        ),
        edits(
            ("for layer in model", "X -= X.mean()\n    for layer in model"),
            hint="changes the batch",
        ),
        edit(
            "layer.weight /= layer(X).std()",
            "nn.init.orthogonal_(layer.weight).div_(layer(X).std())",
            "by one number",
        ),
        edits(
            (
                "        X = layer(X)\n",
                "        elif isinstance(layer, nn.PReLU):\n"
                "            layer.weight.fill_(0.5)\n"
                "        X = layer(X)\n",
            ),
            hint="leave it as it is",
        ),
        edits(
            (
                "    for layer in model",
                "    with torch.enable_grad():\n"
                "        model(X).sum().backward()\n"
                "    for layer in model",
            ),
            hint="a gradient is left",
        ),
        edit(
            "    for layer in model",
            "    model.eval()\n    for layer in model",
            "training mode should stay",
        ),
        edits(
            ("@torch.no_grad()\n", ""),
            (
                "    for layer in model",
                "    torch.set_grad_enabled(False)\n    for layer in model",
            ),
            hint="gradients switched on",
        ),
    ],
}

# (old, new) texts of the solution: answers that are right too
RIGHT = {
    "4.4": [
        (
            "self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairs)",
            "layers = [nn.Linear(a, b) for a, b in pairs]\n"
            "        self.last = layers[-1]\n"
            "        self.layers = nn.ModuleList(layers)",
        ),
    ],
    "4.5": [
        (
            "    return nn.Sequential(\n",
            "    class LastFirst(nn.Module):\n"
            "        def __init__(self, deep, point):\n"
            "            super().__init__()\n"
            "            self.point, self.deep = point, deep\n\n"
            "        def forward(self, X):\n"
            "            return self.point(self.deep(X))\n\n"
            "    return LastFirst(\n",
        ),
    ],
}

EQUAL = {
    "4.13": {
        'nn.init.kaiming_normal_(layer.weight, nonlinearity="relu") => '
        'nn.init.kaiming_normal(layer.weight, nonlinearity="relu")': (
            "the old name of the same function"
        ),
        'nn.init.kaiming_normal_(layer.weight, nonlinearity="relu") => '
        "nn.init.kaiming_normal_(layer.weight)": (
            "the default, a leaky ReLU of slope 0, is ReLU"
        ),
        "nn.init.zeros_(layer.bias) => pass": (
            "the small biases of nn.Linear itself let it learn as well"
        ),
    },
    "4.8": {
        "x = torch.randn(1_000_000) => x = torch.randn(1000001)": (
            "one number more in a million"
        ),
        "x = torch.randn(1_000_000) => x = torch.randn(999999)": (
            "one number less in a million"
        ),
    },
    "4.9": {
        "nn.init.kaiming_normal_(module.weight, a=slope) => "
        "nn.init.kaiming_normal(module.weight, a=slope)": (
            "the old name of the same function"
        ),
    },
    "4.10": {
        "n, k = len(X), W.shape[-1] => n, k = len(X), W.shape[-2]": (
            "the kernel is k by k"
        ),
    },
    "4.12": {
        "scores = Q @ K.transpose(-2, -1) / math.sqrt(Q.shape[-1]) => "
        "scores = Q @ K.transpose((2), -1) / math.sqrt(Q.shape[-1])": (
            "axis 2 is axis -2 of four"
        ),
        "return mha.out_proj(mixed.transpose(1, 2).flatten(-2)) => "
        "return mha.out_proj(mixed.transpose(1, 2).flatten((2)))": (
            "axis 2 is axis -2 of four"
        ),
    },
}
