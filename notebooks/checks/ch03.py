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
from torch.utils.data import IterableDataset, get_worker_info
from torch.utils.data._utils import worker as _worker

from checks import call, exercise, expect, is_tensor, same_number, same_tensor


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
        expect(tuple(answer[key]) == shape, f"({key}): {hint}")


@exercise("3.3")
def windows(answer):
    series = torch.arange(10.0) ** 2
    dataset = call(answer, series, 3)
    length = call(dataset.__len__)
    expect(length is not None, "len is None; is a return missing?")
    expect(
        length == 7,
        f"ten numbers and windows of 3 give len {length}; the last window "
        "needs a number after it",
    )
    for i in (0, 4, 6):
        got = call(dataset.__getitem__, i)
        expect(
            isinstance(got, (tuple, list)) and len(got) == 2,
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
    short = call(answer, series[:2], 3)
    expect(
        call(short.__len__) == 0,
        "a series shorter than the window has no examples; len must be 0",
    )


@exercise("3.4")
def denormalize(answer):
    mean, std = [0.4, 0.5, 0.6], [0.2, 0.1, 0.3]
    want = torch.randint(0, 256, (2, 3, 4, 5), dtype=torch.uint8)
    m, s = (torch.tensor(v)[:, None, None] for v in (mean, std))
    X = (want / 255 - m) / s
    got = call(answer, X, mean, std)
    is_tensor(got, shape=want.shape, dtype=torch.uint8)
    off = (got.int() - want.int()).abs().max().item()
    expect(off != 1, "off by one here and there; round before the cast")
    expect(off == 0, "the pictures are wrong; undo the steps in reverse order")
    X = torch.tensor([-9.0, 9.0]).reshape(2, 1, 1, 1).repeat(1, 3, 1, 1)
    got = call(answer, X, mean, std)
    expect(
        got.flatten().tolist() == [0] * 3 + [255] * 3,
        "values out of the range should stop at 0 and 255, not wrap around",
    )


@exercise("3.5")
def flip_example(answer):
    image = torch.rand(3, 20, 30)
    boxes = torch.tensor([[2.0, 3.0, 10.0, 12.0], [0.0, 0.0, 30.0, 20.0]])
    got = call(answer, image, boxes)
    expect(
        isinstance(got, (tuple, list)) and len(got) == 2,
        "return the image and the boxes",
    )
    is_tensor(got[0], shape=image.shape, name="the image")
    expect(
        not torch.equal(got[0], image.flip(1)),
        "the image is mirrored top to bottom",
    )
    same_tensor(
        got[0], image.flip(2), "the image is not mirrored", name="the image"
    )
    is_tensor(got[1], shape=boxes.shape, name="the boxes")
    expect(
        bool((got[1][:, 0] < got[1][:, 2]).all()),
        "x1 is larger than x2; which edge becomes the left one?",
    )
    want = boxes.clone()
    want[:, [0, 2]] = 30 - boxes[:, [2, 0]]
    expect(
        not torch.allclose(
            got[1].float(), want - torch.tensor([1.0, 0, 1, 0])
        ),
        "the boxes are off by one pixel; edges lie between pixels",
    )
    same_tensor(got[1], want, "the boxes are wrong", name="the boxes")


@exercise("3.6")
def ragged_collate(answer):
    batch = [
        (torch.tensor([3.0, -1.0]), 2),
        (torch.tensor([5.0]), 0),
        (torch.tensor([0.0, 6.0, -1.0, 8.0]), 1),
    ]
    got = call(answer, batch)
    expect(
        isinstance(got, (tuple, list)) and len(got) == 3,
        "return three tensors: sequences, mask and labels",
    )
    X, mask, labels = got
    is_tensor(X, shape=(3, 4), dtype=torch.float32, name="the sequences")
    want = torch.full((3, 4), -1.0)
    real = torch.zeros(3, 4, dtype=torch.bool)
    for row, (sequence, _) in enumerate(batch):
        want[row, : len(sequence)] = sequence
        real[row, : len(sequence)] = True
    same_tensor(
        X,
        want,
        "each row should be a sequence, then -1 up to the longest",
        name="the sequences",
    )
    same_tensor(
        mask,
        real,
        "the mask is wrong; a real number may itself be -1 or 0",
        name="the mask",
    )
    same_tensor(
        labels,
        torch.tensor([2, 0, 1]),
        "the labels are out of order",
        name="the labels",
    )


@exercise("3.7")
def mean_and_std(answer):
    images = [
        torch.randint(low, high, (3, *size), dtype=torch.uint8)
        for low, high, size in ((0, 60, (8, 20)), (150, 256, (4, 6)))
    ]
    got = call(answer, images)
    expect(
        isinstance(got, (tuple, list)) and len(got) == 2,
        "return two tensors, mean and std",
    )
    parts = [image.flatten(1).double() / 255 for image in images]
    pixels = torch.cat(parts, dim=1)
    mean, std = pixels.mean(dim=1), pixels.std(dim=1, correction=0)
    is_tensor(got[0], shape=(3,), name="the mean")
    is_tensor(got[1], shape=(3,), name="the std")
    got = [value.double() for value in got]
    expect(bool((got[0] < 1.01).all()), "scale the pixels to 0 to 1 first")
    naive = torch.stack([part.mean(dim=1) for part in parts]).mean(dim=0)
    expect(
        not torch.allclose(got[0], naive, atol=1e-3),
        "the mean of the means gives small images too much weight",
    )
    same_tensor(got[0], mean, "the mean is wrong", name="the mean", atol=1e-4)
    naive = torch.stack([part.std(dim=1) for part in parts]).mean(dim=0)
    expect(
        not torch.allclose(got[1], naive, atol=5e-3),
        "the mean of the stds forgets how far the images lie apart",
    )
    same_tensor(got[1], std, "the std is wrong", name="the std", atol=1e-4)


@exercise("3.8")
def split_groups(answer):
    groups = torch.tensor([7, 7, 3, 3, 3, 9, 1, 1, 4, 4, 9, 3])

    def draw(share, seed):
        generator = torch.Generator().manual_seed(seed)
        # not by call(), which would copy the generator's state for nothing
        expect(callable(answer), "a function is asked for")
        got = call(lambda: answer(groups, share, generator))
        expect(
            isinstance(got, (tuple, list))
            and len(got) == 2
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
        expect(
            len(names[0]) == 3,
            f"{len(names[0])} of the 5 groups are in the training part, "
            "0.6 of the groups are 3",
        )
        chosen.add(frozenset(names[0]))
    expect(len(chosen) > 3, "the groups should be drawn at random")
    expect(
        draw(0.6, 5) == draw(0.6, 5),
        "the same seed of the generator should give the same split",
    )


@exercise("3.9")
def balanced_batches(answer):
    labels = torch.tensor([0] * 9 + [1] * 4 + [2] * 6)
    labels = labels[torch.randperm(19)]
    sampler = call(answer, labels, 2)
    length = call(sampler.__len__)
    expect(length is not None, "len is None; is a return missing?")
    expect(
        length == 2,
        f"the rarest class has 4 examples, 2 a batch, and len is {length}",
    )
    epochs = []
    for _ in range(4):
        batches = call(lambda: [list(map(int, b)) for b in sampler])
        expect(
            len(batches) == 2,
            f"{len(batches)} batches came in an epoch, len says 2",
        )
        for batch in batches:
            counts = labels[batch].bincount(minlength=3).tolist()
            expect(
                counts == [2, 2, 2],
                f"a batch holds {counts} examples of the three classes",
            )
        seen = sum(batches, [])
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
    """The bytes of a small JPEG or PNG with some texture."""
    pixels = np.random.default_rng(0).integers(0, 256, (48, 64, 3))
    buffer = io.BytesIO()
    PIL.Image.fromarray(pixels.astype(np.uint8)).save(buffer, kind)
    return buffer.getvalue()


@exercise("3.10")
def find_damaged(answer):
    with tempfile.TemporaryDirectory() as folder:
        jpeg, png = _picture("JPEG"), _picture("PNG")
        contents = {
            "good.jpg": jpeg,
            "cut.jpg": jpeg[: len(jpeg) // 2],
            "good.png": png,
            "page.png": b"<html>404</html>",
            "cut.png": png[: len(png) // 2],
            "empty.jpg": b"",
        }
        paths = [Path(folder, name) for name in contents]
        for path, content in zip(paths, contents.values(), strict=True):
            path.write_bytes(content)
        paths.insert(2, Path(folder, "missing.jpg"))
        got = call(answer, paths)
        expect(isinstance(got, list), "a list of paths is asked for")
        names = [Path(path).name for path in got]
        want = [p.name for p in paths if not p.name.startswith("good")]
        for name, hint in (
            ("page.png", "a file that is no picture is not in the list"),
            ("missing.jpg", "a file that does not exist is not in the list"),
            ("empty.jpg", "an empty file is not in the list"),
            ("cut.jpg", "a JPEG cut short is missing; opening is lazy"),
            ("cut.png", "a PNG cut short is missing; opening is lazy"),
        ):
            expect(name in names, hint)
        expect("good.jpg" not in names, "a whole file is in the list")
        expect("good.png" not in names, "a whole file is in the list")
        expect(names == want, "keep the order, and each path once")
        expect(
            all(isinstance(path, Path) for path in got),
            "return the paths as they were given",
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
            return call(lambda: [str(line) for line in dataset])
        finally:
            _worker._worker_info = before

    expect(get_worker_info() is None, "run the check in the main process")
    alone = read(0, 0)
    expect(
        alone == sum(files, []),
        "without workers all lines should come, file by file, in order",
    )
    shares = [read(worker, 2) for worker in range(2)]
    both = sum(shares, [])
    expect(
        len(both) <= 15,
        f"with two workers {len(both)} lines come, and there are 15",
    )
    expect(len(both) == 15, "with two workers, lines get lost")
    expect(
        sorted(both) == sorted(alone),
        "with two workers some lines come twice and others get lost",
    )
    names = [{line[0] for line in share} for share in shares]
    expect(
        not names[0] & names[1],
        "both workers open the same file; deal out files, not lines",
    )
    expect(
        all(0 < len(read(worker, 3)) <= 6 for worker in range(3)),
        "with three workers the work is not shared evenly",
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
    expect(got != list(range(50)), "the order did not change")
    expect(take(8, 0) == got, "the same seed should give the same order")
    expect(take(8, 1) != got, "another seed should give another order")
    expect(
        sorted(take(100, 0)) == list(range(50)),
        "a stream shorter than the buffer loses items",
    )
    expect(
        any(take(100, seed) != list(range(50)) for seed in range(3)),
        "a stream that fits into the buffer should be shuffled as well",
    )
    expect(
        take(1, 0) == list(range(50)),
        "with a buffer of one the order cannot change",
    )
    source = iter(range(1000))
    call(lambda: next(iter(answer(source, 8, 0))))
    read = next(source, 1000)
    expect(
        read <= 9,
        f"{read} items were read before the first came out; a stream may "
        "be endless, so read only what fits into the buffer",
    )
    late = np.mean([take(8, seed)[-1] for seed in range(10)])
    expect(late > 25, "the buffer holds back items for too long")
    state = random.getstate()
    take(8, 0)
    expect(
        random.getstate() == state,
        "draw with a generator of your own, not with the global one",
    )
