"""The map of the API: what the chapters use, where it is told."""

import functools
import importlib
import json
from types import SimpleNamespace

import pytest
from docutils import nodes

import api
from api_docs import address
from api_names import METHODS, ONLY_ONE, Names, family
from cells import NOTEBOOKS
from test_extensions import read, references

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script")


def found(*sources):
    """The names in pieces of code that are read one after the other."""
    names = Names()
    for source in sources:
        names.read(source)
    return names.found


@pytest.mark.parametrize(
    "source, names",
    [
        ("import torch\ntorch.nn.functional.relu", "torch.nn.functional.relu"),
        ("from torch import nn as n\nn.Linear(1, 1)", "torch.nn.Linear"),
        ("import torch.nn.functional as F\nF.pad", "torch.nn.functional.pad"),
        ("import numpy as torch\ntorch.ones(3)", ""),
        ("import torch\ntorch._dynamo.explain", ""),
        ("import torch\ntorch.nn.Linear.__name__", "torch.nn.Linear"),
        ("import torch\ntorch = 3\ntorch.real", ""),
        (
            "import torch\nx = torch.ones(3)\n(x * 2).mean()",
            "torch.ones torch.Tensor.mean",
        ),
        ("import torch\nx = torch.ones(3)\nx = [1]\nx.sort()", "torch.ones"),
        ("import torch\ndef f(torch): return torch.ones(3)", ""),
        ("x.mean(), x.masked_fill(y, 0)", "torch.Tensor.masked_fill"),
        ("class A:\n    def masked_fill(self): ...\na.masked_fill()", ""),
        (
            "from torch import nn\nclass A(nn.Module): ...\nA().state_dict()",
            "torch.nn.Module torch.nn.Module.state_dict",
        ),
        (
            "from torch import optim\no = optim.Adam(p)\no.step()",
            "torch.optim.Adam torch.optim.Optimizer.step",
        ),
        ("o.step()", ""),
        ("optimizer.step()", "torch.optim.Optimizer.step"),
        ("class A:\n    def step(self): ...\noptimizer.step()", ""),
        ("optimizer = model\nloss.backward()", "torch.Tensor.backward"),
        (
            "from torch import nn\ndef net():\n    return nn.Sequential()\n"
            "net().state_dict()",
            "torch.nn.Sequential torch.nn.Module.state_dict",
        ),
        ("%matplotlib inline", ""),
    ],
)
def test_names_are_followed_to_what_they_are(source, names):
    assert found(source) == names.split()


def test_an_alias_holds_in_the_cells_below():
    assert found("from torch import nn", "nn.ReLU") == ["torch.nn.ReLU"]


@pytest.mark.parametrize(
    "name, page",
    [
        ("torch.nn.Linear", "docs/stable/generated/torch.nn.Linear.html#"),
        ("torch.Tensor.view", "docs/stable/generated/torch.Tensor.view.html#"),
        ("torch.float32", "docs/stable/tensor_attributes.html#torch.dtype"),
        ("torch.nn.Buffer", "generated/torch.nn.parameter.Buffer.html#torch"),
        ("torch.nn.Module.eval", "generated/torch.nn.Module.html#torch.nn.M"),
        ("torch.distributions.MixtureSameFamily", "mixture_same_family.Mix"),
        ("torchvision.ops.nms", "vision/stable/generated/torchvision.ops.nms"),
        (
            "torchvision.models.ResNet18_Weights",
            "models/generated/torchvision.models.resnet18.html#torchvision",
        ),
        ("torch_geometric.nn.GCNConv", "torch_geometric.nn.conv.GCNConv.html"),
        (
            "torch_geometric.utils.scatter",
            "latest/modules/utils.html#torch_geometric.utils.scatter",
        ),
    ],
)
def test_a_name_has_a_page_in_its_documentation(name, page):
    assert page in address(name)


def test_what_is_not_documented_has_none():
    assert address("torch.inf") is None


def notebook(folder, *cells):
    """Write a chapter: Markdown where a cell opens with "#", else code."""
    kinds = {True: "markdown", False: "code"}
    written = [
        {"cell_type": kinds[cell.startswith("#")], "source": [cell]}
        for cell in cells
    ]
    path = folder / "07_hooks.ipynb"
    path.write_text(json.dumps({"cells": written}))
    return path


@pytest.fixture
def small(tmp_path):
    """The names of one small chapter."""
    notebook(
        tmp_path,
        "# Hooks",
        "import torch\nx = torch.ones(3)\nx.view(3)",
        "## view and `torch.ones`\n\nWe call `view` on ones.",
        "x.view(3)",
        "## Later\n\nAgain `torch.ones`.",
        "torch.ones(1)",
        "## Summary\n\n`torch.ones` and `view`.",
        "## Exercises",
        "torch.zeros(1)",
    )
    return api.Api(tmp_path)


def test_the_most_telling_section_comes_first(small):
    places = {
        name: [section.anchor for section in told]
        for name, told in small.told.items()
    }
    title = "#view-and-torchones"
    assert places["torch.ones"] == [title, "#later"]
    assert places["torch.Tensor.view"] == [title]
    assert places["torch.zeros"] == ["#exercises"]


@pytest.mark.parametrize(
    "title, text, code, name",
    [
        ("Adam: a mean", "", "optim.Adam(w)", "torch.optim.Adam"),
        ("Adam and others", "", "optim.Adam(w)", "torch.optim.Adam"),
        ("Layer norm", "", "1", "torch.nn.functional.layer_norm"),
        (
            "By time: CTCLoss",
            "",
            "F.ctc_loss(x)",
            "torch.nn.functional.ctc_loss",
        ),
        ("GCN", "", "pyg.GCNConv(1)", "torch_geometric.nn.GCNConv"),
        ("A state_dict", "", "model.state_dict", "torch.nn.Module.state_dict"),
        ("Parameter groups", "", "nn.Parameter(w)", ""),
        ("Parameter groups", "`nn.Parameter`", "1", "torch.nn.Parameter"),
        ("Data with bumps", "", "1", ""),
        ("One step", "`optimizer.step`", "1", "torch.optim.Optimizer.step"),
        ("One look or more in one step", "`optimizer.step`", "1", ""),
        ("After `F.pad`", "`nn.Flatten`", "1", "torch.nn.functional.pad"),
    ],
)
def test_a_heading_names_it(tmp_path, title, text, code, name):
    """And not a word of plain English that is written alike."""
    notebook(
        tmp_path,
        "# Start",
        "import torch_geometric.nn as pyg\nfrom torch import nn, optim\n"
        "import torch.nn.functional as F\nfrom torch_geometric import data\n"
        "F.layer_norm, F.ctc_loss, F.pad, pyg.GCNConv, optim.Adam, data.Data"
        "\nmodel.state_dict, nn.Parameter, optimizer.step, nn.Flatten",
        f"## {title}\n\n{text}",
        code,
    )
    titled = api.Api(tmp_path).chapters[0].sections[1].titled
    assert titled == ({name} if name else set())


def test_what_is_said_of_one_object_is_not_said_of_another(tmp_path):
    notebook(
        tmp_path,
        "# Start",
        "import torch\noptimizer.step()\nscheduler.step()\ntorch.func.grad\n"
        "x = torch.ones(1)\nx.grad\nmodel.zero_grad()",
        "## Order\n\n`.step()` and `.grad`",
        "scheduler.step()",
    )
    [section] = api.Api(tmp_path).chapters[0].sections[1:]
    owner = "torch.optim.lr_scheduler.LRScheduler"
    assert set(section.prose) == {f"{owner}.step", "torch.Tensor.grad"}


def test_a_section_that_names_and_uses_it_first_is_told_first(tmp_path):
    notebook(
        tmp_path,
        "# Start",
        "import torch\ntorch.manual_seed(0)",
        "## A use\n\nCode.",
        "torch.ones(1)",
        "## Seeds\n\nOne, two.\n\nThree.\n\n`torch.ones` and more.",
        "torch.manual_seed(0), torch.ones(1)",
        "## More\n\nOne.",
        "torch.manual_seed(0)",
    )
    told = api.Api(tmp_path).told
    assert told["torch.manual_seed"][0].title == "Seeds"
    assert told["torch.ones"][0].title == "Seeds"


def test_the_map_links_to_section_and_documentation(small):
    text = api.write_map(small.told)
    assert "## torch\n" in text and "## torch.Tensor\n" in text
    assert (
        f"[`torch.ones`]({address('torch.ones')})\n"
        ": 7 [view and `torch.ones`]"
        "(../notebooks/07_hooks.ipynb#view-and-torchones)"
    ) in text


def test_a_chapter_ends_with_its_new_names(small):
    names = small.first["notebooks/07_hooks"]
    assert names == ["torch.ones", "torch.Tensor.view", "torch.zeros"]
    assert (
        '<a href="api.html#torch.Tensor.view"><code>Tensor.view</code></a>'
    ) in api.met_first(names, "api.html")


def test_a_chapter_is_written_anew_when_its_new_names_change(small):
    page = "notebooks/07_hooks"
    app, env = SimpleNamespace(api=small), SimpleNamespace(found_docs={page})
    assert api.out_of_date(app, env) == [page]
    assert api.out_of_date(app, env) == []


def test_the_first_use_in_a_section_leads_to_the_documentation(small):
    doctree = read(
        "# Hooks\n\n## A\n\n`torch.ones` and `view`, `torch.ones`, `viewer`, "
        "`x = 1`\n\n## B\n\n`torch.ones`, [`view`](https://e.org)\n"
    )
    api.link_code(doctree, small.chapters[0], small.told)
    assert references(doctree) == [
        ("torch.ones", address("torch.ones")),
        ("view", address("torch.Tensor.view")),
        ("torch.ones", address("torch.ones")),
        ("view", "https://e.org"),
    ]


def test_an_entry_is_found_by_its_name():
    term = nodes.term("", "", nodes.literal("", "torch.ones"))
    app = SimpleNamespace(env=SimpleNamespace(docname="book/api"))
    api.name_entries(app, nodes.definition_list_item("", term))
    assert term[0]["ids"] == ["torch.ones"]


@pytest.fixture(scope="module")
def book():
    """The names of the book."""
    return api.Api(NOTEBOOKS)


@functools.cache
def thing(name):
    """What a dotted name means, imported.

    Raises:
        AttributeError: there is none.
    """
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            meant = importlib.import_module(".".join(parts[:end]))
        except ImportError:
            continue
        return functools.reduce(getattr, parts[end:], meant)
    raise AttributeError(name)


def classes(book):
    """The classes of the map."""
    return [each for each in map(thing, book.told) if isinstance(each, type)]


def test_every_name_of_the_map_exists(book):
    libraries = {name.partition(".")[0] for name in book.told}
    assert libraries == {"torch", "torchvision", "torch_geometric"}
    missing = []
    for name in book.told:
        try:
            thing(name)
        except AttributeError:
            missing.append(name)
    assert not missing


def test_a_method_taken_by_its_name_has_one_owner(book):
    """No other object of the chapters has such a method."""
    import matplotlib.axes
    import matplotlib.figure
    import networkx
    import numpy as np
    import PIL.Image
    from torch import autograd, nn

    others = [str, bytes, list, dict, set, tuple, float, int]
    others += [np.ndarray, np.random.Generator, PIL.Image.Image]
    others += [matplotlib.axes.Axes, matplotlib.figure.Figure, networkx.Graph]
    # whoever writes a Function names its methods, so they do not count there;
    # and DataParallel calls its `gather` itself
    aside = {autograd.Function, nn.DataParallel}
    others += {*classes(book), *map(thing, METHODS)} - aside
    shared = [
        f"{name}: {owner} and {other.__name__}"
        for name, owner in ONLY_ONE.items()
        for other in others
        if hasattr(other, name) and not issubclass(other, thing(owner))
    ]
    assert not shared


def test_the_methods_in_the_table_exist():
    assert not [
        f"{owner}.{name}"
        for owner, names in METHODS.items()
        for name in names
        if not hasattr(thing(owner), name)
    ]


def test_a_class_has_the_methods_of_its_family(book):
    wrong = [
        name
        for name in book.told
        if isinstance(thing(name), type)
        and family(name) in METHODS
        and not issubclass(thing(name), thing(family(name)))
    ]
    assert not wrong
