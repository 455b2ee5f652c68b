"""Wrong answers for chapter 12 with a part of the hint that each must get."""

import torch
from torch import nn

from solutions import edit, edits


def build_and_count(kind, features, hidden):
    layer = getattr(nn, kind)(features, hidden)
    return sum(p.numel() for p in layer.parameters())


def build_on_meta_and_count(kind, features, hidden):
    layer = getattr(nn, kind)(features, hidden, device="meta")
    return sum(p.numel() for p in layer.parameters())


@torch.enable_grad()
def autograd_again(X, U, W, b, h):
    first = h.clone().requires_grad_()
    h = first
    for x in X:
        h = torch.tanh(x @ U + h @ W + b)
    return torch.autograd.grad(h.sum(), first)[0]


def by_transform(transform):
    def grad_first_state(X, U, W, b, h):
        def last(h):
            for x in X:
                h = torch.tanh(x @ U + h @ W + b)
            return h.sum()

        return transform(last)(h)

    return grad_first_state


WRONG = {
    "12.1": [
        edit("hidden + 2", "hidden + 1", "both biases"),
        edit("blocks * hidden", "hidden", "GRU is not right"),
        (build_and_count, "without building it"),
        (build_on_meta_and_count, "without building it"),
    ],
    "12.2": [
        edit("logits / temp", "logits * temp", "make the best more certain"),
        edit(
            "(logits / temperature).softmax(dim=-1)",
            "logits.softmax(dim=-1) / temperature",
            "do not sum to 1",
        ),
        edit(
            ".softmax(dim=-1)",
            ".exp() / (logits / temperature).exp().sum()",
            "in the thousands",
        ),
        edit(
            "return (logits / temperature).softmax(dim=-1)",
            "p = logits.softmax(dim=-1) ** (1 / temperature)\n"
            "    return p / p.sum()",
            "undo a factor of 1000",
        ),
        edit(".softmax(dim=-1)", ".softmax(dim=-1).tolist()", "is a list"),
    ],
    "12.3": [
        edit(
            "[torch.arange(len(output)), lengths - 1]",
            "[:, -1]",
            "last place of the box",
        ),
        edit(
            "lengths - 1",
            "lengths.clamp(max=output.shape[1] - 1)",
            "own last step",
        ),
        edit("torch.arange(len(output))", ":", "has shape (4, 4, 3)"),
        edit("lengths - 1]", "lengths - 1].tolist()", "it is a list"),
    ],
    "12.4": [
        edit(
            ".masked_fill(~mask[..., None], -torch.inf)",
            "",
            "the padding takes part",
        ),
        edit(
            ".masked_fill(~mask[..., None], -torch.inf)",
            " * mask[..., None]",
            "the padding takes part",
        ),
        edit("~mask[..., None]", "output == 0", "another value in the"),
        edit("-torch.inf", "-1000.0", "may all be below"),
        edit("-torch.inf", "-1e6", "may all be below"),
        edit("output.shape[1]", "lengths.max()", "your code raised"),
        edit(
            ".masked_fill(~mask[..., None], -torch.inf)",
            " + (mask[..., None].float() - 1) * torch.inf",
            "holds NaN",
        ),
        edit("amax(dim=1)", "amax(dim=1).tolist()", "it is a list"),
    ],
    "12.5": [
        edit("lengths > t", "lengths >= t", "alive at each step"),
        edit("int(lengths.max())", "int(lengths[0])", "of the longest"),
        edit("int((lengths > t).sum())", "(lengths > t).sum()", "a Tensor"),
    ],
    "12.6": [
        edit("f * c + (1 - f) *", "(1 - f) * c + f *", "f and 1 - f"),
        edits(
            ("return torch", "return c, torch"),
            ("torch.tanh(c), c", "torch.tanh(c)"),
            hint="h and c seem",
        ),
        edit("    f = torch.sigmoid(f)\n", "", "through a sigmoid"),
        edit("torch.tanh(g)", "g", "through tanh"),
        edits(
            ("c = f * c", "old, c = c, f * c"),
            ("torch.tanh(c), c", "torch.tanh(old), c"),
            hint="looks at the new c",
        ),
        edit("torch.tanh(c), c", "c, c", "through a tanh"),
        edit("torch.tanh(c), c", "torch.tanh(c)", "two tensors"),
        edit("tanh(c), c", "tanh(c), c.tolist()", "c should be a tensor"),
    ],
    "12.7": [
        edits(
            (
                "    total = sum((grad**2).sum() for grad in grads).sqrt()\n",
                "",
            ),
            ("    scale = (max_norm / (total + 1e-6)).clamp(max=1.0)\n", ""),
            (
                "grad * scale",
                "grad * (max_norm / grad.norm()).clamp(max=1.0)",
            ),
            hint="one norm is taken",
        ),
        edit(".clamp(max=1.0)", "", "must stay as they are"),
        edit(".clamp(max=1.0)", " if total > 1 else 1.0", "must stay as"),
        edit("* scale", "/ total * total.clamp(max=max_norm)", "NaN"),
        edit("grad * scale", "grad.clamp(-0.5, 0.5)", "direction changed"),
        edit("(max_norm / (", "(1.0 / (", "`max_norm` is not used"),
        edit(
            "    return",
            "    if scale == 1:\n        return grads\n    return",
            "new",
        ),
        edit(
            "[grad * scale for grad in grads]",
            "(grad * scale for grad in grads)",
            "a list with one tensor",
        ),
        edit("grad * scale", "(grad * scale).tolist()", "it is a list"),
    ],
    "12.8": [
        edit(
            "X[torch.arange(len(X))[:, None], source]",
            "X.flip(1)",
            "the padding comes first",
        ),
        edit(
            "X[torch.arange(len(X))[:, None], source]",
            "X.flip(2)",
            "turns the features",
        ),
        edit(
            "lengths[:, None] - 1 - t",
            "(lengths[:, None] - t).clamp(max=X.shape[1] - 1)",
            "within its own length",
        ),
        edit(
            "[:, None], source]",
            "[:, None], source] * (t < lengths[:, None])[..., None]",
            "the padding should stay",
        ),
        edit("X.shape[1]", "lengths.max()", "has shape (3, 4, 2)"),
        edit(", source]", ", source].tolist()", "it is a list"),
    ],
    "12.9": [
        edits(
            ("logits[mask]", "logits.flatten(0, 1)"),
            ("targets[mask]", "targets.flatten()"),
            hint="the padding counts",
        ),
        edit(".exp()", "", "not yet its exponential"),
        edit(
            "targets[mask]).exp()",
            'targets[mask], reduction="none").exp().mean()',
            "average first",
        ),
        edit(
            "F.cross_entropy(logits[mask], targets[mask])",
            "sum(F.cross_entropy(a[:n], y[:n]) / len(lengths) for a, y, n in "
            "zip(logits, targets, lengths, strict=True))",
            "not each sequence",
        ),
        edit(".exp()", ".exp2()", "not the exponential"),
        edit(
            "torch.arange(targets.shape[1]) < lengths[:, None]",
            "targets != 0",
            "stands in the padding",
        ),
        edit(
            "F.cross_entropy(logits[mask], targets[mask])",
            "F.cross_entropy(logits.mT, targets.clamp(min=0), "
            'reduction="none")[mask].mean()',
            "Target 99 is out of bounds",
        ),
        edit("targets.shape[1]", "lengths.max()", "your code raised"),
        edit(".item()", "", "see .item()"),
    ],
    "12.10": [
        edit("(grad * (1 - h**2))", "grad", "derivative of tanh"),
        edit("W.T", "W", "transpose of W"),
        edit("reversed(states)", "states[-1:]", "walk back"),
        edit("return grad", "return grad.tolist()", "it is a list"),
        (autograd_again, "your code raised"),
        (by_transform(torch.func.grad), "autograd is at work; write"),
        (by_transform(torch.func.jacfwd), "in its forward mode"),
    ],
    "12.11": [
        edit(
            ".masked_fill(~seen, -torch.inf)",
            "",
            "hide the later ones",
        ),
        edit("tril()", "tril(-1)", "may see itself"),
        edit("tril()", "triu()", "someone looks ahead"),
        edit(
            ".masked_fill(~seen, -torch.inf).softmax(dim=2)",
            ".softmax(dim=2).tril()",
            "masked before the softmax",
        ),
        edit(" / math.sqrt(q.shape[2])", "", "by the root of d"),
        edits(
            ("return scores", "return (scores"),
            (" @ v", " @ v).tolist()"),
            hint="it is a list",
        ),
    ],
    "12.12": [
        edit("[:width]", "[:1]", "only second best"),
        edit("[:width]", "[: width + 1]", "with width 1"),
        edit("[0][1][1:]", "[0][1]", "`start` is not part"),
        edit("(score + step,", "(step,", "whole score"),
        edit("[(0.0, [start])]", "[(0.0, [0])]", "from 2"),
        edit("range(length)", "range(length + 1)", "length asked for"),
        edit(
            "beams = sorted(longer, reverse=True)[:width]",
            "scores = torch.tensor([score for score, _ in longer])\n"
            "        best = scores.topk(width).indices\n"
            "        beams = [longer[i] for i in best.tolist()]",
            "your code raised",
        ),
    ],
    "12.13": [
        edit(
            "[torch.arange(len(X)), lengths - 1]",
            "[:, -1]",
            "last place of the box",
        ),
        edit(
            "model.head(last)",
            "model.head(last).softmax(dim=1)",
            "yours gets probabilities",
        ),
        edit("y)\n", "y) + 0.1\n", "is not right"),
        edit("    optimizer.zero_grad()\n", "", "of this batch alone"),
        edits(
            ("    clip_grad_norm_(model.parameters(), 1.0)\n", ""),
            (
                "    return",
                "    clip_grad_norm_(model.parameters(), 1.0)\n    return",
            ),
            hint="a norm of 1",
        ),
        edit(
            "    clip_grad_norm_(model.parameters(), 1.0)\n",
            "    norm = clip_grad_norm_(model.parameters(), torch.inf)\n"
            "    for p in model.parameters():\n"
            "        p.grad /= norm\n",
            "when its norm is below 1",
        ),
        edit("loss.item()", "loss", "see .item()"),
    ],
    "12.14": [
        edit("sorted(set(rows))", "rows", "was in its training set"),
        edit("sorted(set(rows))", "sorted(set(rows))[1:]", "each row once"),
        edit("mixed[cut:], ", "mixed, ", "use every row"),
        edit("len(rows) // 5", "len(rows) // 4", "one fifth of the rows"),
        edits(
            (
                "own = shuffled([row for row in once if row[1] == language])",
                "own = once if language == once[0][1] else []",
            ),
            ("once = sorted(set(rows))", "once = shuffled(sorted(set(rows)))"),
            hint="belong in the fair test set",
        ),
        edit("sorted(set(rows))", "list(set(rows))", "a set of names has"),
        edit("== who for", "!= who for", "share of right answers"),
        edit(", generator=generator", "", "draw from `generator`"),
        edit("mixed, cut = shuffled(rows)", "mixed, cut = rows", "careless"),
        edit(
            "own = shuffled([row for row in once if row[1] == language])",
            "own = [row for row in once if row[1] == language]",
            "the fair split is not random",
        ),
        edit("return careless, accuracy", "return accuracy", "two numbers"),
        edit(
            "careless = accuracy(mixed[cut:], mixed[:cut])",
            "careless = 0.5",
            "each split needs one",
        ),
    ],
}

EQUAL = {
    "12.2": {
        "return (logits / temperature).softmax(dim=-1) => "
        "return (logits / temperature).softmax(dim=-0)": (
            "a vector has one axis only"
        ),
    },
    "12.6": {
        "f, g, o = (x @ W + h @ U + b).chunk(3, dim=-1) => "
        "f, g, o = (x @ W + h @ U + b).chunk(3, dim=(1))": (
            "axis 1 of a batch is its last one"
        ),
    },
    "12.7": {
        "scale = (max_norm / (total + 1e-6)).clamp(max=1.0) => "
        "scale = (max_norm / (total + 1.5e-06)).clamp(max=1.0)": (
            "the guard against a norm of 0 may have any tiny size"
        ),
    },
    "12.12": {
        "beams = [(0.0, [start])] => beams = [(0.5, [start])]": (
            "all scores grow by the same"
        ),
        "for symbol, step in enumerate(log_p[word[-1]].tolist()) => "
        "for symbol, step in enumerate(log_p[word[-1]])": (
            "tensors of one number are added and ordered like numbers"
        ),
    },
    "12.14": {
        "order = torch.randperm(len(some), generator=generator).tolist() => "
        "order = torch.randperm(len(some), generator=generator)": (
            "a tensor of one whole number indexes a list like the number"
        ),
    },
}
