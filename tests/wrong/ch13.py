"""Wrong answers for chapter 13 with a part of the hint that each must get."""

import torch
import torch_geometric.nn as gnn
from torch_geometric.utils import scatter, to_dense_adj

from solutions import edit, edits


def mean_by_pyg(x, edge_index):
    source, target = edge_index
    return scatter(x[source], target, dim_size=len(x), reduce="mean")


def mean_by_loop(x, edge_index):
    total, count = torch.zeros_like(x), torch.zeros(len(x), 1)
    for source, target in edge_index.t().tolist():
        total[target] += x[source]
        count[target] += 1
    return total / count.clamp(min=1)


def mean_by_matrix(x, edge_index):
    A = to_dense_adj(edge_index, max_num_nodes=len(x))[0].t()
    return A @ x / A.sum(dim=1, keepdim=True).clamp(min=1)


def mean_by_lists(x, edge_index):
    rows = x.tolist()
    mean, count = [[0.0] * len(row) for row in rows], [0] * len(rows)
    for source, target in edge_index.t().tolist():
        count[target] += 1
        for i, value in enumerate(rows[source]):
            mean[target][i] += (value - mean[target][i]) / count[target]
    return torch.tensor(mean)


def compares_degrees(first, second):
    def degrees(edge_index, num_nodes):
        return sorted(edge_index[1].bincount(minlength=num_nodes).tolist())

    return degrees(*first) != degrees(*second)


WRONG = {
    "13.1": [
        edit("torch.cat([once, once.flip(0)], dim=1)", "once", "way back"),
        edit("dim=1)", "dim=1).t()", "these are rows"),
        edit("dim=1", "dim=0", "has shape (4, 3)"),
        edit("once.flip(0)", "once", "not the ties and their ways back"),
        edit("torch.tensor(ties)", "torch.Tensor(ties)", "not torch.int64"),
    ],
    "13.2": [
        edit("minlength=num_nodes", "", "beyond its largest number"),
        edit("edge_index[1]", "edge_index[0]", "the lower row"),
        edit("int((degree == 0).sum())", "(degree == 0).sum()", ".item()"),
        edit("int(", "float(", "an integer is asked for"),
    ],
    "13.3": [
        edit("edges + start\n", "edges\n", "start after all the nodes"),
        edit(
            "starts = sizes.cumsum(0) - sizes",
            "ends = [int(edges.max()) + 1 for edges in edge_indices]\n"
            "    starts = torch.tensor([0, *ends[:-1]]).cumsum(0)",
            "also those without edges",
        ),
        edit("dim=1), batch", "dim=1)", "two tensors are asked for"),
        edit("interleave(sizes)", "interleave(sizes.flip(0))", "wrong graph"),
    ],
    "13.4": [
        edit("source, target =", "target, source =", "from the upper row"),
        edit(" / count[:, None]", "", "divided by what arrived"),
        (mean_by_pyg, "do without"),
        (mean_by_matrix, "do without"),
        (mean_by_loop, "there is a loop"),
        (mean_by_lists, "there is a loop"),
        edit(".clamp(min=1)", "", "NaN"),
    ],
    "13.5": [
        edit(" / 6", "", "from each of its corners"),
        edit(" / 6", " / 3", "in both directions"),
        edit("round(", "float(", "an integer is asked for"),
    ],
    "13.6": [
        edit("graph.clone()", "graph", "work on a clone"),
        edit(
            "graph = graph.clone()",
            "graph.degree = 0\n    graph = graph.clone()",
            "work on a clone",
        ),
        edit("edge_index[1]", "edge_index[0]", "the edges that arrive"),
        *(
            edit(
                "return graph",
                f"graph.{name} = 0 * graph.{name}\n    return graph",
                "the other attributes",
            )
            for name in ("y", "pos")
        ),
        edit("return graph", "return graph.x", "a transform returns a graph"),
        edit("return graph", "return type(graph)(graph.x)", "belong to the"),
        edit(
            "return graph",
            "return type(graph)(graph.x, graph.edge_index, y=graph.y)",
            "the other attributes",
        ),
    ],
    "13.7": [
        edit("[source] - x[target]", "[target] - x[source]", "source minus"),
        edit('"max"', '"mean"', "the maximum counts"),
        edit('reduce="max")', 'reduce="max").detach()', "no gradient flows"),
        (lambda x, edges, h: gnn.EdgeConv(h)(x, edges), "has new weights"),
    ],
    "13.8": [
        edits(
            ("frozenset(tie)", "tuple(tie)"),
            ("frozenset(edge)", "tuple(edge)"),
            hint="two directions",
        ),
        *(
            edits(
                ("frozenset(tie)", code.replace("pair", "tie")),
                ("frozenset(edge)", code.replace("pair", "edge")),
                hint="edges are left",
            )
            for code in (
                "max(pair)",
                "sum(pair)",
                "sum(n**2 for n in pair)",
                "100 * min(pair) + max(pair)",
                "500 * min(pair) + max(pair)",
            )
        ),
        edit(
            "frozenset(edge) not in gone",
            "not set(edge) <= frozenset().union(*gone)",
            "one tie holds both its ends",
        ),
        edit("torch.tensor(keep)]", "torch.tensor(keep)].flip(1)", "order"),
        edit(
            "torch.tensor(keep)]",
            "torch.tensor(keep)].unique(dim=1)",
            "order changed",
        ),
        edit("torch.tensor(keep)]", "torch.tensor(keep)] / 1", "not torch"),
    ],
    "13.9": [
        edit("        heard = heard[distance[heard] == -1]\n", "", "first"),
        edit("return distance", "return distance.clamp(min=0)", "-1 where no"),
        edit("source, target =", "target, source =", "the direction of"),
        edit("(num_nodes,)", "(int(edge_index.max()) + 1,)", "shape (8,)"),
        edit("range(1, num_nodes)", "range(1, 5)", "are not right"),
    ],
    "13.10": [
        edit(" * known[:, None]", "", "unknown labels must not count"),
        edit("        belief[known] = fixed[known]\n", "", "its own label"),
        edit('"mean"', '"max"', "the mean of its neighbours"),
        edit("range(steps)", "range(steps + 1)", "after two steps"),
        edit(
            "        belief[known] = fixed[known]\n",
            "        belief /= belief.sum(1, keepdim=True).clamp(min=1e-9)\n"
            "        belief[known] = fixed[known]\n",
            "after two steps",
        ),
        edit("belief = scatter(", "belief = belief + scatter(", "alone"),
        edit(
            'belief = scatter(belief[source], target, reduce="mean")',
            "for i in range(len(y)):\n"
            "            if not known[i]:\n"
            "                heard = belief[source[target == i]]\n"
            "                belief[i] = heard.mean(dim=0)",
            "as they were before the step",
        ),
        edit(
            'belief = scatter(belief[source], target, reduce="mean")',
            "root = target.bincount()[:, None] ** 0.5\n"
            "        belief = scatter((belief / root)[source], target) / root",
            "the mean of the neighbours",
        ),
    ],
    "13.11": [
        (compares_degrees, "the same degrees"),
        (lambda a, b: a[0].shape != b[0].shape, "a path and a star differ"),
        edit("sorted(colour)", "colour", "the numbering of nodes"),
        edit("sorted(colour)", "set(colour)", "how often a colour"),
        edit("sorted(others)", "others", "the order of edges"),
        edits(
            ("return sorted(colour)", "return order(sorted(colour))"),
            (
                "def rings_apart",
                "def order(colours):\n"
                "    return [colours.index(colour) for colour in colours]\n"
                "\n\ndef rings_apart",
            ),
            hint="a colour must mean the same in both",
        ),
        edit("(own, tuple(sorted(others)))", "len(others)", "the same deg"),
        edit("range(3)", "range(2)", "the third round"),
        edit("range(3)", "range(4)", "a fourth round"),
        edit(
            "return colours(*first) != colours(*second)",
            "pairs = zip(colours(*first), colours(*second), strict=False)\n"
            "    return any(a != b for a, b in pairs)",
            "different numbers of nodes",
        ),
        edit(
            "colour = [()] * num_nodes",
            "num_nodes = int(edge_index.max()) + 1\n"
            "        colour = [()] * num_nodes",
            "different numbers of nodes",
        ),
    ],
    "13.12": [
        edit(
            "source, target = torch.cat([edge_index, loops], dim=1)",
            "source, target = edge_index",
            "self-loops",
        ),
        edits(
            ("F.leaky_relu(", "F.leaky_relu(("),
            (", 0.2) @ a", ") @ a, 0.2)"),
            hint="the order of LeakyReLU and a",
        ),
        edit("* sent", "* (x @ W2.T)[source]", "which matrix makes"),
        edit(", 0.2)", ")", "at its slope"),
        edit("(score, target", "(score, source", "whose shares sum to 1"),
        edit(
            "group_softmax(score, target, len(x))",
            "score.exp() / scatter(score.exp(), target)[target]",
            "NaN",
        ),
    ],
    "13.13": [
        edit("graph.clone()", "graph", "the graph that came in was changed"),
        edit("graph.clone()", "type(graph)(x=graph.x)", "keeps its x and y"),
        edit("graph.clone()", "type(graph)(y=graph.y)", "keeps its x and y"),
        edit("return tuple(means)", "return means[0]", "two numbers"),
        edit("in (graph, alone)", "in (graph, graph)", "6 trainings with"),
        edit("in (graph, alone)", "in (alone, alone)", "0 trainings with"),
        edit("(variant, mask)", "(variant, ~mask)", "as it came"),
        edit("right[~mask]", "right", "outside each mask"),
        edit("right[~mask]", "right[mask]", "outside each mask"),
        edit("total / len(masks)", "total", "average over the masks"),
        edit("total / len(masks)", "total / 2", "average over the masks"),
        edit("in (graph, alone)", "in (alone, graph)", "with edges is not"),
    ],
    "13.14": [
        edit("return faults", "return list(faults)", "a set of words"),
        edit(">= len(graph.x)", "> len(graph.x)", "0 to 4"),
        edit("(edges < 0) | ", "", "a negative number"),
        edit(
            "any((b, a) not in pairs for a, b in pairs)",
            "edges.shape[1] % 2",
            "way back",
        ),
        edit(
            "any((b, a) not in pairs for a, b in pairs)",
            "not graph.is_undirected() or not len(pairs)",
            "without edges has no fault",
        ),
        edit("not graph.x.isfinite().all()", "graph.x.isnan().any()", "infin"),
        edit(
            "not graph.x.isfinite().all()",
            "not (graph.x < torch.inf).all()",
            "minus infinity",
        ),
        edit(
            "((edges < 0) | (edges >= len(graph.x))).any()",
            "((edges < 0) | (edges >= len(graph.x)))[1].any()",
            "two faults in one edge",
        ),
        edit("len(graph.y) != len", "len(graph.y) < len", "too many"),
        edit("len(graph.y) != len", "len(graph.y) > len", "is missing"),
        edit("if len(graph.y)", "elif len(graph.y)", "three faults"),
        edit('faults.add("outside")', 'return {"outside"}', "two faults"),
        edit(
            "any((b, a) not in pairs for a, b in pairs)",
            "sorted(edges[0].tolist()) != sorted(edges[1].tolist())",
            "a ring in one direction",
        ),
        edit(
            "(b, a) not in pairs for",
            "(b, a) not in pairs or a == b for",
            "its own way back",
        ),
        edit("if any(", "if not faults and any(", "two faults in one edge"),
    ],
}

# (old, new) texts of the solution: answers that are right too
RIGHT = {
    "13.4": [
        (
            "total = torch.zeros_like(x).index_add(0, target, x[source])",
            "index = target[:, None].expand(-1, x.shape[1])\n"
            "    total = torch.zeros_like(x)\n"
            '    total = total.scatter(0, index, x[source], reduce="add")',
        ),
    ],
}

EQUAL = {
    "13.5": {
        "A = to_dense_adj(edge_index, max_num_nodes=num_nodes)[0] => "
        "A = to_dense_adj(edge_index)[0]": (
            "nodes beyond the last edge have no triangle"
        ),
    },
    "13.6": {
        "graph.x = torch.cat([graph.x, degree[:, None].float()], dim=1) => "
        "graph.x = torch.cat([graph.x, degree[:, None]], dim=1)": (
            "cat turns whole numbers into the floats of x"
        ),
    },
    "13.10": {
        "fixed = torch.eye(2)[y] => fixed = torch.eye(3)[y]": (
            "a third column stays zero and never wins"
        ),
    },
    "13.11": {
        "for a, b in zip(*edge_index.tolist(), strict=True): => "
        "for a, b in zip(*edge_index, strict=True):": (
            "tensors without axes index a list as well"
        ),
    },
}
