"""Typical wrong answers of chapter 12: {exercise: [(answer, hint)]}."""

import torch
import torch.nn.functional as F


def one_bias(kind, features, hidden):
    blocks = {"RNN": 1, "GRU": 3, "LSTM": 4}[kind]
    return blocks * hidden * (features + hidden + 1)


def no_gates(kind, features, hidden):
    return hidden * (features + hidden + 2)


def times_temperature(logits, temperature):
    return (logits * temperature).softmax(dim=-1)


def after_softmax(logits, temperature):
    return logits.softmax(dim=-1) / temperature


def last_place(output, lengths):
    return output[:, -1]


def past_the_end(output, lengths):
    places = lengths.clamp(max=output.shape[1] - 1)
    return output[torch.arange(len(output)), places]


def every_pair(output, lengths):
    return output[:, lengths - 1]


def max_of_all(output, lengths):
    return output.amax(dim=1)


def max_of_products(output, lengths):
    mask = torch.arange(output.shape[1]) < lengths[:, None]
    return (output * mask[..., None]).amax(dim=1)


def max_without_zeros(output, lengths):
    return output.masked_fill(output == 0, -torch.inf).amax(dim=1)


def alive_one_longer(lengths):
    return [int((lengths >= t).sum()) for t in range(int(lengths.max()))]


def sorted_lengths(lengths):
    return sorted(lengths.tolist(), reverse=True)


def sizes_as_tensor(lengths):
    steps = range(int(lengths.max()))
    return torch.tensor([int((lengths > t).sum()) for t in steps])


def _coupled(x, h, c, W, U, b, keep):
    f, g, o = (x @ W + h @ U + b).chunk(3, dim=-1)
    f = torch.sigmoid(f)
    kept = f if keep else 1 - f
    c = kept * c + (1 - kept) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def gates_swapped(x, h, c, W, U, b):
    return _coupled(x, h, c, W, U, b, keep=False)


def results_swapped(x, h, c, W, U, b):
    return _coupled(x, h, c, W, U, b, keep=True)[::-1]


def no_squashing(x, h, c, W, U, b):
    f, g, o = (x @ W + h @ U + b).chunk(3, dim=-1)
    c = f * c + (1 - f) * g
    return torch.sigmoid(o) * torch.tanh(c), c


def each_alone(grads, max_norm):
    return [g * (max_norm / g.norm()).clamp(max=1.0) for g in grads]


def always_scaled(grads, max_norm):
    total = torch.cat([g.flatten() for g in grads]).norm()
    return [g * max_norm / total for g in grads]


def by_value(grads, max_norm):
    return [g.clamp(-max_norm / 2, max_norm / 2) for g in grads]


def flip_all(X, lengths):
    return X.flip(1)


def flip_features(X, lengths):
    return X.flip(2)


def off_by_one(X, lengths):
    t = torch.arange(X.shape[1])
    source = (lengths[:, None] - t).clamp(0, X.shape[1] - 1)
    return X[torch.arange(len(X))[:, None], source]


def with_padding(logits, targets, lengths):
    return (
        F.cross_entropy(logits.flatten(0, 1), targets.flatten()).exp().item()
    )


def only_the_loss(logits, targets, lengths):
    mask = torch.arange(targets.shape[1]) < lengths[:, None]
    return F.cross_entropy(logits[mask], targets[mask]).item()


def mean_of_means(logits, targets, lengths):
    mask = torch.arange(targets.shape[1]) < lengths[:, None]
    each = F.cross_entropy(logits.transpose(1, 2), targets, reduction="none")
    return ((each * mask).sum(dim=1) / lengths).mean().exp().item()


def _back(X, U, W, b, h, derivative, transpose):
    states = []
    for x in X:
        h = torch.tanh(x @ U + h @ W + b)
        states.append(h)
    grad = torch.ones_like(h)
    for h in reversed(states):
        grad = grad * (1 - h**2) if derivative else grad
        grad = grad @ (W.T if transpose else W)
    return grad


def no_derivative(X, U, W, b, h):
    return _back(X, U, W, b, h, derivative=False, transpose=True)


def no_transpose(X, U, W, b, h):
    return _back(X, U, W, b, h, derivative=True, transpose=False)


def one_step_back(X, U, W, b, h):
    for x in X:
        h = torch.tanh(x @ U + h @ W + b)
    return (1 - h**2) @ W.T


def look_everywhere(q, k, v):
    return F.scaled_dot_product_attention(q, k, v)


def not_even_itself(q, k, v):
    scores = q @ k.transpose(1, 2) / q.shape[2] ** 0.5
    seen = torch.ones_like(scores, dtype=torch.bool).tril(-1)
    return scores.masked_fill(~seen, -torch.inf).softmax(dim=2) @ v


def look_ahead(q, k, v):
    scores = q @ k.transpose(1, 2) / q.shape[2] ** 0.5
    seen = torch.ones_like(scores, dtype=torch.bool).triu()
    return scores.masked_fill(~seen, -torch.inf).softmax(dim=2) @ v


def mask_after_softmax(q, k, v):
    scores = q @ k.transpose(1, 2) / q.shape[2] ** 0.5
    return scores.softmax(dim=2).tril() @ v


def greedy(log_p, start, length, width):
    word = [start]
    for _ in range(length):
        word.append(int(log_p[word[-1]].argmax()))
    return word[1:]


def with_start(log_p, start, length, width):
    return [start, *greedy(log_p, start, length, width)]


def last_score_only(log_p, start, length, width):
    beams = [(0.0, [start])]
    for _ in range(length):
        longer = [
            (step, [*word, symbol])
            for _, word in beams
            for symbol, step in enumerate(log_p[word[-1]].tolist())
        ]
        beams = sorted(longer, reverse=True)[:width]
    return beams[0][1][1:]


WRONG = {
    "12.1": [(one_bias, "both biases"), (no_gates, "GRU is not right")],
    "12.2": [
        (times_temperature, "make the best more certain"),
        (after_softmax, "do not sum to 1"),
    ],
    "12.3": [
        (last_place, "last place of the box"),
        (past_the_end, "own last step"),
        (every_pair, "has shape (4, 4, 3)"),
    ],
    "12.4": [
        (max_of_all, "the padding takes part"),
        (max_of_products, "the padding takes part"),
        (max_without_zeros, "another value in the padding"),
    ],
    "12.5": [
        (alive_one_longer, "alive at each step"),
        (sorted_lengths, "one number for each step"),
        (sizes_as_tensor, "a list is asked for"),
    ],
    "12.6": [
        (gates_swapped, "f and 1 - f"),
        (results_swapped, "h and c seem"),
        (no_squashing, "through a sigmoid"),
    ],
    "12.7": [
        (each_alone, "one norm is taken"),
        (always_scaled, "must stay as they are"),
        (by_value, "the direction changed"),
    ],
    "12.8": [
        (flip_all, "the padding comes first"),
        (flip_features, "turns the features"),
        (off_by_one, "within its own length"),
    ],
    "12.9": [
        (with_padding, "the padding counts"),
        (only_the_loss, "not yet its exponential"),
        (mean_of_means, "not each sequence"),
    ],
    "12.10": [
        (no_derivative, "derivative of tanh"),
        (no_transpose, "transpose of W"),
        (one_step_back, "walk back"),
    ],
    "12.11": [
        (look_everywhere, "hide the later ones"),
        (not_even_itself, "may see itself"),
        (look_ahead, "looks ahead"),
        (mask_after_softmax, "masked before the softmax"),
    ],
    "12.12": [
        (greedy, "only second best"),
        (with_start, "has not the length"),
        (last_score_only, "whole score"),
    ],
}
