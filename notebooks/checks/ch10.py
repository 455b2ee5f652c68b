"""The answer checks of chapter 10."""

import torch
from torchvision import ops

from checks import (
    call,
    exercise,
    expect,
    is_tensor,
    same_number,
    same_tensor,
)


def _boxes(n, size=50.0):
    """Random boxes (n, 4) inside a square, each at least 2 wide and high."""
    corner = torch.rand(n, 2) * (size - 22)
    return torch.cat([corner, corner + 2 + 20 * torch.rand(n, 2)], dim=1)


@exercise("10.1")
def _(answer):
    cases = [
        (64, 96, [8, 16], 1, "the strides fit exactly here"),
        (64, 96, [8, 16], 6, "every cell holds per_cell anchors"),
        (50, 70, [8, 16], 2, "when a stride does not fit, round up"),
        (800, 1216, [4, 8, 16, 32, 64], 3, "the cat has 242991"),
    ]
    for height, width, strides, per_cell, hint in cases:
        want = per_cell * sum(
            -(-height // s) * -(-width // s) for s in strides
        )
        got = call(answer, height, width, strides, per_cell)
        same_number(
            got, want, f"{height} by {width}, strides {strides}: {hint}"
        )


@exercise("10.2")
def _(answer):
    boxes, height, width = _boxes(6), 60, 80
    got = call(answer, boxes, height, width)
    is_tensor(got, shape=(6, 4))
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    size = boxes[:, 2:] - boxes[:, :2]
    want = torch.cat([centre, size], dim=1) / torch.tensor([80, 60, 80, 60])
    expect(
        not torch.allclose(
            got, want * torch.tensor([80, 60, 80, 60]) / 1.0, atol=1e-3
        ),
        "these are still pixels; divide by the size of the image",
    )
    same_tensor(
        got[:, 2:],
        want[:, 2:],
        "the widths and heights are wrong; "
        "x goes with the width of the image, y with its height",
    )
    same_tensor(got, want, "the centres are wrong")


@exercise("10.3")
def _(answer):
    boxes = torch.tensor([[1.0, 2.0, 4.0, 3.0], [0.0, 0.0, 2.0, 5.0]])
    got = call(answer, boxes, 9)
    is_tensor(got, shape=(2, 4))
    expect(
        bool((got[:, 2:] > got[:, :2]).all()),
        "a box is turned inside out: x1 < x2 and y1 < y2 must hold",
    )
    want = []
    for x1, y1, x2, y2 in boxes.long().tolist():
        picture = torch.zeros(6, 9)
        picture[y1:y2, x1:x2] = 1
        y, x = torch.rot90(picture, 1, (0, 1)).nonzero().T
        want.append([x.min(), y.min(), x.max() + 1, y.max() + 1])
    same_tensor(
        got,
        torch.tensor(want).float(),
        "a box does not follow its pixels; what was at the right edge is "
        "at the top afterwards",
    )


@exercise("10.4")
def _(answer):
    sizes = torch.tensor([[10.0, 20.0], [30.0, 15.0], [8.0, 8.0]])
    anchors = torch.tensor([[12.0, 18.0], [25.0, 25.0]])
    zero = torch.zeros_like
    table = ops.box_iou(
        torch.cat([zero(sizes), sizes], 1),
        torch.cat([zero(anchors), anchors], 1),
    )
    same_number(
        call(answer, sizes, sizes),
        1.0,
        "when the anchors are the sizes themselves, the fit is 1",
    )
    same_number(
        call(answer, sizes, anchors),
        table.amax(dim=1).mean().item(),
        "the mean is wrong; each box takes its best anchor, then we average "
        "over the boxes",
    )


@exercise("10.5")
def _(answer):
    masks = torch.zeros(3, 7, 9, dtype=torch.bool)
    masks[0, 2:5, 1:4] = True
    masks[1, 6, 8] = True
    masks[2, 0:7, 3] = masks[2, 3, 0:9] = True
    got = call(answer, masks)
    is_tensor(got, shape=(3, 4), dtype=torch.float32)
    want = ops.masks_to_boxes(masks) + torch.tensor([0.0, 0.0, 1.0, 1.0])
    expect(
        not torch.equal(got, ops.masks_to_boxes(masks)),
        "these ends are inclusive: a mask of one pixel gets an empty box",
    )
    same_tensor(got, want, "a box does not enclose its mask; x are columns")


@exercise("10.6")
def _(answer):
    boxes = torch.tensor(
        [
            [12.0, 6, 20, 14],  # inside
            [6.0, 8, 14, 16],  # half inside
            [0.0, 0, 9, 4],  # outside
            [28.0, 10, 38, 20],  # a fifth inside
            [0.0, 0, 50, 50],  # larger than the window
        ]
    )
    labels = torch.tensor([4, 7, 1, 9, 2])
    window = (10, 5, 30, 25)
    for share, keep in [(0.4, [0, 1]), (0.1, [0, 1, 3, 4]), (0.5, [0, 1])]:
        result = call(answer, boxes, labels, window, share)
        expect(
            isinstance(result, tuple) and len(result) == 2,
            "return the boxes and the labels",
        )
        got, names = result
        is_tensor(got, name="the boxes")
        is_tensor(names, name="the labels")
        expect(
            names.tolist() == labels[keep].tolist(),
            f"with min_share={share} the wrong boxes stay; the share is "
            "area in the window / area of the whole box",
        )
        want = ops.clip_boxes_to_image(
            boxes[keep] - torch.tensor([10.0, 5, 10, 5]), (20, 20)
        )
        same_tensor(
            got,
            want,
            "the boxes are not in the coordinates of the crop, whose upper "
            "left corner is (0, 0), or they reach beyond it",
            name="the boxes",
        )


@exercise("10.7")
def _(answer):
    logits = torch.tensor([[-3.0, 0.2], [1.5, -0.4], [4.0, 0.0]])
    targets = torch.tensor([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    for alpha, gamma in [(0.5, 0.0), (0.25, 2.0), (0.7, 1.0)]:
        want = ops.sigmoid_focal_loss(
            logits, targets, alpha, gamma, reduction="mean"
        )
        got = call(answer, logits, targets, alpha, gamma)
        same_tensor(
            got,
            want,
            f"wrong for alpha={alpha}, gamma={gamma}; p belongs to the "
            "right answer, and so does alpha_t",
        )
    far = torch.tensor([200.0, -200.0]), torch.tensor([0.0, 1.0])
    got = call(answer, *far, 0.5, 2.0)
    expect(
        bool(got.isfinite().all()),
        "logits of 200 give infinity; the logarithm of a rounded "
        "probability is the trap, start from a loss that takes logits",
    )
    same_tensor(got, torch.tensor(100.0), "wrong for logits of 200")


@exercise("10.8")
def _(answer):
    def voc(scores, hits, number):
        hits = hits[scores.argsort(descending=True)].double()
        found = hits.cumsum(0)
        precision = found / torch.arange(1, len(hits) + 1)
        values = []
        for k in range(11):
            reached = precision[10 * found >= k * number]
            values.append(reached.max().item() if len(reached) else 0.0)
        return sum(values) / 11

    cases = [
        ([0.9, 0.8, 0.7], [True, True, True], 3, "all are hits"),
        ([0.9, 0.8, 0.7], [True, False, True], 3, "one true box is missed"),
        (
            [0.2, 0.9, 0.5, 0.7],
            [True, False, True, True],
            4,
            "the scores come in any order",
        ),
        ([0.9, 0.8], [False, False], 5, "there is no hit at all"),
    ]
    for scores, hits, number, hint in cases:
        scores, hits = torch.tensor(scores), torch.tensor(hits)
        got = call(answer, scores, hits, number)
        want = voc(scores, hits, number)
        same_number(
            got,
            want,
            f"wrong where {hint}; at each of the eleven recalls look for "
            "the best precision at this or a higher recall",
        )


@exercise("10.9")
def _(answer):
    chain = torch.tensor([[0.0, 0, 10, 10], [4, 0, 14, 10], [8, 0, 18, 10]])
    scores = torch.tensor([0.7, 0.9, 0.8])
    got = call(answer, chain, scores, 0.3)
    is_tensor(got, dtype=torch.int64, name="the result")
    expect(
        got.tolist() == [1],
        "three boxes in a row, the middle one best: it alone stays",
    )
    scores = torch.tensor([0.9, 0.8, 0.7])
    got = call(answer, chain, scores, 0.3)
    is_tensor(got, dtype=torch.int64, name="the result")
    expect(
        got.tolist() != [0, 2],
        "this is plain NMS: here a box that is itself thrown away still "
        "throws others away",
    )
    for _ in range(5):
        boxes, scores = _boxes(40), torch.rand(40)
        order = scores.argsort(descending=True)
        table = ops.box_iou(boxes[order], boxes[order]).triu(diagonal=1)
        want = order[table.amax(dim=0) <= 0.3]
        got = call(answer, boxes, scores, 0.3)
        is_tensor(got, dtype=torch.int64, name="the result")
        expect(
            sorted(got.tolist()) == sorted(want.tolist()),
            "on random boxes the wrong ones stay; only better boxes count",
        )
        expect(got.tolist() == want.tolist(), "best first: sort by score")


@exercise("10.10")
def _(answer):
    def soft(boxes, scores, sigma):
        scores, left = scores.clone(), set(range(len(scores)))
        while left:
            best = max(left, key=lambda i: scores[i].item())
            left.remove(best)
            for i in left:
                shared = ops.box_iou(boxes[best : best + 1], boxes[i : i + 1])
                scores[i] *= (-shared[0, 0].square() / sigma).exp()
        return scores

    apart = torch.tensor([[0.0, 0, 5, 5], [10, 10, 15, 15]])
    got = call(answer, apart, torch.tensor([0.5, 0.6]), 0.5)
    same_tensor(
        got,
        torch.tensor([0.5, 0.6]),
        "boxes that do not touch keep their scores, the best box its own",
    )
    chain = torch.tensor([[0.0, 0, 10, 10], [1, 0, 11, 10], [3, 0, 13, 10]])
    scores = torch.tensor([0.9, 0.8, 0.7])
    for sigma in (0.5, 0.1):
        same_tensor(
            call(answer, chain, scores, sigma),
            soft(chain, scores, sigma),
            "three boxes in a row get wrong scores; a box fades once for "
            "each box taken before it, and the next best is chosen anew",
        )
    boxes, scores = _boxes(12), torch.rand(12)
    same_tensor(
        call(answer, boxes, scores, 0.5),
        soft(boxes, scores, 0.5),
        "on random boxes the scores are wrong; keep the order of the input",
    )


@exercise("10.11")
def _(answer):
    boxes = torch.tensor([[0.0, 0, 20, 20], [4, 4, 10, 12], [30, 0, 40, 10]])
    points = torch.tensor(
        [[1.0, 2], [5, 6], [35, 5], [25, 5], [20, 5], [10, 8]]
    )
    result = call(answer, points, boxes)
    expect(
        isinstance(result, tuple) and len(result) == 2,
        "return the distances and the indices",
    )
    got, index = result
    is_tensor(got, shape=(6, 4), name="the distances")
    is_tensor(index, shape=(6,), dtype=torch.int64, name="the indices")
    expect(index[3] == -1, "the fourth point lies in no box: index -1")
    expect(
        index[1] != 0,
        "the second point lies in two boxes; the smaller one counts",
    )
    expect(
        index.tolist() == [0, 1, 2, -1, -1, 0],
        "an index is wrong; a point on a side is outside",
    )
    want = torch.zeros(6, 4)
    for i, k in enumerate([0, 1, 2, -1, -1, 0]):
        if k >= 0:
            want[i, :2] = points[i] - boxes[k, :2]
            want[i, 2:] = boxes[k, 2:] - points[i]
    same_tensor(
        got,
        want,
        "the distances are left, top, right, bottom, all zero outside",
        name="the distances",
    )


def _block(kind, **values):
    return {"type": kind} | {key: str(value) for key, value in values.items()}


@exercise("10.12")
def _(answer):
    def conv(filters, size, stride, pad):
        return _block(
            "convolutional",
            filters=filters,
            size=size,
            stride=stride,
            pad=pad,
            activation="leaky",
        )

    net = _block("net", channels=3, height=64)
    cases = [
        (
            [conv(8, 3, 1, 1), conv(16, 3, 2, 1)],
            [(8, 64), (16, 32)],
            "two convolutions with pad=1",
        ),
        (
            [conv(8, 5, 1, 0), _block("maxpool", size=2, stride=2)],
            [(8, 60), (8, 30)],
            "pad=0, then maxpool",
        ),
        (
            [
                conv(8, 3, 2, 1),
                conv(12, 1, 1, 1),
                _block("shortcut", **{"from": -2}),
                _block("upsample", stride=2),
            ],
            [(8, 32), (12, 32), (12, 32), (12, 64)],
            "shortcut and upsample",
        ),
        (
            [
                conv(8, 3, 2, 1),
                conv(12, 3, 2, 1),
                _block("upsample", stride=2),
                _block("route", layers="-1,0"),
                _block("route", layers="-3"),
                _block("yolo", mask="0", anchors="1,2", classes=1),
            ],
            [(8, 32), (12, 16), (12, 32), (20, 32), (12, 16), (12, 16)],
            "routes back to one layer and to two",
        ),
    ]
    for blocks, want, hint in cases:
        got = call(answer, [net, *blocks])
        expect(
            isinstance(got, list) and len(got) == len(blocks),
            "return a list with one pair for each layer; [net] is no layer",
        )
        expect(
            [
                tuple(pair) if isinstance(pair, (list, tuple)) else pair
                for pair in got
            ]
            == want,
            f"a shape is wrong: {hint}",
        )


@exercise("10.13")
def _(answer):
    cases = [
        ([2.0, 1.0, 9.0, 6.0], 3, 1, "inside the map"),
        ([1.3, 0.7, 8.9, 6.1], 2, 3, "at fractional places"),
        ([-0.9, -0.4, 4.0, 3.0], 4, 2, "at the upper left border"),
        ([6.0, 3.0, 14.5, 9.5], 5, 2, "far beyond the lower right border"),
    ]
    X = torch.randn(1, 1, 7, 11)
    for box, size, ratio, hint in cases:
        result = call(answer, torch.tensor(box), size, 7, 11, ratio)
        expect(
            isinstance(result, tuple) and len(result) == 2,
            "return two matrices, A and B",
        )
        is_tensor(result[0], shape=(size, 7), name="A")
        is_tensor(result[1], shape=(size, 11), name="B")
        want = ops.roi_align(
            X, [torch.tensor([box])], size, 1.0, ratio, aligned=True
        )[0, 0]
        same_tensor(
            result[0].to(X) @ X[0, 0] @ result[1].to(X).T,
            want,
            f"the product is wrong for a box {hint}; the samples of a bin "
            "lie at the middles of its parts, half a cell before the "
            "coordinates of the box",
            name="A X B^T",
        )
