"""A drop on the karate club, passed on by the layers of PyG."""

import warnings

import torch
import torch.nn.functional as F

from cells import definitions

warnings.filterwarnings("ignore", message=".*torch.jit.script")

from torch_geometric.datasets import KarateClub  # noqa: E402
from torch_geometric.nn import GCNConv, SimpleConv  # noqa: E402

CLUB = KarateClub()[0]
CHAPTER = definitions("13_graphs", ["spread"], F=F)

POSITIONS = [
    {},
    {"rounds": 0},
    {"rounds": 2, "node": "16", "reader": "0"},
    {"rounds": 3, "node": "16", "reader": "33", "rule": "max"},
    {"rounds": 5, "rule": "max", "node": "26", "reader": "16"},
    {"rounds": 4, "rule": "sum", "reader": "2"},
    {"rounds": 40, "rule": "sum", "node": "11"},
    {"rounds": 24, "rule": "mean", "reader": "11"},
    {"rounds": 40, "rule": "mean", "node": "33", "reader": "0"},
    {"rounds": 3, "rule": "gcn", "node": "8"},
    {"rounds": 40, "rule": "gcn", "reader": "11"},
    {"rounds": 1, "rule": "gcn", "loops": False, "reader": "0"},
    {"rounds": 2, "rule": "sum", "loops": False, "reader": "1"},
    {"rounds": 3, "rule": "max", "loops": False, "node": "11"},
    {"rounds": 7, "rule": "mean", "loops": False, "node": "5"},
]


def layer(rule, loops):
    """One round, as a layer without weights of its own."""
    if rule != "gcn":
        return SimpleConv(rule, combine_root="self_loop" if loops else None)
    conv = GCNConv(34, 34, bias=False, add_self_loops=loops).double()
    conv.lin.weight.data = torch.eye(34, dtype=torch.float64)
    return conv


@torch.inference_mode()
def numbers(position):
    """What the figure must show, by PyG."""
    conv = layer(position.get("rule", "mean"), position.get("loops", True))
    X = CLUB.x.double()  # each member is one drop
    for _ in range(position.get("rounds", 1)):
        X = conv(X, CLUB.edge_index)
    values = X[:, int(position.get("node", 0))]
    share = values[int(position.get("reader", 33))] / values.max()
    return {
        "reached": int((values > 0).sum()),
        "share": share.item(),
        "size": values.max().log10().item(),
        "spread": CHAPTER["spread"](X),
    }
