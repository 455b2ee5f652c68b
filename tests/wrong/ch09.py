"""Wrong answers for chapter 9 with a part of the hint that each must get."""

import io
import re

import torch
from torch.utils.data import DistributedSampler

from solutions import edit, edits


def the_file(model):
    buffer = io.BytesIO()
    torch.save(model.state_dict(), buffer)
    return len(buffer.getvalue())


def by_pattern(state, prefix):
    return {re.sub("^" + prefix, "", name): state[name] for name in state}


def from_memory(value, path):
    buffer = io.BytesIO()
    torch.save(value, buffer)
    path.write_bytes(buffer.getvalue())


def the_sampler(n, rank, world):
    return list(DistributedSampler(range(n), world, rank, shuffle=False))


def repeated_once(n, rank, world):
    rows = list(range(n))
    rows += rows[: -n % world]
    return rows[rank::world]


def for_vectors(grads, sizes):
    weights = torch.tensor(sizes)[:, None] / sum(sizes)
    return (weights * torch.stack(grads)).sum(0)


RENAMED = "name.removeprefix(prefix)"
CONV = "conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)"
MEAN = "torch.stack([s[name] for s in states]).mean(dim=0)"

WRONG = {
    "9.1": [
        edit("state_dict().values()", "parameters()", "more than parameters"),
        edit("value.nbytes", "4 * value.numel()", "has 4 bytes"),
        (the_file, "only the tensors' own bytes"),
        edit(
            "model.state_dict().values()",
            "[*model.parameters(), *model.buffers()]",
            "not persistent",
        ),
    ],
    "9.2": [
        edit(RENAMED, "name[len(prefix) :]", "must stay as they are"),
        edit(RENAMED, "name.replace(prefix, '')", "must stay as they are"),
        edit(RENAMED, "name.lstrip(prefix)", "must stay as they are"),
        edit(RENAMED, RENAMED + ".removeprefix(prefix)", "goes once"),
        edit("state[name]", "next(iter(state.values()))", "mixed up"),
        edit(": state[name]", "", "should be a dict"),
        edit(
            "state[name] for name in state",
            "state.pop(name) for name in list(state)",
            "changes its input",
        ),
        (by_pattern, "counts as it is"),
        edit(RENAMED, "name.removeprefix('module.')", "any text may be"),
    ],
    "9.3": [
        edit(
            "if not is_head(name)}",
            "if state[name].shape == model.state_dict()[name].shape}",
            "a head of the same shape was loaded",
        ),
        edit("raise KeyError(*wrong)", "return", "nothing was raised"),
        edit("    wrong += report.unexpected_keys\n", "", "is unknown"),
        edit("wrong += report.unex", "wrong = report.unex", "is missing"),
        edit('"fc."', '"fc"', "the body was not loaded"),
        edit(
            "model.load_state_dict(body, strict=False)\n",
            "model.load_state_dict(body, strict=False)\n"
            "    state.pop('fc.bias')\n",
            "changes the state",
        ),
        edit("KeyError(*wrong)", "ValueError(*wrong)", "KeyError is asked"),
        edit('name.startswith("fc.")', '"fc." in name', "was not loaded"),
        edit(
            "    body = {",
            "    if set(state) != set(model.state_dict()):\n"
            "        raise KeyError\n"
            "    body = {",
            "your code raised KeyError",
        ),
    ],
    "9.4": [
        edit(".eval()", "", "a running statistic moved"),
        edit(".requires_grad_(True)", "", "the head gets no gradient"),
        edit("(True).train()", "(True)", "training mode"),
        edit(".requires_grad_(False)", "", "the body gets gradients"),
        edit("    return model\n", "", "return the model"),
        edit(
            "    return model\n",
            "    model.fc.reset_parameters()\n    return model\n",
            "keep its weights",
        ),
        edit(
            "    return model\n",
            "    torch.nn.init.zeros_(model.fc.bias)\n    return model\n",
            "keep its weights",
        ),
        edit(
            "(False).eval()",
            "(False)\n    for m in model.modules():\n"
            "        m.track_running_stats = False",
            "depends on its batch",
        ),
        edit(
            "model.fc.requires_grad_(True).train()",
            "model.fc.train()\n"
            "    for name, p in model.named_parameters():\n"
            "        p.requires_grad_(name.startswith('fc'))",
            "the body gets gradients",
        ),
    ],
    "9.5": [
        edit(" if parameters]", "]", "3 children"),
        edit("model.children()", "model.modules()", "3 children"),
        edit("parameters())", "parameters(recurse=False))", "3 children"),
        edit("(len(lists) - 1 - i)", "i", "the rates are wrong"),
        edit("    return [", "    lists.reverse()\n    return [", "in order"),
        edit('"lr"', '"rate"', "the keys params and lr"),
    ],
    "9.6": [
        edit('path.name + ".part"', "path.name", "cut off"),
        edit(
            "part.replace(path)",
            "path.write_bytes(part.read_bytes())\n    part.unlink()",
            "cut off",
        ),
        (from_memory, "cut off"),
        edit(
            "part.replace(path)",
            "path.unlink(missing_ok=True)\n    part.rename(path)",
            "for a moment there is no file",
        ),
        edit("    part.replace(path)\n", "", "nothing was saved"),
        edit("part.re", "path.exists() or part.re", "a second time"),
        edit(
            "part.replace(path)",
            "path.with_suffix('.old').touch()\n    part.replace(path)",
            "an extra file",
        ),
        edit(
            "    torch.save(value, part)\n",
            "    try:\n"
            "        torch.save(value, part)\n"
            "    except RuntimeError:\n"
            "        return\n",
            "swallowed",
        ),
        edit(
            "    torch.save(value, part)\n",
            "    try:\n"
            "        torch.save(value, part)\n"
            "    except RuntimeError:\n"
            "        path.unlink()\n"
            "        raise\n",
            "gone or damaged",
        ),
    ],
    "9.7": [
        edit("4 if bottleneck else 3", "0", "the first block of each layer"),
        edit("4 if bottleneck else 3", "4", "the first block of each layer"),
        edit("4 if bottleneck else 3", "3", "[3, 4, 6, 3] bottlenecks"),
    ],
    "9.8": [
        edit(
            "self.conv1(self.bn1(X).relu())",
            "self.bn1(self.conv1(X)).relu()",
            "before each convolution",
        ),
        edits(
            ("return X + ", "out = X + "),
            ("(out).relu())\n", "(out).relu())\n        return out.relu()\n"),
            hint="after the sum",
        ),
        edit("return X + ", "return ", "the output is wrong"),
        edit(CONV, CONV.replace(", bias=False", ""), "no bias"),
        edit(
            "self.conv1 = nn.Conv2d(channels, channels, 3, padding=1",
            "self.conv1 = nn.Conv2d(channels, channels, 1",
            "3×3 kernels",
        ),
        edits(
            ("self.bn2 =", "self.norm2 ="),
            ("self.bn2(", "self.norm2("),
            hint="the attribute bn2",
        ),
    ],
    "9.9": [
        edit("T**2 * soft", "soft", "is the factor T² there"),
        edit('        reduction="batchmean",\n', "", "over what"),
        edit(
            "(student / T).log_softmax",
            "(student / T).softmax",
            "which argument is a logarithm",
        ),
        edits(
            ("(student / T)", "(other / T)"),
            ("(teacher / T)", "(student / T)"),
            ("(other / T)", "(teacher / T)"),
            hint="who is the target",
        ),
        edits(
            ("alpha * T", "(1 - alpha) * T"),
            ("(1 - alpha) * F", "alpha * F"),
            hint="with alpha=0",
        ),
        edit("(1 - alpha) * F", "(alpha < 1) * F", "mixed wrongly"),
        edit("(student / T)", "(student.detach() / T)", "another gradient"),
    ],
    "9.10": [
        edit("(rank, total, world)", "(rank, n, world)", "all processes need"),
        edit(
            "range(rank, total, world)",
            "range(rank * total // world, (rank + 1) * total // world)",
            "like cards",
        ),
        edit("row % n for", "min(row, n - 1) for", "the wrong ones"),
        edit("[row % n for row in range(rank, total, world)]", "()", "a list"),
        (the_sampler, "without the sampler"),
        (repeated_once, "gets 0 of 2 rows"),
        (lambda *args: the_sampler(*args), "without the sampler"),
    ],
    "9.11": [
        edits(
            ("size * grad", "grad"),
            ("sum(sizes)", "len(sizes)"),
            hint="should count more",
        ),
        edit("total / sum(sizes)", "total", "not a sum"),
        (for_vectors, "should count more"),
    ],
    "9.12": [
        edits(
            ("last.is_floating_point()", "True"),
            ("[s[name] for", "[s[name].float() for"),
            hint="num_batches_tracked has dtype",
        ),
        edit("[s[name] for", "[s[name].float() for", "half has dtype"),
        edit(MEAN, "last.clone()", "is not the mean"),
        edit("last.clone()", "states[0][name].clone()", "the last state"),
        edit("result = {}", "result = states[-1]", "changes its input"),
        edit("last.clone()", "last", "shares memory"),
        edit("return result", "return list(result)", "should be a dict"),
        edit("result[name] = last.clone()", "pass", "some names are missing"),
    ],
    "9.13": [
        edit(
            '        self.generator.set_state(state["rng"])\n',
            "",
            "the generator's state",
        ),
        edit(', state["place"]\n', ", 0\n", "the place in it"),
        edit(
            "randperm(self.n, generator=self.generator)",
            "randperm(self.n)",
            "global random state",
        ),
        edit("Generator().manual_seed", "manual_seed", "global random state"),
        edit(
            "torch.randperm(self.n, generator=self.generator)",
            "torch.randperm(self.n) if self.order is None else self.order",
            "the same order",
        ),
        edits(
            ("self.generator.get_state()", "self.generator"),
            (
                'self.generator.set_state(state["rng"])',
                'self.generator = state["rng"]',
            ),
            hint="differ",
        ),
        edit(
            "        self.generator =",
            "        torch.manual_seed(seed)\n        self.generator =",
            "global random state",
        ),
        edit("self.place >= self.n", "self.place + 3 >= self.n", "each of 10"),
        edit("self.place = 0", "self.place %= self.n", "the second epoch"),
        edit(
            "[start : self.place]", "[start : self.place].tolist()", "tensor"
        ),
        edit(
            "    def __iter__(self):\n        return self\n\n",
            "",
            "not iterable",
        ),
        edits(
            (
                "            self.order =",
                "            seed = torch.randint(9**9, (), "
                "generator=self.generator)\n"
                "            np.random.seed(seed.item())\n"
                "            self.order =",
            ),
            (
                "torch.randperm(self.n, generator=self.generator)",
                "torch.from_numpy(np.random.permutation(self.n))",
            ),
            hint="of NumPy or of Python",
        ),
        edits(
            ("self.order = torch.randperm(", "order = torch.randperm("),
            (
                "            self.place = 0\n",
                "            if self.order is None:\n"
                "                self.order = order.clone()\n"
                "            self.order.copy_(order)\n"
                "            self.place = 0\n",
            ),
            (
                '"order": self.order,',
                '"order": None if self.order is None else self.order.clone(),',
            ),
            hint="loaded only once",
        ),
    ],
    "9.14": [
        edit(" = copy.deepcopy(model)", " = model", "tune a copy"),
        edit("tuned[i] = merge(layer)", "pass", "a plain Sequential"),
        edit("LoRA(layer, rank)", "LoRA(layer, 2 * rank)", "a rank above"),
        edit("LoRA(layer, rank)", "layer", "a rank above"),
        edits(
            (
                "copy.deepcopy(model)",
                "copy.deepcopy(model).requires_grad_(False)",
            ),
            ("if isinstance(layer, nn.Linear):", "if i == 4:"),
            hint="every layer learns",
        ),
        edit(
            "    optimizer = t",
            "    tuned[0].layer.bias.requires_grad_()\n    optimizer = t",
            "a bias has",
        ),
        edit("range(400)", "range(3)", "too badly"),
        edit("copy.deepcopy(model)", "torch.nn.Sequential(*model)", "a copy"),
    ],
    "9.15": [
        edit("copy.deepcopy(model)", "model", "work on a copy"),
        edit("model.eval()", "model.train()", "eval mode"),
        edit(
            "num_classes)\n    model.eval",
            "5)\n    model.eval",
            "num_classes outputs",
        ),
        edit("    return model\n", "    return\n", "return the tuned network"),
        edit(
            "(model(X), y)",
            "(model.train()(X), y)\n        model.eval()",
            "of the body has moved",
        ),
        edit("SGD(model.fc.", "SGD(model.", "of the body has moved"),
        edit("SGD(model.fc.", "SGD(nn.Linear(2, 2).", "hold the new head"),
        edit("(model(X), y)", "(model(X).softmax(dim=1), y)", "get logits"),
        edit("        optimizer.zero_grad()\n", "", "pile up"),
    ],
}

# (old, new) texts of the solution: answers that are right too
RIGHT = {
    "9.5": [
        (
            """\
    return [
        {"params": parameters, "lr": lr * factor ** (len(lists) - 1 - i)}
        for i, parameters in enumerate(lists)
    ]
""",
            """\
    lists.reverse()
    groups = tuple({"params": p, "lr": lr * factor**i} for i, p in
                   enumerate(lists))
    return groups[::-1]
""",
        ),
    ],
    "9.14": [
        (  # the bias first, as a removed parametrization leaves them
            "    return tuned",
            "    for layer in tuned[::2]:\n"
            "        layer.weight = layer._parameters.pop('weight')\n"
            "    return tuned",
        ),
    ],
}

STEPS = "another number of steps learns as well"
EQUAL = {
    "9.14": {
        "for _ in range(400): => for _ in range(400 - 1):": STEPS,
        "for _ in range(400): => for _ in range(401):": STEPS,
        "for _ in range(400): => for _ in range(399):": STEPS,
    },
    "9.15": {
        "optimizer = torch.optim.SGD(model.fc.parameters(), lr=0.5) => "
        "optimizer = torch.optim.SGD(model.fc.parameters(), lr=0.75)": (
            "another rate learns as well"
        ),
        "for _ in range(100): => for _ in range(100 - 1):": STEPS,
        "for _ in range(100): => for _ in range(101):": STEPS,
        "for _ in range(100): => for _ in range(99):": STEPS,
    },
}
