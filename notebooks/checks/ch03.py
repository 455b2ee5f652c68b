"""Checks of chapter 3, data."""

import copy
import io
import math
import random
import tempfile
from pathlib import Path

import numpy as np
import PIL.Image
import torch
from torch.utils.data import IterableDataset
from torch.utils.data._utils import worker as _worker

from checks.watchers import Floats
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


@exercise("3.1")
def count_steps(answer):
    cases = [
        ((80, 8, 1, False), "80 examples make 10 batches of 8"),
        ((86, 8, 1, False), "the short last batch is a step too"),
        ((86, 8, 1, True), "with drop_last the short batch is left out"),
        ((84, 8, 4, False), "several epochs do not share the short batch"),
        ((80, 8, 2, True), "drop_last drops nothing when the sizes divide"),
        ((5, 8, 2, True), "fewer examples than a batch, all dropped"),
        ((5, 8, 2, False), "fewer examples than a batch, one short batch"),
    ]
    for (size, batch, epochs, drop), hint in cases:
        want = size // batch if drop else math.ceil(size / batch)
        got = call(answer, size, batch, epochs, drop)
        name = f"count_steps{(size, batch, epochs, drop)}"
        same_number(got, want * epochs, f"{name}: {hint}", name=name)


@exercise("3.2")
def shapes(answer):
    want = {
        "a": ((3, 30, 45), "one number is the length of the shorter side"),
        "b": ((3, 30, 90), "two numbers are exactly height and width"),
        "c": ((3, 80, 80), "what is too small for the crop gets padded"),
        "d": ((3, 66, 94), "the order is left, top, right, bottom"),
        "e": ((3, 90, 60), "expand makes room for the turned image"),
        "f": ((5, 3, 20, 20), "stack puts a new axis first"),
    }
    expect(
        isinstance(answer, dict) and set(answer) == set(want),
        'a dict with the keys "a" to "f" is asked for',
    )
    for key, (shape, hint) in want.items():
        expect(
            isinstance(answer[key], (tuple, list)),
            f"({key}) should be a tuple such as (3, 30, 40)",
        )
        same_value(
            tuple(answer[key]), shape, f"({key}): {hint}", name=f"({key})"
        )


@exercise("3.3")
def windows(answer):
    series = torch.arange(10.0) ** 2
    dataset = call(answer, series, 3)
    length = call(dataset.__len__)
    same_number(
        length,
        7,
        f"ten numbers and windows of 3 give len {length}; each window that "
        "has a number after it counts",
        name="len",
    )
    for i in (0, 4, 6):
        got = call(dataset.__getitem__, i)
        expect(
            is_sequence(got, 2),
            f"example {i} should be a pair",
        )
        same_tensor(
            got[0], series[i : i + 3], f"window {i} is wrong", name="a window"
        )
        same_tensor(
            got[1],
            series[i + 3],
            f"the target of window {i} should be the number right after it",
            name="a target",
        )
    same_number(
        call(call(answer, series[:2], 3).__len__),
        0,
        "a series shorter than the window has no examples; len must be 0",
        name="len",
    )


@exercise("3.4")
def denormalize(answer):
    for mean, std in (([0.4, 0.5, 0.6], [0.2, 0.1, 0.3]), ([0.3], [0.4])):
        want = torch.randint(256, (2, len(mean), 4, 5), dtype=torch.uint8)
        m, s = (torch.tensor(v)[:, None, None] for v in (mean, std))
        got = call(answer, (want / 255 - m) / s, mean, std)
        is_tensor(got, shape=want.shape, dtype=torch.uint8)
        off = (got.int() - want.int()).abs().max().item()
        expect(off != 1, "off by one; white is 255, and round before the cast")
        expect(got.max() > 1, "a white pixel is 255 in uint8")
        expect(off == 0, "the pictures are wrong; undo in reverse order")
    X = torch.tensor([-9.0, 9.0]).reshape(2, 1, 1, 1)
    got = call(answer, X, [0.3], [0.4])
    expect(
        got.flatten().tolist() == [0, 255],
        "values out of the range should stop at 0 and 255, not wrap around",
    )


@exercise("3.5")
def flip_example(answer):
    image = torch.rand(3, 20, 30)
    boxes = torch.tensor([[2.0, 3.0, 10.0, 12.0], [1.0, 0.0, 27.0, 20.0]])
    got = call(answer, image, boxes)
    expect(
        is_sequence(got, 2),
        "return the image and the boxes",
    )
    same_tensor(
        got[0],
        image.flip(2),
        "the image is not mirrored left to right",
        name="the image",
    )
    is_tensor(got[1], shape=boxes.shape, name="the tensor of boxes")
    expect(
        bool((got[1][:, 0] < got[1][:, 2]).all()),
        "x1 is larger than x2; which edge becomes the left one?",
    )
    want = boxes.clone()
    want[:, [0, 2]] = 30 - boxes[:, [2, 0]]
    expect(
        got[1][:, [0, 2]].tolist() != (want[:, [0, 2]] - 1).tolist(),
        "the boxes are off by one pixel; edges lie between pixels",
    )
    same_tensor(
        got[1], want, "the boxes are wrong", name="the tensor of boxes"
    )


@exercise("3.6")
def ragged_collate(answer):
    batch = [
        (torch.tensor([3.0, -1.0]), 2),
        (torch.tensor([5.0]), 0),
        (torch.tensor([0.0, 6.0, -1.0, 8.0, 2.0]), 1),
        (torch.empty(0), 3),
    ]
    got = call(answer, batch)
    expect(
        is_sequence(got, 3),
        "return three tensors: sequences, mask and labels",
    )
    want = torch.full((4, 5), -1.0)
    want[0, 0], want[1, 0], want[2] = 3, 5, batch[2][0]
    same_tensor(
        got[0],
        want,
        "each row should be a sequence, then -1 up to the longest",
        name="the tensor of sequences",
    )
    same_tensor(
        got[1],
        torch.arange(5) < torch.tensor([[2], [1], [5], [0]]),
        "the mask should be True where a number is real; a real number may "
        "itself be -1 or 0",
        name="the mask",
    )
    same_tensor(
        got[2],
        torch.tensor([2, 0, 1, 3]),
        "the labels are out of order",
        name="the tensor of labels",
    )


@exercise("3.7")
def mean_and_std(answer):
    images = [
        torch.randint(low, high, (3, *size), dtype=torch.uint8)
        for low, high, size in ((0, 60, (8, 20)), (150, 256, (4, 6)))
    ]
    got = call(answer, images)
    expect(
        is_sequence(got, 2),
        "return two tensors, mean and std",
    )
    pixels = torch.cat([image.flatten(1) for image in images], dim=1) / 255
    is_tensor(got[0], dtype=torch.float32, name="the mean")
    expect(bool((got[0] < 1.01).all()), "scale the pixels to 0 to 1 first")
    same_tensor(
        got[0],
        pixels.mean(dim=1),
        "the mean is wrong; the mean of the means gives small images too "
        "much weight",
        name="the mean",
    )
    same_tensor(
        got[1],
        pixels.std(dim=1, correction=0),
        "the std is wrong; the mean of the stds forgets how far the images "
        "lie apart, and the divisor is the number of pixels",
        name="the std",
    )
    plain = torch.tensor([100, 201, 231], dtype=torch.uint8)
    plain = [plain[:, None, None].repeat(1, 48, 64)] * 20
    with Floats() as floats:
        got = call(answer, plain)
    expect(
        floats.most < 10 * plain[0].numel(),
        "the images are floats all at once; keep one at a time",
    )
    same_tensor(
        got[1],
        torch.zeros(3),
        "where all pixels are alike the std is 0; what cancels needs float64",
        name="the std of plain images",
    )


@exercise("3.8")
def split_groups(answer):
    groups = torch.tensor([7, 7, 3, 3, 3, 9, 1, 1, 4, 4, 9, 3])

    def draw(share, seed):
        generator = torch.Generator().manual_seed(seed)
        before = generator.get_state()
        got = call(answer, groups, share, generator)
        expect(
            not torch.equal(before, generator.get_state()),
            "nothing is drawn with the generator",
        )
        expect(
            is_sequence(got, 2)
            and all(isinstance(part, list) for part in got),
            "return two lists of indices",
        )
        first, second = ([int(i) for i in part] for part in got)
        expect(
            sorted(first + second) == list(range(12)),
            "each index should be in exactly one of the lists",
        )
        return first, second

    chosen = set()
    for seed in range(20):
        first, second = draw(0.6, seed)
        names = [set(groups[part].tolist()) for part in (first, second)]
        expect(
            not names[0] & names[1],
            "a group is on both sides; choose groups, not examples",
        )
        chosen.add(frozenset(names[0]))
    expect(len(chosen) > 3, "the groups should be drawn at random")
    for share, want in ((0.6, 3), (0.35, 2), (0.25, 1)):
        count = len(groups[draw(share, 0)[0]].unique())
        expect(
            count == want,
            f"the training part holds {count} of the 5 groups; {share} of "
            f"5, rounded, is {want}",
        )
    expect(
        [draw(0.6, seed) for seed in range(5)]
        == [draw(0.6, seed) for seed in range(5)],
        "the same seed of the generator should give the same split",
    )


@exercise("3.9")
def balanced_batches(answer):
    labels = torch.tensor([0] * 9 + [2] * 5 + [5] * 6)
    labels = labels[torch.randperm(20)]
    sampler = call(answer, labels, 2)
    length = call(len, sampler)
    expect(
        length == 2,
        f"the rarest class has 5 examples, 2 a batch, and len is {length}",
    )
    epochs = []
    for _ in range(4):
        batches = call(lambda: [list(batch) for batch in sampler])
        expect(
            len(batches) == 2,
            f"{len(batches)} batches came in an epoch, len says 2",
        )
        seen = sum(batches, [])
        expect(
            all(type(i) is int for i in seen),
            "indices should be Python integers; see .tolist()",
        )
        for batch in batches:
            counts = [int((labels[batch] == k).sum()) for k in (0, 2, 5)]
            expect(
                counts == [2, 2, 2],
                f"a batch holds {counts} examples of the three classes",
            )
        expect(len(set(seen)) == len(seen), "an index comes twice in an epoch")
        epochs.append(batches)
    expect(
        any(epoch != epochs[0] for epoch in epochs),
        "every epoch has the same batches; draw in __iter__, not before",
    )
    used = {i for epoch in epochs for i in sum(epoch, [])}
    many = {i for i in used if labels[i] == 0}
    expect(len(many) > 4, "the common class always shows the same examples")


def _picture(kind):
    """The bytes of a JPEG or PNG with so much texture that it has parts."""
    pixels = np.random.default_rng(0).integers(0, 256, (160, 200, 3))
    buffer = io.BytesIO()
    PIL.Image.fromarray(pixels.astype(np.uint8)).save(buffer, kind)
    return buffer.getvalue()


@exercise("3.10")
def find_damaged(answer):
    with tempfile.TemporaryDirectory() as folder:
        jpeg, png = _picture("JPEG"), _picture("PNG")
        last = png.rindex(b"IDAT")
        contents = {
            "good.jpg": jpeg,
            "cut.jpg": jpeg[: len(jpeg) // 2],
            "good.png": png,
            "page.png": b"<html>404</html>",
            "cut.png": png[: len(png) // 2],
            "empty.jpg": b"",
            "name.png": png[:last] + b"\xff\xff\xff\xff" + png[last + 4 :],
        }
        paths = [Path(folder, name) for name in contents]
        for path, content in zip(paths, contents.values(), strict=True):
            path.write_bytes(content)
        paths.insert(2, Path(folder, "missing.jpg"))
        got = call(answer, paths)
        expect(isinstance(got, list), "a list of paths is asked for")
        names = [Path(path).name for path in got]
        for name, hint in (
            ("page.png", "a file that is no picture is not in the list"),
            ("missing.jpg", "a file that does not exist is not in the list"),
            ("cut.jpg", "a JPEG cut short is missing; opening is lazy"),
        ):
            expect(name in names, hint)
        expect(
            not {"good.jpg", "good.png"} & set(names),
            "a whole file is in the list",
        )
        same_value(
            got,
            [path for path in paths if not path.name.startswith("good")],
            "not just the damaged ones, in the order of the paths",
            name="the list",
        )


@exercise("3.11")
def lines(answer):
    expect(
        isinstance(answer, type) and issubclass(answer, IterableDataset),
        "a class is asked for, derived from IterableDataset",
    )
    files = [[f"{name}{i}" for i in range(3)] for name in "abcde"]

    def read(worker, num_workers):
        dataset = call(answer, copy.deepcopy(files))
        before = _worker._worker_info
        if num_workers:
            _worker._worker_info = _worker.WorkerInfo(
                id=worker, num_workers=num_workers, seed=0, dataset=dataset
            )
        try:
            passes = [
                call(lambda: [str(line) for line in dataset]) for _ in range(2)
            ]
        finally:
            _worker._worker_info = before
        expect(
            passes[0] == passes[1],
            "a second epoch gives other lines than the first",
        )
        return passes[0]

    alone = sum(files, [])
    expect(
        read(0, 0) == alone,
        "without workers all lines should come, file by file, in order",
    )
    for workers in (2, 3, 6):
        shares = [read(worker, workers) for worker in range(workers)]
        come = sum(shares, [])
        lost, extra = len(set(alone) - set(come)), len(come) - len(set(come))
        expect(
            lost == extra == 0,
            f"with {workers} workers {lost} lines get lost and {extra} come "
            "once more",
        )
        opened = [name for share in shares for name in {k[0] for k in share}]
        expect(
            len(opened) == len(files),
            "two workers open the same file; deal out files, not lines",
        )
        want = [sum(files[k::workers], []) for k in range(workers)]
        expect(
            sorted(shares) == sorted(want),
            f"with {workers} workers, worker k should take the files k, "
            f"k + {workers}, ... in order",
        )


@exercise("3.12")
def shuffle_stream(answer):
    def take(size, seed, count=50):
        return call(lambda: list(answer(iter(range(count)), size, seed)))

    got = take(8, 0)
    expect(
        len(got) == 50,
        f"{len(got)} items came out and 50 went in; what is left in the "
        "buffer at the end?",
    )
    expect(sorted(got) == list(range(50)), "items get lost or come twice")
    expect(take(8, 0) == got, "the same seed should give the same order")
    expect(
        sorted(take(100, 0)) == list(range(50)),
        "a stream shorter than the buffer loses items",
    )
    early = [take(8, seed)[:8] for seed in range(100)]
    expect(
        {first for first, *_ in early} == set(range(8)),
        "which item of the full buffer leaves first should hang on the seed "
        "and be any of the eight",
    )
    expect(
        not all(set(items) == set(range(8)) for items in early),
        "the items leave block by block; each new item takes the place of "
        "the one that leaves",
    )
    expect(
        len({tuple(take(100, seed)) for seed in range(3)}) > 1,
        "a stream that fits into the buffer should be shuffled as well",
    )
    expect(
        not all(items[1] == 8 for items in early),
        "the same place is taken again and again; draw one for each new item",
    )
    got = call(lambda: list(answer(list(range(50)), 8, 0)))
    expect(
        sorted(got) == list(range(50)),
        "with a list as the stream, items are missing or doubled",
    )
    source = iter(range(1000))
    call(lambda: next(iter(answer(source, 8, 0))))
    read = next(source, 1000)
    expect(
        read <= 9,
        f"{read} items were read before the first came out; a stream may "
        "be endless, so read only what fits into the buffer",
    )
    state = random.getstate()
    take(8, 0)
    expect(
        random.getstate() == state,
        "draw with a generator of your own, not with the global one",
    )


@exercise("3.13")
def find_leaks(answer):
    def draw(count):
        return torch.randint(256, (count, 3, 20, 21), dtype=torch.uint8)

    train, test = draw(12), draw(9)
    test[1], test[3] = train[4], train[0].flip(2)
    test[2], test[5] = train[5].flip(1), train[7].roll(1, dims=2)
    test[6], test[8] = test[0], train[11]
    test[7] = train[2]
    test[7, 2, 9, 9] ^= 1
    got = call(answer, train, test)
    expect(isinstance(got, list), "a list of indices is asked for")
    expect(
        all(type(i) is int for i in got), "indices should be Python integers"
    )
    for i, hint in (
        (1, "a plain copy is not in the list"),
        (8, "a copy of the last training image is not in the list"),
        (3, "a mirrored copy is not in the list"),
    ):
        expect(i in got, hint)
    for i, hint in (
        (0, "an image that only comes twice in the test set is no leak"),
        (2, "an image upside down is another image; mirror left to right"),
        (5, "the same pixels in other places are another image"),
        (7, "an image in which one pixel differs is another image"),
    ):
        expect(i not in got, hint)
    expect(got == [1, 3, 8], "the list is not [1, 3, 8], sorted")
    same_value(
        call(answer, train[:0], test), [], "without training nothing leaks"
    )


@exercise("3.14")
def colour_trial(answer):
    generator = torch.Generator().manual_seed(0)

    def photos(count):
        y = torch.arange(count) % 2
        X = 0.5 * torch.randn(count, 3, 6, 6, generator=generator)
        X[:, 0, :, :] += 0.2 * y[:, None, None]  # a reddish class
        X[y == 1, :, ::2] += 0.2  # with stripes
        return X, y

    log = []

    def train(X, y):
        weight = torch.rand(108) ** 3
        log.append((X.clone(), weight[0].item()))
        means = [(X[y == k].flatten(1) * weight).mean(dim=0) for k in (0, 1)]
        means = torch.stack(means)
        return lambda X: torch.cdist(X.flatten(1) * weight, means).argmin(1)

    def turn_grey(X):
        return X.mean(dim=1, keepdim=True).repeat(1, 3, 1, 1)

    (X, y), (X_val, y_val) = photos(30), photos(50)
    views = {"colour": lambda X: X, "grey": turn_grey}
    seeds = [3, 1, 4]
    want, starts = {}, {}
    for ours, view in views.items():
        for seed in seeds:
            torch.manual_seed(seed)
            model = train(view(X), y)
            starts[log[-1][1]] = seed
            for theirs, look in views.items():
                hit = (model(look(X_val)) == y_val).float().mean().item()
                want[ours, theirs] = want.get((ours, theirs), 0) + hit / 3
    log.clear()
    got = call(answer, train, X, y, X_val, y_val, seeds)
    expect(
        len(log) == 6,
        f"{len(log)} trainings for 3 seeds; one in colour and one in grey "
        "for each of them",
    )
    for view in views.values():
        alike = [s for x, s in log if torch.allclose(x, view(X), atol=1e-6)]
        expect(
            len(alike) == 3,
            f"{len(alike)} of 6 trainings see the photos, 3 should; grey "
            "copies have three channels, all of them the mean"
            if view is views["colour"]
            else "grey copies have three channels, all of them the mean",
        )
        expect(
            sorted(starts.get(s, -1) for s in alike) == [1, 3, 4],
            "each training, in colour and in grey, should start from its seed",
        )
    expect(
        isinstance(got, dict) and set(got) == set(want),
        'a dict with four keys such as ("colour", "grey") is asked for',
    )
    for key, value in want.items():
        same_number(
            got[key],
            value,
            f"{key} is not the accuracy on the validation photos, averaged "
            "over the seeds; the key says trained on, judged on",
            name=f"the value of {key}",
        )
