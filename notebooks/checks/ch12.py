"""The answer checks of chapter 12."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from checks import (
    Hint,
    call,
    exercise,
    expect,
    is_tensor,
    same_number,
    same_tensor,
)


@exercise("12.1")
def _(answer):
    for kind, features, hidden in [
        ("RNN", 3, 5),
        ("GRU", 4, 7),
        ("LSTM", 9, 2),
    ]:
        layer = getattr(nn, kind)(features, hidden)
        want = sum(p.numel() for p in layer.parameters())
        got = call(answer, kind, features, hidden)
        same_number(
            got,
            want,
            f"the number for {kind} is not right; count each matrix and both "
            "biases, for every block of rows that its gates need",
        )


@exercise("12.2")
def _(answer):
    logits = torch.tensor([3.0, -1.0, 0.5, 2.0])
    for temperature in [1.0, 0.3, 4.0]:
        got = call(answer, logits, temperature)
        is_tensor(got, shape=(4,), dtype=torch.float32)
        expect(
            abs(got.sum().item() - 1) < 1e-4,
            "the probabilities do not sum to 1",
        )
        same_tensor(
            got,
            (logits / temperature).softmax(dim=0),
            f"at the temperature {temperature} the probabilities are wrong; "
            "a low one should make the best more certain, and it acts "
            "before the softmax",
        )


@exercise("12.3")
def _(answer):
    output = torch.randn(4, 6, 3)
    lengths = torch.tensor([6, 1, 4, 2])
    got = call(answer, output, lengths)
    is_tensor(got, shape=(4, 3))
    expect(
        not torch.equal(got, output[:, -1]),
        "this takes the last place of the box, which is padding for all "
        "but the longest sequence",
    )
    want = torch.stack(
        [output[i, n - 1] for i, n in enumerate(lengths.tolist())]
    )
    same_tensor(
        got,
        want,
        "not each sequence's own last step; a sequence of length 1 ends at "
        "step 0",
    )


@exercise("12.4")
def _(answer):
    output = -torch.rand(4, 6, 3) - 0.5
    lengths = torch.tensor([6, 1, 4, 2])
    padded = output.clone()
    for i, n in enumerate(lengths.tolist()):
        padded[i, n:] = 0.0
    want = torch.stack(
        [output[i, :n].amax(dim=0) for i, n in enumerate(lengths.tolist())]
    )
    got = call(answer, padded, lengths)
    is_tensor(got, shape=(4, 3))
    expect(
        not bool((got == 0).any()),
        "all real values are negative here, and your maximum is 0: the "
        "padding takes part",
    )
    expect(not bool(got.isinf().any()), "a maximum is infinite")
    same_tensor(got, want, "not the maximum over each sequence's real steps")
    for i, n in enumerate(lengths.tolist()):
        padded[i, n:] = 9.0
    got = call(answer, padded, lengths)
    same_tensor(
        got,
        want,
        "with another value in the padding the result changes; decide by "
        "the lengths what is real",
    )


@exercise("12.5")
def _(answer):
    for lengths in [[4, 2, 5], [3], [1, 1, 6, 2]]:
        lengths = torch.tensor(lengths)
        X = torch.zeros(len(lengths), int(lengths.max()))
        packed = pack_padded_sequence(
            X, lengths, batch_first=True, enforce_sorted=False
        )
        got = call(answer, lengths)
        expect(
            isinstance(got, list),
            f"a list is asked for, this is a {type(got).__name__}",
        )
        expect(
            len(got) == int(lengths.max()),
            "one number for each step of the longest sequence is needed",
        )
        try:
            same = [int(n) for n in got] == packed.batch_sizes.tolist()
        except (TypeError, ValueError):
            raise Hint("the list should hold whole numbers") from None
        expect(
            same,
            "not the number of sequences alive at each step; a sequence of "
            "length 2 is alive at the steps 0 and 1",
        )


def _coupled(x, h, c, W, U, b, swap=False):
    f, g, o = (x @ W + h @ U + b).chunk(3, dim=-1)
    f = torch.sigmoid(f)
    keep, write = (1 - f, f) if swap else (f, 1 - f)
    c = keep * c + write * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


@exercise("12.6")
def _(answer):
    x, h, c = torch.randn(2, 3), torch.randn(2, 4), torch.randn(2, 4)
    W, U, b = torch.randn(3, 12), torch.randn(4, 12), torch.randn(12)
    got = call(answer, x, h, c, W, U, b)
    expect(
        isinstance(got, tuple) and len(got) == 2,
        "two tensors are asked for: the new h and the new c",
    )
    want_h, want_c = _coupled(x, h, c, W, U, b)
    for value, name in zip(got, ["h", "c"], strict=True):
        is_tensor(value, shape=(2, 4), name=name)
    expect(
        not torch.allclose(got[0], want_c, atol=1e-5),
        "h and c seem to be swapped",
    )
    expect(
        not torch.allclose(
            got[1], _coupled(x, h, c, W, U, b, swap=True)[1], atol=1e-5
        ),
        "f and 1 - f seem to be swapped: f is what stays of the old c",
    )
    same_tensor(
        got[1],
        want_c,
        "the new c is wrong; gates go through a sigmoid, the proposal g "
        "through tanh",
        name="c",
    )
    same_tensor(got[0], want_h, "h is wrong; it looks at the new c", name="h")


@exercise("12.7")
def _(answer):
    small = [torch.tensor([0.1, 0.2]), torch.tensor([[0.2]])]
    large = [torch.tensor([3.0, -4.0]), torch.tensor([[12.0]])]
    got = call(answer, large, 1.0)
    expect(
        isinstance(got, (list, tuple)) and len(got) == 2,
        "a list with one tensor for each gradient is asked for",
    )
    for value, grad in zip(got, large, strict=True):
        is_tensor(value, shape=grad.shape, name="a clipped gradient")
    norm = torch.cat([value.flatten() for value in got]).norm().item()
    expect(
        norm < 1.0001,
        f"the common norm is {norm:.2f} and not 1; one norm is taken over "
        "all gradients together",
    )
    for value, grad in zip(got, large, strict=True):
        same_tensor(
            value,
            grad / 13,
            "the direction changed, or the step is too short: one factor "
            "serves all entries",
        )
    got = call(answer, small, 1.0)
    for value, grad in zip(got, small, strict=True):
        same_tensor(
            value,
            grad,
            "gradients below the limit must stay as they are",
        )


@exercise("12.8")
def _(answer):
    X = torch.arange(1.0, 31.0).reshape(3, 5, 2)
    lengths = torch.tensor([5, 2, 4])
    for i, n in enumerate(lengths.tolist()):
        X[i, n:] = 0
    want = X.clone()
    for i, n in enumerate(lengths.tolist()):
        want[i, :n] = X[i, :n].flip(0)
    got = call(answer, X, lengths)
    is_tensor(got, shape=X.shape)
    expect(
        not torch.equal(got, X.flip(1)),
        "this turns the whole box round, and the padding comes first; turn "
        "each sequence within its length",
    )
    expect(
        not torch.equal(got, X.flip(2)),
        "this turns the features round; the time axis is the second",
    )
    same_tensor(
        got,
        want,
        "a sequence is not reversed within its own length, with the padding "
        "left on the right",
    )


@exercise("12.9")
def _(answer):
    logits = torch.randn(3, 5, 7)
    targets = torch.randint(0, 7, (3, 5))
    lengths = torch.tensor([5, 1, 3])
    mask = torch.arange(5) < lengths[:, None]
    each = F.cross_entropy(logits.transpose(1, 2), targets, reduction="none")
    want = each[mask].mean().exp().item()
    got = call(answer, logits, targets, lengths)
    if isinstance(got, float):
        for wrong, hint in [
            (each.mean().exp(), "the padding counts as well"),
            (each[mask].mean(), "this is the loss, not yet its exponential"),
            (
                each[mask].exp().mean(),
                "average first, then take the exponential",
            ),
            (
                ((each * mask).sum(dim=1) / lengths).mean().exp(),
                "each symbol counts the same, not each sequence",
            ),
        ]:
            expect(abs(got - wrong.item()) > 1e-4, hint)
    same_number(
        got,
        want,
        "not the exponential of the mean loss of the real symbols",
    )
    targets[~mask] = 6 - targets[~mask]
    same_number(
        call(answer, logits, targets, lengths),
        want,
        "the result depends on what stands in the padding",
    )


@exercise("12.10")
def _(answer):
    X, U = torch.randn(4, 3), torch.randn(3, 5) * 0.5
    W, b, h = torch.randn(5, 5) * 0.5, torch.randn(5), torch.randn(5)
    first = h.clone().requires_grad_()
    state, states = first, []
    for x in X:
        state = torch.tanh(x @ U + state @ W + b)
        states.append(state.detach())
    (want,) = torch.autograd.grad(state.sum(), first)
    grad = torch.ones(5)
    turned = torch.ones(5)
    for state in reversed(states):
        grad = grad @ W.T
        turned = (turned * (1 - state**2)) @ W
    with torch.no_grad():
        got = call(answer, X, U, W, b, h)
    is_tensor(got, shape=(5,), dtype=torch.float32)
    expect(
        not torch.allclose(got, grad, atol=1e-5),
        "the derivative of tanh is missing",
    )
    expect(
        not torch.allclose(got, turned, atol=1e-5),
        "going back needs the transpose of W",
    )
    same_tensor(
        got,
        want,
        "autograd finds another gradient; walk back from the last step to "
        "the first, each with its own state",
    )


@exercise("12.11")
def _(answer):
    q, k, v = torch.randn(3, 2, 5, 8).unbind(0)
    want = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    got = call(answer, q, k, v)
    is_tensor(got, shape=want.shape, dtype=torch.float32)
    expect(
        not torch.allclose(
            got, F.scaled_dot_product_attention(q, k, v), atol=1e-4
        ),
        "every place still sees every place; hide the later ones",
    )
    expect(
        not bool(got.isnan().any()),
        "NaN: a row without any visible place; a place may see itself",
    )
    later = v.clone()
    later[:, -1] += 1
    changed = call(answer, q, k, later)
    is_tensor(changed, shape=want.shape)
    expect(
        torch.allclose(changed[:, :-1], got[:, :-1], atol=1e-5),
        "changing the last place alters earlier results: someone looks ahead",
    )
    same_tensor(
        got,
        want,
        "nobody looks ahead, but the averages are wrong; are the scores "
        "divided by the root of d, and masked before the softmax?",
    )


@exercise("12.12")
def _(answer):
    p = torch.tensor(
        [
            [0.00, 0.60, 0.40, 0.00],
            [0.25, 0.25, 0.26, 0.24],
            [0.02, 0.02, 0.01, 0.95],
            [0.10, 0.30, 0.30, 0.30],
        ]
    )
    log_p = (p + 1e-9).log()

    def words(width, length):
        beams = [(0.0, [0])]
        for _ in range(length):
            longer = [
                (score + step, [*word, symbol])
                for score, word in beams
                for symbol, step in enumerate(log_p[word[-1]].tolist())
            ]
            beams = sorted(longer, reverse=True)[:width]
        return beams[0][1][1:]

    got = call(answer, log_p, 0, 2, 1)
    expect(
        isinstance(got, list) and all(isinstance(s, int) for s in got),
        "a list of whole numbers is asked for",
    )
    expect(len(got) == 2, "the word has not the length asked for")
    expect(
        got == words(1, 2),
        "with width 1 the search takes the best symbol at each step; yours "
        "gives another word",
    )
    got = call(answer, log_p, 0, 2, 2)
    expect(
        got == words(2, 2),
        "with width 2 a better word is to be found, whose first symbol is "
        "only second best; does each beam keep its whole score?",
    )
    for width, length in [(3, 4), (4, 5), (1, 6)]:
        expect(
            call(answer, log_p, 0, length, width) == words(width, length),
            f"another word at width {width} and length {length}; the whole "
            "score of a word is the sum over all its steps",
        )
