"""Wrong answers for chapter 11 with a part of the hint that each must get."""

import torch
import torch.nn.functional as F

from solutions import edit, edits


def one_batch(G, D, optimizer_G, optimizer_D, real, z):
    fake = G(z)
    logits = D(torch.cat([real, fake.detach()]))
    n = len(real)
    loss = F.softplus(-logits[:n]).mean() + F.softplus(logits[n:]).mean()
    optimizer_D.zero_grad()
    loss.backward()
    optimizer_D.step()
    optimizer_G.zero_grad()
    F.softplus(-D(fake)).mean().backward()
    optimizer_G.step()
    D.zero_grad()


def resampled(fakes, logits, score, generator):
    ratio = (logits - logits.max()).exp()
    kept = torch.multinomial(ratio, 600, True, generator=generator)
    order = torch.randperm(len(fakes), generator=generator)
    return score(fakes), score(fakes[kept]), score(fakes[order[:600]])


def one_by_one(p, q):
    pairs = zip(p, q, strict=True)
    return torch.tensor([a / (a + b) if a + b > 0 else 0.5 for a, b in pairs])


WRONG = {
    "11.1": [
        edit(".item()", ".item() / 2", "the mean of the two parts"),
        edit("-(np", "(np", "never negative"),
        edit("np.log(0.7)", "np.log(0.3)", "what does a fake cost"),
        (torch.tensor(1.5606), "see .item()"),
    ],
    "11.2": [
        edit("p / total", "q / total", "probability of being fake"),
        edit("total > 0", "total >= 0", "NaN"),
        edit("p / total", "p", "which share"),
        edit("total, 0.5)", "total, 0.0)", "should be 0.5"),
        edit("total, 0.5)", "total, 0.5).tolist()", "it is a list"),
        edit(
            "torch.where(total > 0, p / total, 0.5)",
            "(p + 1e-8) / (total + 2e-8)",
            "both are tiny",
        ),
        (one_by_one, "your code raised"),
    ],
    "11.3": [
        edit(
            "F.softplus(fake_logits)",
            "(F.softplus(fake_logits) - (1 - label) * fake_logits)",
            "only the real label",
        ),
        edit("(real_logits, label)", "(real_logits, 0.9)", "`label` is not"),
        edit("(real_logits, label)", "(real_logits, 1.0)", "not smoothed"),
        edit(
            "F.softplus(fake_logits)",
            "-(1 - fake_logits.sigmoid()).log()",
            "stable at 40",
        ),
        edit("(fake_logits).mean()", "(fake_logits)", "has shape (2,)"),
    ],
    "11.4": [
        edit(
            "(size - 1) * stride - 2 * padding + kernel",
            "(size + 2 * padding - kernel) // stride + 1",
            "the other way",
        ),
        edit("(size - 1) * stride", "size * stride", "does not give this"),
        edit("    return size", "        return size", "does not give this"),
        edit("size=1", "size=4", "starts at 1"),
    ],
    "11.5": [
        edit("F.relu(1 - real_scores)", "(1 - real_scores)", "cost nothing"),
        edit("F.relu(1 + fake_scores)", "(1 + fake_scores)", "cost nothing"),
        edit("-fake", "F.relu(1 - fake_scores).mean() + 0 * fake", "cut off"),
        edit("return loss_D, -fake_scores.mean()", "return loss_D", "two"),
    ],
    "11.6": [
        edit("1.0, 0.02", "0.0, 0.02", "should have the mean 1"),
        edit(
            "isinstance(module, (nn.Conv2d, nn.ConvTranspose2d))",
            '"Conv" in type(module).__name__',
            "something else has changed",
        ),
        edit("model.modules()", "model", "inside other containers"),
        edit("(nn.Conv2d, nn.ConvTranspose2d)", "nn.Conv2d", "of all kinds"),
        edit(
            "normal_(module.weight, 0.0, 0.02)",
            "uniform_(module.weight, -0.03464, 0.03464)",
            "are not normal",
        ),
        edit("            nn.init.zeros_(module.bias)\n", "", "biases of a"),
        edit(
            "nn.ConvTranspose2d)", "nn.ConvTranspose2d, nn.Linear)", "linear"
        ),
        edit("    return model\n", "", "is a return missing"),
        edit("return model", "return nn.Sequential(model)", "the same model"),
        edit(
            "model.modules():\n",
            "model:\n"
            "        if isinstance(module, nn.Sequential):\n"
            "            dcgan_init(module)\n",
            "inside other containers",
        ),
        edit("return model", "return model.eval()", "the mode of the model"),
        edit("return model", "return model.requires_grad_(False)", "frozen"),
    ],
    "11.7": [
        edit("[X, maps]", "[maps, X]", "the picture itself"),
        edit(
            "F.one_hot(y, num_classes)",
            "y[:, None].expand(-1, num_classes)",
            "all ones",
        ),
        edit("F.one_hot(y, num_classes)", "F.one_hot(y)", "(4, 7, 3, 5)"),
        edit("dim=1)", "dim=1).float()", "not torch.float64"),
    ],
    "11.8": [
        edit("nearest[distance <= radius]", "nearest", "too far from every"),
        edit("(samples, centres)", "(samples, centres, 1)", "straight line"),
        edit(
            "(samples, centres)",
            "(samples, centres, float('inf'))",
            "straight",
        ),
        edit("<= radius", "< radius", "exactly the radius"),
        edits(
            ("distance, nearest = torch", "distance = torch"),
            (".min(dim=1)", ""),
            (
                "hit = nearest[distance <= radius]",
                "hit = (distance <= radius).nonzero()[:, 1]",
            ),
            hint="nearest centre only",
        ),
        edit("counts >= least", "counts > 0", "need `least` samples"),
        edit("int((counts >= least).sum())", "(counts >= least).sum()", "int"),
        edit("centres).min(", "centres).square().min(", "straight line"),
    ],
    "11.9": [
        edit('name.removeprefix("module.")', "name[7:]", "your code raised"),
        edit(
            'name.removeprefix("module.")',
            'name.replace("module.", "")',
            "your code raised",
        ),
        edit("(clean)", "(state, strict=False)", "strict=False"),
        edit(
            "    model.load_state_dict(clean)\n",
            "    for name, p in model.named_parameters():\n"
            "        p.data = clean[name]\n"
            "    if len(clean) < len(model.state_dict()):\n"
            "        raise KeyError\n",
            "keeps its old weights",
        ),
        edit(
            'name.removeprefix("module.")',
            'name.replace("module.", "", 1)',
            "your code raised",
        ),
        edit("(clean)", "(clean, strict=False)", "should raise"),
        edit(
            'clean = {name.removeprefix("module."): x for name, x in '
            "state.items()}",
            "clean = state\n    for name in list(state):\n"
            '        state[name.removeprefix("module.")] = state.pop(name)',
            "changes its input",
        ),
        edit("    return model\n", "", "is a return missing"),
        edit(
            "model.load_state_dict(clean)\n    return model",
            "return model.load_state_dict(clean)",
            "the model that was given",
        ),
    ],
    "11.10": [
        edit("0.5 * unseen", "unseen", "compare with one half"),
        edit("pool.flatten(1))", "pool.flatten(1), 1)", "one pixel"),
        edit(
            "pool.flatten(1))", "pool.flatten(1), float('inf'))", "one pixel"
        ),
        edit("seen < ", "seen <= ", "strictly less"),
        edit(".item()", "", "see .item()"),
        edit(
            "samples.flatten(1), pool.flatten(1)",
            "samples[:, 0].flatten(1), pool[:, 0].flatten(1)",
            "and channels",
        ),
        edit(".amin(dim=1)", ".square().amin(dim=1)", "not their squares"),
    ],
    "11.11": [
        edit(
            ".pow(2).sum(dim=1)",
            ".norm(dim=1).sub(1).pow(2)",
            "no 1 is subtracted",
        ),
        edit(".pow(2).sum(dim=1)", ".norm(dim=1)", "its square"),
        edit(", create_graph=True", "", "nothing can be trained"),
        edit(".pow(2).sum(dim=1)", ".pow(2)", "has the penalty 36"),
        edit("logits.sum()", "logits.mean()", "has the penalty 36"),
        edit(".flatten(1)", "", "sum over all pixels"),
        edit(".sum(dim=1).mean()", ".sum(dim=1)", "has shape (5,)"),
        edit(".detach().clone()", "", "changes its input"),
        edit(
            ".pow(2)",
            ".mul(slope.flatten(1).detach())",
            "gradient of the penalty",
        ),
        edit(
            "(slope,) = torch.autograd.grad(logits.sum(), real, "
            "create_graph=True)",
            "logits.sum().backward(create_graph=True)\n    slope = real.grad",
            "leaves gradients in D",
        ),
    ],
    "11.12": [
        edit("(gap + C1", "(C1", "shifted by 3"),
        edit(
            "(gap + C1.trace() + C2.trace() - 2 * root)",
            "gap",
            "first axis doubled",
        ),
        edit(
            "torch.linalg.eigvalsh(S @ C2 @ S)",
            "(C1.diag() * C2.diag())",
            "correlated features",
        ),
        edits(
            ("values.clamp(min=0)", "values"),
            ("(S @ C2 @ S).clamp(min=0)", "(S @ C2 @ S)"),
            hint="rounding takes them",
        ),
        edit("A.double(), B.double()", "A, B", "float64"),
        edits(
            ("    values, vectors = torch.linalg.eigh(C1)\n", ""),
            ("    S = vectors * values.clamp(min=0).sqrt() @ vectors.T\n", ""),
            ("eigvalsh(S @ C2 @ S)", "eigvals(C1 @ C2).real"),
            hint="no torch.linalg.eigh",
        ),
        edits(
            ("    A, B = A.double(), B.double()\n", ""),
            (
                "torch.cov(A.T), torch.cov(B.T)",
                "torch.cov(A.T).double(), torch.cov(B.T).double()",
            ),
            hint="far from 0",
        ),
        edit("(S @ C2 @ S)", "((S @ C2 @ S).float())", "is at distance 0"),
    ],
    "11.13": [
        edits(
            ("fake = G(z)\n", "fake = G(z)\n    optimizer_G.zero_grad()\n"),
            ("fake.detach()", "fake"),
            ("loss_D.backward()", "loss_D.backward(retain_graph=True)"),
            ("mean()\n    optimizer_G.zero_grad()\n", "mean()\n"),
            hint="none from the step of D",
        ),
        edit("    optimizer_D.zero_grad()\n", "", "no old gradients"),
        edit("    optimizer_G.zero_grad()\n", "", "old gradients cleared"),
        edit("F.softplus(-D(fake))", "-F.softplus(D(fake))", "loss -log D"),
        edit("-D(fake)", "-D(fake.detach())", "does its loss reach it"),
        edit("-D(fake)", "-D(G(-z))", "G is not where"),
        edit("    optimizer_D.step()\n", "", "D has not moved"),
        edit(
            "    loss_G = F",
            "    D.requires_grad_(False)\n    loss_G = F",
            "left frozen",
        ),
        edits(
            (
                "    optimizer_D.zero_grad()\n",
                "    F.softplus(-D(fake)).mean().backward(retain_graph=True)\n"
                "    optimizer_D.zero_grad()\n",
            ),
            ("    loss_G = F.softplus(-D(fake)).mean()\n", ""),
            ("    optimizer_G.zero_grad()\n    loss_G.backward()\n", ""),
            ("fake = G(z)\n", "fake = G(z)\n    optimizer_G.zero_grad()\n"),
            hint="the updated D",
        ),
        edits(
            ("    optimizer_D.step()\n", ""),
            (
                "optimizer_G.step()\n",
                "optimizer_G.step()\n    optimizer_D.step()\n",
            ),
            hint="nothing from the step of G",
        ),
        edit("    D.zero_grad(set_to_none=True)\n", "", "still holds"),
        edit("to_none=True", "to_none=False", "still holds gradients"),
        (one_batch, "separate batches"),
        edits(
            ("fake.detach()", "fake"),
            ("loss_D.backward()", "loss_D.backward(retain_graph=True)"),
            hint="detach the fakes",
        ),
        edits(
            ("fake = G(z)\n", "with torch.no_grad():\n        fake = G(z)\n"),
            ("-D(fake)", "-D(G(z))"),
            hint="only once",
        ),
    ],
    "11.14": [
        edit("0.5 * unseen", "unseen", "verdict on"),
        edit("0.5 * unseen", "0.0 * unseen", "with a little noise"),
        edit("1.5 * real", "15 * real", "much noise"),
        edit("0.02 *", "0.0 *", "perfect ones"),
        edit("0.02 *", "0.08 *", "few sevens"),
        edit("minlength=10", "", "but 9"),
        edit('"copier"', '"copy"', "with a little noise"),
        edits(
            (
                "    if seen.values.mean() < 0.5 * unseen:\n"
                '        return "copier"\n',
                "",
            ),
            (
                'return "noise"\n',
                'return "noise"\n'
                "    if seen.values.mean() < 0.5 * unseen:\n"
                '        return "copier"\n',
            ),
            hint="far from held_out",
        ),
        edit(
            "    if unseen > 1.5 * real:\n",
            "    if counts.min() < 0.02 * len(samples):\n"
            '        return "collapse"\n'
            "    if unseen > 1.5 * real:\n",
            "much noise and no 9",
        ),
        edits(
            (
                "unseen = nearest_in(held_out, samples).values.mean()",
                "unseen = nearest_in(held_out, samples).values",
            ),
            (
                "seen.values.mean() < 0.5 * unseen",
                "(seen.values / unseen).mean() < 0.5",
            ),
            ("if unseen >", "if unseen.mean() >"),
            hint="three fifths of copies",
        ),
        edit(
            "seen.values.mean() < 0.5 * unseen",
            "(seen.values < 0.5 * unseen).float().mean() > 0.5",
            "one half of copies",
        ),
        edit("if unseen >", "if seen.values.mean() >", "near to training"),
        edit("0.02 * len(samples)", "10", "only eighty digits"),
        edit("0.02 *", "0.01 *", "very few sevens"),
    ],
    "11.15": [
        edit("(logits - logits.max()).exp()", "logits.sigmoid()", "of 400"),
        edit(
            "torch.bernoulli(ratio, generator=generator).bool()",
            "logits > 0",
            "of 400",
        ),
        edit(
            "(logits - logits.max()).exp()",
            "logits.exp() / logits.exp().max()",
            "your code raised",
        ),
        edit(", score(control)", "", "three scores"),
        edit("score(control)", "0.0", "called 2 times"),
        edits(
            ("score(fakes),", "score(control),"),
            (", score(control)", ", score(fakes)"),
            hint="the first score",
        ),
        (resampled, "kept twice"),
        edit("[: int(keep.sum())]", "", "as many fakes"),
        edit(
            "torch.randperm(len(fakes),",
            "torch.randint(len(fakes), (len(fakes),),",
            "twice in the control",
        ),
        edit(
            "torch.randperm(len(fakes), generator=generator)",
            "logits.argsort(descending=True)",
            "not drawn from all at random",
        ),
        edit(
            "score(fakes[keep]), score(control)",
            "*[score(fakes[keep]), score(control)][::-1]",
            "the score of cleaned",
        ),
        edit("(ratio, generator=generator)", "(ratio)", "the same seed"),
        edit(
            "ratio = (",
            "generator = torch.Generator().manual_seed(0)\n    ratio = (",
            "no matter of chance",
        ),
        edit(
            "(len(fakes), generator=generator)",
            "(len(fakes), generator=torch.Generator().manual_seed(0))",
            "always the same",
        ),
        edit(
            "ratio = (",
            "seed = generator.initial_seed()\n"
            "    generator = torch.Generator().manual_seed(seed)\n"
            "    ratio = (",
            "its seed alone",
        ),
    ],
}

EQUAL = {
    "11.6": {
        f"nn.init.normal_(module.weight, {mean}, 0.02) => "
        f"nn.init.normal(module.weight, {mean}, 0.02)": (
            "the old name of the same function, which still works"
        )
        for mean in ("0.0", "1.0")
    },
    "11.8": {
        "counts = hit.bincount(minlength=len(centres)) => "
        "counts = hit.bincount()": (
            "only centres without a sample are lost, and they never count"
        ),
    },
    "11.11": {
        "real = real.detach().clone().requires_grad_() => "
        "real = real.clone().requires_grad_()": (
            "a batch of real examples has no trail to cut"
        ),
        "real = real.detach().clone().requires_grad_() => "
        "real = real.detach().requires_grad_()": (
            "detach alone gives a tensor of its own, and nothing writes to it"
        ),
    },
    "11.13": {
        "D.zero_grad(set_to_none=True) => D.zero_grad()": (
            "None is what zero_grad sets by default"
        ),
    },
    "11.14": {
        'return "collapse" if counts.min() < 0.02 * len(samples) else "good" '
        '=> return "collapse" if counts.min() <= 0.02 * len(samples) else '
        '"good"': (
            "no case lies on 2 %, where a share in float32 rounds to less"
        ),
    },
}
