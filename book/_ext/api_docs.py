"""Where the documentation of PyTorch, torchvision and PyG explains a name.

The addresses follow rules, so no list of them is stored or fetched. `make
links` asks the three sites for every address that the map of the API holds.
"""

import re

SITES = {
    "torch": "https://docs.pytorch.org/docs/stable/",
    "torchvision": "https://docs.pytorch.org/vision/stable/",
    "torch_geometric": "https://pytorch-geometric.readthedocs.io/en/latest/",
}
# names that the documentation does not have
MISSING = re.compile(
    r"torch\.(e|inf|nan|pi)|torch\.Tensor\.(data|grad_fn)"
    r"|torch\.nn\.modules\.utils\..*"
    r"|torchvision\.models\.(detection\.)?[a-z_]+\.[A-Z]\w*"
    r"|torchvision\.models\.detection\.(FasterRCNN|\w+\.\w+)"
    r"|torchvision\.ops\.poolers\..*|torchvision\.transforms\.v2\.Identity"
    r"|torch_geometric\.data\.DataLoader"
)
# what it calls by a name that is not the one in use
RENAMED = {
    r"torch\.(b?float\d*|u?int\d*|bool|double|half|long|short)": "torch.dtype",
    r"torch\.Tensor\.(dtype|layout)": r"torch.\1",
    r"torch\.channels_last": "torch.memory_format",
    r"torch(\.Tensor)?\.(relu|log_softmax)": r"torch.nn.functional.\2",
    r"torch\.inference_mode": "torch.autograd.grad_mode.inference_mode",
    r"torch\.autograd\.(grad(grad)?check)": r"torch.autograd.gradcheck.\1",
    r"torch\.nn\.(Parameter|Buffer)": r"torch.nn.parameter.\1",
    r"torch\.profiler\.(record_function)": r"torch.autograd.profiler.\1",
    r"torch\.utils\.tensorboard\.(.*)": r"torch.utils.tensorboard.writer.\1",
    r"torch_geometric\.nn\.(\w*[Pp]ool\w*)": r"torch_geometric.nn.pool.\1",
    r"torch_geometric\.nn\.([A-Z]\w*)": r"torch_geometric.nn.conv.\1",
    r"torch_geometric\.explain\.(\w+Explainer)": (
        r"torch_geometric.explain.algorithm.\1"
    ),
}
# pages that hold many names; the rest have a page each
PAGES = {
    r"torch\.(dtype|device|layout|memory_format)": "tensor_attributes.html",
    r"torch\.[fi]info": "type_info.html",
    r"torch\.Tensor(\.m?T)?": "tensors.html",
    r"torch\.(autocast|amp\..*)": "amp.html",
    r"torch\.autograd\.(Function|set_detect_anomaly|graph\..*)": (
        "autograd.html"
    ),
    r"torch\.distributed\..*": "distributed.html",
    r"torch\.distributions\..*": "distributions.html",
    r"torch\.export\..*": (
        "user_guide/torch_compiler/export/api_reference.html"
    ),
    r"torch\.nn\.init\..*": "nn.init.html",
    r"torch\.optim\.(Optimizer|swa_utils\..*)": "optim.html",
    r"torch\.profiler\..*": "profiler.html",
    r"torch\.serialization\..*": "notes/serialization.html",
    r"torch\.testing\..*": "testing.html",
    r"torch\.utils\.benchmark\..*": "benchmark_utils.html",
    r"torch\.utils\.checkpoint\..*": "checkpoint.html",
    r"torch\.utils\.data\..*": "data.html",
    r"torch\.utils\.tensorboard\..*": "tensorboard.html",
    r"torch_geometric\.explain\.Explainer": "modules/explain.html",
    r"torch_geometric\.loader\..*": "modules/loader.html",
    r"torch_geometric\.utils\..*": "modules/utils.html",
    # a method stands on the page of its class, but for these two classes
    r"(torch\.(Tensor|optim\.Optimizer)\.\w+)": r"generated/\1.html",
    r"(torchvision\.models\.(detection\.)?)(?!get_|list_)([a-z]\w*)": (
        r"models/generated/\1\3.html"
    ),
    r"(.*\.[A-Z]\w*)\.[a-z]\w*": r"generated/\1.html",
    r"(.*)": r"generated/\1.html",
}


def renamed(name):
    """The name in the documentation."""
    family = re.fullmatch(r"torch\.distributions\.(\w+)", name)
    if family:  # each class is said to be in a file of its own
        words = re.findall(r"[A-Z][a-z]*", family[1])
        return f"torch.distributions.{'_'.join(words).lower()}.{family[1]}"
    return _by_rule(RENAMED, name) or name


def _by_rule(rules, name):
    for pattern, told in rules.items():
        found = re.fullmatch(pattern, name)
        if found:
            return found.expand(told)
    return None


def address(name):
    """The page and place that explain a name, or None."""
    site = SITES[name.partition(".")[0]]
    weights = re.fullmatch(r"torchvision\.models\.(.*)_Weights", name)
    if weights:  # they stand below the function that takes them
        page = address(name.removesuffix("_Weights").lower()).partition("#")[0]
        return f"{page}#{name}"
    if MISSING.fullmatch(name):
        return None
    name = renamed(name)
    return f"{site}{_by_rule(PAGES, name)}#{name}"
