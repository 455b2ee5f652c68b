"""Wrong answers for chapter 10 with a part of the hint that each must get."""

import torch
from torchvision import ops

from solutions import edit, edits


def forbidden(masks):
    return ops.masks_to_boxes(masks) + torch.tensor([0.0, 0, 1, 1])


def in_a_helper(masks):
    return forbidden(masks)


def nearest_anchor(sizes, anchors):
    anchors = anchors[torch.cdist(sizes, anchors).argmin(dim=1)]
    shared = torch.minimum(sizes, anchors).prod(dim=1)
    union = sizes.prod(dim=1) + anchors.prod(dim=1) - shared
    return (shared / union).mean().item()


def clip_turned(boxes, labels, window, min_share):
    x1, y1, x2, y2 = window
    inside = boxes - torch.tensor([x1, y1, x1, y1])
    inside = ops.clip_boxes_to_image(inside, (x2 - x1, y2 - y1))
    keep = ops.box_area(inside) >= min_share * ops.box_area(boxes)
    return inside[keep], labels[keep]


def share_of_hits(scores, hits, number):
    return hits.double().mean().item()


def plain_nms(boxes, scores, threshold):
    return ops.nms(boxes, scores, threshold)


def input_order(boxes, scores, threshold):
    better = scores[:, None] > scores
    table = ops.box_iou(boxes, boxes) * better
    keep = table.amax(dim=0) <= threshold
    return keep.nonzero().flatten()


def with_a_loop(boxes, scores, threshold):
    order = scores.argsort(descending=True)
    table = ops.box_iou(boxes[order], boxes[order]) > threshold
    keep = [i for i in range(len(order)) if not table[:i, i].any()]
    return order[keep]


def loop_over_lists(boxes, scores, threshold):
    table, scores = ops.box_iou(boxes, boxes).tolist(), scores.tolist()
    order = sorted(range(len(scores)), key=scores.__getitem__, reverse=True)
    keep = [
        i
        for place, i in enumerate(order)
        if all(table[i][k] <= threshold for k in order[:place])
    ]
    return torch.tensor(keep)


def last_box(points, boxes):
    distances = torch.zeros(len(points), 4)
    index = torch.full((len(points),), -1)
    for k, box in enumerate(boxes):
        own = torch.cat([points - box[:2], box[2:] - points], dim=1)
        inside = (own > 0).all(dim=1)
        distances[inside], index[inside] = own[inside], k
    return distances, index


WRONG = {
    "10.1": [
        edit(
            "math.ceil(height / s) * math.ceil(width / s)",
            "(height // s) * (width // s)",
            "round up",
        ),
        edit("math.ceil(width / s)", "width // s", "round up"),
        edit("per_cell * sum", "sum", "per_cell anchors"),
        edit(
            "return per_cell * sum(cells)",
            "return per_cell * float(sum(cells))",
            "should be an int",
        ),
    ],
    "10.2": [
        edits(
            ("/ 2 / width", "/ 2"),
            ("/ 2 / height", "/ 2"),
            ("(x2 - x1) / width", "x2 - x1"),
            ("(y2 - y1) / height", "y2 - y1"),
            hint="still pixels",
        ),
        edit(
            "(boxes, height, width)",
            "(boxes, width, height)",
            "x goes with the width",
        ),
        edits(
            ("(x1 + x2) / 2", "x1"),
            ("(y1 + y2) / 2", "y1"),
            hint="the centres are wrong",
        ),
        edit("dim=1", "dim=0", "has shape (4, 6)"),
        edit("dim=1,\n    )", "dim=1,\n    ).double()", "not torch.float32"),
    ],
    "10.3": [
        edit(
            "width - x2, y2, width - x1", "width - x1, y2, width - x2", "out"
        ),
        edit("y1, width - x2, y2, width - x1", "y1, x1, y2, x2", "its pixels"),
        edit(
            "y1, width - x2, y2, width - x1",
            "width - y2, x1, width - y1, x2",
            "its pixels",
        ),
        edit("dim=1", "dim=0", "has shape (4, 2)"),
        edit("boxes.unbind", "boxes.round().unbind", "fractions"),
    ],
    "10.4": [
        edit(".amax(dim=1)", "", "the fit is 1"),
        edit("amax(dim=1)", "amax(dim=0)", "each box takes its best anchor"),
        edit(".mean().item()", ".mean()", ".item()"),
        (nearest_anchor, "each box takes its best anchor"),
    ],
    "10.5": [
        edits(
            ("x.max() + 1", "x.max()"),
            ("y.max() + 1", "y.max()"),
            hint="inclusive",
        ),
        edit(
            "[x.min(), y.min(), x.max() + 1, y.max() + 1]",
            "[y.min(), x.min(), y.max() + 1, x.max() + 1]",
            "x are columns",
        ),
        edit("torch.float32", "torch.int64", "dtype"),
        edit(
            "torch.tensor(boxes, dtype=torch.float32)",
            "boxes",
            "should be a tensor",
        ),
        (forbidden, "without ops.masks_to_boxes"),
        (in_a_helper, "without ops.masks_to_boxes"),
        edit(
            "x.max() + 1, y.max() + 1",
            "x.min() + len(x.unique()), y.min() + len(y.unique())",
            "does not enclose",
        ),
    ],
    "10.6": [
        edits(
            ("inside[keep]", "inside"),
            ("labels[keep]", "labels"),
            hint="the wrong boxes stay",
        ),
        edit(" - window[:2].repeat(2)", "", "coordinates of the crop"),
        edit("return inside", "return boxes", "reach beyond it"),
        edit("area(boxes)", "area(window)", "the wrong boxes stay"),
        edit(
            "area(inside)",
            "(inside[:, 2:] - inside[:, :2]).prod(dim=1)",
            "the wrong boxes stay",
        ),
        edit(", labels[keep]", "", "return the boxes and the labels"),
        edit("labels[keep]", "labels[keep].tolist()", "should be a tensor"),
        (clip_turned, "the wrong boxes stay"),
        edit("inside[keep] -", "inside[keep].round() -", "of the crop"),
    ],
    "10.7": [
        edit(
            "alpha * targets + (1 - alpha) * (1 - targets)", "alpha", "alpha_t"
        ),
        edit("(-surprise).exp()", "logits.sigmoid()", "the right answer"),
        edit(
            "F.binary_cross_entropy_with_logits(\n"
            '        logits, targets, reduction="none"\n'
            "    )",
            "-(1 - targets - logits.sigmoid()).abs().log()",
            "infinity",
        ),
        edit(
            "logits, targets, red",
            "logits.clamp(-90, 90), targets, red",
            "200",
        ),
        edit("surprise).mean()", "surprise).sum()", "wrong for alpha"),
    ],
    "10.8": [
        edit("hits[scores.argsort(descending=True)]", "hits", "any order"),
        edit("reached.max()", "reached[0]", "best precision"),
        edit("total / 11", "total / 10", "all are hits"),
        edit("k * number", "k * hits.sum()", "one true box is missed"),
        edit("reached.max().item()", "reached.max()", ".item()"),
        (share_of_hits, "one true box is missed"),
        edit(
            "10 * found >= k * number",
            "found.double() / number >= k * 0.1",
            "three of ten",
        ),
    ],
    "10.9": [
        (plain_nms, "this is plain NMS"),
        (input_order, "best first"),
        (with_a_loop, "there is a loop"),
        edit(".triu(diagonal=1)", ".fill_diagonal_(0)", "it alone stays"),
        edit("<= threshold", "< threshold", "not more than the threshold"),
        edit("order[(table <= threshold).all(dim=0)]", "boxes", "dtype"),
        (loop_over_lists, "there is a loop"),
    ],
    "10.10": [
        edits(
            ("    left =", "    first = scores\n    left ="),
            ("(left, scores, -torch", "(left, first, -torch"),
            hint="chosen anew",
        ),
        edit(
            "return scores",
            "return scores.sort(descending=True).values",
            "keep their scores",
        ),
        edit(".square()", "", "three boxes in a row"),
        edits(
            ("        left[best] = False\n", ""),
            ("fade, scores)\n", "fade, scores)\n        left[best] = False\n"),
            hint="the best box its own",
        ),
        edit(
            "        left[best] = False\n",
            "        left[best] = False\n"
            "        if scores[best] < 0.001:\n"
            "            break\n",
            "three boxes in a row",
        ),
    ],
    "10.11": [
        edit(
            "torch.where(inside, area(boxes), torch.inf)",
            "(~inside).int()",
            "the smaller one counts",
        ),
        edit("amin(dim=2) > 0", "amin(dim=2) >= 0", "on a side is outside"),
        edit("torch.where(some, index, -1)", "index", "index -1"),
        edit("chosen * some[:, None]", "chosen", "all zero outside"),
        edit("some[:, None], index", "some[:, None]", "and the indices"),
        edit(
            "some[:, None], index", "some[:, None], distances", "the indices"
        ),
        (last_box, "whatever its place"),
        edit(
            "area(boxes), torch", "distances.amin(dim=2), torch", "its sides"
        ),
        edit("area(boxes), torch", "distances.sum(dim=2), torch", "its sides"),
    ],
    "10.12": [
        edit(
            'size // 2 if block.get("pad") == "1" else 0', "size // 2", "pad=0"
        ),
        edit(
            'math.ceil(height / int(block["stride"]))',
            'height // int(block["stride"])',
            "rounds up",
        ),
        edit('int(blocks[0]["channels"])', "3", "a small grey image"),
        edit('height *= int(block["stride"])', "height *= 2", "upsample"),
        edit(
            'int(block["filters"])\n',
            'len(torch.nn.Conv2d(1, int(block["filters"]), 1).weight)\n',
            "your code raised",
        ),
        edit(
            "sum(source[0] for source in sources)",
            "sources[-1][0]",
            "routes back",
        ),
        edit("result = []", "result = [(channels, height)]", "[net] is no"),
        edit(
            'int(block["filters"])\n',
            "torch.nn.Conv2d(\n"
            '                1, int(block["filters"]), 1, device="meta"\n'
            "            ).out_channels\n",
            "no module is to be built",
        ),
        edit(
            'math.ceil(height / int(block["stride"]))',
            'math.ceil((height - int(block["size"])) '
            '/ int(block["stride"])) + 1',
            "a maxpool of stride 1",
        ),
    ],
    "10.13": [
        edit(
            "box[axis] - 0.5, box[axis + 2] - 0.5",
            "box[axis], box[axis + 2]",
            "half a cell",
        ),
        edit("ratio) + 0.5)", "ratio))", "middles of its parts"),
        edit("        place = place.clamp(0, length - 1)\n", "", "border"),
        edit("weight * inside[:, None]", "weight", "at the upper left"),
        edit("return tuple(matrices)", "return matrices[0]", "two matrices"),
        edit("(1, height), (0, width)", "(0, width), (1, height)", "A has"),
        edit(
            "step = (end - start) /",
            "step = (end - start).clamp(min=1) /",
            "smaller than one cell",
        ),
    ],
    "10.14": [
        edit("argsort(descending=True)", "argsort()", "comes first"),
        edit("& same[i] & free).any()", "& same[i]).any()", "a double"),
        edit("table[i] >= 0.1", "table[i] > 0", "wrongly"),
        edit(
            "free[own.argmax()] = False",
            "free[table[i].argmax()] = False",
            "leaves the other",
        ),
        edit("near = table[i] >= 0.5", "near = table[i] > 0.5", "exactly 0.5"),
        edit("int(free.sum())", "free.sum()", "should be an int"),
        edit("return counts", "return list(counts.values())", "a dict of six"),
        edit(
            "return counts",
            'counts.pop("double")\n    return counts',
            "the keys are",
        ),
        edit("int(free.sum())", "float(free.sum())", "should be an int"),
        edit("own.argmax()", "(own >= 0.5).int().argmax()", "largest IoU"),
    ],
    "10.15": [
        edit(
            "f_score(range(half), *pair)",
            "f_score(range(len(raw)), *pair)",
            "the validation scenes",
        ),
        edit(
            "return *best, f_score(range(half, len(raw)), *best)",
            "return *best, f_score(range(half), *best)",
            "the measure is wrong",
        ),
        edit(">= bar", "> bar", "exactly the bar"),
        edit(
            "ops.batched_nms(\n"
            '                found["boxes"], found["scores"], '
            'found["labels"], overlap\n            )',
            'ops.nms(found["boxes"], found["scores"], overlap)',
            "the measure is wrong",
        ),
        edit("max(boxes + number, 1)", "(boxes + number)", "raised"),
        edit("return *best, f_score", "return best, f_score", "a tuple"),
        edit(
            "return *best, f_score(range(half, len(raw)), *best)",
            "return [*best, f_score(range(half, len(raw)), *best)]",
            "a tuple",
        ),
        edit(
            "for bar in bars for overlap in overlaps",
            "for overlap in overlaps for bar in bars",
            "the bars in the outer loop",
        ),
        edit(
            "    pairs = [(bar, overlap) for bar in bars ",
            "    bar = max(bars, key=lambda b: f_score(range(half), b, "
            "overlaps[0]))\n"
            "    pairs = [(bar, overlap) ",
            "all pairs count",
        ),
    ],
}


EQUAL = {
    "10.8": {
        "for k in range(11): => for k in range(12):": "no recall reaches 1.1, "
        "so that the twelfth term is 0",
    },
    "10.9": {
        "table = iou(boxes[order][:, None], boxes[order]).triu(diagonal=1) => "
        "table = iou(boxes[order], boxes[order][:, None]).triu(diagonal=1)": (
            "the table of all pairs is symmetric"
        ),
    },
    "10.10": {
        "fade = (-iou(boxes[best], boxes).square() / sigma).exp() => "
        "fade = (-iou(boxes, boxes[best]).square() / sigma).exp()": (
            "IoU is symmetric and broadcasts either way"
        ),
    },
    "10.13": {
        "start, end = box[axis] - 0.5, box[axis + 2] - 0.5 => "
        "start, end = box[axis] - 0.5, box[axis - 2] - 0.5": (
            "of four numbers the second next is also the second before"
        ),
    },
    "10.14": {
        'table = iou(found["boxes"][:, None], target["boxes"]) => '
        'table = iou(target["boxes"], found["boxes"][:, None])': (
            "IoU is symmetric and broadcasts either way"
        ),
        'for i in found["scores"].argsort(descending=True).tolist(): => '
        'for i in found["scores"].argsort(descending=True):': (
            "a tensor without axes is as good an index as a number"
        ),
        "own = torch.where(same[i] & free, table[i], -1.0) => "
        "own = torch.where(same[i] & free, table[i], -1.5)": (
            "any number below 0 loses against an IoU"
        ),
    },
    "10.15": {
        "return 2 * hits / max(boxes + number, 1) => "
        "return 2 * hits / max(boxes + number, 2)": (
            "a sum of 1 means that there is no hit"
        ),
    },
}
