"""What an answer calls, how large its tensors are, and the lines it runs."""

import sys

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from checks.containment import LIBRARIES


class Calls(TorchFunctionMode):
    """Note, within a `with` block, the name of each function called."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_function__(self, function, types, args=(), kwargs=None):
        """Note the name and call the function."""
        self.names.append(getattr(function, "__name__", str(function)))
        return function(*args, **(kwargs or {}))


class _Made(TorchDispatchMode):
    """Within a `with` block, `note` gets the tensors that each call makes."""

    def __torch_dispatch__(self, function, kinds, args=(), kwargs=None):
        """Call the operation and look at what it gives."""
        result = function(*args, **(kwargs or {}))
        leaves = tree_leaves(result)
        self.note([x for x in leaves if isinstance(x, torch.Tensor)])
        return result


class Floats(_Made):
    """Note, within a `with` block, the most floats that live at one time."""

    def __init__(self):
        super().__init__()
        self.alive, self.most = {}, 0

    def note(self, tensors):
        """Count the floats that are still there."""
        for x in filter(torch.is_floating_point, tensors):
            strip = x.untyped_storage()
            size = strip.nbytes() // x.element_size()
            self.alive[StorageWeakRef(strip)] = size
        self.alive = {
            strip: size
            for strip, size in self.alive.items()
            if not strip.expired()
        }
        self.most = max(self.most, sum(self.alive.values()))


class Largest(_Made):
    """Note, within a `with` block, the elements of the largest tensor made."""

    elements = 0

    def note(self, tensors):
        """Keep the largest number of elements."""
        self.elements = max([self.elements, *(x.numel() for x in tensors)])


class Lines:
    """Count, within a `with` block, the lines run outside of libraries.

    A line of a loop counts each time. The `packages` are those of all Python
    functions that are called, libraries included.
    """

    def __init__(self):
        self.number, self.packages = 0, set()

    def __enter__(self):
        self.before = sys.gettrace()
        sys.settrace(self._note)
        return self

    def __exit__(self, *error):
        sys.settrace(self.before)

    def _note(self, frame, event, arg):
        name = frame.f_globals.get("__name__", "")
        self.packages.add(name.partition(".")[0])
        if frame.f_code.co_filename.startswith(LIBRARIES):
            return None
        self.number += 1
        return self._note
