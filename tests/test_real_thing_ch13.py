"""The opener of Cora and ENZYMES, on miniature files."""

import pickle
import warnings

import numpy as np
import pytest
import scipy.sparse

from cells import namespace

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from torch_geometric.datasets import Planetoid, TUDataset

open_graphs = namespace("13_graphs", "real-thing")["open_graphs"]
NODES = 510  # the library takes 500 nodes for validation
TABLES = {
    "A": "1, 2\n2, 1\n3, 4\n4, 3\n4, 5\n5, 4\n",
    "graph_indicator": "1\n1\n2\n2\n2\n",
    "graph_labels": "6\n1\n",
    "node_labels": "1\n3\n2\n1\n1\n",
    "node_attributes": "0.5, 1\n1.5, 2\n2.5, 3\n3.5, 4\n4.5, 5\n",
}


@pytest.fixture
def cora(tmp_path):
    """The files of a small graph like Cora's, with two nodes for the test."""
    raw = tmp_path / "Cora" / "raw"
    raw.mkdir(parents=True)
    features = np.arange(4 * NODES, dtype=np.float32).reshape(NODES, 4)
    labels = np.eye(3, dtype=np.int32)[np.arange(NODES) % 3]
    parts = {"graph": {0: [1], 1: [0, 2], 2: [1]}}
    for prefix, nodes in {"": [0, 1], "t": [508, 509], "all": 508}.items():
        rows = nodes if isinstance(nodes, list) else list(range(nodes))
        parts[f"{prefix}x"] = scipy.sparse.csr_matrix(features[rows])
        parts[f"{prefix}y"] = labels[rows]
    for part, value in parts.items():
        (raw / f"ind.cora.{part}").write_bytes(pickle.dumps(value))
    (raw / "ind.cora.test.index").write_text("508\n509\n")
    return tmp_path


def open_cora(root):
    sizes = [4, 1, NODES, NODES, 4, 2]
    return open_graphs(Planetoid, root, "Cora", "ind.cora.x", sizes)


def test_cora_is_opened(cora):
    graph = open_cora(cora)[0]
    assert graph.num_nodes == NODES and graph.num_edges == 4
    assert graph.train_mask.sum() == 2


def test_an_index_cut_short_is_told_in_one_line(cora, one_line):
    """Features and edges are all there, only in other rows."""
    (cora / "Cora" / "raw" / "ind.cora.test.index").write_text("509\n")
    assert open_cora(cora) is None
    assert "delete" in one_line()


def open_enzymes(root):
    return open_graphs(
        TUDataset,
        root,
        "ENZYMES",
        "ENZYMES_A.txt",
        right=[5, 2, 2, 5, 6],
        use_node_attr=True,
    )


@pytest.fixture
def enzymes(tmp_path):
    """A root folder with the tables of two small graphs."""
    raw = tmp_path / "ENZYMES" / "raw"
    raw.mkdir(parents=True)
    for part, text in TABLES.items():
        (raw / f"ENZYMES_{part}.txt").write_text(text)
    return tmp_path


def test_enzymes_are_opened_with_their_attributes(enzymes):
    graphs = open_enzymes(enzymes)
    assert graphs[0].x.tolist() == [[0.5, 1, 1, 0, 0], [1.5, 2, 0, 0, 1]]
    assert graphs[1].edge_index.tolist() == [[0, 1, 1, 2], [1, 0, 2, 1]]
    assert graphs.y.tolist() == [1, 0]


@pytest.mark.parametrize("part", TABLES)
def test_a_file_cut_short_is_told_in_one_line(enzymes, part, one_line):
    path = enzymes / "ENZYMES" / "raw" / f"ENZYMES_{part}.txt"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[: len(lines) // 2]))
    assert open_enzymes(enzymes) is None
    assert f"delete {path.parents[1]}" in one_line()


def test_missing_files_are_told_in_one_line(tmp_path, one_line):
    assert open_graphs(Planetoid, tmp_path, "Cora", "ind.cora.x", []) is None
    said, raw = one_line(), tmp_path / "Cora" / "raw"
    assert str(raw) in said and "fetches" in said
    assert not raw.exists()
