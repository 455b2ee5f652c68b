"""Typical wrong answers of chapter 13: {exercise: [(answer, hint)]}."""

import warnings

import torch
import torch.nn.functional as F

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from torch_geometric.utils import scatter, to_dense_adj


def one_way(ties):
    return torch.tensor(ties).t()


def rows(ties):
    pairs = torch.tensor(ties)
    return torch.cat([pairs, pairs.flip(1)])


def same_way_twice(ties):
    once = torch.tensor(ties).t()
    return torch.cat([once, once], dim=1)


def floats(ties):
    once = torch.tensor(ties).t().float()
    return torch.cat([once, once.flip(0)], dim=1)


def without_minlength(edge_index, num_nodes):
    return int((edge_index[1].bincount() == 0).sum())


def by_source(edge_index, num_nodes):
    degree = edge_index[0].bincount(minlength=num_nodes)
    return int((degree == 0).sum())


def lonely_tensor(edge_index, num_nodes):
    return (edge_index[1].bincount(minlength=num_nodes) == 0).sum()


def not_shifted(edge_indices, sizes):
    batch = torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes))
    return torch.cat(edge_indices, dim=1), batch


def shifted_by_edges(edge_indices, sizes):
    batch = torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes))
    start, parts = 0, []
    for edges in edge_indices:
        parts.append(edges + start)
        start += int(edges.max()) + 2
    return torch.cat(parts, dim=1), batch


def only_edges(edge_indices, sizes):
    return not_shifted(edge_indices, sizes)[0]


def other_direction(x, edge_index):
    source, target = edge_index
    total = torch.zeros_like(x).index_add(0, source, x[target])
    count = source.bincount(minlength=len(x)).clamp(min=1)
    return total / count[:, None]


def a_sum(x, edge_index):
    source, target = edge_index
    return torch.zeros_like(x).index_add(0, target, x[source])


def divides_by_zero(x, edge_index):
    source, target = edge_index
    count = target.bincount(minlength=len(x))
    return a_sum(x, edge_index) / count[:, None]


def walks(edge_index, num_nodes):
    A = to_dense_adj(edge_index, max_num_nodes=num_nodes)[0]
    return round((A @ A @ A).trace().item())


def corners_only(edge_index, num_nodes):
    return walks(edge_index, num_nodes) // 3


def changes_the_graph(graph):
    degree = graph.edge_index[1].bincount(minlength=graph.num_nodes)
    graph.x = torch.cat([graph.x, degree[:, None].float()], dim=1)
    return graph


def leaving_edges(graph):
    graph = graph.clone()
    degree = graph.edge_index[0].bincount(minlength=graph.num_nodes)
    graph.x = torch.cat([graph.x, degree[:, None].float()], dim=1)
    return graph


def returns_x(graph):
    return changes_the_graph(graph.clone()).x


def swapped_difference(x, edge_index, h):
    source, target = edge_index
    messages = h(torch.cat([x[target], x[target] - x[source]], dim=1))
    return scatter(messages, target, dim_size=len(x), reduce="max")


def a_mean(x, edge_index, h):
    source, target = edge_index
    messages = h(torch.cat([x[target], x[source] - x[target]], dim=1))
    return scatter(messages, target, dim_size=len(x), reduce="mean")


def one_direction(edge_index, hidden):
    code = edge_index[0] * 1000 + edge_index[1]
    return edge_index[:, ~torch.isin(code, hidden[0] * 1000 + hidden[1])]


def touched_nodes(edge_index, hidden):
    touched = torch.isin(edge_index, hidden).all(dim=0)
    return edge_index[:, ~touched]


def counts_walks(edge_index, start, num_nodes):
    source, target = edge_index
    distance = torch.full((num_nodes,), -1)
    distance[start] = 0
    for step in range(1, num_nodes):
        distance[target[distance[source] == step - 1]] = step
    return distance


def zero_for_unreached(edge_index, start, num_nodes):
    source, target = edge_index
    distance = torch.full((num_nodes,), -1)
    distance[start] = 0
    for step in range(1, num_nodes):
        heard = target[distance[source] == step - 1]
        distance[heard[distance[heard] == -1]] = step
    return distance.clamp(min=0)


def uses_all_labels(edge_index, y, known, steps):
    source, target = edge_index
    belief = F.one_hot(y, 2).float()
    for _ in range(steps):
        belief = scatter(belief[source], target, reduce="mean")
        belief[known] = F.one_hot(y, 2).float()[known]
    return belief.argmax(dim=1)


def never_sets_back(edge_index, y, known, steps):
    source, target = edge_index
    belief = F.one_hot(y, 2).float() * known[:, None]
    for _ in range(steps):
        belief = scatter(belief[source], target, reduce="mean")
    return belief.argmax(dim=1)


def degrees_only(first, second):
    def degrees(edge_index, num_nodes):
        return sorted(edge_index[1].bincount(minlength=num_nodes).tolist())

    return degrees(*first) != degrees(*second)


def compares_edges(first, second):
    return not torch.equal(first[0], second[0])


def counts_edges(first, second):
    return first[0].shape != second[0].shape


def _attend(x, edge_index, W1, W2, a, *, loops=True, early=False, other=False):
    if loops:
        own = torch.arange(len(x)).expand(2, -1)
        edge_index = torch.cat([edge_index, own], dim=1)
    source, target = edge_index
    sent, asked = (x @ W1.T)[source], (x @ W2.T)[target]
    if early:  # the score of the first version
        score = F.leaky_relu((sent + asked) @ a, 0.2)
    else:
        score = F.leaky_relu(sent + asked, 0.2) @ a
    score = score.exp()
    total = scatter(score, target, dim_size=len(x))
    message = (x @ W2.T)[source] if other else sent
    share = (score / total[target])[:, None]
    return scatter(share * message, target, dim_size=len(x))


def no_loops(*arguments):
    return _attend(*arguments, loops=False)


def first_version(*arguments):
    return _attend(*arguments, early=True)


def wrong_matrix(*arguments):
    return _attend(*arguments, other=True)


WRONG = {
    "13.1": [
        (one_way, "the way back"),
        (rows, "these are rows"),
        (same_way_twice, "not the ties and their ways back"),
        (floats, "not torch.int64"),
    ],
    "13.2": [
        (without_minlength, "beyond its largest number"),
        (by_source, "the lower row"),
        (lonely_tensor, "see .item()"),
    ],
    "13.3": [
        (not_shifted, "start after all the nodes before it"),
        (shifted_by_edges, "also those without edges"),
        (only_edges, "two tensors are asked for"),
    ],
    "13.4": [
        (other_direction, "from the upper row to the lower"),
        (a_sum, "divided by what arrived"),
        (divides_by_zero, "NaN"),
    ],
    "13.5": [
        (walks, "from each of its corners"),
        (corners_only, "in both directions"),
    ],
    "13.6": [
        (changes_the_graph, "work on a clone"),
        (leaving_edges, "the edges that arrive"),
        (returns_x, "a transform returns a graph"),
    ],
    "13.7": [
        (swapped_difference, "source minus target"),
        (a_mean, "the maximum counts"),
    ],
    "13.8": [
        (one_direction, "two directions"),
        (touched_nodes, "edges are left"),
    ],
    "13.9": [
        (counts_walks, "keep the first number"),
        (zero_for_unreached, "-1 where no way"),
    ],
    "13.10": [
        (uses_all_labels, "unknown labels must not be used"),
        (never_sets_back, "keep theirs after every step"),
    ],
    "13.11": [
        (degrees_only, "the same degrees"),
        (compares_edges, "the numbering of nodes must not count"),
        (counts_edges, "a path and a star differ"),
    ],
    "13.12": [
        (no_loops, "self-loops"),
        (first_version, "the order of LeakyReLU and a"),
        (wrong_matrix, "which matrix makes the message"),
    ],
}
