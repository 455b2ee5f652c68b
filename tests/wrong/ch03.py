"""Wrong answers for chapter 3 with a part of the hint that each must get."""

import math

import torch
from torch.utils.data import IterableDataset, get_worker_info

from solutions import edit, edits


def steps_over_all_epochs(num_examples, batch_size, num_epochs, drop_last):
    steps = num_examples / batch_size
    if drop_last:
        return int(steps) * num_epochs
    return math.ceil(steps * num_epochs)


class LinesChunked(IterableDataset):
    def __init__(self, files):
        self.files = files

    def __iter__(self):
        info = get_worker_info()
        first, step = (info.id, info.num_workers) if info else (0, 1)
        size = math.ceil(len(self.files) / step)
        for file in self.files[first * size : (first + 1) * size]:
            yield from file


def all_images_at_once(images):
    X = torch.cat([image.flatten(1) for image in images], dim=1) / 255
    return X.mean(dim=1), X.std(dim=1, correction=0)


def leaks_by_text(X_train, X_test):
    seen = {str(image) for image in X_train}
    return [
        i
        for i, image in enumerate(X_test)
        if str(image) in seen or str(image.flip(2)) in seen
    ]


def leaks_by_amounts(X_train, X_test):
    def key(image):
        return tuple(image.flatten().sort().values.tolist())

    seen = {key(image) for image in X_train}
    upright = {image.flip(1).numpy().tobytes() for image in X_train}
    return [
        i
        for i, image in enumerate(X_test)
        if key(image) in seen and image.numpy().tobytes() not in upright
    ]


def leaks_by_rounding(X_train, X_test):
    def key(image):
        return (image // 2).numpy().tobytes()

    seen = {key(image) for image in X_train}
    seen |= {key(image.flip(2)) for image in X_train}
    return [i for i, image in enumerate(X_test) if key(image) in seen]


WRONG = {
    "3.1": [
        (lambda n, b, e, d: n // b * e, "the short last batch is a step too"),
        (steps_over_all_epochs, "do not share the short batch"),
        edit("left and not drop_last", "left", "is left out"),
    ],
    "3.2": [
        ([(3, 30, 45), (3, 30, 90)], "the keys"),
        edit('"a": (3, 30, 45)', '"a": "(3, 30, 45)"', "(a) should be a"),
        edit('"a": (3, 30, 45)', '"a": (3, 30, 30)', "(a): one number"),
        edit('"b": (3, 30, 90)', '"b": (3, 30, 45)', "(b): two numbers"),
        edit('"c": (3, 80, 80)', '"c": (3, 60, 80)', "(c): what is too"),
        edit('"d": (3, 66, 94)', '"d": (3, 63, 97)', "(d): the order"),
        edit('"e": (3, 90, 60)', '"e": (3, 60, 90)', "(e): expand"),
        edit('"f": (5, 3, 20, 20)', '"f": (3, 5, 20, 20)', "(f): stack"),
    ],
    "3.3": [
        edit("- self.size)", "- self.size + 1)", "has a number after it"),
        edit("- self.size)", "- self.size - 1)", "has a number after it"),
        edit("max(0, len(self.series) - self.size)", "7", "must be 0"),
        edit("[i:end], self.series[end]", "[i : end + 1]", "be a pair"),
        edit("[i:end]", "[i + 1 : end + 1]", "window 0 is wrong"),
        edit("series[end]", "series[end - 1]", "the number right after it"),
        edit("series[end]", "series[end:][:1]", "has shape (1,)"),
    ],
    "3.4": [
        edit(".to(torch.uint8)", ".int()", "has dtype"),
        edit(".round()", "", "round before the cast"),
        edit("255 * X", "X", "255 in uint8"),
        edit("255 * X", "(256 * X).clamp(max=255)", "white is 255"),
        edit("X * std + mean", "(X + mean) * std", "in reverse order"),
        edit("std)[:, None", "std[:1])[:, None", "in reverse order"),
        edit(".clamp(0, 1)", "", "not wrap around"),
        edit("(X * std + mean)", "X.mul_(std).add_(mean)", "its input"),
    ],
    "3.5": [
        edit("image.flip(-1), boxes", "[image.flip(-1)]", "and the boxes"),
        edit("image.flip(-1)", "image.flip(1)", "left to right"),
        edit("-1), boxes", "-1), boxes.tolist()", "should be a tensor"),
        edits(
            ("[width - x2", "[width - x1"),
            (", width - x1", ", width - x2"),
            hint="x1 is larger than x2",
        ),
        edit("image.shape[-1]", "image.shape[-1] - 1", "off by one pixel"),
        edit("image.shape[-1]", "image.shape[-2]", "the boxes are wrong"),
        edit("image.shape[-1]", "boxes[:, 2].max()", "boxes are wrong"),
    ],
    "3.6": [
        edit("X, mask, torch", "X, torch", "return three tensors"),
        edit("value=-1", "value=0", "then -1 up to the longest"),
        edit("batch_first=True", "batch_first=False", "has shape (5, 4)"),
        edit("(X.shape[1]) < lengths[:, None]", "(1) < X", "mask"),
        edit("torch.arange(X.shape[1]) < lengths[:, None]", "X != -1", "-1"),
        edit("tensor(labels)", "tensor(labels[::-1])", "out of order"),
    ],
    "3.7": [
        edit("return mean.float(), std.float()", "return mean", "two tensors"),
        edit("mean.float(), ", "mean.tolist(), ", "should be a tensor"),
        edit(" / 255", "", "scale the pixels"),
        edits(
            ("count += X.shape[1]", "count += 1"),
            ("X.sum(dim=1)", "X.mean(dim=1)"),
            hint="too much weight",
        ),
        edits(
            ("count, total, squares = 0, ", "stds, count, total = [], 0, "),
            (", torch.zeros(3)\n", "\n"),
            ("squares = squares + (X**2).sum(dim=1)", "stds += [X.std(1)]"),
            (
                "(squares / count - mean**2).clamp(min=0).sqrt()",
                "sum(stds) / len(stds)",
            ),
            hint="forgets how far",
        ),
        edit("squares / count", "squares / (count - 1)", "number of pixels"),
        edit(".clamp(min=0)", "", "plain images holds NaN"),
        edit(".double()", ".float()", "needs float64"),
        (all_images_at_once, "all at once"),
    ],
    "3.8": [
        edit("[:, 0].tolist(),\n        (~", "[:, 0],\n        (~", "lists"),
        edit("(~in_train)", "(in_train | True)", "exactly one"),
        edits(
            ("names = groups.unique()", "names = torch.arange(len(groups))"),
            ("torch.isin(groups, chosen)", "torch.isin(names, chosen)"),
            hint="choose groups, not examples",
        ),
        edit(
            "names[order[: round(share * len(names))]]",
            "names[: round(share * len(names))]",
            "drawn at random",
        ),
        edit("round(", "int(", "rounded, is 2"),
        edit("round(share * len(names))", "3", "rounded, is 2"),
        edit(
            "round(share * len(names))",
            "-int(-share * len(names) // 1)",
            "is 1",
        ),
        edit(", generator=generator", "", "nothing is drawn"),
        edit(
            "generator=generator",
            "generator=torch.Generator().manual_seed("
            "generator.initial_seed())",
            "nothing is drawn",
        ),
        edit(
            "generator=generator",
            "generator=[generator.seed(), generator][1]",
            "the same seed",
        ),
    ],
    "3.9": [
        edit("counts.min()", "counts.max()", "the rarest class"),
        edit(
            "counts.min() // self.per_class",
            "-(-counts.min() // self.per_class)",
            "the rarest class has 5",
        ),
        edit("range(len(self))", "range(1)", "len says 2"),
        edit(".tolist()", "", "Python integers"),
        edit("in self.labels.unique()", "in range(3)", "of the three"),
        edit("k * self", "0 * self", "of the three"),
        edit(
            "column[part]",
            "column[torch.randperm(len(column))[: self.per_class]]",
            "comes twice in an epoch",
        ),
        edit("[torch.randperm(len(indices))]", "", "draw in __iter__"),
        edit("torch.randperm(len(indices))", "torch.randperm(4)", "common"),
    ],
    "3.10": [
        edit("return damaged", "return tuple(damaged)", "a list of paths"),
        edit("                image.load()", "                pass", "lazy"),
        edit("image.load()", "image.verify()", "a JPEG cut short"),
        edit("Exception", "FileNotFoundError", "your code raised"),
        edit("Exception", "OSError", "SyntaxError"),
        edit(
            "for path in paths:",
            "for path in [p for p in paths if p.exists()]:",
            "does not exist",
        ),
        edit("return damaged", "return list(paths)", "a whole file"),
        edit("return damaged", "return sorted(damaged)", "in the order"),
        edit("append(path)", "append(str(path))", "it is a str"),
    ],
    "3.11": [
        edit("(torch.utils.data.IterableDataset)", "", "derived from"),
        edit("self.files[first::step]", "self.files[::-1]", "in order"),
        edit("[first::step]", "", "come once more"),
        edits(
            ("in self.files[first::step]", "in self.files"),
            ("yield from file", "yield from file[first::step]"),
            hint="deal out files, not lines",
        ),
        edit("[first::step]", "[first :: step + first]", "get lost"),
        (LinesChunked, "worker k should take"),
        edit(
            "for file in self.files[first::step]:\n"
            "            yield from file",
            "self.files = self.files[first::step]\n        while self.files:\n"
            "            yield from self.files.pop(0)",
            "a second epoch",
        ),
        edit(
            "        for file in self.files[first::step]:\n",
            "        self.files = self.files[first::step]\n"
            "        for file in self.files:\n",
            "a second epoch",
        ),
    ],
    "3.12": [
        edit("    dice.shuffle(buffer)\n    yield from buffer\n", "", "left"),
        edit("        buffer[place] = item\n", "", "come twice"),
        edit("random.Random(seed)", "random.Random()", "the same seed"),
        edit(
            "    yield from buffer",
            "    if len(buffer) == size:\n        yield from buffer",
            "shorter than the buffer",
        ),
        edit("    dice.shuffle(buffer)\n", "", "should be shuffled as well"),
        edit("dice.shuffle(buffer)", "buffer.reverse()", "shuffled as well"),
        edit(
            "dice.randrange(size)",
            "random.Random(seed).randrange(size)",
            "the same place",
        ),
        edits(
            ("[]", "[x for _, x in zip(range(size), stream)]"),
            (
                "        if len(buffer) < size:\n"
                "            buffer.append(item)\n            continue\n",
                "",
            ),
            hint="with a list as the stream",
        ),
        edits(
            ("yield buffer[place]", "yield buffer.pop(0)"),
            ("buffer[place] = item", "buffer.append(item)"),
            hint="which item of the full buffer",
        ),
        edit("random.Random(seed)", "random.Random(0)", "hang on the seed"),
        edits(
            ("place = dice.randrange(size)", "dice.shuffle(buffer)"),
            ("yield buffer[place]", "yield from buffer"),
            ("buffer[place] = item", "buffer = [item]"),
            hint="block by block",
        ),
        edit("in stream:", "in list(stream):", "read only what fits"),
        edit("random.Random(seed)", "random.seed(seed) or random", "own"),
    ],
    "3.13": [
        edit("    return [\n", "    return len(seen), [\n", "a list of"),
        edit("        i\n", "        torch.tensor(i)\n", "Python integers"),
        edit("if image.numpy().tobytes() in seen\n", "if i == 8\n", "plain"),
        edit("in X_train}", "in X_train[:-1]}", "the last training image"),
        edit("image.flip(2)", "image", "a mirrored copy"),
        edit(
            "for image in X_train}",
            "for image in torch.cat([X_train, X_test[:1]])}",
            "twice in the test set",
        ),
        edit(
            "or image.flip(2).numpy().tobytes() in seen",
            "or any(image.flip(k).numpy().tobytes() in seen for k in (1, 2))",
            "upside down",
        ),
        (leaks_by_amounts, "in other places"),
        (leaks_by_rounding, "one pixel differs"),
        (leaks_by_text, "one pixel differs"),
        edit("enumerate(X_test)", "[*enumerate(X_test)][::-1]", "sorted"),
        edit("    seen =", "    X_train[0]\n    seen =", "your code raised"),
    ],
    "3.14": [
        edit("for seed in seeds:", "for seed in seeds[:2]:", "4 trainings"),
        edit(
            "learn(view(X_train), y_train)",
            "learn(grey(X_train), y_train)",
            "0 of 6 trainings see the photos",
        ),
        edit("X.mean(dim=1, keepdim=True)", "X[:, :1]", "all of them the"),
        edit("            torch.manual_seed(seed)\n", "", "from its seed"),
        edit(
            "torch.manual_seed(seed)",
            "seed == seeds[0] and torch.manual_seed(seed)",
            "from its seed",
        ),
        edit(
            "scores[trained_on, judged_on]",
            "scores[trained_on + judged_on]",
            "four keys",
        ),
        edit(
            "scores[trained_on, judged_on]",
            "scores[judged_on, trained_on]",
            "the key says",
        ),
        edit(
            "(look(X_val)) == y_val",
            "(look(X_train)) == y_train",
            "on the validation",
        ),
        edit("mean.item()", "mean", ".item()"),
        edit("mean = torch.stack(hits)", "mean = hits[-1]", "averaged"),
    ],
}

EQUAL = {
    "3.3": {
        "if not 0 <= i < len(self): => if not 0 <= i <= len(self):": (
            "the series itself raises the IndexError for this index"
        ),
    },
    "3.14": {
        "mean = torch.stack(hits).float().mean() => "
        "mean = torch.cat(hits).float().mean()": (
            "the hits of each training are a vector of one length"
        ),
    },
}
