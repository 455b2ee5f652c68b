"""Who loads what, by a real loader; when, by a simulation of a model.

A DataLoader with its worker processes tells the batches, their order, the
worker of each and how many are ordered in advance. Real times differ from run
to run, so the times are those of a model: loading an example and training on
a batch take fixed times, all else takes none. The figure computes them batch
by batch with a recurrence. Here a heap of events drives queues, workers and a
trainer from one moment to the next.
"""

import heapq
import warnings
from functools import cache

from torch.utils.data import BatchSampler, DataLoader, get_worker_info

POSITIONS = [
    {},
    {"workers": "0", "batch": 5},
    {"workers": "2", "batch": 3},
    {"workers": "4", "batch": 5},
    {"workers": "4", "step": 20, "batch": 4},
    {"workers": "2", "step": 100, "prefetch": 4, "batch": 1},
    {"workers": "2", "slow": True, "prefetch": 1, "batch": 3},
    {"workers": "4", "slow": True, "prefetch": 2, "batch": 3},
    {"workers": "2", "size": 26, "batch": 6},
    {"workers": "2", "size": 26, "drop_last": True, "batch": 5},
    {"size": 26, "batch_size": 3, "workers": "4", "prefetch": 1, "batch": 8},
    {"size": 17, "batch_size": 8, "load": 40, "step": 150, "batch": 2},
    {"size": 17, "batch_size": 8, "drop_last": True, "workers": "4"},
    {"workers": "4", "slow": True, "load": 5, "step": 150, "batch": 3},
    {"workers": "0", "slow": True, "load": 5, "step": 10, "batch": 2},
]
START = {"workers": "1", "prefetch": 2, "load": 20, "step": 50, "size": 24}
START |= {"batch_size": 4, "drop_last": False, "slow": False, "batch": 2}


class Parcels:
    """Examples that say which worker loaded them."""

    def __init__(self, size):
        self.size = size

    def __len__(self):
        return self.size

    def __getitem__(self, i):
        worker = get_worker_info()
        return i, None if worker is None else worker.id


class Orders(BatchSampler):
    """A batch sampler that counts what it was asked for."""

    asked = 0

    def __iter__(self):
        for batch in super().__iter__():
            self.asked += 1
            yield batch


@cache
def load(size, batch_size, drop_last, num_workers, prefetch):
    """The batches of a real epoch, and how many were ordered in advance."""
    orders = Orders(range(size), batch_size, drop_last)
    options = {"prefetch_factor": prefetch} if num_workers else {}
    with warnings.catch_warnings():
        # that there are fewer processors than workers
        warnings.filterwarnings("ignore", "This DataLoader will create")
        loader = DataLoader(
            Parcels(size),
            batch_sampler=orders,
            num_workers=num_workers,
            collate_fn=list,
            **options,
        )
        batches = iter(loader)
    ahead = orders.asked
    batches = list(batches)
    assert len(batches) == len(loader)
    return batches, ahead


def simulate(work, step, num_workers, prefetch):
    """End of the epoch, time spent waiting, most batches ready at once."""
    clock, most, waited, idle_since = 0, 0, 0, 0
    heap = []  # (time, what ends, of which batch)
    queues = [[] for _ in range(num_workers)]
    loading = [None] * num_workers
    ready, ordered, wanted, training = set(), 0, 0, False

    def order():
        nonlocal ordered
        if ordered < len(work):
            queues[ordered % num_workers].append(ordered)
            ordered += 1

    for _ in range(num_workers * prefetch):
        order()
    while wanted < len(work) or training:
        while heap and heap[0][0] == clock:
            _, what, batch = heapq.heappop(heap)
            if what == "loaded":
                ready.add(batch)
                if batch in loading:
                    loading[loading.index(batch)] = None
            else:
                training, idle_since = False, clock
                if not num_workers and wanted < len(work):
                    heapq.heappush(
                        heap, (clock + work[wanted], "loaded", wanted)
                    )
        if not num_workers and clock == 0:
            heapq.heappush(heap, (work[0], "loaded", 0))
        if not training and wanted in ready:
            ready.remove(wanted)
            waited += clock - idle_since
            heapq.heappush(heap, (clock + step, "trained", wanted))
            training, wanted = True, wanted + 1
            if num_workers:
                order()
        for worker, queue in enumerate(queues):
            if loading[worker] is None and queue:
                batch = loading[worker] = queue.pop(0)
                heapq.heappush(heap, (clock + work[batch], "loaded", batch))
        most = max(most, len(ready))
        if heap:
            clock = heap[0][0]
    return clock, waited, most


def numbers(position):
    """What the figure must show: by a loader, and by the simulation."""
    settings = START | position
    num_workers = int(settings["workers"])
    batches, ahead = load(
        settings["size"],
        settings["batch_size"],
        settings["drop_last"],
        num_workers,
        settings["prefetch"],
    )
    work = [
        sum(
            settings["load"] * (6 if settings["slow"] and i == 9 else 1)
            for i, _ in batch
        )
        for batch in batches
    ]
    total, waits, most = simulate(
        work, settings["step"], num_workers, settings["prefetch"]
    )
    batch = batches[min(settings["batch"], len(batches) - 1)]
    [worker] = {worker for _, worker in batch}
    return {
        "batches": len(batches),
        "ahead": ahead,
        "indices": [i for i, _ in batch],
        "worker": "the main process" if worker is None else f"worker {worker}",
        "total": total,
        "waits": waits,
        "most": most,
    }
