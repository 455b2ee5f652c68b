"""A convolution of a small picture, by `F.conv2d` and autograd."""

import torch
import torch.nn.functional as F

POSITIONS = [
    {},
    {"stride": 2, "place": 3},
    {"padding": 1, "picture": "digits", "place": 0},
    {"padding": 2, "kernel": 5, "picture": "digits", "place": 24},
    {"size": 8, "stride": 2, "picture": "digits", "place": 8},
    {"size": 8, "dilation": 3, "picture": "digits", "place": 3},
    {"size": 8, "kernel": 1, "padding": 2, "weights": "ones", "place": 143},
    {"size": 8, "kernel": 1, "stride": 3, "picture": "digits", "place": 5},
    {"size": 7, "kernel": 2, "stride": 3, "weights": "ones", "place": 1},
    {"size": 4, "kernel": 5},
    {"size": 3, "dilation": 2},
    {"size": 3, "kernel": 5, "padding": 1, "weights": "ones"},
    {"size": 8, "kernel": 4, "dilation": 2, "padding": 1, "weights": "ones"},
    {"size": 3, "kernel": 2, "dilation": 3, "padding": 2, "place": 12},
    {"size": 8, "stride": 3, "padding": 1, "picture": "digits", "place": 2},
    {"size": 6, "kernel": 5, "stride": 3, "dilation": 2, "padding": 2},
]
START = {"size": 5, "kernel": 3, "stride": 1, "padding": 0, "dilation": 1}
START |= {"picture": "edge", "weights": "difference", "place": 4}


def pixels(size, kind):
    """The picture: an edge, or digits that look mixed."""
    i, j = torch.meshgrid(*[torch.arange(size)] * 2, indexing="ij")
    picture = j >= 2 if kind == "edge" else (3 * i**2 + 7 * j + 5 * i * j) % 10
    return picture.double()[None, None]


def field(layers, kernel, stride, dilation):
    """How far apart the outermost inputs are that move one output."""
    row = torch.zeros(1, 1, 200, dtype=torch.float64, requires_grad=True)
    weights, out = torch.ones(1, 1, kernel, dtype=torch.float64), row
    for _ in range(layers):
        out = F.conv1d(out, weights, stride=stride, dilation=dilation)
    out[0, 0, 0].backward()
    places = row.grad[0, 0].nonzero()
    return (places.max() - places.min() + 1).item()


def numbers(position):
    """What the figure must show, by torch."""
    settings = START | position
    picture = pixels(settings["size"], settings["picture"])
    kernel = settings["kernel"]
    ones = torch.ones(1, 1, kernel, kernel, dtype=torch.float64)
    weights = ones
    if settings["weights"] == "difference":
        weights = torch.zeros_like(ones)
        weights[..., 0] = -1
        weights[..., -1] = 1
    options = {k: settings[k] for k in ("stride", "padding", "dilation")}
    spans = [
        field(layers, kernel, settings["stride"], settings["dilation"])
        for layers in (1, 2, 3)
    ]
    try:
        out = F.conv2d(picture, weights, **options)[0, 0]
    except RuntimeError as error:
        assert "can't be greater than actual input size" in str(error)
        none = dict.fromkeys(("index", "value", "reads", "unread"), "–")
        return {"shape": "refused", "spans": spans} | none
    index = divmod(min(settings["place"], out.numel() - 1), out.shape[1])
    picture.requires_grad_()
    met = F.conv2d(picture, ones, **options)[0, 0]
    [one] = torch.autograd.grad(met[index], picture, retain_graph=True)
    [all_of_them] = torch.autograd.grad(met.sum(), picture)
    return {
        "shape": str(tuple(out.shape)),
        "index": str(index),
        "value": out[index].item(),
        "reads": one.count_nonzero().item(),
        "unread": (all_of_them == 0).sum().item(),
        "spans": spans,
    }
