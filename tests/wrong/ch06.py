"""Wrong answers for chapter 6 with a part of the hint that each must get."""

import torch
from torch import optim

from solutions import edit, edits


def schedule_rates(optimizer, factor):
    optim.lr_scheduler.LambdaLR(optimizer, lambda t: factor)


def one_group(model, lr, weight_decay):
    return optim.AdamW(model.parameters(), lr=lr, weight_decay=weight_decay)


def power(loss_fn, w):
    v = torch.ones_like(w)
    for _ in range(300):
        v = torch.func.jvp(torch.func.grad(loss_fn), (w,), (v / v.norm(),))[1]
    return v.norm().item()


def whole_hessian(loss_fn, w):
    hessian = torch.func.hessian(loss_fn)(w)
    return 2 / torch.linalg.eigvalsh(hessian).max().item()


def whole_hessian_by_rows(loss_fn, w):
    hessian = torch.autograd.functional.hessian(loss_fn, w)
    return 2 / torch.linalg.eigvalsh(hessian).max().item()


WRONG = {
    "6.1": [
        edit("w.numel()", "1", "not the tensors"),
        edit(
            'group["params"]',
            'group["params"] if w.ndim > 1',
            "biases are trained",
        ),
        edit("w.numel()", "w.shape[0]", "4 * 3 weights"),
        edit("optimizer.param_groups", "optimizer.param_groups[:1]", "groups"),
    ],
    "6.2": [
        edit("1 / c, 2 / c", "2 / c, 2 / c", "does not reach 0"),
        edit("1 / c, 2 / c", "1 / c, 1 / c", "lands at -x"),
        edit("1 / c, 2 / c", "1 / c", "two numbers"),
    ],
    "6.3": [
        edit("param_groups", "param_groups[:1]", "more than one group"),
        edit("*=", "*", "did not change"),
        edit("= factor", '= group["lr"] * factor', "its own old rate"),
        edit(
            "= factor",
            '= factor\n        group["weight_decay"] *= factor',
            "only the rates",
        ),
        edit(
            "for group in optimizer.param_groups",
            "for group in [optimizer.defaults, *optimizer.param_groups]",
            "only the rates",
        ),
        (schedule_rates, "only the rates"),
        edit(
            "*= factor",
            "*= factor\n    optimizer.zero_grad()",
            "only the rates",
        ),
    ],
    "6.4": [
        edit("momentum * v + 1", "1", "without momentum"),
        edit("v + 1", "v + 1 - momentum", "first step is lr long"),
        edit("+= lr", "-= lr", "is positive"),
        edit("total += lr * v", "total = lr * v", "adds up"),
    ],
    "6.5": [
        edit("optim.AdamW", "optim.Adam", "an AdamW"),
        (one_group, "two groups"),
        edit(" if w.requires_grad", "", "requires no gradient"),
        edits(
            ("w.ndim >= 2", "w.ndim == 2"),
            ("w.ndim < 2", "w.ndim != 2"),
            hint="a kernel has four",
        ),
        edits(
            ("w.ndim >= 2", "w.ndim != 1"),
            ("w.ndim < 2", "w.ndim == 1"),
            hint="one axis or none",
        ),
        edit('": weight_decay}', '": 0.0}', "should be decayed"),
        edit(', "weight_decay": 0.0', "", "decays by default"),
        edits(
            ('": weight_decay', '": weight_decay, "lr": lr'),
            ("        lr=lr,\n", ""),
            hint="arrive in both groups",
        ),
    ],
    "6.6": [
        edit("(t + 1)", "t", "should not be 0"),
        edit("(t + 1) / warmup", "(t + 1) / (warmup + 1)", "the warm-up is"),
        edit("(t - warmup) / (total - warmup)", "t / total", "start at 1"),
        edit("(1 + math.cos(math.pi * done)) / 2", "1 - done", "half cosine"),
    ],
    "6.7": [
        edit(" * (len(y) / examples)", "", "without a weight"),
        edit("len(y) / examples", "1 / len(batches)", "differ in size"),
        edit("    optimizer.zero_grad()\n", "", "old gradients"),
        edit(
            "        loss.backward",
            "        optimizer.zero_grad()\n        loss.backward",
            "of the last batch",
        ),
        edit("    optimizer.step()\n", "", "did not move"),
        edit(
            "loss.item()\n",
            "loss.item()\n        optimizer.step()\n",
            "only one optimizer step",
        ),
        edits(
            ("    total = 0.0", "    total, old = 0.0, 0.0"),
            ("loss.item()", "loss.item() / len(batches)"),
            hint="mean over all examples",
        ),
    ],
    "6.8": [
        edit(
            'torch.maximum(s.get("top", s["v"]), s["v"])',
            's["v"]',
            "plain Adam",
        ),
        edits(
            (
                's.get("top", s["v"]), s["v"])',
                's.get("top", 0 * g), s["v"] / (1 - betas[1] ** t))',
            ),
            ('top = s["top"] / (1 - betas[1] ** t)', 'top = s["top"]'),
            hint="uncorrected",
        ),
        edit(
            '    m = s["m"] / (1 - betas[0] ** t)',
            '    m = s["m"]',
            "that of Adam",
        ),
        edit('    t = s["t"]', '    s = {}\n    t = s["t"]', "stayed empty"),
        edit("    m = s", '    s["v"] = s["top"]\n    m = s', "uncorrected"),
    ],
    "6.9": [
        edit("1 - self.decay", "self.decay", "1 - decay to the new"),
        edit(".detach().clone()", "", "is a copy missing"),
        edits(
            ("    @torch.no_grad()\n", ""),
            (
                "self.mean[name].lerp_(w,",
                "self.mean[name] = self.mean[name].lerp(w,",
            ),
            hint="hang on the graph",
        ),
        edit(
            "1 - self.decay)",
            "1 - self.decay)\n            w.copy_(self.mean[name])",
            "changes the model",
        ),
        edit(
            "return self.mean",
            "return list(self.mean.values())",
            "a dictionary",
        ),
        edit(
            "w.detach().clone() for name, w in model.named_parameters()",
            "w.clone() for name, w in model.state_dict().items()",
            "names of the parameters",
        ),
        edits(
            ("self.decay = decay", "self.model, self.decay = model, decay"),
            (
                "in model.named_parameters():",
                "in self.model.named_parameters():",
            ),
            hint="the model that it is given",
        ),
    ],
    "6.10": [
        edit("    model.train()\n", "", "evaluation mode"),
        edits(
            ("        scheduler.step()\n", ""),
            ("    return total", "    scheduler.step()\n    return total"),
            hint="stepped 1 times",
        ),
        edit("        optimizer.step()\n", "", "did not move"),
        edit(
            "        nn.utils.clip_grad_norm_(model.parameters(), max_norm)\n",
            "",
            "check the order",
        ),
        edit("        optimizer.zero_grad()\n", "", "check the order"),
        edit("total / examples", "total / len(batches)", "all examples"),
        edits(
            (" * len(y)", ""),
            ("total / examples", "total / len(batches)"),
            hint="number of examples",
        ),
        edit(
            "nn.utils.clip_grad_norm_(model.parameters(), max_norm)",
            "grads = [w.grad for w in model.parameters()]\n"
            "        norm = sum(g.square().sum() for g in grads).sqrt()\n"
            "        for g in grads:\n"
            "            g *= max_norm / norm",
            "below max_norm stays",
        ),
    ],
    "6.11": [
        (lambda params, lr: [params], "a subclass"),
        edit("(params, defaults)", '(params, {"lr": lr})', "in the groups"),
        edit("(0.9, 0.99)", "(0.9, 0.999)", "their defaults"),
        edits(
            ('betas"][0]', 'betas"][2 - 1]'),
            ('betas"][1])', 'betas"][0])'),
            hint="which beta",
        ),
        edit('(step + group["weight_decay"] * w)', "step", "decay comes on"),
        edit("w -= group", "w - group", "does not change"),
        edits(
            ("if w.grad is None", "if False"),
            (
                "    @torch",
                "    @staticmethod\n    def slope(w):\n"
                "        return w if w.grad is None else w.grad\n\n    @torch",
            ),
            ("m.lerp(w.grad", "m.lerp(self.slope(w)"),
            ("m.lerp_(w.grad", "m.lerp_(self.slope(w)"),
            hint="without gradient moved",
        ),
        edits(
            ('if "m" not in self.state[w]', 'if "M" not in self.state[w]'),
            ('self.state[w]["m"] = torch', 'self.state[w]["M"] = torch'),
            ('m = self.state[w]["m"]', 'm = self.state[w]["M"]'),
            hint='self.state[w]["m"]',
        ),
        edit("return loss", "return None", "what step(closure) returns"),
        edits(
            (
                "        return loss",
                "        if closure is not None:\n"
                "            with torch.enable_grad():\n"
                "                return closure()",
            ),
            hint="before the step",
        ),
        edit("loss = closure()", "return closure()", "closure) does not"),
        edit(
            "loss = closure()",
            "loss = closure() + 0 * closure()",
            "called 2 times",
        ),
        edit(
            '(step + group["weight_decay"] * w)',
            '(step + self.defaults["weight_decay"] * w)',
            "of each group",
        ),
    ],
    "6.12": [
        (power, "the eigenvalue"),
        (lambda f, w: 1 / power(f, w), "half of the border"),
        edit("2 / largest", "-2 / largest", "within one percent"),
        edit("rounds=100", "rounds=1", "converge"),
        (whole_hessian, "whole Hessian"),
        (whole_hessian_by_rows, "whole Hessian"),
    ],
    "6.13": [
        edit("    model.zero_grad()\n", "", "an old gradient"),
        edit("model.zero_grad()", "optimizer.zero_grad(False)", "a reason"),
        edit(
            "not w.equal(before[name])",
            "w in rates and w.grad is not None and w.grad.any() and rates[w]",
            "weight decay moves",
        ),
        edit("return reasons", "return set(reasons)", "a dictionary"),
        edit(
            "not w.requires_grad:",
            "not w.requires_grad and w in rates:",
            "a reason is wrong",
        ),
        edit(
            "w not in rates:",
            "w not in rates and w.grad is not None:",
            "a reason is wrong",
        ),
        edit(
            "w.grad is None:",
            "w.grad is None and rates[w]:",
            "a reason is wrong",
        ),
        edit(
            "for name, w in model.named_parameters():",
            'for name, w in model.head.named_parameters(prefix="head"):',
            "an old gradient",
        ),
        edits(
            (
                "        elif w not in rates:\n",
                "        elif name in rates:\n",
            ),
            hint="your code raised",
        ),
        edit(
            '"zero gradient" if rates[w] else "rate 0"',
            '"zero gradient"',
            "a reason is wrong",
        ),
        edit(
            "            w.data.copy_(before[name])",
            "            continue",
            "old values again",
        ),
        edit(
            "    return reasons",
            '    reasons.pop("gain")\n    return reasons',
            "the names should be",
        ),
    ],
    "6.14": [
        edit("        model.eval()\n", "", "evaluation mode"),
        edit("        torch.manual_seed(seed)\n", "", "seeded"),
        edit(
            "losses[len(losses) // 2]",
            "sum(losses) / len(losses)",
            "this is the mean",
        ),
        edit("for seed in seeds", "for seed in seeds[-1:]", "only one of"),
        edit(" if math.isfinite(loss) else math.inf", "", "not finite"),
        edit("min(medians,", "max(medians,", "smallest median"),
        edit(", medians\n", "\n", "a pair is asked for"),
        edit(", medians\n", ", list(medians.values())\n", "each rate once"),
        edit("(val[0]), val[1]", "(train[0]), train[1]", "seeded"),
    ],
}

# (old, new) texts of the solution: answers that are right too
RIGHT = {
    "6.9": [
        (
            "return self.mean",
            "return {n: nn.Parameter(w) for n, w in self.mean.items()}",
        ),
    ],
}

ROUNDS = "one round more or less of a hundred"
SAME_START = "any start finds the largest eigenvalue"
EQUAL = {
    "6.10": {
        "nn.utils.clip_grad_norm_(model.parameters(), max_norm) => "
        "nn.utils.clip_grad_norm(model.parameters(), max_norm)": (
            "the old name of the same function"
        ),
    },
    "6.12": {
        "def largest_rate(loss_fn, w, rounds=100): => "
        "def largest_rate(loss_fn, w, rounds=99):": ROUNDS,
        "def largest_rate(loss_fn, w, rounds=100): => "
        "def largest_rate(loss_fn, w, rounds=101):": ROUNDS,
        "for _ in range(rounds): => for _ in range(rounds - 1):": ROUNDS,
        "generator = torch.Generator().manual_seed(0) => "
        "generator = torch.Generator().manual_seed(1)": SAME_START,
        "v = torch.randn(w.shape, generator=generator, dtype=w.dtype) => "
        "v = torch.rand(w.shape, generator=generator, dtype=w.dtype)": (
            SAME_START
        ),
        "v = torch.randn(w.shape, generator=generator, dtype=w.dtype) => "
        "v = torch.randn(w.shape, dtype=w.dtype)": SAME_START,
    },
    "6.13": {
        "before = {name: w.detach().clone() for name, w in "
        "model.named_parameters()} => before = {name: w.clone() for name, w "
        "in model.named_parameters()}": "the copies are only read",
    },
    "6.14": {
        "with torch.no_grad(): => with torch.enable_grad():": (
            "a graph is built and thrown away"
        ),
    },
}
