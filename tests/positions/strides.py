"""Views of a strip of twelve numbers, made by torch's own operations."""

import torch

POSITIONS = [
    {},
    {"x.t()": 1, "walk": 7},
    {"x[:, ::2]": 1, "walk": 3},
    {"x[1:]": 1, "x[:, ::2]": 1, "x.t()": 1},
    {"x[:1].expand(3, -1)": 1, "walk": 9},
    {"x.t()": 1, "x.contiguous()": 1, "walk": 1},
    {"x[:, ::2]": 3, "x.contiguous()": 1, "walk": 2},
    {"x[:, ::2]": 2, "walk": 1},
    {"x[1:]": 5},
    {"x[1:]": 3, "x[:1].expand(3, -1)": 1, "x.t()": 1},
    {"rows": 4, "columns": 3, "stride0": 1, "stride1": 1, "walk": 5},
    {"stride0": 5, "x.t()": 1},
    {"stride0": 5, "rows": 2, "walk": 7, "x.contiguous()": 1},
    {"rows": 2, "columns": 2, "offset": 6, "walk": 3},
    {"columns": 1, "stride0": 0, "rows": 4, "x.contiguous()": 1, "x.t()": 1},
    {"columns": 0, "offset": 16, "x[:, ::2]": 1, "x[1:]": 1},
    {"rows": 1, "stride0": 16, "offset": 8, "x.contiguous()": 1, "walk": 3},
    {"stride0": 0, "stride1": 0, "rows": 4, "x.contiguous()": 1, "walk": 15},
    {"offset": 1, "x.t()": 1},
    {"x[:, ::2]": 5},  # farther than a slider goes
    {"stride0": 16, "rows": 1, "offset": 8, "x[1:]": 1},
]
OPERATIONS = {
    "x.t()": lambda x: x.t(),
    "x[:, ::2]": lambda x: x[:, ::2],
    "x[1:]": lambda x: x[1:],
    "x[:1].expand(3, -1)": lambda x: x[:1].expand(3, -1),
    "x.contiguous()": lambda x: x.contiguous(),
}
NOTE = ["rows", "columns", "stride0", "stride1", "offset"]


def attempt(call, *args):
    """What the call returns, or None where torch refuses."""
    try:
        return call(*args)
    except RuntimeError:
        return None


def numbers(position):
    """What the figure must show, by torch."""
    a = x = torch.arange(10, 22).view(3, 4)
    base, note = a, [*a.shape, *a.stride(), a.storage_offset()]
    for name, value in position.items():
        if name in NOTE:
            note[NOTE.index(name)] = value
            x = attempt(torch.as_strided, base, note[:2], note[2:4], note[4])
        for _ in range(value if name in OPERATIONS else 0):
            result = attempt(OPERATIONS[name], x) if x is not None else None
            if result is not None:
                base = x = result
                note = [*x.shape, *x.stride(), x.storage_offset()]
    shown = {
        "shape": str(tuple(note[:2])),
        "stride": str(tuple(note[2:4])),
        "offset": note[4],
        "contiguous": "–",
        "flat": "–",
        "shares": "refused",
        "index": "–",
        "cell": "–",
        "value": "–",
    }
    if x is None:
        return shown
    start = [t.untyped_storage().data_ptr() for t in (x, a)]
    shown["contiguous"] = x.is_contiguous()
    shown["flat"] = "refused" if attempt(x.view, -1) is None else "works"
    shown["shares"] = "that of a" if start[0] == start[1] else "a copy"
    if x.numel():
        walk = min(position.get("walk", 6), x.numel() - 1)
        i, j = divmod(walk, x.shape[1])
        shown["index"] = str((i, j))
        shown["cell"] = x[i, j].storage_offset()
        shown["value"] = x[i, j].item()
    return shown
