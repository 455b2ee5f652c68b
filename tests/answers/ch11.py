"""Typical wrong answers of chapter 11: {exercise: [(answer, hint)]}."""

import math

import torch
import torch.nn.functional as F
from torch import nn


def fake_share(p, q):
    return q / (p + q)


def no_rule_for_nothing(p, q):
    return p / (p + q)


def both_smoothed(real_logits, fake_logits, label=0.9):
    bce = F.binary_cross_entropy_with_logits
    return bce(real_logits, torch.full_like(real_logits, label)) + bce(
        fake_logits, torch.full_like(fake_logits, 1 - label)
    )


def fixed_label(real_logits, fake_logits, label=0.9):
    bce = F.binary_cross_entropy_with_logits
    return bce(real_logits, torch.full_like(real_logits, 0.9)) + bce(
        fake_logits, torch.zeros_like(fake_logits)
    )


def with_sigmoid(real_logits, fake_logits, label=0.9):
    real, fake = real_logits.sigmoid(), fake_logits.sigmoid()
    real_part = -(label * real.log() + (1 - label) * (1 - real).log()).mean()
    return real_part - (1 - fake).log().mean()


def size_of_convolution(layers, size=1):
    for kernel, stride, padding in layers:
        size = (size + 2 * padding - kernel) // stride + 1
    return size


def times_stride(layers, size=1):
    for kernel, stride, padding in layers:
        size = size * stride - 2 * padding + kernel
    return size


def hinge_without_cut(real_scores, fake_scores):
    loss = (1 - real_scores).mean() + (1 + fake_scores).mean()
    return loss, -fake_scores.mean()


def hinge_g_cut(real_scores, fake_scores):
    loss = F.relu(1 - real_scores).mean() + F.relu(1 + fake_scores).mean()
    return loss, F.relu(1 - fake_scores).mean()


def only_d(real_scores, fake_scores):
    return F.relu(1 - real_scores).mean() + F.relu(1 + fake_scores).mean()


def init_norm_around_zero(model):
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(module.weight, 0.0, 0.02)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 0.0, 0.02)
            nn.init.zeros_(module.bias)
    return model


def init_children_only(model):
    for module in model:
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(module.weight, 0.0, 0.02)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)
            nn.init.zeros_(module.bias)
    return model


def init_everything(model):
    for p in model.parameters():
        if p.ndim > 1:
            nn.init.normal_(p, 0.0, 0.02)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)
            nn.init.zeros_(module.bias)
    return model


def init_in_silence(model):
    init_everything(model)


def label_first(X, y, num_classes):
    code = F.one_hot(y, num_classes).to(X.dtype)
    maps = code[:, :, None, None].expand(-1, -1, *X.shape[2:])
    return torch.cat([maps, X], dim=1)


def label_as_number(X, y, num_classes):
    maps = y.to(X.dtype)[:, None, None, None]
    maps = maps.expand(-1, num_classes, *X.shape[2:])
    return torch.cat([X, maps], dim=1)


def label_as_integer(X, y, num_classes):
    code = F.one_hot(y, num_classes)
    return torch.cat([X, code], dim=1)


def modes_without_radius(samples, centres, radius, least):
    nearest = torch.cdist(samples, centres).argmin(dim=1)
    counts = nearest.bincount(minlength=len(centres))
    return int((counts >= least).sum())


def modes_counted_twice(samples, centres, radius, least):
    near = torch.cdist(samples, centres) <= radius
    return int((near.sum(dim=0) >= least).sum())


def modes_with_any(samples, centres, radius, least):
    distance, nearest = torch.cdist(samples, centres).min(dim=1)
    return len(nearest[distance <= radius].unique())


def cut_seven(model, state):
    model.load_state_dict({name[7:]: x for name, x in state.items()})
    return model


def replace_everywhere(model, state):
    clean = {name.replace("module.", ""): x for name, x in state.items()}
    model.load_state_dict(clean)
    return model


def not_strict(model, state):
    model.load_state_dict(state, strict=False)
    return model


def repaired_not_strict(model, state):
    clean = {name.removeprefix("module."): x for name, x in state.items()}
    model.load_state_dict(clean, strict=False)
    return model


def load_and_forget(model, state):
    clean = {name.removeprefix("module."): x for name, x in state.items()}
    model.load_state_dict(clean)


def nearer_to_training(samples, training, held_out):
    seen, unseen = (
        torch.cdist(samples.flatten(1), pool.flatten(1)).amin(dim=1)
        for pool in (training, held_out)
    )
    return (seen < unseen).float().mean().item()


def up_to_half(samples, training, held_out):
    seen, unseen = (
        torch.cdist(samples.flatten(1), pool.flatten(1)).amin(dim=1)
        for pool in (training, held_out)
    )
    return (seen <= 0.5 * unseen).float().mean().item()


def share_as_tensor(samples, training, held_out):
    seen, unseen = (
        torch.cdist(samples.flatten(1), pool.flatten(1)).amin(dim=1)
        for pool in (training, held_out)
    )
    return (seen < 0.5 * unseen).float().mean()


def slope_of(D, real, create_graph=True):
    x = real.detach().clone().requires_grad_()
    logits = D(x).sum()
    return torch.autograd.grad(logits, x, create_graph=create_graph)[0]


def r1_around_one(D, real):
    return (slope_of(D, real).flatten(1).norm(dim=1) - 1).pow(2).mean()


def r1_without_square(D, real):
    return slope_of(D, real).flatten(1).norm(dim=1).mean()


def r1_without_graph(D, real):
    slope = slope_of(D, real, create_graph=False)
    return slope.flatten(1).pow(2).sum(dim=1).mean()


def r1_mean_of_pixels(D, real):
    return slope_of(D, real).pow(2).mean()


def r1_of_the_mean(D, real):
    x = real.detach().clone().requires_grad_()
    (slope,) = torch.autograd.grad(D(x).mean(), x, create_graph=True)
    return slope.flatten(1).pow(2).sum(dim=1).mean()


def frechet_of_means(A, B):
    return (A.mean(dim=0) - B.mean(dim=0)).pow(2).sum().item()


def frechet_elementwise(A, B):
    A, B = A.double(), B.double()
    C1, C2 = torch.cov(A.T), torch.cov(B.T)
    root = (C1.diag() * C2.diag()).sqrt().sum()
    gap = (A.mean(dim=0) - B.mean(dim=0)).pow(2).sum()
    return (gap + C1.trace() + C2.trace() - 2 * root).item()


def frechet_without_clamp(A, B):
    A, B = A.double(), B.double()
    C1, C2 = torch.cov(A.T), torch.cov(B.T)
    values, vectors = torch.linalg.eigh(C1)
    S = vectors * values.sqrt() @ vectors.T
    root = torch.linalg.eigvalsh(S @ C2 @ S).sqrt().sum()
    gap = (A.mean(dim=0) - B.mean(dim=0)).pow(2).sum()
    return (gap + C1.trace() + C2.trace() - 2 * root).item()


def make_step(
    detach_D=True, clear_D=True, minimax=False, detach_G=False, tidy=True
):
    def gan_step(G, D, optimizer_G, optimizer_D, real, z):
        fake = G(z)
        optimizer_G.zero_grad()
        seen = fake.detach() if detach_D else fake
        loss = F.softplus(-D(real)).mean() + F.softplus(D(seen)).mean()
        if clear_D:
            optimizer_D.zero_grad()
        loss.backward(retain_graph=not detach_D)
        optimizer_D.step()
        if detach_G:
            optimizer_G.zero_grad()
        logits = D(fake.detach() if detach_G else fake)
        loss = -F.softplus(logits) if minimax else F.softplus(-logits)
        loss.mean().backward()
        optimizer_G.step()
        if tidy:
            D.zero_grad()

    return gan_step


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


WRONG = {
    "11.1": [
        (-(math.log(0.3) + math.log(0.7)) / 2, "the mean of the two parts"),
        (math.log(0.3) + math.log(0.7), "never negative"),
        (-2 * math.log(0.3), "what does a fake cost"),
        (torch.tensor(1.5606), "see .item()"),
    ],
    "11.2": [
        (fake_share, "probability of being fake"),
        (no_rule_for_nothing, "NaN"),
    ],
    "11.3": [
        (both_smoothed, "only the real label"),
        (fixed_label, "`label` is not used"),
        (with_sigmoid, "stable at 40"),
    ],
    "11.4": [
        (size_of_convolution, "the other way"),
        (times_stride, "does not give this"),
    ],
    "11.5": [
        (hinge_without_cut, "cost nothing"),
        (hinge_g_cut, "not cut off"),
        (only_d, "two losses"),
    ],
    "11.6": [
        (init_norm_around_zero, "around 1"),
        (init_children_only, "inside other containers"),
        (init_everything, "something else has changed"),
        (init_in_silence, "is a return missing"),
    ],
    "11.7": [
        (label_first, "the picture itself"),
        (label_as_number, "all ones"),
        (label_as_integer, "your code raised"),
    ],
    "11.8": [
        (modes_without_radius, "too far from every centre"),
        (modes_counted_twice, "nearest centre only"),
        (modes_with_any, "need `least` samples"),
    ],
    "11.9": [
        (cut_seven, "do not load"),
        (replace_everywhere, "do not load"),
        (not_strict, "strict=False"),
        (repaired_not_strict, "should raise"),
        (load_and_forget, "is a return missing"),
    ],
    "11.10": [
        (nearer_to_training, "compare with one half"),
        (up_to_half, "strictly less"),
        (share_as_tensor, "see .item()"),
    ],
    "11.11": [
        (r1_around_one, "no 1 is subtracted"),
        (r1_without_square, "its square"),
        (r1_without_graph, "nothing can be trained"),
        (r1_mean_of_pixels, "has the penalty 36"),
        (r1_of_the_mean, "has the penalty 36"),
    ],
    "11.12": [
        (frechet_of_means, "first axis doubled"),
        (frechet_elementwise, "correlated features"),
        (frechet_without_clamp, "rounding takes them"),
    ],
    "11.13": [
        (make_step(detach_D=False), "none from the step of D"),
        (make_step(clear_D=False), "no old gradients"),
        (make_step(minimax=True), "the loss -log D"),
        (make_step(detach_G=True), "does its loss reach it"),
        (make_step(tidy=False), "still holds gradients"),
        (one_batch, "separate batches"),
    ],
}
