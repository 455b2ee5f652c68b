"""Typical wrong answers of chapter 9: {exercise: [(answer, hint)]}."""

import math

import torch
import torch.nn.functional as F
from torch import nn


def parameters_only(model):
    return sum(p.nbytes for p in model.parameters())


def four_bytes_each(model):
    return sum(4 * v.numel() for v in model.state_dict().values())


def cut_seven(state, prefix):
    return {name[len(prefix) :]: value for name, value in state.items()}


def replace_all(state, prefix):
    return {name.replace(prefix, ""): v for name, v in state.items()}


def strip_letters(state, prefix):
    return {name.lstrip(prefix): value for name, value in state.items()}


def not_strict(model, state):
    own = model.state_dict()
    fits = {
        k: v for k, v in state.items() if k in own and own[k].shape == v.shape
    }
    model.load_state_dict(fits, strict=False)


def silent(model, state):
    body = {k: v for k, v in state.items() if not k.startswith("fc.")}
    model.load_state_dict(body, strict=False)


def unexpected_ignored(model, state):
    body = {k: v for k, v in state.items() if not k.startswith("fc.")}
    report = model.load_state_dict(body, strict=False)
    if [k for k in report.missing_keys if not k.startswith("fc.")]:
        raise KeyError


def pops_the_head(model, state):
    state.pop("fc.weight")
    state.pop("fc.bias")
    model.load_state_dict(state, strict=False)


def no_gradients_only(model):
    model.requires_grad_(False)
    model.fc.requires_grad_(True)
    return model


def everything_frozen(model):
    return model.requires_grad_(False).eval()


def head_in_eval(model):
    model.requires_grad_(False).eval()
    model.fc.requires_grad_(True)
    return model


def eval_only(model):
    model.eval()
    model.fc.train()
    return model


def every_child(model, lr, factor):
    children = list(model.children())
    return [
        {"params": list(c.parameters()), "lr": lr * factor**k}
        for k, c in enumerate(reversed(children))
    ][::-1]


def _with_parameters(model):
    return [c for c in model.children() if list(c.parameters())]


def wrong_end(model, lr, factor):
    return [
        {"params": list(c.parameters()), "lr": lr * factor**k}
        for k, c in enumerate(_with_parameters(model))
    ]


def from_the_back(model, lr, factor):
    return [
        {"params": list(c.parameters()), "lr": lr * factor**k}
        for k, c in enumerate(reversed(_with_parameters(model)))
    ]


def straight(value, path):
    torch.save(value, path)


def removes_first(value, path):
    path.unlink(missing_ok=True)
    part = path.with_suffix(".part")
    torch.save(value, part)
    part.replace(path)


def swallows(value, path):
    part = path.with_suffix(".part")
    try:
        torch.save(value, part)
        part.replace(path)
    except Exception:
        pass


def copies(value, path):
    part = path.with_suffix(".part")
    torch.save(value, part)
    path.write_bytes(part.read_bytes())


def no_downsample(layers, bottleneck):
    return 1 + (3 if bottleneck else 2) * sum(layers)


def a_downsample_each(layers, bottleneck):
    return no_downsample(layers, bottleneck) + 4


def three_always(layers, bottleneck):
    return no_downsample(layers, bottleneck) + 3


class _Block(nn.Module):
    def __init__(self, channels, bias=False):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=bias)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=bias)

    def forward(self, X):
        out = self.conv1(self.bn1(X).relu())
        return X + self.conv2(self.bn2(out).relu())


class PostActivation(_Block):
    def forward(self, X):
        out = self.bn1(self.conv1(X)).relu()
        return (X + self.bn2(self.conv2(out))).relu()


class ReluAfterSum(_Block):
    def forward(self, X):
        return super().forward(X).relu()


class NoShortcut(_Block):
    def forward(self, X):
        return super().forward(X) - X


class WithBias(_Block):
    def __init__(self, channels):
        super().__init__(channels, bias=True)


def _mix(soft, student, y, alpha):
    return alpha * soft + (1 - alpha) * F.cross_entropy(student, y)


def no_square(student, teacher, y, T, alpha):
    soft = F.kl_div(
        (student / T).log_softmax(1),
        (teacher / T).softmax(1),
        reduction="batchmean",
    )
    return _mix(soft, student, y, alpha)


def default_mean(student, teacher, y, T, alpha):
    soft = F.kl_div((student / T).log_softmax(1), (teacher / T).softmax(1))
    return _mix(T**2 * soft, student, y, alpha)


def not_a_log(student, teacher, y, T, alpha):
    soft = F.kl_div(
        (student / T).softmax(1),
        (teacher / T).softmax(1),
        reduction="batchmean",
    )
    return _mix(T**2 * soft, student, y, alpha)


def alpha_on_labels(student, teacher, y, T, alpha):
    soft = F.kl_div(
        (student / T).log_softmax(1),
        (teacher / T).softmax(1),
        reduction="batchmean",
    )
    return _mix(T**2 * soft, student, y, 1 - alpha) - 0


def in_blocks(n, rank, world):
    size = math.ceil(n / world)
    return [row % n for row in range(rank * size, (rank + 1) * size)]


def no_padding(n, rank, world):
    return list(range(rank, n, world))


def plain_mean(grads, sizes):
    return torch.stack(grads).mean(dim=0)


def weighted_sum(grads, sizes):
    return sum(n * g for n, g in zip(sizes, grads, strict=True))


def mean_of_all(states):
    return {
        name: torch.stack([s[name].float() for s in states]).mean(dim=0)
        for name in states[0]
    }


def only_the_last(states):
    return dict(states[-1])


def adds_in_place(states):
    result = states[0]
    for state in states[1:]:
        for name in result:
            result[name] += state[name]
    return result


class _Batches:
    """A right answer, to be broken in one place."""

    def __init__(self, n, batch_size, seed):
        self.n, self.batch_size = n, batch_size
        self.generator = torch.Generator().manual_seed(seed)
        self.order, self.place = torch.empty(0, dtype=torch.long), 0

    def __iter__(self):
        return self

    def shuffle(self):
        self.order = torch.randperm(self.n, generator=self.generator)

    def __next__(self):
        if self.place >= len(self.order):
            self.shuffle()
            self.place = 0
        start, self.place = self.place, self.place + self.batch_size
        return self.order[start : self.place]

    def state_dict(self):
        state = self.generator.get_state()
        return {"rng": state, "order": self.order, "place": self.place}

    def load_state_dict(self, state):
        self.generator.set_state(state["rng"])
        self.order, self.place = state["order"], state["place"]


class ForgetsGenerator(_Batches):
    def load_state_dict(self, state):
        self.order, self.place = state["order"], state["place"]


class ForgetsPlace(_Batches):
    def load_state_dict(self, state):
        super().load_state_dict(state)
        self.place = 0


class GlobalRandom(_Batches):
    def shuffle(self):
        self.order = torch.randperm(self.n)


class OneOrder(_Batches):
    def shuffle(self):
        if not len(self.order):
            super().shuffle()


class SharedGenerator(_Batches):
    def state_dict(self):
        return {"self": vars(self)}

    def load_state_dict(self, state):
        vars(self).update(state["self"])


WRONG = {
    "9.1": [
        (parameters_only, "more than parameters"),
        (four_bytes_each, "not every number has 4 bytes"),
    ],
    "9.2": [
        (cut_seven, "must stay as they are"),
        (replace_all, "must stay as they are"),
        (strip_letters, "must stay as they are"),
    ],
    "9.3": [
        (not_strict, "a head of the same shape was loaded"),
        (silent, "nothing was raised"),
        (unexpected_ignored, "nothing was raised"),
        (pops_the_head, "changes the state"),
    ],
    "9.4": [
        (no_gradients_only, "a running statistic moved"),
        (everything_frozen, "the answer could not be used"),
        (head_in_eval, "training mode"),
        (eval_only, "the body gets gradients"),
    ],
    "9.5": [
        (every_child, "groups for a model with 3 children"),
        (wrong_end, "the rates are wrong"),
        (from_the_back, "the order of the children"),
    ],
    "9.6": [
        (straight, "damaged"),
        (removes_first, "the old file is gone"),
        (swallows, "swallowed"),
        (copies, "an extra file"),
    ],
    "9.7": [
        (no_downsample, "the first block of each layer"),
        (a_downsample_each, "the first block of each layer"),
        (three_always, "[3, 4, 6, 3] bottlenecks"),
    ],
    "9.8": [
        (PostActivation, "before each convolution"),
        (ReluAfterSum, "after the sum"),
        (NoShortcut, "the output is wrong"),
        (WithBias, "no bias"),
    ],
    "9.9": [
        (no_square, "is the factor T² there"),
        (default_mean, "over what"),
        (not_a_log, "which argument is a logarithm"),
        (alpha_on_labels, "with alpha=0"),
    ],
    "9.10": [
        (in_blocks, "like cards"),
        (no_padding, "all processes need"),
    ],
    "9.11": [
        (plain_mean, "should count more"),
        (weighted_sum, "not a sum"),
    ],
    "9.12": [
        (mean_of_all, "dtype"),
        (only_the_last, "is not the mean"),
        (adds_in_place, "changes its input"),
    ],
    "9.13": [
        (ForgetsGenerator, "the generator's state"),
        (ForgetsPlace, "the place in it"),
        (GlobalRandom, "global random state"),
        (OneOrder, "the same order"),
        (SharedGenerator, "differ"),
    ],
}
