"""The loaders of Cora and ENZYMES, on miniature files."""

import pickle
from collections import defaultdict

import numpy as np
import pytest
import scipy.sparse
import torch

from cells import namespace

NS = namespace("13_graphs", "real-thing")
load_cora, load_tu, open_pickle = (
    NS[name] for name in ("load_cora", "load_tu", "open_pickle")
)
NODES = 510  # the library takes 500 nodes for validation
TEST = [509, 507, 508]  # the test nodes, in the order of the file
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.script")


@pytest.fixture
def cora(tmp_path):
    """Two nodes for training, 505 others, three for the test."""
    features = np.arange(4 * NODES, dtype=np.float32).reshape(NODES, 4)
    labels = np.eye(3, dtype=np.int32)[np.arange(NODES) % 3]
    graph = defaultdict(list)
    for a, b in [(0, 1), (1, 2), (2, 509), (3, 3), (4, 5), (5, 508), (0, 1)]:
        graph[a].append(b)
        graph[b].append(a)
    parts = {"graph": graph}
    rows = {"": [0, 1], "t": TEST, "all": range(507)}
    for prefix, nodes in rows.items():
        parts[f"{prefix}x"] = scipy.sparse.csr_matrix(features[list(nodes)])
        parts[f"{prefix}y"] = labels[list(nodes)]
    for part, value in parts.items():
        with open(tmp_path / f"ind.cora.{part}", "wb") as file:
            pickle.dump(value, file, protocol=2)
    (tmp_path / "ind.cora.test.index").write_text("509\n507\n508\n")
    return tmp_path


def test_cora_puts_every_row_where_it_belongs(cora):
    graph = load_cora(cora)
    assert torch.equal(graph.x, torch.arange(4.0 * NODES).view(-1, 4))
    assert torch.equal(graph.y, torch.arange(NODES) % 3)
    assert graph.validate() and graph.is_undirected()
    assert not graph.has_self_loops() and graph.num_edges == 10
    assert graph.train_mask.nonzero().flatten().tolist() == [0, 1]
    assert graph.test_mask.nonzero().flatten().tolist() == sorted(TEST)


def test_cora_agrees_with_the_library(cora):
    from torch_geometric.io import read_planetoid_data

    theirs = read_planetoid_data(str(cora), "cora")
    ours = load_cora(cora)
    ways = [sorted(g.edge_index.t().tolist()) for g in (theirs, ours)]
    assert ways[0] == ways[1]
    assert torch.equal(theirs.x, ours.x) and torch.equal(theirs.y, ours.y)
    for name in ("train_mask", "val_mask", "test_mask"):
        assert torch.equal(theirs[name], ours[name])


def test_missing_cora_is_told_in_one_line(tmp_path, capsys):
    assert load_cora(tmp_path / "Cora") is None
    said = capsys.readouterr().out
    assert said.count("\n") == 1 and "copy the folder data" in said


@pytest.mark.parametrize("part", ["allx", "graph", "test.index"])
def test_a_damaged_part_of_cora_is_named_in_one_line(cora, capsys, part):
    (cora / f"ind.cora.{part}").write_bytes(b"<html>not found</html>")
    assert load_cora(cora) is None
    said = capsys.readouterr().out
    assert said.count("\n") == 1 and f"ind.cora.{part} is damaged" in said


def test_a_pickle_that_would_run_code_is_refused(tmp_path):
    path = tmp_path / "trap"
    path.write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(pickle.UnpicklingError, match="system is not allowed"):
        open_pickle(path)


TABLES = {
    "A": "1, 2\n2, 1\n3, 4\n4, 3\n4, 5\n5, 4\n",
    "graph_indicator": "1\n1\n2\n2\n2\n",
    "graph_labels": "6\n1\n",
    "node_labels": "1\n3\n2\n1\n1\n",
    "node_attributes": "0.5, 1\n1.5, 2\n2.5, 3\n3.5, 4\n4.5, 5\n",
}


@pytest.fixture
def enzymes(tmp_path):
    for part, text in TABLES.items():
        (tmp_path / f"ENZYMES_{part}.txt").write_text(text)
    return tmp_path


def test_enzymes_are_cut_into_graphs(enzymes):
    first, second = load_tu(enzymes)
    assert first.x.tolist() == [[0.5, 1, 1, 0, 0], [1.5, 2, 0, 0, 1]]
    assert first.edge_index.tolist() == [[0, 1], [1, 0]]
    assert second.edge_index.tolist() == [[0, 1, 1, 2], [1, 0, 2, 1]]
    assert (first.y.tolist(), second.y.tolist()) == ([1], [0])
    assert first.validate() and second.validate()


def test_enzymes_agree_with_the_library(enzymes):
    from torch_geometric.io import read_tu_data

    theirs, _, _ = read_tu_data(str(enzymes), "ENZYMES")
    ours = load_tu(enzymes)
    assert torch.equal(theirs.x, torch.cat([graph.x for graph in ours]))
    assert torch.equal(theirs.y, torch.cat([graph.y for graph in ours]))


def test_missing_enzymes_are_told_in_one_line(tmp_path, capsys):
    assert load_tu(tmp_path) is None
    said = capsys.readouterr().out
    assert said.count("\n") == 1 and "unpack" in said


@pytest.mark.parametrize("content", ["", "<html>", "1, 2\n2\n"])
def test_a_damaged_table_is_named_in_one_line(enzymes, capsys, content):
    (enzymes / "ENZYMES_A.txt").write_text(content)
    assert load_tu(enzymes) is None
    said = capsys.readouterr().out
    assert said.count("\n") == 1 and "ENZYMES_A.txt is damaged" in said
