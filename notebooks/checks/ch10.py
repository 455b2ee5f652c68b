"""Checks of chapter 10, object detection."""

import math
from unittest import mock

import torch
from torch import nn
from torchvision import ops

from checks.watchers import Lines
from checks.words import (
    call,
    exercise,
    expect,
    is_sequence,
    is_tensor,
    same_number,
    same_tensor,
    same_value,
)


def _boxes(n, size=50.0):
    """Random boxes (n, 4) inside a square, each at least 2 wide and high."""
    corner = torch.rand(n, 2) * (size - 22)
    return torch.cat([corner, corner + 2 + 20 * torch.rand(n, 2)], dim=1)


@exercise("10.1")
def count_anchors(answer):
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
        same_value(
            got, want, f"{height} by {width}, strides {strides}: {hint}"
        )


@exercise("10.2")
def to_yolo(answer):
    boxes, height, width = _boxes(6), 60, 80
    got = call(answer, boxes, height, width)
    is_tensor(got, shape=(6, 4), dtype=torch.float32)
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
def turn(answer):
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
    same_tensor(
        call(answer, boxes + 0.25, 9),
        got + torch.tensor([0.25, -0.25, 0.25, -0.25]),
        "fractions of a pixel are lost",
    )


@exercise("10.4")
def fit(answer):
    # so many that the nearest anchor is not always the best
    sizes, anchors = 4 + 30 * torch.rand(20, 2), 4 + 30 * torch.rand(4, 2)
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


def _refused(masks):
    raise RuntimeError("do without ops.masks_to_boxes")


@exercise("10.5")
def masks_to_corners(answer):
    masks = torch.zeros(4, 7, 9, dtype=torch.bool)
    masks[0, 2:5, 1:4] = True
    masks[1, 6, 8] = True
    masks[2, 0:7, 3] = masks[2, 3, 0:9] = True
    masks[3, 1, 7] = masks[3, 5, 2] = True  # with a gap
    forbidden = ops.masks_to_boxes  # whoever calls it, by whatever name
    code, forbidden.__code__ = forbidden.__code__, _refused.__code__
    try:
        got = call(answer, masks)
    finally:
        forbidden.__code__ = code
    is_tensor(got, shape=(4, 4), dtype=torch.float32)
    want = ops.masks_to_boxes(masks) + torch.tensor([0.0, 0.0, 1.0, 1.0])
    expect(
        not torch.equal(got, ops.masks_to_boxes(masks)),
        "these ends are inclusive: a mask of one pixel gets an empty box",
    )
    same_tensor(got, want, "a box does not enclose its mask; x are columns")


@exercise("10.6")
def crop(answer):
    boxes = torch.tensor(
        [
            [12.25, 6, 20, 13.75],  # inside
            [6.0, 8, 14, 16],  # half inside
            [0.0, 0, 4, 2],  # outside on both sides
            [28.0, 10, 38, 20],  # a fifth inside
            [0.0, 0, 50, 50],  # larger than the window
        ]
    )
    labels = torch.tensor([4, 7, 1, 9, 2])
    window = (10, 5, 30, 23)
    for share, keep in [(0.4, [0, 1]), (0.1, [0, 1, 3, 4]), (0.5, [0, 1])]:
        result = call(answer, boxes, labels, window, share)
        expect(
            is_sequence(result, 2),
            "return the boxes and the labels",
        )
        got, names = result
        is_tensor(names, name="the labels")
        expect(
            names.tolist() == labels[keep].tolist(),
            f"with min_share={share} the wrong boxes stay; the share is "
            "area in the window / area of the whole box",
        )
        want = ops.clip_boxes_to_image(
            boxes[keep] - torch.tensor([10.0, 5, 10, 5]), (18, 20)
        )
        same_tensor(
            got,
            want,
            "the boxes are not in the coordinates of the crop, whose upper "
            "left corner is (0, 0), or they reach beyond it",
            name="the boxes",
        )


@exercise("10.7")
def focal_loss(answer):
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
def voc_ap(answer):
    cases = [
        ([0.9, 0.8, 0.7], [1, 1, 1], 3, 1, "all are hits"),
        # four recalls read 1, three read 2/3
        ([0.9, 0.8, 0.7], [1, 0, 1], 3, 6 / 11, "one true box is missed"),
        # eight recalls read 3/4
        (
            [0.2, 0.9, 0.5, 0.7],
            [1, 0, 1, 1],
            4,
            6 / 11,
            "the scores come in any order",
        ),
        ([0.9, 0.8], [1, 1], 20, 2 / 11, "two of twenty are found"),
        ([0.9, 0.8], [0, 0], 5, 0, "there is no hit at all"),
        (
            [0.9, 0.8, 0.7],
            [1, 1, 1],
            10,
            4 / 11,
            "three of ten are found (3 * 0.1 is rounded to more than 0.3)",
        ),
    ]
    for scores, hits, number, want, hint in cases:
        hits = torch.tensor(hits).bool()
        same_number(
            call(answer, torch.tensor(scores), hits, number),
            float(want),
            f"wrong where {hint}; at each of the eleven recalls look for "
            "the best precision at this or a higher recall",
        )


@exercise("10.9")
def fast_nms(answer):
    chain = torch.tensor([[0.0, 0, 10, 10], [4, 0, 14, 10], [8, 0, 18, 10]])
    half = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 5]])
    cases = [
        (
            chain,
            [0.7, 0.9, 0.8],
            0.3,
            [1],
            "three boxes in a row, the middle one best: it alone stays",
        ),
        (
            chain,
            [0.9, 0.8, 0.7],
            0.3,
            [0],
            "this is plain NMS: here a box that is itself thrown away still "
            "throws others away",
        ),
        (
            half,
            [0.9, 0.6],
            0.5,
            [0, 1],
            "an IoU of exactly the threshold is not more than the threshold",
        ),
    ]
    for boxes, scores, threshold, want, hint in cases:
        got = call(answer, boxes, torch.tensor(scores), threshold)
        is_tensor(got, dtype=torch.int64, name="the result")
        expect(got.tolist() == want, hint)
    lines = []
    for n in (10, 40):
        boxes, scores = _boxes(n), torch.rand(n)
        with Lines() as seen:
            got = call(answer, boxes, scores, 0.3)
        lines.append(seen.number)
        overlaps = ops.box_iou(boxes, boxes) > 0.3
        thrown = (overlaps & (scores[:, None] > scores)).any(dim=0)
        want = [i for i in range(n) if not thrown[i]]
        want.sort(key=scores.tolist().__getitem__, reverse=True)
        expect(
            got.tolist() == want,
            "on random boxes the wrong ones stay, or they do not stand best "
            "first; only better boxes count",
        )
    expect(
        lines[0] == lines[1],
        "more boxes take more steps, so there is a loop; compare all pairs "
        "at once",
    )


@exercise("10.10")
def soft_nms(answer):
    apart = torch.tensor([[0.0, 0, 5, 5], [10, 10, 15, 15]])
    same_tensor(
        call(answer, apart, torch.tensor([0.5, 0.6]), 0.5),
        torch.tensor([0.5, 0.6]),
        "boxes that do not touch keep their scores, the best box its own, "
        "and the order is that of the input",
    )
    # three in a row and one apart, with the order in which they are taken
    boxes = torch.tensor(
        [[3.0, 0, 13, 10], [0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10]]
    )
    shared = ops.box_iou(boxes, boxes).square()
    cases = [
        ([0.7, 0.9, 0.8, 0.5], 0.5, [1, 3, 0, 2]),
        ([0.1, 0.9, 0.8, 0.5], 0.5, [1, 3, 2, 0]),
        ([0.9, 0.7, 0.8, 0.0], 0.1, [0, 1, 2, 3]),
        ([0.0007, 0.0009, 0.0008, 0.0], 0.5, [1, 0, 2, 3]),
    ]
    for scores, sigma, taken in cases:
        want = torch.tensor(scores)
        for place, i in enumerate(taken):
            total = shared[taken[:place], i].sum().item()
            want[i] *= math.exp(-total / sigma)
        same_tensor(
            call(answer, boxes, torch.tensor(scores), sigma),
            want,
            "three boxes in a row get wrong scores; a box fades once for "
            "each box taken before it, and the next best is chosen anew",
        )


@exercise("10.11")
def fcos_targets(answer):
    # the third is long and thin, and the smaller one of two
    boxes = torch.tensor(
        [
            [0.0, 0, 20, 20],
            [4.0, 4, 10, 12],
            [33.0, 3.5, 63, 6.5],
            [30.0, 4, 40, 14],
        ]
    )
    points = torch.tensor(
        [[1.0, 2], [5, 6], [35, 5], [25, 5], [20, 5], [10, 8]]
    )
    result = call(answer, points, boxes)
    expect(
        is_sequence(result, 2),
        "return the distances and the indices",
    )
    got, index = result
    is_tensor(index, shape=(6,), dtype=torch.int64, name="the indices")
    expect(index[3] == -1, "the fourth point lies in no box: index -1")
    expect(
        index[1] != 0,
        "the second point lies in two boxes; the smaller one counts",
    )
    expect(
        index[2] != 3,
        "the third point lies in two boxes; the one with the smaller area "
        "counts, whatever its place and its sides",
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


def _no_module(self, *args, **kwargs):
    raise RuntimeError("no module is to be built")


def _block(kind, **values):
    return {"type": kind} | {key: str(value) for key, value in values.items()}


@exercise("10.12")
def shapes(answer):
    def conv(filters, size, stride, pad):
        return _block(
            "convolutional",
            filters=filters,
            size=size,
            stride=stride,
            pad=pad,
            activation="leaky",
        )

    cases = [
        (
            (3, 64),
            [conv(8, 3, 1, 1), conv(16, 5, 2, 1)],
            [(8, 64), (16, 32)],
            "two convolutions with pad=1",
        ),
        (
            (3, 64),
            [conv(8, 4, 1, 0), _block("maxpool", size=2, stride=2)],
            [(8, 61), (8, 31)],
            "pad=0, then a maxpool that rounds up",
        ),
        (
            (1, 24),
            [_block("maxpool", size=3, stride=1), conv(8, 3, 1, 1)],
            [(1, 24), (8, 24)],
            "a small grey image, and a maxpool of stride 1",
        ),
        (
            (3, 64),
            [
                conv(8, 3, 2, 1),
                conv(12, 1, 1, 1),
                _block("shortcut", **{"from": -2}),
                _block("upsample", stride=3),
            ],
            [(8, 32), (12, 32), (12, 32), (12, 96)],
            "shortcut and upsample",
        ),
        (
            (3, 64),
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
    for (channels, height), blocks, want, hint in cases:
        net = _block("net", channels=channels, height=height)
        with mock.patch.object(nn.Module, "__init__", _no_module):
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
def align_matrices(answer):
    cases = [
        ([2.0, 1.0, 9.0, 6.0], 3, 1, "inside the map"),
        ([1.3, 0.7, 8.9, 6.1], 2, 3, "at fractional places"),
        ([4.2, 3.1, 4.8, 3.5], 2, 2, "smaller than one cell"),
        ([-0.9, -0.4, 4.0, 3.0], 4, 2, "at the upper left border"),
        ([6.0, 3.0, 14.5, 9.5], 5, 2, "far beyond the lower right border"),
        ([-2.0, -3.0, 1.0, 2.0], 1, 1, "with a sample at exactly -1"),
        ([10.0, 6.0, 13.0, 9.0], 1, 1, "with a sample at exactly the length"),
    ]
    X = torch.randn(1, 1, 7, 11)
    for box, size, ratio, hint in cases:
        result = call(answer, torch.tensor(box), size, 7, 11, ratio)
        expect(
            is_sequence(result, 2),
            "return two matrices, A and B",
        )
        for matrix, length, name in zip(result, (7, 11), "AB", strict=True):
            is_tensor(matrix, shape=(size, length), name=name)
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


def _detections(scenes, label_count=3):
    """Noisy detections of some true boxes, with scores that all differ."""
    found, targets = [], []
    for k in range(scenes):
        target = {
            "boxes": _boxes(k % 4),
            "labels": torch.randint(1, label_count + 1, (k % 4,)),
        }
        copies = 0 if k % 5 == 1 else 4
        boxes = target["boxes"].repeat(copies, 1)
        boxes = torch.cat([boxes + 2 * torch.randn_like(boxes), _boxes(2)])
        labels = target["labels"].repeat(copies)
        other = torch.rand(len(labels)) < 0.3
        labels = torch.where(other, labels % label_count + 1, labels)
        labels = torch.cat([labels, torch.ones(2, dtype=torch.int64)])
        scores = (torch.randperm(len(labels)) + 1) / (len(labels) + 1)
        keep = slice(0, 0) if k == 4 else slice(None)
        answer = {"boxes": boxes, "scores": scores, "labels": labels}
        found.append({key: value[keep] for key, value in answer.items()})
        targets.append(target)
    return found, targets


def _kinds(found, target):
    """The kinds of the boxes of one scene and the number of missed ones."""
    table = ops.box_iou(found["boxes"], target["boxes"]).tolist()
    truth = target["labels"].tolist()
    kinds, taken = [], set()
    for i in found["scores"].argsort(descending=True).tolist():
        label = found["labels"][i].item()
        near = [k for k in range(len(truth)) if table[i][k] >= 0.5]
        own = [k for k in near if truth[k] == label]
        free = [k for k in own if k not in taken]
        if free:
            taken.add(max(free, key=table[i].__getitem__))
            kinds.append("hit")
        elif near:
            kinds.append("double" if own else "renamed")
        else:
            far = max(table[i], default=0.0) < 0.1
            kinds.append("ghost" if far else "displaced")
    return kinds, len(truth) - len(taken)


@exercise("10.14")
def error_counts(answer):
    names = ["hit", "double", "renamed", "displaced", "ghost", "missed"]

    def compare(detections, targets, hint):
        want = dict.fromkeys(names, 0)
        for found, target in zip(detections, targets, strict=True):
            kinds, missed = _kinds(found, target)
            want["missed"] += missed
            for kind in kinds:
                want[kind] += 1
        got = call(answer, detections, targets)
        expect(isinstance(got, dict), "return a dict of six counts")
        expect(
            set(got) == set(names), "the keys are the five kinds and missed"
        )
        for name in names:
            same_value(got[name], want[name], hint, name=name)

    truth = [[0.0, 0, 10, 10], [2, 0, 12, 10], [30, 0, 40, 10]]
    none = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0).long()}

    def scene(rows, labels, scores=None):
        result = {"boxes": torch.tensor(rows), "labels": torch.tensor(labels)}
        return result | ({"scores": torch.tensor(scores)} if scores else {})

    target = scene(truth, [1, 2, 1])
    cases = [
        ([truth[0], truth[2]], [1, 1], "two true boxes are hit, one is not"),
        ([truth[0], truth[0]], [1, 1], "a second box on a digit is a double"),
        ([truth[2], [60.0, 0, 70, 9]], [2, 1], "a wrong name, and a ghost"),
        ([[36.0, 0, 46, 10]], [2], "a box that only touches is displaced"),
        ([[30.0, 0, 40, 5]], [1], "an IoU of exactly 0.5 is enough"),
        ([[30.0, 0, 40, 1]], [1], "an IoU of exactly 0.1 is displaced"),
    ]
    for rows, labels, hint in cases:
        found = scene(rows, labels, [0.4, 0.8][: len(rows)])
        compare([found], [target], hint)
    twins = scene(truth[:2], [1, 1])
    found = scene([[1.0, 0, 12, 10], truth[1]], [1, 1], [0.5, 0.9])
    compare([found], [twins], "a true box that is taken leaves the other")
    twins = scene([truth[0], [4.0, 0, 14, 10]], [1, 1])
    found = scene([truth[0], [1.0, 0, 11, 10]], [1, 1], [0.5, 0.9])
    compare([found], [twins], "the box with the best score comes first")
    found = scene([[3.0, 0, 13, 10], [0.0, 0, 9, 10]], [1, 1], [0.9, 0.5])
    compare([found], [twins], "the true box with the largest IoU is taken")
    empty = none | {"scores": torch.zeros(0)}
    compare([empty], [target], "there is no detection, all are missed")
    compare([found], [none], "there is no true box, all are ghosts")
    compare(*_detections(40), "forty scenes are counted wrongly")


def _f_score(raw, targets, bar, overlap):
    hits = total = 0
    for found, target in zip(raw, targets, strict=True):
        sure = found["scores"] >= bar
        found = {key: value[sure] for key, value in found.items()}
        keep = ops.batched_nms(
            found["boxes"], found["scores"], found["labels"], overlap
        )
        found = {key: value[keep] for key, value in found.items()}
        hits += _kinds(found, target)[0].count("hit")
        total += len(keep) + len(target["labels"])
    return 2 * hits / max(total, 1)


@exercise("10.15")
def tune(answer):
    def compare(raw, targets, bars, overlaps, hint):
        half, pairs = len(raw) // 2, [(b, o) for b in bars for o in overlaps]
        values = [_f_score(raw[:half], targets[:half], *p) for p in pairs]
        best = pairs[values.index(max(values))]
        got = call(answer, raw, targets, bars, overlaps)
        expect(
            isinstance(got, tuple) and len(got) == 3,
            "return a tuple: the bar, the overlap and the measure",
        )
        for value, want, name in zip(
            got[:2], best, ("bar", "overlap"), strict=True
        ):
            same_number(value, want, hint, name=f"the {name}")
        want = _f_score(raw[half:], targets[half:], *best)
        same_number(
            got[2],
            want,
            "the measure is wrong; it belongs to the test scenes, and counts "
            "hits, kept boxes and true boxes of all of them",
            name="the measure",
        )

    bars, overlaps = [0.1, 0.5, 0.3, 0.7], [0.7, 0.1, 0.5, 0.3]
    for scenes in (13, 24):
        compare(
            *_detections(scenes),
            bars,
            overlaps,
            "another pair is best on the validation scenes",
        )
    raw, targets = _detections(12)
    raw = raw[6:] + [
        one | {"scores": one["scores"].flip(0)} for one in raw[:6]
    ]
    compare(
        raw, targets, bars, overlaps, "the first of several equal pairs counts"
    )
    none = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0).long()}
    empty = none | {"scores": torch.zeros(0)}
    one = {
        "boxes": torch.tensor([[0.0, 0, 9, 9]]),
        "labels": torch.tensor([1]),
    }
    sure = one | {"scores": torch.tensor([0.5])}
    compare(
        [empty, sure, sure, sure],
        [none, one, one, one],
        [0.6, 0.5],
        [0.5],
        "a score of exactly the bar is kept, and every scene of the first "
        "half counts",
    )
    two = {
        "boxes": torch.tensor([[0.0, 0, 9, 9], [0, 0, 9, 6]]),
        "labels": torch.tensor([1, 1]),
        "scores": torch.tensor([0.6, 0.4]),
    }
    compare(
        [two] * 2,
        [one] * 2,
        [0.3, 0.5],
        [0.7, 0.5],
        "all pairs count, with the bars in the outer loop",
    )
    compare(
        [empty] * 2,
        [none] * 2,
        [0.5],
        [0.5],
        "the scenes are empty",
    )
