"""Checks of chapter 13, graphs."""

import dis
import warnings
from numbers import Integral

import torch
from torch import nn

from checks.watchers import Calls, Lines
from checks.words import (
    call,
    exercise,
    expect,
    is_sequence,
    is_tensor,
    same_number,
    same_tensor,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import torch_geometric.nn as gnn
    from torch_geometric.data import Data
    from torch_geometric.utils import to_undirected


def _pairs(edge_index):
    """The columns of an edge tensor as a sorted list of pairs."""
    return sorted(map(tuple, edge_index.t().tolist()))


def _random_edges(num_nodes=9, num_edges=30):
    """Directed edges, so that source and target are not alike."""
    edges = torch.randint(num_nodes, (2, num_edges))
    edges = edges[:, edges[0] != edges[1]]
    loop = torch.arange(num_nodes)
    loop = torch.stack([loop, (loop + 1) % num_nodes])
    return torch.cat([edges, loop], dim=1).unique(dim=1)


def _ring(size, start=0):
    node = torch.arange(size)
    return to_undirected(torch.stack([node, (node + 1) % size])) + start


def _path(size, start=0):
    node = torch.arange(size - 1)
    return to_undirected(torch.stack([node, node + 1])) + start


def _is_integer(value):
    expect(
        isinstance(value, Integral),
        f"an integer is asked for, this is a {type(value).__name__}",
    )


@exercise("13.1")
def make_edge_index(answer):
    for ties in ([(0, 1), (1, 2), (4, 0)], [(3, 0), (2, 1), (0, 2), (1, 3)]):
        got = call(answer, ties)
        is_tensor(got, dtype=torch.int64)
        expect(
            sorted(got.shape) != [2, len(ties)],
            "each tie is in once; messages need the way back too",
        )
        expect(
            got.shape != (2 * len(ties), 2),
            "edges are columns here, these are rows",
        )
        is_tensor(got, shape=(2, 2 * len(ties)))
        want = sorted(ties + [(b, a) for a, b in ties])
        expect(
            _pairs(got) == want,
            "the columns are not the ties and their ways back",
        )


@exercise("13.2")
def lonely(answer):
    for edges, size, want in [
        (torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), 3, 0),
        (torch.tensor([[0, 0, 1], [1, 2, 2]]), 3, 1),
        (torch.tensor([[0, 0, 0], [1, 2, 3]]), 4, 1),
        (torch.tensor([[0, 1], [1, 0]]), 5, 3),
    ]:
        got = call(answer, edges, size)
        same_number(
            got,
            want,
            "the count is not right; think of the lower row of edge_index, "
            "and of nodes beyond its largest number",
        )
        _is_integer(got)


@exercise("13.3")
def join(answer):
    edges = [_ring(3), torch.tensor([[0], [1]]), _ring(5)]
    sizes = [3, 4, 5]
    got = call(answer, edges, sizes)
    expect(
        is_sequence(got, 2),
        "two tensors are asked for: edge_index and batch",
    )
    same_tensor(
        got[0],
        torch.cat([edges[0], edges[1] + 3, edges[2] + 7], dim=1),
        "edge_index is not right; each graph's numbers start after all the "
        "nodes before it, also those without edges",
        name="edge_index",
    )
    batch = torch.tensor([0] * 3 + [1] * 4 + [2] * 5)
    same_tensor(got[1], batch, "batch names the wrong graph", name="batch")


def _has_loop(code):
    """Whether a code object, or one inside it, holds a loop."""
    return any(
        "BACKWARD" in step.opname or step.opname == "FOR_ITER"
        for step in dis.get_instructions(code)
    ) or any(_has_loop(c) for c in code.co_consts if hasattr(c, "co_code"))


@exercise("13.4")
def neighbour_mean(answer):
    calls = []
    for n in (6, 12):
        x, ring = torch.randn(n, 3), _ring(n)
        with Calls() as seen, Lines() as lines:
            call(answer, x, ring)
        calls.append(len(seen.names))
        expect(
            "torch_geometric" not in lines.packages,
            "do without the functions of PyG",
        )
    code = getattr(answer, "__code__", None)
    expect(
        calls[0] == calls[1] and not (code and _has_loop(code)),
        "there is a loop; add up all messages at once",
    )
    x = torch.randn(6, 3)
    edges = torch.tensor([[0, 1, 2, 5, 0], [1, 2, 1, 1, 4]])
    got = call(answer, x, edges)
    want = torch.zeros(6, 3)
    want[1] = (x[0] + x[2] + x[5]) / 3
    want[2], want[4] = x[1], x[0]
    same_tensor(
        got,
        want,
        "the means are not right; messages go from the upper row to the "
        "lower one, and each sum is divided by what arrived",
    )


@exercise("13.5")
def triangles(answer):
    full = to_undirected(torch.combinations(torch.arange(4)).t())
    for edges, size, want in [
        (_ring(3), 3, 1),
        (full, 4, 4),
        (_ring(6), 7, 0),
        (torch.cat([_ring(3), _ring(3, 3)], dim=1), 6, 2),
    ]:
        got = call(answer, edges, size)
        same_number(
            got,
            want,
            "the count is not right; a triangle is met from each of its "
            "corners, and in both directions",
        )
        _is_integer(got)


@exercise("13.6")
def add_degree(answer):
    edges = torch.tensor([[0, 1, 2, 0], [1, 2, 1, 2]])
    x = torch.randn(4, 2)
    place = torch.randn(4, 2)
    graph = Data(x.clone(), edges, y=torch.tensor([7]), pos=place)
    got = call(answer, graph)
    expect(
        sorted(graph.keys()) == ["edge_index", "pos", "x", "y"]
        and torch.equal(graph.x, x),
        "the graph that came in was changed; work on a clone",
    )
    expect(isinstance(got, Data), "a transform returns a graph")
    expect(
        {"edge_index", "y", "pos"} <= set(got.keys())
        and torch.equal(got.edge_index, edges)
        and torch.equal(got.y, graph.y)
        and torch.equal(got.pos, place),
        "the edges and the other attributes belong to the new graph too",
    )
    degree = torch.tensor([[0.0], [2.0], [2.0], [0.0]])
    same_tensor(
        got.x,
        torch.cat([x, degree], dim=1),
        "x is not right; count the edges that arrive, and put the count in "
        "the last column",
        name="x",
    )


@exercise("13.7")
def edge_conv(answer):
    h = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 4))
    layer = gnn.EdgeConv(h)  # which draws the weights of h anew
    x, edges = torch.randn(9, 3), _random_edges()
    weight = h[0].weight.detach().clone()
    got = call(answer, x, edges, h)
    expect(
        torch.equal(h[0].weight, weight),
        "h has new weights now, as `gnn.EdgeConv` gives it; use h as it is",
    )
    same_tensor(
        got,
        layer(x, edges),
        "the values are not right; h gets the target first and then source "
        "minus target, and of the messages the maximum counts",
    )
    expect(got.requires_grad, "no gradient flows back to the weights of h")


@exercise("13.8")
def without_ties(answer):
    ties = torch.tensor(
        [
            [0, 1, 2, 3, 0, 0, 3, 9, 1, 324, 900, 900],
            [1, 2, 3, 4, 999, 3, 999, 99, 499, 945, 998, 999],
        ]
    )
    edges = torch.cat([ties.flip(1), ties.flip(0)], dim=1)
    hidden = torch.tensor([[2, 0, 900], [1, 999, 998]])
    got = call(answer, edges, hidden)
    is_tensor(got, dtype=torch.int64)
    gone = {(1, 2), (2, 1), (0, 999), (999, 0), (900, 998), (998, 900)}
    want = [pair for pair in edges.t().tolist() if tuple(pair) not in gone]
    expect(
        got.shape == (2, len(want)),
        f"{got.shape[-1]} edges are left, not {len(want)}; a hidden tie has "
        "two directions, and an edge goes only if one tie holds both its ends",
    )
    expect(
        got.t().tolist() == want,
        "the wrong edges are left, or their order changed",
    )


@exercise("13.9")
def hops(answer):
    path = torch.tensor([[0, 1, 2, 4], [1, 2, 3, 0]])
    shortcut = torch.tensor([[0, 1, 2, 0], [1, 2, 3, 3]])
    for edges, start, size, want in [
        (path, 0, 5, [0, 1, 2, 3, -1]),
        (path, 4, 5, [1, 2, 3, 4, 0]),
        (shortcut, 0, 4, [0, 1, 2, 1]),
        (_ring(6), 2, 6, [2, 1, 0, 1, 2, 3]),
        (_path(8), 0, 10, [*range(8), -1, -1]),
    ]:
        same_tensor(
            call(answer, edges, start, size),
            torch.tensor(want),
            "the distances are not right; go along the direction of edges, "
            "keep the first number that a node gets, and -1 where no way "
            "leads",
        )


@exercise("13.10")
def spread_labels(answer):
    path, star = _path(6), to_undirected(torch.tensor([[0] * 3, [1, 2, 3]]))
    web = torch.tensor([[0, 0, 1, 1, 2, 2, 3, 4], [1, 4, 3, 5, 3, 5, 4, 5]])
    web = to_undirected(web)
    fork = torch.tensor([[0, 0, 0, 2, 2, 4], [1, 2, 4, 3, 4, 5]])
    fork = to_undirected(fork)
    tree = torch.tensor([[0, 0, 0, 1, 1, 3], [2, 3, 5, 2, 3, 4]])
    tree = to_undirected(tree)
    steps = (
        "after two steps a row is wrong; each step replaces it by the mean of "
        "the neighbours alone, as they were before the step"
    )
    held = (
        "after each step an unknown node holds the mean of its neighbours, "
        "and a known one its own label"
    )
    for edges, y, known, number, want, hint in [
        (path, [1, 0, 0, 1, 1, 0], [0, 5], 50, [1, 1, 1, 0, 0, 0], held),
        (star, [0, 1, 1, 0], [1, 2, 3], 1, [1, 1, 1, 0], held),
        (star, [0, 1, 0, 0], [1], 2, [1] * 4, "unknown labels must not count"),
        (web, [0, 1, 0, 0, 1, 0], [0, 1, 5], 2, [0, 1, 0, 0, 0, 0], steps),
        (fork, [0, 1, 0, 0, 0, 1], [1, 3, 5], 2, [1, 1, 0, 0, 1, 1], steps),
        (tree, [1, 0, 0, 1, 0, 1], [1, 4, 5], 2, [0, 0, 0, 0, 0, 1], steps),
    ]:
        mask = torch.zeros(len(y), dtype=torch.bool)
        mask[known] = True
        got = call(answer, edges, torch.tensor(y), mask, number)
        same_tensor(got, torch.tensor(want), hint)


@exercise("13.11")
def rings_apart(answer):
    three = torch.cat([_ring(3), _ring(3, 3)], dim=1)
    path = _path(4)
    star = to_undirected(torch.tensor([[0, 0, 0], [1, 2, 3]]))
    moved = torch.tensor([2, 0, 3, 1])[path]
    split = to_undirected(torch.tensor([[0, 1, 2, 4, 2], [1, 2, 3, 5, 4]]))
    tail = to_undirected(torch.tensor([[0, 1, 2, 3, 1], [1, 2, 3, 4, 5]]))
    inner = to_undirected(torch.tensor([[0, 1, 2, 3, 2], [1, 2, 3, 4, 5]]))

    pairs = torch.tensor([[0, 1, 2, 3], [1, 0, 3, 2]])

    def both(first, second):
        return torch.cat([_path(first), _path(second, first)], dim=1)

    for first, second, size, want, hint in [
        (path, star, 4, True, "a path and a star differ"),
        (path, moved, 4, False, "the numbering of nodes must not count"),
        (star, 3 - star, 4, False, "the numbering of nodes must not count"),
        (tail, tail.flip(1), 6, False, "the order of edges must not count"),
        (_ring(4), pairs, 4, True, "a colour must mean the same in both"),
        (
            torch.cat([_ring(4), pairs + 4], dim=1),
            torch.cat([_ring(6), pairs[:, :2] + 6], dim=1),
            8,
            True,
            "how often a colour occurs counts, too",
        ),
        (_ring(6), three, 6, False, "both are rings: colours agree"),
        (_path(6), split, 6, True, "a path and a branching tree differ"),
        (
            tail,
            inner,
            6,
            True,
            "these trees have the same degrees, more rounds tell them apart",
        ),
        (both(6, 6), both(5, 7), 12, True, "the third round finds this out"),
        (both(8, 8), both(7, 9), 16, False, "it takes a fourth round to see"),
    ]:
        got = call(answer, (first, size), (second, size))
        same_number(got, want, hint, name="the answer")
    for first, second in [
        ((_ring(3), 3), (_ring(6), 6)),
        ((path, 4), (path, 5)),
    ]:
        got = call(answer, first, second)
        hint = "graphs with different numbers of nodes differ"
        same_number(got, True, hint, name="the answer")


@exercise("13.12")
def gat_v2(answer):
    layer = gnn.GATv2Conv(5, 4, bias=False)
    arguments = layer.lin_l.weight, layer.lin_r.weight, layer.att[0, 0]
    arguments = [weight.detach() for weight in arguments]
    edges = _random_edges()
    for scale in (1, 100):
        x = scale * torch.randn(9, 5)
        with torch.no_grad():
            got = call(answer, x, edges, *arguments)
            want = layer(x, edges)
        same_tensor(
            got,
            want,
            "the values are not right; look at the order of LeakyReLU and a, "
            "at its slope, at the self-loops, at which matrix makes the "
            "message, and whose shares sum to 1",
            rtol=1e-3,
        )


@exercise("13.13")
def edge_trial(answer):
    y = torch.tensor([0, 0, 0, 0, 1, 1, 1, 1])
    tied = torch.cat([_path(4), _path(4, 4)], dim=1)
    graph = Data(x=torch.randn(8, 1), edge_index=tied.clone(), y=y)
    masks = torch.zeros(3, 8, dtype=torch.bool)
    masks[0, [0, 4]] = masks[1, [0, 1, 2, 5]] = masks[2, 3] = True
    x, log, same = graph.x.clone(), [], []

    def train(graph, mask):
        log.append((graph.num_edges, mask.tolist()))
        same.append(
            {"x", "y"} <= set(graph.keys())
            and torch.equal(graph.x, x)
            and torch.equal(graph.y, y)
        )
        guess = torch.where(mask, y, 0)
        for a, b in graph.edge_index.t().tolist():
            if mask[a] and not mask[b]:
                guess[b] = y[a]
        return guess

    want = []
    for edges in (tied, tied[:, :0]):
        hits = [
            (train(Data(x, edges, y=y), mask) == y)[~mask].float().mean()
            for mask in masks
        ]
        want.append(sum(hits).item() / 3)
    log.clear()
    got = call(answer, train, graph, list(masks))
    expect(
        torch.equal(graph.edge_index, tied),
        "the graph that came in was changed; work on a clone",
    )
    expect(
        is_sequence(got, 2),
        "two numbers are asked for, with and without edges",
    )
    for edges, words in ((12, "with"), (0, "without")):
        seen = [mask for count, mask in log if count == edges]
        expect(
            sorted(seen) == sorted(masks.tolist()),
            f"{len(seen)} trainings {words} edges; each mask needs one, as it "
            "came",
        )
    expect(all(same), "without its edges the graph keeps its x and y")
    for value, mean, words in zip(got, want, ("with", "without"), strict=True):
        same_number(
            value,
            mean,
            f"the accuracy {words} edges is not right; judge the nodes "
            "outside each mask, then average over the masks",
        )


@exercise("13.14")
def diagnose(answer):
    x, y, ring = torch.randn(5, 2), torch.arange(5), _ring(5)
    hole, endless, below = x.clone(), x.clone(), x.clone()
    hole[3, 1], endless[0, 0] = float("nan"), float("inf")
    below[0, 0] = -float("inf")
    none = ring[:, :0]
    far = torch.cat([ring, torch.tensor([[4, 5], [5, 4]])], dim=1)
    low = torch.cat([ring, torch.tensor([[0, -1], [-1, 0]])], dim=1)
    one = ring[:, ring[0] != 2]
    round_ = torch.stack([torch.arange(5), (torch.arange(5) + 1) % 5])
    loop = torch.cat([ring, torch.tensor([[3], [3]])], dim=1)
    leave = torch.cat([ring, torch.tensor([[0], [5]])], dim=1)
    enter = torch.cat([ring, torch.tensor([[5], [0]])], dim=1)
    swap = torch.tensor([[0, 0], [1, 2]])
    for (x_, edges, y_), want, hint in [
        ((x, ring, y), set(), "a healthy graph has no fault"),
        ((x, none, y), set(), "a graph without edges has no fault"),
        ((x, far, y), {"outside"}, "five nodes have the numbers 0 to 4"),
        ((x, low, y), {"outside"}, "a negative number names no node"),
        ((x, one, y), {"one-way"}, "an edge without its way back is missed"),
        ((x, swap, y), {"one-way"}, "two edges, and no way back"),
        ((x, round_, y), {"one-way"}, "a ring in one direction"),
        ((x, loop, y), set(), "a self-loop is its own way back"),
        ((hole, far, y), {"outside", "nan"}, "two faults"),
        ((x, leave, y), {"outside", "one-way"}, "two faults in one edge"),
        ((x, enter, y), {"outside", "one-way"}, "two faults in one edge"),
        ((hole, ring, y), {"nan"}, "a feature is nan"),
        ((endless, ring, y), {"nan"}, "an infinite feature is not finite"),
        ((below, ring, y), {"nan"}, "minus infinity is not finite"),
        ((x, ring, y[:4]), {"labels"}, "a label is missing"),
        ((x, ring, torch.arange(6)), {"labels"}, "there is a label too many"),
        ((hole, one, y[:3]), {"nan", "one-way", "labels"}, "three faults"),
    ]:
        got = call(answer, Data(x=x_, edge_index=edges, y=y_))
        expect(isinstance(got, set), "a set of words is asked for")
        expect(got == want, f"{hint}; found {sorted(map(str, got))}")
