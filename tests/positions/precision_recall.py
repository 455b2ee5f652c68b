"""Ten detections: the chapter's code, torchmetrics and scikit-learn."""

import numpy as np
import torch
from sklearn.metrics import f1_score, precision_score, recall_score
from torchmetrics.detection import MeanAveragePrecision

from cells import definitions

SCORES = [0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2]
HITS = [True, True, False, True, True, False, True, False, True, False]
CHAPTER = definitions(
    "10_detection",
    ["area", "intersection", "iou", "find_hits", "average_precision"],
    torch=torch,
    np=np,
)


def marks(*hits):
    """The switches with only these boxes as hits."""
    return {f"hit{k}": k in hits for k in range(10)}


POSITIONS = [
    {},
    {"threshold": 0.5},
    {"threshold": 0.25, "squared": True},  # the square of 0.5 reaches it
    {"threshold": 0.8, "squared": True, "truths": 6},
    {"threshold": 1},
    {"threshold": 0, "truths": 12},
    {"truths": 3},  # fewer than the hits
    {"truths": 0},
    {"truths": 0, **marks()},
    {**marks(), "threshold": 0.4},
    {**marks(0, 1, 2, 3, 4), "truths": 5},
    {**marks(5, 6, 7, 8, 9), "truths": 5, "threshold": 0.3},
    {**marks(*range(10)), "truths": 10, "threshold": 0.9},
    {**marks(0, 2, 4, 5, 6, 8, 9), "truths": 10, "threshold": 0.2},
    {**marks(9), "truths": 1, "threshold": 0.2},
    {"threshold": 0.95, "hit0": False},
]


def average(scores, hits, truths):
    """AP of boxes that lie on true boxes of their own or far away."""
    place = 20 * torch.arange(10 + truths).float()
    boxes = torch.stack([place, place, place + 10, place + 10], dim=1)
    own = torch.cat([torch.nonzero(hits).flatten(), 10 + torch.arange(truths)])
    target = {
        "boxes": boxes[own[:truths]],
        "labels": torch.ones(truths, dtype=torch.int64),
    }
    detected = {
        "boxes": boxes[:10],
        "scores": scores,
        "labels": torch.ones(10, dtype=torch.int64),
    }
    ours = CHAPTER["average_precision"]([detected], [target], label=1)
    metric = MeanAveragePrecision(
        iou_thresholds=[0.5], rec_thresholds=np.linspace(0, 1, 101).tolist()
    )
    metric.update([detected], [target])
    assert abs(ours - metric.compute()["map"].item()) < 1e-5
    return ours


def numbers(position):
    """What the figure must show, by torch and the public metrics."""
    hits = [position.get(f"hit{k}", hit) for k, hit in enumerate(HITS)]
    hits = torch.tensor(hits)
    scores = torch.tensor(SCORES, dtype=torch.float64)
    if position.get("squared"):
        scores = scores.square()
    truths = position.get("truths", 8)
    # one entry for each detection and for each true box that none hits
    kept = scores >= position.get("threshold", 0.65)
    missed = max(truths - int(hits.sum()), 0)
    y = torch.cat([hits, torch.ones(missed, dtype=torch.bool)])
    y_hat = torch.cat([kept, torch.zeros(missed, dtype=torch.bool)])
    result = {
        "kept": int(kept.sum()),
        "precision": precision_score(y, y_hat) if kept.any() else "–",
        "recall": "–",
        "f1": "–",
        "ap": "–",
    }
    if 0 < truths >= hits.sum():
        result["recall"] = recall_score(y, y_hat)
        result["f1"] = f1_score(y, y_hat)
        result["ap"] = average(scores, hits, truths)
    return result
