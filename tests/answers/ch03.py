"""Wrong answers for chapter 3 with a part of the hint that each must get."""

import math
import random

import PIL.Image
import torch
from torch import nn
from torch.utils.data import Dataset, IterableDataset, get_worker_info

SHAPES = {
    "a": (3, 30, 45),
    "b": (3, 30, 90),
    "c": (3, 80, 80),
    "d": (3, 66, 94),
    "e": (3, 90, 60),
    "f": (5, 3, 20, 20),
}


def steps_over_all_epochs(num_examples, batch_size, num_epochs, drop_last):
    steps = num_examples / batch_size
    if drop_last:
        return int(steps) * num_epochs
    return math.ceil(steps * num_epochs)


class WindowsTooMany(Dataset):
    def __init__(self, series, size):
        self.series, self.size = series, size

    def __len__(self):
        return len(self.series) - self.size + 1

    def __getitem__(self, i):
        return self.series[i : i + self.size], self.series[i + self.size]


class WindowsLastInside(WindowsTooMany):
    def __len__(self):
        return max(0, len(self.series) - self.size)

    def __getitem__(self, i):
        end = i + self.size
        return self.series[i:end], self.series[end - 1]


class WindowsNegative(WindowsTooMany):
    def __len__(self):
        return len(self.series) - self.size


def _undo(X, mean, std):
    mean = torch.tensor(mean)[:, None, None]
    std = torch.tensor(std)[:, None, None]
    return X * std + mean


def denormalize_cut(X, mean, std):
    return (255 * _undo(X, mean, std).clamp(0, 1)).to(torch.uint8)


def denormalize_wrap(X, mean, std):
    return (255 * _undo(X, mean, std)).round().to(torch.int64).to(torch.uint8)


def denormalize_order(X, mean, std):
    mean = torch.tensor(mean)[:, None, None]
    std = torch.tensor(std)[:, None, None]
    X = ((X + mean) * std).clamp(0, 1)
    return (255 * X).round().to(torch.uint8)


def denormalize_in_place(X, mean, std):
    mean = torch.tensor(mean)[:, None, None]
    X.mul_(torch.tensor(std)[:, None, None]).add_(mean)
    return (255 * X.clamp(0, 1)).round().to(torch.uint8)


def flip_swapped(image, boxes):
    boxes = boxes.clone()
    boxes[:, [0, 2]] = image.shape[-1] - boxes[:, [0, 2]]
    return image.flip(-1), boxes


def flip_upside_down(image, boxes):
    return image.flip(1), boxes


def flip_off_by_one(image, boxes):
    boxes = boxes.clone()
    boxes[:, [0, 2]] = image.shape[-1] - 1 - boxes[:, [2, 0]]
    return image.flip(-1), boxes


def flip_image_only(image, boxes):
    return image.flip(-1), boxes


def ragged_zeros(batch):
    sequences, labels = zip(*batch, strict=True)
    X = nn.utils.rnn.pad_sequence(sequences, batch_first=True)
    return X, X != 0, torch.tensor(labels)


def ragged_mask_by_value(batch):
    sequences, labels = zip(*batch, strict=True)
    X = nn.utils.rnn.pad_sequence(
        sequences, batch_first=True, padding_value=-1
    )
    return X, X != -1, torch.tensor(labels)


def ragged_time_first(batch):
    sequences, labels = zip(*batch, strict=True)
    X = nn.utils.rnn.pad_sequence(sequences, padding_value=-1)
    return X, X != -1, torch.tensor(labels)


def stats_of_stats(images):
    parts = [image.flatten(1) / 255 for image in images]
    mean = torch.stack([part.mean(dim=1) for part in parts]).mean(dim=0)
    std = torch.stack([part.std(dim=1) for part in parts]).mean(dim=0)
    return mean, std


def stats_std_of_parts(images):
    parts = [image.flatten(1) / 255 for image in images]
    mean = torch.cat(parts, dim=1).mean(dim=1)
    std = torch.stack([part.std(dim=1) for part in parts]).mean(dim=0)
    return mean, std


def stats_unscaled(images):
    pixels = torch.cat([image.flatten(1).float() for image in images], dim=1)
    return pixels.mean(dim=1), pixels.std(dim=1, correction=0)


def split_examples(groups, share, generator):
    order = torch.randperm(len(groups), generator=generator).tolist()
    cut = round(share * len(groups))
    return order[:cut], order[cut:]


def split_first_groups(groups, share, generator):
    names = groups.unique()
    inside = torch.isin(groups, names[: round(share * len(names))])
    return inside.nonzero()[:, 0].tolist(), (~inside).nonzero()[:, 0].tolist()


def split_unseeded(groups, share, generator):
    names = groups.unique()
    order = torch.randperm(len(names))
    inside = torch.isin(groups, names[order[: round(share * len(names))]])
    return inside.nonzero()[:, 0].tolist(), (~inside).nonzero()[:, 0].tolist()


class _Balanced:
    def __init__(self, labels, per_class):
        self.labels, self.per_class = torch.as_tensor(labels), per_class

    def __len__(self):
        return self.labels.bincount().min().item() // self.per_class

    def columns(self, shuffled=True):
        columns = []
        for label in self.labels.unique():
            indices = (self.labels == label).nonzero()[:, 0]
            order = torch.randperm(len(indices))
            columns.append(indices[order] if shuffled else indices)
        return columns

    def batches(self, columns):
        for k in range(len(self)):
            part = slice(k * self.per_class, (k + 1) * self.per_class)
            yield torch.cat([column[part] for column in columns]).tolist()


class BalancedFixed(_Balanced):
    def __iter__(self):
        return self.batches(self.columns(shuffled=False))


class BalancedRepeats(_Balanced):
    def __iter__(self):
        for _ in range(len(self)):
            columns = self.columns()
            yield torch.cat([c[: self.per_class] for c in columns]).tolist()


class BalancedTooLong(_Balanced):
    def __len__(self):
        return self.labels.bincount().max().item() // self.per_class

    def __iter__(self):
        return self.batches(self.columns())


def damaged_lazy(paths):
    damaged = []
    for path in paths:
        try:
            PIL.Image.open(path)
        except OSError:
            damaged.append(path)
    return damaged


def damaged_verify(paths):
    damaged = []
    for path in paths:
        try:
            PIL.Image.open(path).verify()
        except Exception:
            damaged.append(path)
    return damaged


def damaged_whole(paths):
    return [path for path in paths if path not in damaged_lazy(paths)]


class LinesAll(IterableDataset):
    def __init__(self, files):
        self.files = files

    def __iter__(self):
        for file in self.files:
            yield from file


class LinesByLine(LinesAll):
    def __iter__(self):
        info = get_worker_info()
        first, step = (info.id, info.num_workers) if info else (0, 1)
        return iter(sum(self.files, [])[first::step])


class LinesChunked(LinesAll):
    def __iter__(self):
        info = get_worker_info()
        first, step = (info.id, info.num_workers) if info else (0, 1)
        size = len(self.files) // step
        for file in self.files[first * size : (first + 1) * size]:
            yield from file


def stream_lost(stream, size, seed):
    dice, buffer = random.Random(seed), []
    for item in stream:
        if len(buffer) < size:
            buffer.append(item)
            continue
        place = dice.randrange(size)
        yield buffer[place]
        buffer[place] = item


def stream_all_first(stream, size, seed):
    items = list(stream)
    if size > 1:
        random.Random(seed).shuffle(items)
    yield from items


def stream_in_chunks_global(stream, size, seed):
    random.seed(seed)
    buffer = []
    for item in stream:
        buffer.append(item)
        if len(buffer) == size:
            random.shuffle(buffer)
            yield from buffer
            buffer = []
    random.shuffle(buffer)
    yield from buffer


WRONG = {
    "3.1": [
        (lambda n, b, e, d: n // b * e, "the short last batch is a step too"),
        (steps_over_all_epochs, "do not share the short batch"),
        (lambda n, b, e, d: math.ceil(n / b) * e, "is left out"),
        (lambda n, b, e, d: n / b * e, "the short last batch"),
    ],
    "3.2": [
        (SHAPES | {"a": (3, 30, 30)}, "(a): one number"),
        (SHAPES | {"b": (3, 30, 45)}, "(b): two numbers"),
        (SHAPES | {"c": (3, 60, 80)}, "(c): what is too small"),
        (SHAPES | {"d": (3, 63, 97)}, "(d): the order"),
        (SHAPES | {"e": (3, 60, 90)}, "(e): expand"),
        (SHAPES | {"f": (3, 5, 20, 20)}, "(f): stack"),
    ],
    "3.3": [
        (WindowsTooMany, "the last window needs a number after it"),
        (WindowsLastInside, "the number right after it"),
        (WindowsNegative, "len must be 0"),
    ],
    "3.4": [
        (denormalize_cut, "round before the cast"),
        (denormalize_wrap, "not wrap around"),
        (denormalize_order, "in reverse order"),
        (denormalize_in_place, "changes its input"),
    ],
    "3.5": [
        (flip_swapped, "x1 is larger than x2"),
        (flip_upside_down, "top to bottom"),
        (flip_off_by_one, "off by one pixel"),
        (flip_image_only, "the boxes are wrong"),
    ],
    "3.6": [
        (ragged_zeros, "then -1 up to the longest"),
        (ragged_mask_by_value, "may itself be -1"),
        (ragged_time_first, "has shape (4, 3)"),
    ],
    "3.7": [
        (stats_of_stats, "too much weight"),
        (stats_std_of_parts, "forgets how far"),
        (stats_unscaled, "scale the pixels"),
    ],
    "3.8": [
        (split_examples, "choose groups, not examples"),
        (split_first_groups, "drawn at random"),
        (split_unseeded, "the same seed"),
    ],
    "3.9": [
        (BalancedFixed, "draw in __iter__"),
        (BalancedRepeats, "comes twice in an epoch"),
        (BalancedTooLong, "the rarest class"),
    ],
    "3.10": [
        (damaged_lazy, "opening is lazy"),
        (damaged_verify, "a JPEG cut short is missing"),
        (damaged_whole, "a file that is no picture"),
    ],
    "3.11": [
        (LinesAll, "30 lines come"),
        (LinesByLine, "deal out files, not lines"),
        (LinesChunked, "lines get lost"),
    ],
    "3.12": [
        (stream_lost, "what is left in the buffer"),
        (stream_all_first, "read only what fits"),
        (stream_in_chunks_global, "not with the global one"),
    ],
}
