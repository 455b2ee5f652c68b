"""Typical wrong answers of chapter 10: {exercise: [(answer, hint)]}."""

import math

import torch
import torch.nn.functional as F
from torchvision import ops


def rounded_down(height, width, strides, per_cell):
    return per_cell * sum((height // s) * (width // s) for s in strides)


def one_a_cell(height, width, strides, per_cell):
    return sum(math.ceil(height / s) * math.ceil(width / s) for s in strides)


def in_pixels(boxes, height, width):
    return ops.box_convert(boxes, "xyxy", "cxcywh")


def swapped_sides(boxes, height, width):
    boxes = ops.box_convert(boxes, "xyxy", "cxcywh")
    return boxes / torch.tensor([height, width, height, width])


def corner_for_centre(boxes, height, width):
    boxes = ops.box_convert(boxes, "xyxy", "xywh")
    return boxes / torch.tensor([width, height, width, height])


def inside_out(boxes, width):
    x1, y1, x2, y2 = boxes.unbind(-1)
    return torch.stack([y1, width - x1, y2, width - x2], dim=-1)


def transposed(boxes, width):
    return boxes[:, [1, 0, 3, 2]]


def clockwise(boxes, width):
    x1, y1, x2, y2 = boxes.unbind(-1)
    return torch.stack([width - y2, x1, width - y1, x2], dim=-1)


def mean_of_all(sizes, anchors):
    shared = torch.minimum(sizes[:, None], anchors).prod(dim=2)
    union = sizes.prod(1)[:, None] + anchors.prod(1) - shared
    return (shared / union).mean().item()


def best_box_for_anchor(sizes, anchors):
    shared = torch.minimum(sizes[:, None], anchors).prod(dim=2)
    union = sizes.prod(1)[:, None] + anchors.prod(1) - shared
    return (shared / union).amax(dim=0).mean().item()


def still_a_tensor(sizes, anchors):
    shared = torch.minimum(sizes[:, None], anchors).prod(dim=2)
    union = sizes.prod(1)[:, None] + anchors.prod(1) - shared
    return (shared / union).amax(dim=1).mean()


def inclusive(masks):
    return ops.masks_to_boxes(masks)


def rows_first(masks):
    boxes = []
    for mask in masks:
        y, x = mask.nonzero().T
        boxes.append([y.min(), x.min(), y.max() + 1, x.max() + 1])
    return torch.tensor(boxes, dtype=torch.float32)


def whole_numbers(masks):
    return (ops.masks_to_boxes(masks) + torch.tensor([0, 0, 1, 1])).long()


def _clip(boxes, window):
    low, high = torch.tensor(window[:2]), torch.tensor(window[2:])
    return torch.cat(
        [torch.maximum(boxes[:, :2], low), torch.minimum(boxes[:, 2:], high)],
        dim=1,
    ).to(boxes)


def _area(boxes):
    return (boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(dim=1)


def never_dropped(boxes, labels, window, min_share):
    move = torch.tensor([*window[:2], *window[:2]])
    return _clip(boxes, window) - move, labels


def not_moved(boxes, labels, window, min_share):
    inside = _clip(boxes, window)
    keep = _area(inside) >= min_share * _area(boxes)
    return inside[keep], labels[keep]


def share_of_window(boxes, labels, window, min_share):
    inside = _clip(boxes, window)
    whole = (window[2] - window[0]) * (window[3] - window[1])
    keep = _area(inside) >= min_share * whole
    move = torch.tensor([*window[:2], *window[:2]])
    return inside[keep] - move, labels[keep]


def no_switch(logits, targets, alpha, gamma):
    surprise = F.binary_cross_entropy_with_logits(
        logits, targets, reduction="none"
    )
    return (alpha * (1 - logits.sigmoid()) ** gamma * surprise).mean()


def overflowing(logits, targets, alpha, gamma):
    p = logits.sigmoid()
    p = targets * p + (1 - targets) * (1 - p)
    weight = alpha * targets + (1 - alpha) * (1 - targets)
    return (-weight * (1 - p) ** gamma * p.log()).mean()


def summed(logits, targets, alpha, gamma):
    return ops.sigmoid_focal_loss(
        logits, targets, alpha, gamma, reduction="sum"
    )


def unsorted(scores, hits, number):
    found = hits.double().cumsum(0)
    precision = found / torch.arange(1, len(hits) + 1)
    reached = [precision[10 * found >= k * number] for k in range(11)]
    return sum(r.max().item() if len(r) else 0.0 for r in reached) / 11


def precision_there(scores, hits, number):
    hits = hits[scores.argsort(descending=True)].double()
    found = hits.cumsum(0)
    precision = found / torch.arange(1, len(hits) + 1)
    reached = [precision[10 * found >= k * number] for k in range(11)]
    return sum(r[0].item() if len(r) else 0.0 for r in reached) / 10


def share_of_hits(scores, hits, number):
    return hits.double().mean().item()


def plain_nms(boxes, scores, threshold):
    return ops.nms(boxes, scores, threshold)


def without_triu(boxes, scores, threshold):
    table = ops.box_iou(boxes, boxes).fill_diagonal_(0)
    return (table.amax(dim=0) <= threshold).nonzero().flatten()


def input_order(boxes, scores, threshold):
    better = scores[:, None] > scores
    table = ops.box_iou(boxes, boxes) * better
    return (table.amax(dim=0) <= threshold).nonzero().flatten()


def in_old_order(boxes, scores, sigma):
    scores = scores.clone()
    order = scores.argsort(descending=True)
    for i, best in enumerate(order):
        rest = order[i + 1 :]
        shared = ops.box_iou(boxes[best][None], boxes[rest])[0]
        scores[rest] *= (-shared.square() / sigma).exp()
    return scores.sort(descending=True).values


def not_squared(boxes, scores, sigma):
    scores, left = scores.clone(), torch.ones(len(scores)).bool()
    while left.any():
        best = torch.where(left, scores, -1.0).argmax()
        left[best] = False
        fade = (-ops.box_iou(boxes[best][None], boxes)[0] / sigma).exp()
        scores = torch.where(left, scores * fade, scores)
    return scores


def fades_itself(boxes, scores, sigma):
    shared = ops.box_iou(boxes, boxes).square()
    return scores * (-shared.amax(dim=0) / sigma).exp()


def first_box(points, boxes):
    low = points[:, None] - boxes[:, :2]
    high = boxes[:, 2:] - points[:, None]
    distances = torch.cat([low, high], dim=2)
    inside = distances.amin(dim=2) > 0
    some = inside.any(dim=1)
    index = inside.int().argmax(dim=1)
    chosen = distances[torch.arange(len(points)), index]
    return chosen * some[:, None], torch.where(some, index, -1)


def side_is_inside(points, boxes):
    low = points[:, None] - boxes[:, :2]
    high = boxes[:, 2:] - points[:, None]
    distances = torch.cat([low, high], dim=2)
    inside = distances.amin(dim=2) >= 0
    some = inside.any(dim=1)
    sizes = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    index = torch.where(inside, sizes, torch.inf).argmin(dim=1)
    chosen = distances[torch.arange(len(points)), index]
    return chosen * some[:, None], torch.where(some, index, -1)


def never_outside(points, boxes):
    distances, index = side_is_inside(points, boxes)
    return distances, index.clamp(min=0)


def _shapes(blocks, pad_always=False, last_route=False):
    channels, height, result = 3, int(blocks[0]["height"]), []
    for i, block in enumerate(blocks[1:]):
        kind = block["type"]
        if kind in ("convolutional", "maxpool"):
            size, stride = int(block["size"]), int(block["stride"])
            wide = block.get("pad") == "1" or pad_always
            pad = size // 2 if wide and kind == "convolutional" else 0
            height = (height + 2 * pad - size) // stride + 1
            channels = int(block.get("filters", channels))
        elif kind == "upsample":
            height *= int(block["stride"])
        elif kind == "route":
            layers = [int(n) for n in block["layers"].split(",")]
            sources = [result[i + n if n < 0 else n] for n in layers]
            channels = sum(s[0] for s in sources)
            if last_route:
                channels = sources[-1][0]
            height = sources[0][1]
        result.append((channels, height))
    return result


def pads_always(blocks):
    return _shapes(blocks, pad_always=True)


def last_of_route(blocks):
    return _shapes(blocks, last_route=True)


def with_the_net(blocks):
    return [(3, int(blocks[0]["height"])), *_shapes(blocks)]


def _matrices(
    box, size, height, width, ratio, shift=0.5, middle=0.5, border=True
):
    matrices = []
    for axis, length in ((1, height), (0, width)):
        start, end = box[axis] - shift, box[axis + 2] - shift
        step = (end - start) / (size * ratio)
        place = start + (torch.arange(size * ratio) + middle) * step
        inside = (place >= -1) & (place <= length)
        if border:
            place = place.clamp(0, length - 1)
        cells = torch.arange(length)
        weight = (1 - (place[:, None] - cells).abs()).clamp(min=0)
        weight = weight * inside[:, None]
        matrices.append(weight.view(size, ratio, length).mean(dim=1))
    return tuple(matrices)


def not_aligned(*args):
    return _matrices(*args, shift=0.0)


def at_the_corners(*args):
    return _matrices(*args, middle=0.0)


def fades_at_the_border(*args):
    return _matrices(*args, border=False)


WRONG = {
    "10.1": [(rounded_down, "round up"), (one_a_cell, "per_cell anchors")],
    "10.2": [
        (in_pixels, "still pixels"),
        (swapped_sides, "x goes with the width"),
        (corner_for_centre, "the centres are wrong"),
    ],
    "10.3": [
        (inside_out, "inside out"),
        (transposed, "follow its pixels"),
        (clockwise, "follow its pixels"),
    ],
    "10.4": [
        (mean_of_all, "the fit is 1"),
        (best_box_for_anchor, "each box takes its best anchor"),
        (still_a_tensor, ".item()"),
    ],
    "10.5": [
        (inclusive, "inclusive"),
        (rows_first, "x are columns"),
        (whole_numbers, "dtype"),
    ],
    "10.6": [
        (never_dropped, "the wrong boxes stay"),
        (not_moved, "coordinates of the crop"),
        (share_of_window, "the wrong boxes stay"),
    ],
    "10.7": [
        (no_switch, "alpha_t"),
        (overflowing, "infinity"),
        (summed, "wrong for alpha"),
    ],
    "10.8": [
        (unsorted, "any order"),
        (precision_there, "all are hits"),
        (share_of_hits, "one true box is missed"),
    ],
    "10.9": [
        (plain_nms, "this is plain NMS"),
        (without_triu, "it alone stays"),
        (input_order, "best first"),
    ],
    "10.10": [
        (in_old_order, "keep their scores"),
        (not_squared, "three boxes in a row"),
        (fades_itself, "the best box its own"),
    ],
    "10.11": [
        (first_box, "the smaller one counts"),
        (side_is_inside, "a point on a side is outside"),
        (never_outside, "index -1"),
    ],
    "10.12": [
        (pads_always, "pad=0"),
        (last_of_route, "routes back"),
        (with_the_net, "[net] is no layer"),
    ],
    "10.13": [
        (not_aligned, "half a cell"),
        (at_the_corners, "middles of its parts"),
        (fades_at_the_border, "border"),
    ],
}
