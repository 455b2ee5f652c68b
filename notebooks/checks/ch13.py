"""The answer checks of chapter 13."""

import warnings

import torch
from torch import nn

from checks import call, exercise, expect, is_tensor, same_number, same_tensor

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


@exercise("13.1")
def _(answer):
    for ties in ([(0, 1), (1, 2)], [(3, 0), (2, 1), (0, 2), (1, 3)]):
        got = call(answer, ties)
        is_tensor(got, dtype=torch.int64)
        expect(
            got.shape != (len(ties), 2),
            "each tie is in once; messages need the way back too",
        )
        expect(
            got.shape != (2 * len(ties), 2),
            "edges are columns here, these are rows",
        )
        expect(
            got.shape != (2, len(ties)),
            "each tie is in once; messages need the way back too",
        )
        is_tensor(got, shape=(2, 2 * len(ties)))
        want = sorted(ties + [(b, a) for a, b in ties])
        expect(
            _pairs(got) == want,
            "the columns are not the ties and their ways back",
        )


@exercise("13.2")
def _(answer):
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


@exercise("13.3")
def _(answer):
    edges = [_ring(3), _ring(5), torch.tensor([[0], [1]])]
    sizes = [3, 5, 4]
    got = call(answer, edges, sizes)
    expect(
        isinstance(got, (tuple, list)) and len(got) == 2,
        "two tensors are asked for: edge_index and batch",
    )
    is_tensor(got[0], shape=(2, 17), dtype=torch.int64, name="edge_index")
    want = torch.cat([edges[0], edges[1] + 3, edges[2] + 8], dim=1)
    expect(
        torch.equal(got[0], want),
        "edge_index is not right; each graph's numbers start after all the "
        "nodes before it, also those without edges",
    )
    batch = torch.tensor([0] * 3 + [1] * 5 + [2] * 4)
    same_tensor(got[1], batch, "batch names the wrong graph", name="batch")


@exercise("13.4")
def _(answer):
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
def _(answer):
    full = to_undirected(torch.combinations(torch.arange(4)).t())
    for edges, size, want in [
        (_ring(3), 3, 1),
        (full, 4, 4),
        (_ring(6), 7, 0),
        (torch.cat([_ring(3), _ring(3, 3)], dim=1), 6, 2),
    ]:
        same_number(
            call(answer, edges, size),
            want,
            "the count is not right; a triangle is met from each of its "
            "corners, and in both directions",
        )


@exercise("13.6")
def _(answer):
    edges = torch.tensor([[0, 1, 2, 0], [1, 2, 1, 2]])
    x = torch.randn(4, 2)
    graph = Data(x=x.clone(), edge_index=edges)
    got = call(answer, graph)
    expect(
        torch.equal(graph.x, x),
        "the graph that came in was changed; work on a clone",
    )
    expect(isinstance(got, Data), "a transform returns a graph")
    is_tensor(got.x, shape=(4, 3), dtype=torch.float32, name="x")
    degree = torch.tensor([[0.0], [2.0], [2.0], [0.0]])
    same_tensor(
        got.x,
        torch.cat([x, degree], dim=1),
        "x is not right; count the edges that arrive, and put the count in "
        "the last column",
        name="x",
    )


@exercise("13.7")
def _(answer):
    h = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 4))
    layer = gnn.EdgeConv(h)  # which draws the weights of h anew
    x, edges = torch.randn(9, 3), _random_edges()
    got = call(answer, x, edges, h)
    same_tensor(
        got,
        layer(x, edges),
        "the values are not right; h gets the target first and then source "
        "minus target, and of the messages the maximum counts",
    )


@exercise("13.8")
def _(answer):
    edges = to_undirected(torch.tensor([[0, 1, 2, 3, 0], [1, 2, 3, 4, 999]]))
    hidden = torch.tensor([[2, 0], [1, 999]])
    got = call(answer, edges, hidden)
    is_tensor(got, dtype=torch.int64)
    gone = {(1, 2), (2, 1), (0, 999), (999, 0)}
    want = [pair for pair in edges.t().tolist() if tuple(pair) not in gone]
    expect(
        got.shape == (2, len(want)),
        f"{got.shape[-1]} edges are left, not {len(want)}; a hidden tie has "
        "two directions",
    )
    expect(
        got.t().tolist() == want,
        "the wrong edges are left, or their order changed",
    )


@exercise("13.9")
def _(answer):
    path = torch.tensor([[0, 1, 2, 4], [1, 2, 3, 0]])
    shortcut = torch.tensor([[0, 1, 2, 0], [1, 2, 3, 3]])
    for edges, start, size, want in [
        (path, 0, 5, [0, 1, 2, 3, -1]),
        (path, 4, 6, [1, 2, 3, 4, 0, -1]),
        (shortcut, 0, 4, [0, 1, 2, 1]),
        (_ring(6), 2, 6, [2, 1, 0, 1, 2, 3]),
    ]:
        same_tensor(
            call(answer, edges, start, size),
            torch.tensor(want),
            "the distances are not right; go along the direction of edges, "
            "keep the first number that a node gets, and -1 where no way "
            "leads",
        )


@exercise("13.10")
def _(answer):
    path = to_undirected(torch.tensor([[0, 1, 2, 3, 4], [1, 2, 3, 4, 5]]))
    y = torch.tensor([1, 0, 0, 1, 1, 0])
    known = torch.tensor([True, False, False, False, False, True])
    got = call(answer, path, y, known, 50)
    same_tensor(
        got,
        torch.tensor([1, 1, 1, 0, 0, 0]),
        "the labels are not right; unknown labels must not be used, and "
        "known nodes keep theirs after every step",
    )
    star = to_undirected(torch.tensor([[0, 0, 0], [1, 2, 3]]))
    known = torch.tensor([False, True, False, False])
    got = call(answer, star, torch.tensor([0, 1, 0, 0]), known, 1)
    is_tensor(got, shape=(4,), dtype=torch.int64)
    expect(
        got[:2].tolist() == [1, 1],
        "unknown labels must not be used; here one of three neighbours is "
        "known",
    )
    known = torch.tensor([False, True, True, True])
    got = call(answer, star, torch.tensor([0, 1, 1, 0]), known, 1)
    same_tensor(
        got,
        torch.tensor([1, 1, 1, 0]),
        "after a single step a node should take the mean of its neighbours",
    )


@exercise("13.11")
def _(answer):
    three = torch.cat([_ring(3), _ring(3, 3)], dim=1)
    path = to_undirected(torch.tensor([[0, 1, 2], [1, 2, 3]]))
    star = to_undirected(torch.tensor([[0, 0, 0], [1, 2, 3]]))
    moved = torch.tensor([2, 0, 3, 1])[path]
    long = to_undirected(torch.tensor([[0, 1, 2, 3, 4], [1, 2, 3, 4, 5]]))
    split = to_undirected(torch.tensor([[0, 1, 2, 4, 2], [1, 2, 3, 5, 4]]))
    tail = to_undirected(torch.tensor([[0, 1, 2, 3, 1], [1, 2, 3, 4, 5]]))
    inner = to_undirected(torch.tensor([[0, 1, 2, 3, 2], [1, 2, 3, 4, 5]]))
    for first, second, want, hint in [
        ((path, 4), (star, 4), True, "a path and a star differ"),
        (
            (path, 4),
            (moved, 4),
            False,
            "the numbering of nodes must not count",
        ),
        ((_ring(6), 6), (three, 6), False, "both are rings: colours agree"),
        ((long, 6), (split, 6), True, "a path and a branching tree differ"),
        (
            (tail, 6),
            (inner, 6),
            True,
            "these trees have the same degrees, more rounds tell them apart",
        ),
    ]:
        got = call(answer, first, second)
        same_number(got, want, hint, name="the answer")


@exercise("13.12")
def _(answer):
    layer = gnn.GATv2Conv(5, 4, bias=False)
    x, edges = torch.randn(9, 5), _random_edges()
    with torch.no_grad():
        want = layer(x, edges)
        arguments = layer.lin_l.weight, layer.lin_r.weight, layer.att[0, 0]
        got = call(answer, x, edges, *(a.detach() for a in arguments))
    is_tensor(got, shape=(9, 4), dtype=torch.float32)
    sums = got.detach()
    expect(not sums.isnan().any(), "the result holds NaN")
    same_tensor(
        got,
        want,
        "the values are not right; look at the order of LeakyReLU and a, at "
        "the self-loops, and which matrix makes the message",
    )
