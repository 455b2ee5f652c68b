"""Boxes, scores and a threshold; torchvision compares and chooses."""

import itertools

import torch
from torchvision import ops

BOXES = [[0.0, 0, 10, 10], [1, 1, 11, 11], [20, 0, 30, 10], [4, 0, 14, 10]]
SCORES = [0.8, 0.9, 0.5, 0.7]
CLASSES = torch.tensor([3, 3, 8, 8])
LEFT, TOP, UNIT = 13, 16, 14  # of the figure


def at(k, x, y, width=10):
    """Where the pointer lets go box k, to bring its corner to (x, y)."""
    return [LEFT + UNIT * (x + width * (k + 1) / 5), TOP + UNIT * y]


def corner(x, y):
    """Where the pointer lets go the lower right corner of a box."""
    return [LEFT + UNIT * x, TOP + UNIT * y]


POSITIONS = [
    {},
    {"round": 4},
    {"threshold": 0.45, "round": 2},
    {"threshold": 0.45, "score0": 0.95, "round": 2},
    {"threshold": 0, "round": 4},
    {"threshold": 1, "move0": at(0, 1, 1), "round": 2},
    {"score0": 0.7, "score1": 0.7, "score2": 0.7, "round": 3},
    {"within": True, "threshold": 0.2, "round": 2},
    {"within": True, "move2": at(2, 1.5, 1), "threshold": 0.3, "round": 2},
    {"move3": at(3, 10, 0), "threshold": 0, "round": 0},  # 0 and 3 touch
    {"size0": corner(6, 10), "threshold": 0.6, "round": 4},
    {"size2": corner(24, 4), "move2": at(2, 3, 3, 4), "score2": 1},
    {"move1": at(1, 0, 0), "size1": corner(10, 6), "threshold": 0.6},  # equal
    {"move1": at(1, 0, 0), "size1": corner(10, 5)},  # an IoU of one half
    {"score0": 0, "score1": 0, "score2": 0, "score3": 0, "round": 4},
    {"move2": at(2, 60, 60), "move3": at(3, -9, -9), "round": 3},
]


def boxes_of(position):
    """The boxes after the drags, on half units and inside the field."""
    boxes = torch.tensor(BOXES)
    for name, place in position.items():
        if not name.startswith(("move", "size")):
            continue
        x, y = place
        box = boxes[k := int(name[-1])]
        pointer = torch.tensor([(x - LEFT) / UNIT, (y - TOP) / UNIT])
        size = box[2:] - box[:2]
        if name.startswith("size"):
            box[2:] = (2 * pointer).round() / 2
        else:
            pointer[0] -= size[0] * (k + 1) / 5
            room = torch.tensor([31.0, 14]) - size
            box[:2] = ((2 * pointer).round() / 2).clamp(torch.zeros(2), room)
            box[2:] = box[:2] + size
    return boxes


def numbers(position):
    """What the figure must show, by torchvision."""
    boxes = boxes_of(position)
    scores = torch.tensor(
        [float(position.get(f"score{k}", SCORES[k])) for k in range(4)]
    )
    threshold = position.get("threshold", 0.5)
    if position.get("within"):
        kept = ops.batched_nms(boxes, scores, CLASSES, threshold)
    else:
        kept = ops.nms(boxes, scores, threshold)
    table = ops.box_iou(boxes, boxes)
    return {
        "now": kept[: position.get("round", 1)].tolist() or "none",
        "kept": kept.tolist(),
        "pairs": [
            table[i, j].item() for i, j in itertools.combinations(range(4), 2)
        ],
    }
