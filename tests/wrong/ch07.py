"""Wrong answers for chapter 7 with a part of the hint that each must get."""

import torch

from solutions import edit, edits


def limit_after_adding(model, limit):
    def hook(p):
        p.grad.clamp_(-limit, limit)

    return [
        p.register_post_accumulate_grad_hook(hook) for p in model.parameters()
    ]


def limit_nothing_for_good(model, limit):
    for p in model.parameters():
        p.register_hook(lambda grad: grad.clamp(-limit, limit))
    return [p.register_hook(lambda grad: None) for p in model.parameters()]


def linear_by_autograd(X, W, G):
    X, W = X.clone().requires_grad_(), W.clone().requires_grad_()
    return (*torch.autograd.grad(X @ W.T, (X, W), G), G.sum(0))


def linear_by_vjp(X, W, G):
    _, back = torch.func.vjp(lambda X, W: X @ W.T, X, W)
    return (*back(G), G.sum(0))


def defaults_for_good(module, **defaults):
    module.register_forward_pre_hook(
        lambda m, args, kwargs: (args, defaults | kwargs), with_kwargs=True
    )
    return module.register_forward_hook(lambda m, args, output: None)


def shapes_one_by_one(model, X):
    found = {}
    for name, module in model.named_modules():
        if not list(module.children()):
            X = module(X)
            found[name] = tuple(X.shape)
    return found


MEASURE = "(channels == 0).all(1).float().mean()"
FINALLY = "    finally:\n        for handle in handles:\n            handle"
LEFT_IN_EVAL = edit(
    "    for name, module in model",
    "    model.eval()\n    for name, module in model",
    "mode has changed",
)
BACK_IN_TRAIN = edits(
    ("    try:\n", "    model.eval()\n    try:\n"),
    ("    finally:\n", "    finally:\n        model.train()\n"),
    hint="that of each module",
)
NOT_NESTED = "[p for m in model for p in m.parameters(recurse=False)]"
OFF = "    for m in model.modules():\n        m.inplace = False\n"

WRONG = {
    "7.1": [
        edit("return ", "", "return the handle"),
        edit(
            "seen.append",
            "lambda grad: seen.append(grad) or 2 * grad",
            "what does the hook return?",
        ),
        edit(
            "seen.append",
            "lambda grad: seen.append(2 * grad)",
            "each gradient",
        ),
        edit(
            "seen.append",
            "lambda grad: seen.__setitem__(slice(None), [grad])",
            "each backward should append",
        ),
        edit(
            "t.register_hook(seen.append)",
            "t.register_post_accumulate_grad_hook("
            "lambda t: seen.append(t.grad.clone()))",
            "each gradient itself",
        ),
        edits(
            ("return t", "t"),
            ("append)", "append)\n    return t.register_hook(print)"),
            hint="should be silent",
        ),
        edit(
            "seen.append",
            "lambda grad: seen.append(grad.detach())",
            "shares its memory",
        ),
        edits(
            ("return t", "t"),
            ("append)", "append)\n    return seen"),
            hint="return the handle",
        ),
    ],
    "7.2": [
        edit("(9, 6)", "(15, 6)", "only one passes the hook"),
        edit("(9, 6)", "(5, 2)", "without the hook"),
        edit("(9, 6)", "(9, 2)", "before the hook"),
        edit("(9, 6)", "(6, 6)", "through b"),
        edit("(9, 6)", "9", "two numbers"),
    ],
    "7.3": [
        edit(
            "lambda grad: grad.clamp(-limit, limit)",
            "lambda grad: None",
            "has to return",
        ),
        edit(
            "model.parameters()",
            "model.parameters() if p.ndim > 1",
            "biases are parameters",
        ),
        edit(
            "grad.clamp(-limit, limit)",
            "grad * min(1.0, limit / grad.norm().item())",
            "every number by itself",
        ),
        edit("grad.clamp(", "grad.clamp_(", "changes its argument"),
        edits(("return [", "handles = ["), hint="list of handles"),
        (limit_after_adding, "not what has added up"),
        (limit_nothing_for_good, "as usual"),
        edit("clamp(-limit, limit)", "clamp(max=limit)", "below -limit"),
        edit("model.parameters()", NOT_NESTED, "nested modules"),
    ],
    "7.4": [
        LEFT_IN_EVAL,
        edit("not list(module.children())", "True", "without children"),
        edit(
            FINALLY,
            "    finally:\n        for handle in []:\n            handle",
            "left behind",
        ),
        edits(
            (
                "    try:\n        model(X)\n" + FINALLY,
                "    model(X)\n    for handle in handles:\n        handle",
            ),
            hint="left behind",
        ),
        edit("(keep(name))", '(keep(f"model.{name}"))', "full names"),
        edit("output.shape", "args[0].shape", "this module's output"),
        edit("tuple(output.shape)", "output.shape", "a plain tuple"),
        edit("return found", "return list(found)", "a dictionary"),
        BACK_IN_TRAIN,
        (shapes_one_by_one, "your code raised"),
    ],
    "7.5": [
        edit("G.T @ X", "X.T @ G", "the gradient by W has shape"),
        edit("G.sum(0)", "G.mean(0)", "sum, do not average"),
        edit("G.sum(0)", "G.sum(1)", "the gradient by b has shape"),
        edit("G @ W,", "G,", "grad_input has shape"),
        edit("G @ W,", "G @ W / len(X),", "reaches all outputs"),
        edit("G.T @ X", "G.T @ X / len(X)", "adds up over the batch"),
        edit(", G.sum(0)", "", "three tensors"),
        (linear_by_autograd, "autograd is at work"),
        (linear_by_vjp, "autograd is at work"),
    ],
    "7.6": [
        (lambda module: [], "needs __enter__"),
        edit("self.handle.remove()", "pass", "hook should be gone"),
        edit(".clone()", "", "clone the outputs"),
        edit(".detach().clone()", ".clone()", "detach the outputs"),
        edit("output.detach()", "(2 * output).detach()", "outputs of the"),
        edit(
            "self.handle.remove()",
            "self.handle.remove()\n        return True",
            "should reach the caller",
        ),
        edit(
            "self.handle.remove()",
            "if error[0] is None:\n            self.handle.remove()",
            "left behind",
        ),
        edit("return outputs", "return tuple(outputs)", "return a list"),
        edit("outputs = []", "outputs = [None]", "before the block"),
        edit(
            "outputs.append(output.detach().clone())",
            "outputs.__setitem__(slice(None), [output.detach().clone()])",
            "every call",
        ),
        edit(
            "outputs.append(output.detach().clone())",
            "outputs.append(output.detach().clone()) or output.detach()",
            "what does the hook return?",
        ),
        edits(
            ("class Record:", "outputs = []\n\n\nclass Record:"),
            ("        outputs = []\n", ""),
            hint="list of its own",
        ),
    ],
    "7.7": [
        edit("defaults | kwargs", "kwargs | defaults", "should win"),
        edit("defaults | kwargs", "kwargs or defaults", "keep their defaults"),
        edit(
            "defaults | kwargs",
            "defaults.update(kwargs) or defaults",
            "from call to call",
        ),
        edit("defaults | kwargs", "kwargs", "gets the defaults"),
        edit("return ", "", "return the handle"),
        (defaults_for_good, "after remove()"),
        edit(
            "defaults | kwargs",
            "{k: kwargs.get(k) or v for k, v in defaults.items()}",
            "a 0 too",
        ),
        edit(
            "defaults | kwargs",
            "{k: kwargs.get(k, v) for k, v in defaults.items()}",
            "lost on the way",
        ),
    ],
    "7.8": [
        LEFT_IN_EVAL,
        edit(MEASURE, "(output == 0).float().mean()", "not single zeros"),
        edit(MEASURE, "(output == 0).all(0).float().mean()", "whole channels"),
        edit("model(X)\n", "model(X[:1])\n", "one example"),
        edit(MEASURE, "(1 - " + MEASURE + ")", "0 everywhere"),
        edit(
            "transpose(0, 1).flatten(1)",
            "flatten(2).transpose(0, 1)"
            ".flatten(1) if output.ndim > 2 else output",
            "are the units",
        ),
        edit(".item()", "", "see .item()"),
        edit("isinstance(module, nn.ReLU)", "name", "each ReLU"),
        edit("return shares", "return list(shares.values())", "a dictionary"),
        edit("handle.remove()", "pass", "left behind"),
        edits(
            (
                "    try:\n        with torch.no_grad():\n"
                "            model(X)\n" + FINALLY,
                "    model(X)\n    for handle in handles:\n        handle",
            ),
            hint="left behind",
        ),
        BACK_IN_TRAIN,
        edit(
            MEASURE,
            f"({MEASURE} if output.ndim > 2 "
            "else (output == 0).float().mean())",
            "are the units",
        ),
    ],
    "7.9": [
        edit(', size_guidance={"scalars": 0}', "", "keeps a sample"),
        edit(".step", ".value", "not the value"),
        edit(
            "return min(events, key=lambda event: event.value).step",
            "values = [event.value for event in events]\n"
            "    return values.index(min(values))",
            "do not count",
        ),
        edit("min(events,", "min(reversed(events),", "the first of"),
        edit("min(events", "max(events", "every event"),
    ],
    "7.10": [
        edits(
            ("velocity.get(p,", "velocity.get(p.shape,"),
            ("velocity[p]", "velocity[p.shape]"),
            hint="first step",
        ),
        edit("        p.grad = None\n", "", "left after backward"),
        edit(" + p.grad", " + (1 - momentum) * p.grad", "first step"),
        edit("velocity[p] = v", "velocity[p] = p.grad", "remember its v"),
        edit("model.parameters()", NOT_NESTED, "left after backward"),
    ],
    "7.11": [
        edit("(start + t * (X - start))", "(t * X)", "add up to the rise"),
        edit("k + 0.5", "k + 0.5 / steps", "add up to the rise"),
        edit(
            "(k + 0.5) / steps",
            "(k + (0.5 if steps > 1 else 0)) / steps",
            "half way",
        ),
        edit(
            "total += torch.autograd.grad(score, point)[0]",
            "score.backward()\n        total += point.grad",
            "own gradients",
        ),
        edits(
            (
                "total += torch.autograd.grad(score, point)[0]",
                "score.backward()\n        total += point.grad",
            ),
            ("    return", "    model.zero_grad()\n    return"),
            hint="own gradients",
        ),
        edit("* total / steps", "* total.mean(0) / steps", "add up to"),
        edit(
            "return (X - start) * total / steps",
            "return ((X - start) * total / steps).sum(1)",
            "has shape",
        ),
    ],
    "7.12": [
        edit(
            "        return output.clone()",
            "        return output",
            "after the in-place ReLU",
        ),
        edits(
            (
                "return output.clone()",
                "output.register_hook(seen.append)\n        return output",
            ),
            ("seen[0])\n", "list(model.parameters()))[:1]\n"),
            ("alpha = grad", "alpha = seen[1]"),
            hint="after the in-place ReLU",
        ),
        edit(".clamp(min=0)", "", "clipped at 0"),
        edit(".detach()", "", "detach the maps"),
        edits(
            (
                "grad(score, seen[0])",
                "grad(score, seen[0], retain_graph=True)",
            ),
            ("    alpha", "    score.backward()\n    alpha"),
            hint="own gradients",
        ),
        edit("    alpha", "    model.zero_grad()\n    alpha", "own gradients"),
        edit("gather(1, target[:, None])", "amax(1)", "weight each map"),
        edit(".sum(1).clamp", ".clamp", "stack of maps has shape"),
        edits(
            ("    with model", "    if True:\n        model"),
            ("(keep):\n        ", "(keep)\n        "),
            hint="left behind",
        ),
        edit("    seen = []\n", OFF + "    seen = []\n", "no longer in place"),
        edit(
            "model(X)",
            "model.requires_grad_(False)(X.clone().requires_grad_())",
            "no longer requires",
        ),
        edit("    score", "    model.train()\n    score", "of each module"),
        edit("submodule(layer)", 'submodule("2")', "stack of maps has shape"),
    ],
    "7.13": [
        LEFT_IN_EVAL,
        edit(
            'faults.append((name, "not finite"))',
            'faults.append((name, "dead"))',
            "comes first",
        ),
        edit("not output.isfinite().all()", "False", "the fault is None"),
        edit(
            "not output.isfinite().all()",
            "output.isnan().any()",
            "the fault is None",
        ),
        edit("not list(module.children())", "name", "with children was named"),
        edit("faults[0]", "faults[-1]", "comes first"),
        edit("faults[0]", "min(faults)", "in the order in which they run"),
        edit('"constant"', '"dead"', "the same of all examples"),
        edit(
            "(output == output[:1]).all()",
            "output.std(0).max() == 0",
            "one example",
        ),
        edit(
            "faults[0] if faults else None",
            "(faults + [()])[0]",
            "a healthy network",
        ),
        edit("            handle.remove()", "            pass", "left behind"),
        edits(
            (
                "    try:\n        with torch.no_grad():\n"
                "            model(X)\n" + FINALLY,
                "    model(X)\n    for handle in handles:\n        handle",
            ),
            hint="left behind",
        ),
        BACK_IN_TRAIN,
        edit(
            "(output == output[:1]).all()",
            "(output[0] == output[-1]).all()",
            "a healthy network",
        ),
    ],
    "7.14": [
        edit("high = score(clean)", "high = score(corrupt)", "is NaN"),
        edit("output.clone()", "output", "keep the values before"),
        edit(
            "((patched - low) / (high - low)).mean()",
            "((patched - low).mean() / (high - low).mean())",
            "mean of the ratios",
        ),
        edit("return shares", "return list(shares.values())", "a dictionary"),
        edit(".mean().item()", ".mean()", "see .item()"),
        edit("kept=kept: kept[0]\n", "kept=kept: output\n", "in their roles"),
        edits(
            ("@torch.no_grad()\n", ""),
            (
                "    return shares",
                "    score(clean).sum().backward()\n    return shares",
            ),
            hint="own gradients",
        ),
        edits(
            (
                "        with module.register_forward_hook(\n"
                "            lambda m, args, output, kept=kept: kept[0]\n"
                "        ):\n            patched = score(corrupt)",
                "        handle = module.register_forward_hook(\n"
                "            lambda m, args, output, kept=kept: kept[0]\n"
                "        )\n        patched = score(corrupt)",
            ),
            hint="part of the way",
        ),
        edit("    low, sh", OFF + "    low, sh", "no longer in place"),
        edit(
            "    low, shares",
            "    model.requires_grad_(False)\n    low, shares",
            "no longer requires",
        ),
        edit(
            "    return shares",
            "    model.train()\n    return shares",
            "of each module",
        ),
        edits(
            ("shares = score(corrupt)", "shares = score(clean)"),
            ("high = score(clean)", "high = score(corrupt)"),
            ("patched = score(corrupt)", "patched = score(clean)"),
            hint="in the run on corrupt",
        ),
    ],
}

# (old, new) texts of the solution: answers that are right too
RIGHT = {
    "7.11": [
        (  # for pictures only, all points in one batch
            """\
    total = torch.zeros_like(X)
    for k in range(steps):
        t = (k + 0.5) / steps
        point = (start + t * (X - start)).detach().requires_grad_()
        score = model(point).gather(1, target[:, None]).sum()
        total += torch.autograd.grad(score, point)[0]
    return (X - start) * total / steps
""",
            """\
    t = ((torch.arange(steps) + 0.5) / steps).view(-1, 1, 1, 1, 1)
    points = (start + t * (X - start)).flatten(0, 1).requires_grad_()
    score = model(points).gather(1, target.repeat(steps)[:, None]).sum()
    (grad,) = torch.autograd.grad(score, points)
    return (X - start) * grad.view(steps, *X.shape).mean(0)
""",
        ),
    ],
}

EQUAL = {
    "7.8": {
        "with torch.no_grad(): => with torch.enable_grad():": (
            "a graph is built and thrown away"
        ),
    },
    "7.10": {
        "@torch.no_grad() => ": "backward already runs without recording",
    },
    "7.11": {
        "point = (start + t * (X - start)).detach().requires_grad_() => "
        "point = start + t * (X - start).requires_grad_()": (
            "the point needs not be a leaf"
        ),
    },
    "7.13": {
        "with torch.no_grad(): => with torch.enable_grad():": (
            "a graph is built and thrown away"
        ),
    },
    "7.14": {
        "@torch.no_grad() => ": "a graph is built and thrown away",
    },
}
