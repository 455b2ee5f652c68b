"""Wrong answers for chapter 8 with a part of the hint that each must get."""

import torch
import torch.nn.functional as F

from solutions import edit, edits


def groups_by_name(model, weight_decay):
    named = list(model.named_parameters())
    decay = [p for name, p in named if name.endswith("weight")]
    rest = [p for name, p in named if not name.endswith("weight")]
    return [
        {"params": decay, "weight_decay": weight_decay},
        {"params": rest, "weight_decay": 0.0},
    ]


def squared(W, steps):
    v = torch.ones(W.shape[1], dtype=W.dtype)
    for _ in range(steps):
        v = F.normalize(W.T @ (W @ v), dim=0)
    return v @ (W.T @ (W @ v))


def overflows(W, steps):
    v = torch.ones(W.shape[1], dtype=W.dtype)
    for _ in range(steps):
        v = W.T @ (W @ v)
    return (W @ v).norm() / v.norm()


def starts_on_the_other_side(W, steps):
    u = F.normalize(torch.ones(W.shape[0], dtype=W.dtype), dim=0)
    for _ in range(steps):
        v = F.normalize(W.T @ u, dim=0)
        u = F.normalize(W @ v, dim=0)
    return u @ W @ v


def by_autograd(dY, X, eps):
    with torch.enable_grad():
        X = X.clone().requires_grad_()
        Y = F.batch_norm(X, None, None, training=True, eps=eps)
        return torch.autograd.grad(Y, X, dY)[0]


WRONG = {
    "8.1": [
        edit(", correction=0", "", "N - 1"),
        (lambda X: F.layer_norm(X, X.shape), "each feature has its own"),
        (lambda X: F.layer_norm(X, X.shape[1:]), "each example"),
        edit("(var + 1e-5).sqrt()", "(var.sqrt() + 1e-5)", "eps belongs"),
        edit(" / (var + 1e-5).sqrt()", "", "biased variance 1"),
        edit("(X - X.mean", "X.sub_(X.mean", "changes its input"),
        edit(
            "(X - X.mean(dim=0)) / (var + 1e-5).sqrt()",
            "X.tolist()",
            "should be a tensor",
        ),
    ],
    "8.2": [
        edit("lr * weight_decay", "weight_decay", "learning rate is missing"),
        (lambda w, lr, wd, n: w - lr * n, "Adam with L2"),
        (lambda w, lr, wd, n: w * (1 - n * lr * wd), "a power"),
        edit("** steps", "** (steps - 1)", "the same factor"),
    ],
    "8.3": [
        edit('"batch": C', '"batch": N * C', "batch norm has one"),
        edit('"layer": N', '"layer": C', "layer norm has one"),
        edit("N * num_groups", "N * C // num_groups", "example and group"),
        edit("N * H * W", "H * W", "each position"),
        edit('"instance": N * C', '"instance": C', "example and channel"),
        edit("num_groups=1", "num_groups=2", "there is one group"),
    ],
    "8.4": [
        edit(
            "(1 - weight) * running + weight * mean",
            "weight * running + (1 - weight) * mean",
            "weighs the new value",
        ),
        edit(
            "(1 - weight) * running + weight * mean",
            "(1 - weight) * running + weight * mean if count > 1 else mean",
            "starts from 0",
        ),
        edit("1 / count", "0.1", "counts the same"),
        edit("running = 0.0", "running = 1.0", "mixes the old value"),
        edit(
            "1 / count if momentum is None else momentum",
            "momentum or 1 / count",
            "0 is a number",
        ),
    ],
    "8.5": [
        edits(
            ("X.movedim(1, -1)", "X"),
            ("y.movedim(-1, 1)", "y"),
            hint="rows of pixels",
        ),
        edit("weight, bias, eps)", "None, None, eps)", "not used"),
        edit("y.movedim(-1, 1)", "y.reshape(X.shape)", "its own mean over"),
        edit(".movedim(-1, 1)", "", "has shape"),
        edit("weight, bias, eps)", "weight, bias, 1e-6)", "should be 1.0"),
        edit("eps=1e-6", "eps=1e-5", "should be 1e-06"),
        edits(
            ("weight, bias, eps)", "eps=eps)"),
            ("y.movedim(-1, 1)", "y.movedim(-1, 1) * weight + bias"),
            hint="on axis 1",
        ),
    ],
    "8.6": [
        (groups_by_name, "got decay 0.25"),
        edit(', "weight_decay": 0.0', "", "optimizer's default"),
        (
            lambda model, weight_decay: [
                {"params": model.parameters(), "weight_decay": weight_decay}
            ],
            "two dictionaries",
        ),
        edit(
            "[p for p in model.parameters() if p.dim() <= 1]",
            "model.parameters()",
            "in both groups",
        ),
        edit("p.dim() <= 1", "p.dim() == 1", "in no group"),
        edits(
            ("[p for p in model.parameters() if p.dim() > 1]", "['0.weight']"),
            hint="not names",
        ),
    ],
    "8.7": [
        edit(
            "one_hot + eps / num_classes",
            "one_hot + eps * (1 - one_hot) / (num_classes - 1)",
            "the right one included",
        ),
        edit("eps / num_classes", "eps", "sum to 1"),
        (lambda y, K, eps: F.one_hot(y, K), "dtype"),
        edit(
            "(1 - eps) * one_hot + eps / num_classes",
            "eps * one_hot + (1 - eps) / num_classes",
            "mix the one-hot",
        ),
    ],
    "8.8": [
        edits(
            ("a * (var_a + mean_a**2)", "a * var_a"),
            ("b * (var_b + mean_b**2)", "b * var_b + mean**2"),
            hint="between the two means",
        ),
        edit("n_a / (n_a + n_b), n_b / (n_a + n_b)", "0.5, 0.5", "weigh them"),
        edit("a, b =", "b, a =", "a weighted mean of means"),
        edit("square - mean**2", "square", "less the squared mean"),
        edit(
            "square - mean**2",
            "(square - mean**2) * (n_a + n_b) / (n_a + n_b - 1)",
            "divide by N",
        ),
        edit("return mean, square - mean**2", "return mean", "two values"),
        edit("return mean,", "return mean.tolist(),", "the mean should be"),
        edit(
            "square - mean**2",
            "(square - mean**2).tolist()",
            "the variance should be",
        ),
    ],
    "8.9": [
        edit(
            "(bias - bn.running_mean) * scale",
            "bias - bn.running_mean",
            "look at the bias",
        ),
        edit(
            "(bn.running_var + bn.eps).sqrt()", "bn.running_var", "square root"
        ),
        edit(
            "nn.Linear(linear.in_features, linear.out_features)",
            "linear",
            "make a new one",
        ),
        edit("return folded", "pass", "is a return missing"),
        edit("scale[:, None]", "scale[: len(linear.weight[0])]", "a row of"),
        edits(
            ("out_features)", "out_features, linear.bias is not None)"),
            ("folded.bias.copy_", "folded.bias is None or folded.bias.copy_"),
            hint="needs a bias",
        ),
    ],
    "8.10": [
        edit(
            "self.best, self.waited = loss, 0",
            "self.best = loss",
            "a new best loss should never",
        ),
        edit("self.waited += 1", "self.waited += self.patience", "one bad"),
        edit("loss, 0", "loss, self.waited - 1", "resets the count"),
        edits(
            ("loss < self.best", "loss < getattr(self, 'last', loss + 1)"),
            ("self.best, self.waited = loss, 0", "self.waited = 0"),
            (
                "return self.waited",
                "self.last, self.best = loss, min(loss, self.best)\n"
                "        return self.waited",
            ),
            hint="not with the one before",
        ),
        edit(">= self.patience", "> self.patience", "two calls in a row"),
        edit(">= self.patience", ">= 2", "with patience 3"),
        edit("def step", "def update", "a method step"),
        edit(
            "self.waited >= self.patience",
            "int(self.waited >= self.patience)",
            "True or False",
        ),
        edits(
            ("self.best = float", "self.low = float"),
            ("loss < self.best", "loss < self.low"),
            ("self.best, self", "self.low, self"),
            hint="best is missing",
        ),
        edits(
            ("self.best, self.waited = loss, 0", "self.waited = 0"),
            (
                "return self.waited",
                "self.best = loss\n        return self.waited",
            ),
            hint="the best loss so far",
        ),
    ],
    "8.11": [
        edit("    model.eval()\n", "    model.train()\n", "dropout off"),
        edit("norm.reset_running_stats()", "pass", "reset them"),
        edit("norm.train()", "pass", "in train mode"),
        edit("norm.momentum = momentum", "pass", "old momentum"),
        edit("norm.momentum = None", "pass", "is momentum None"),
        edit("reset_running_stats", "reset_parameters", "only running"),
        edit("model.modules()", "model.children()", "found by modules()"),
        edit("| nn.BatchNorm2d | nn.BatchNorm3d", "| nn.BatchNorm2d", "three"),
        edit("nn.BatchNorm1d | ", "", "three kinds"),
        edit("return model.eval()", "model.eval()", "a return missing"),
        edit("return model.eval()", "return model", "in eval mode"),
        edit(
            "    model.eval()\n",
            "    model = type(model)(*model).eval()\n",
            "the model itself",
        ),
        edit(
            "    model.eval()\n",
            "    for module in model.train().modules():\n"
            "        if isinstance(module, nn.Dropout):\n"
            "            module.eval()\n",
            "dropout off",
        ),
        edit(
            "    model.eval()\n",
            "    for module in model.eval().modules():\n"
            "        module.p = 0.0\n",
            "drop as before",
        ),
    ],
    "8.12": [
        (lambda W, steps: W.norm(), "Frobenius"),
        (squared, "square of it"),
        (overflows, "NaN"),
        (starts_on_the_other_side, "from equal numbers"),
        edit("range(steps)", "range(1)", "does not reach"),
        edit("u @ W @ v", "(u @ W @ v).item()", "should be a tensor"),
        edit(", dtype=W.dtype", "", "your code raised"),
    ],
    "8.13": [
        edit(
            "(dY - dY.mean(dim=0) - X_hat * along) / std",
            "dY / std",
            "no constants",
        ),
        edit(" - X_hat * along", "", "so does the variance"),
        edit(", correction=0", "", "is off"),
        edit(" - dY.mean(dim=0)", "", "columns should sum to 0"),
        edit("return (dY", "(dY", "is a return missing"),
        (by_autograd, "autograd is at work"),
    ],
    "8.14": [
        edit("factor**2", "factor", "must move 4 times as far"),
        edit("lr * factor**2", "lr", "must move 4 times as far"),
        edit("weight.mul_(factor)", "pass", "not 4 times as long"),
        edit("nn.Linear | nn.Conv2d", "nn.Linear", "not 4 times as long"),
        edit(
            "\n        and isinstance(after, norms)", "", "else was lengthened"
        ),
        edit(
            "[p for p in model.parameters() if all(p is not w for w in long)]",
            "[]",
            "in exactly one group",
        ),
        edit('{"params": rest, "lr": lr}', '{"params": rest}', '"lr"'),
    ],
    "8.15": [
        edit("return model.eval()", "return model", "in eval mode"),
        edit("return model.eval()", "model.eval()", "a return missing"),
        edit(
            "torch.cat([X, X_val]), torch.cat([y, y_val])",
            "X_val, y_val",
            "of unseen digits",
        ),
        edits(
            ("nn.Dropout(0.6)", "nn.Dropout(0.0)"),
            ("weight_decay=2.0", "weight_decay=0.0"),
            hint="by heart",
        ),
        edit("nn.Linear(128, 10)", "nn.Linear(128, 11)", "has shape"),
        edit("        optimizer.step()\n", "", "of unseen digits"),
    ],
}

# (old, new) texts of the solution: answers that are right too
RIGHT = {
    "8.14": [
        (
            '{"params": long, "lr": lr * factor**2}',
            '*({"params": w, "lr": lr * factor**2} for w in long)',
        ),
    ],
}

EQUAL = {
    "8.7": {
        "one_hot = F.one_hot(y, num_classes).float() => "
        "one_hot = F.one_hot(y, num_classes)": (
            "a float times an int64 tensor is float32 anyway"
        ),
    },
    "8.10": {
        "self.patience, self.waited = patience, 0 => "
        "self.patience, self.waited = patience, 1": (
            "the first loss is below infinity and sets the count to 0"
        ),
    },
    "8.11": {
        "@torch.no_grad() => ": "running statistics never carry a graph",
    },
    "8.15": {
        "model = nn.Sequential( nn.Linear(64, 128), nn.ReLU(), "
        "nn.Dropout(0.6), nn.Linear(128, 10) ) => model = "
        "nn.Sequential(nn.ReLU(), nn.Linear(64, 128), nn.Dropout(0.6), "
        "nn.Linear(128, 10))": "a linear network reads as many digits",
        "optimizer = torch.optim.AdamW(model.parameters(), 5e-3, "
        "weight_decay=2.0) => optimizer = "
        "torch.optim.AdamW(model.parameters(), 5e-3)": (
            "the dropout alone is just enough"
        ),
        "optimizer = torch.optim.AdamW(model.parameters(), 5e-3, "
        "weight_decay=2.0) => optimizer = "
        "torch.optim.AdamW(model.parameters(), 0.0075, "
        "weight_decay=2.0)": ("a larger rate does as well"),
        "optimizer = torch.optim.AdamW(model.parameters(), 5e-3, "
        "weight_decay=2.0) => optimizer = "
        "torch.optim.AdamW(model.parameters(), 5e-3, weight_decay=3.0)": (
            "more decay does as well"
        ),
        "for _ in range(60): => for _ in range(60 - 1):": ("one step less"),
        "for _ in range(60): => for _ in range(59):": ("one step less"),
        "for _ in range(60): => for _ in range(61):": ("one step more"),
    },
}
