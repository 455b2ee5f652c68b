"""Checks of chapter 12, recurrent networks."""

import copy

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from checks.watchers import Calls
from checks.words import (
    Hint,
    call,
    call_by_hand,
    exercise,
    expect,
    is_sequence,
    is_tensor,
    same_number,
    same_tensor,
    same_value,
)


@exercise("12.1")
def count_weights(answer):
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
    try:
        call(answer, "RNN", 2 * 10**9, 2 * 10**9)
    except Hint:
        raise Hint(
            "an RNN with two billion features cannot be built; count its "
            "numbers without building it"
        ) from None


@exercise("12.2")
def sharpen(answer):
    logits = torch.tensor([3.0, -1.0, 0.5, 2.0])
    for temperature in [1.0, 0.3, 4.0]:
        got = call(answer, logits, temperature)
        is_tensor(got, shape=(4,), dtype=torch.float32)
        expect(
            abs(got.sum().item() - 1) < 1e-4,
            "the probabilities do not sum to 1",
        )
        # the ratio of two probabilities is taken to the power of 1 / T
        powers = logits.softmax(dim=0).pow(1 / temperature)
        same_tensor(
            got,
            powers / powers.sum(),
            f"at the temperature {temperature} the probabilities are wrong; "
            "a low one should make the best more certain, and it acts "
            "before the softmax",
        )
    same_tensor(
        call(answer, 1000 * logits, 1.0),
        torch.tensor([1.0, 0.0, 0.0, 0.0]),
        "the best of logits in the thousands should get it all",
        name="the result for logits in the thousands",
    )
    same_tensor(
        call(answer, 1000 * logits, 1000.0),
        logits.softmax(dim=0),
        "a temperature of 1000 should undo a factor of 1000; it acts before "
        "the softmax",
    )


@exercise("12.3")
def last_states(answer):
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
def masked_max(answer):
    output = -5e8 * torch.rand(4, 6, 3) - 2e8
    lengths = torch.tensor([5, 1, 4, 2])  # the box is longer than each
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
    same_tensor(
        got,
        want,
        "not the maximum over each sequence's real steps, which may all be "
        "below -1000",
    )
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
def batch_sizes(answer):
    for lengths in [[4, 2, 5], [3], [1, 1, 6, 2]]:
        lengths = torch.tensor(lengths)
        X = torch.zeros(len(lengths), int(lengths.max()))
        packed = pack_padded_sequence(
            X, lengths, batch_first=True, enforce_sorted=False
        )
        same_value(
            call(answer, lengths),
            packed.batch_sizes.tolist(),
            "not the number of sequences alive at each step of the longest; "
            "a sequence of length 2 is alive at the steps 0 and 1",
        )


@exercise("12.6")
def coupled_step(answer):
    x, h, c = torch.randn(2, 3), torch.randn(2, 4), torch.randn(2, 4)
    W, U, b = torch.randn(3, 12), torch.randn(4, 12), torch.randn(12)

    def lstm(sign):
        # sigmoid(-a) = 1 - sigmoid(a): two gates of a whole LSTM, coupled
        cell = nn.LSTMCell(3, 4)
        blocks = (W.T, U.T, b, torch.zeros(12))
        for p, block in zip(cell.parameters(), blocks, strict=True):
            f = sign * block[:4]
            p.data = torch.cat([-f, f, block[4:]])
        return cell(x, (h, c))

    got = call(answer, x, h, c, W, U, b)
    expect(
        is_sequence(got, 2),
        "two tensors are asked for: the new h and the new c",
    )
    for value, name in zip(got, ["h", "c"], strict=True):
        is_tensor(value, shape=(2, 4), name=name)
    want_h, want_c = lstm(1)
    expect(
        not torch.allclose(got[0], want_c, atol=1e-5),
        "h and c seem to be swapped",
    )
    expect(
        not torch.allclose(got[1], lstm(-1)[1], atol=1e-5),
        "f and 1 - f seem to be swapped: f is what stays of the old c",
    )
    same_tensor(
        got[1],
        want_c,
        "the new c is wrong; gates go through a sigmoid, the proposal g "
        "through tanh",
        name="c",
    )
    same_tensor(
        got[0],
        want_h,
        "h is wrong; it looks at the new c through a tanh, and its gate is a "
        "sigmoid",
        name="h",
    )


@exercise("12.7")
def clip(answer):
    large = [torch.tensor([3.0, -4.0]), torch.tensor([[12.0]])]
    got = call(answer, large, 1.0)
    expect(
        is_sequence(got, 2),
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
    for value, grad in zip(call(answer, large, 6.5), large, strict=True):
        same_tensor(value, grad / 2, "`max_norm` is not used")
    for size, limit in ((0.2, 1.0), (5e-7, 1.0), (0.0, 1.0), (5.0, 9.0)):
        small = [torch.tensor([size, -size]), torch.tensor([[size]])]
        got = call(answer, small, limit)
        for value, grad in zip(got, small, strict=True):
            same_tensor(
                value,
                grad,
                "gradients below the limit must stay as they are, also when "
                "they are tiny or 0",
                atol=1e-9,
            )
            expect(
                value.data_ptr() != grad.data_ptr(),
                "new tensors are asked for, also where nothing is clipped",
            )


@exercise("12.8")
def reverse_padded(answer):
    X = torch.arange(1.0, 31.0).reshape(3, 5, 2)
    lengths = torch.tensor([4, 2, 3])  # the box is longer than each
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
    real = (torch.arange(5) < lengths[:, None])[..., None]
    same_tensor(
        got * real,
        want * real,
        "a sequence is not reversed within its own length",
    )
    same_tensor(got, want, "the padding should stay as it is, on the right")


@exercise("12.9")
def perplexity(answer):
    logits = torch.randn(3, 5, 7)
    targets = torch.randint(1, 7, (3, 5))
    lengths = torch.tensor([4, 1, 3])  # the box is longer than each
    mask = torch.arange(5) < lengths[:, None]
    targets[~mask] = 0
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
    for value in (3, -1, 99):
        targets[~mask] = value
        same_number(
            call(answer, logits, targets, lengths),
            want,
            "the result depends on what stands in the padding",
        )


@exercise("12.10")
def grad_first_state(answer):
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
    # inside inference_mode, enable_grad records nothing
    with torch.inference_mode(), Calls() as seen:
        got = call_by_hand(answer, X, U, W, b, h)
    expect(
        "_make_dual" not in seen.names,
        "autograd is at work, in its forward mode; write the formula down "
        "yourself",
    )
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
def causal_attention(answer):
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
    expect(
        torch.allclose(changed[:, :-1], got[:, :-1], atol=1e-5),
        "changing the last place alters earlier results: someone looks ahead",
    )
    same_tensor(
        got,
        want,
        "no later value enters, but the averages are wrong; are the scores "
        "divided by the root of d, and masked before the softmax?",
    )


@exercise("12.12")
def beam_search(answer):
    log_p = torch.tensor(
        [
            [0.15, 0.39, 0.37, 0.09],
            [0.30, 0.23, 0.34, 0.13],
            [0.04, 0.12, 0.05, 0.79],
            [0.07, 0.40, 0.35, 0.18],
        ]
    ).log()
    got = call(answer, log_p, 0, 2, 1)
    expect(
        isinstance(got, list) and len(got) == 2,
        "a list with the length asked for is needed; `start` is not part "
        "of the word",
    )
    same_value(
        got,
        [1, 2],
        "with width 1 the search takes the best symbol at each step; yours "
        "gives another word",
    )
    same_value(
        call(answer, log_p, 0, 2, 2),
        [2, 3],
        "with width 2 a better word is to be found, whose first symbol is "
        "only second best; does each beam keep its whole score?",
    )
    for start, length, width, word in [
        (0, 4, 2, [1, 2, 3, 1]),
        (0, 4, 3, [2, 3, 2, 3]),
        (0, 5, 2, [2, 3, 1, 2, 3]),
        (0, 5, 3, [2, 3, 2, 3, 1]),  # the best of all 1,024 words
        (2, 4, 2, [3, 2, 3, 1]),
        (0, 3, 9, [2, 3, 1]),  # wider than the alphabet
    ]:
        same_value(
            call(answer, log_p, start, length, width),
            word,
            f"another word from {start} at width {width} and length "
            f"{length}; the whole score of a word is the sum over all its "
            "steps",
        )


@exercise("12.13")
def train_step(answer):
    torch.manual_seed(0)
    lengths = torch.randint(1, 8, (120,))
    lengths[:12] = 8
    X = torch.randint(1, 27, (120, 8))
    y = X[torch.arange(120), lengths - 1] % 4  # the last letter decides
    X[torch.arange(8) >= lengths[:, None]] = 0

    model = nn.ModuleDict(
        {
            "embedding": nn.Embedding(27, 8, padding_idx=0),
            "rnn": nn.GRU(8, 16, batch_first=True),
            "head": nn.Linear(16, 4),
        }
    )
    model.head.weight.data *= 8  # only its first gradients are above 1
    model.embedding, model.rnn, model.head = model.values()
    twin = copy.deepcopy(model)
    weights = [list(m.parameters()) for m in (model, twin)]
    ours, theirs = (torch.optim.SGD(w, lr=0.3) for w in weights)

    def want():
        theirs.zero_grad()
        output = twin["rnn"](twin["embedding"](X))[0]
        ends = output[torch.arange(120), lengths - 1]
        scores = [
            twin["head"](ends),
            twin["head"](output[:, -1]),
            twin["head"](ends).softmax(dim=1),
        ]
        losses = [F.cross_entropy(s, y) for s in scores]
        losses[0].backward()
        nn.utils.clip_grad_norm_(weights[1], 1.0)
        theirs.step()
        return [loss.item() for loss in losses]

    for step in range(8):
        right, box, twice = want()
        got = call(answer, model, ours, X, lengths, y, mutates=True)
        if isinstance(got, float):
            expect(
                abs(got - box) > 1e-3,
                "this judges the last place of the box, which is padding "
                "for most of the names",
            )
            expect(
                abs(got - twice) > 1e-3,
                "the loss takes logits; yours gets probabilities",
            )
        same_number(
            got,
            right,
            f"the loss of step {step + 1} is not right; it is that of the "
            "logits before the step",
            rtol=1e-3,
        )
        for p, q in zip(*weights, strict=True):
            same_tensor(
                p.detach(),
                q.detach(),
                "the first step goes astray: its gradient should have a "
                "norm of 1 when the optimizer sees it"
                if step == 0
                else "a later step goes astray; does it see the gradient of "
                "this batch alone, as it is when its norm is below 1?",
                rtol=1e-3,
                atol=1e-4,
            )


class _Name(str):
    """A name whose place in a set depends on `salt`."""

    salt = 0

    def __hash__(self):
        return hash((self.salt, str(self)))


@exercise("12.14")
def two_splits(answer):
    own = {"Finnish": 23, "Polish": 14, "Zulu": 9}
    _Name.salt = 0
    once = [
        (_Name(f"{who}{i}"), who) for who, n in own.items() for i in range(n)
    ]
    rows = [*once, *once[:20], *once[:20], *once[30:35]]
    truth = dict(once)
    trials = []

    def fit(train):
        known, asked = dict(train), []
        trials.append((list(train), asked))

        def classify(name):
            asked.append(name)
            return known.get(name, "Finnish")

        return classify

    def run(seed, salt=0):
        trials.clear()
        _Name.salt = salt
        generator = torch.Generator().manual_seed(seed)
        got = call(answer, list(rows), fit, generator)
        expect(
            is_sequence(got, 2),
            "two numbers are asked for: careless and fair",
        )
        expect(
            len(trials) == 2,
            f"`fit` was called {len(trials)} times; each split needs one",
        )
        return got, [sorted(asked) for _, asked in trials]

    got, asked = run(0)
    (loose, loose_test), (train, test) = trials
    expect(
        sorted([*(name for name, _ in loose), *loose_test])
        == sorted(name for name, _ in rows),
        "the careless split should use every row, copies included, either "
        "for training or for the test",
    )
    expect(
        len(loose_test) == len(rows) // 5,
        "the careless test set should hold one fifth of the rows",
    )
    expect(
        not {name for name, _ in train} & set(test),
        "a name of the fair test set was in its training set",
    )
    expect(
        sorted([*(name for name, _ in train), *test]) == sorted(truth),
        "the fair split should use each row once",
    )
    for who, n in own.items():
        expect(
            sum(truth[name] == who for name in test) == n // 5,
            f"{who} has {n} rows, and {n // 5} belong in the fair test set",
        )
    for value, (rows_, names), kind in zip(
        got, trials, ("careless", "fair"), strict=True
    ):
        known = dict(rows_)
        hits = [known.get(name, "Finnish") == truth[name] for name in names]
        same_number(
            value,
            sum(hits) / len(hits),
            f"the {kind} accuracy is not the share of right answers",
        )
    expect(
        run(0)[1] == asked,
        "the same seed gives another split; draw from `generator` only",
    )
    expect(
        run(0, salt=1)[1] == asked,
        "a set of names has another order each time that Python starts, so "
        "the same seed gives another split",
    )
    other = run(1)[1]
    for i, kind in enumerate(["careless", "fair"]):
        expect(other[i] != asked[i], f"the {kind} split is not random")
