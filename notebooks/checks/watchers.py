"""What an answer calls of PyTorch, how large its tensors are, its lines."""

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


class Floats(TorchDispatchMode):
    """Note, within a `with` block, the most floats that live at one time."""

    def __init__(self):
        super().__init__()
        self.alive, self.most = {}, 0

    def __torch_dispatch__(self, function, kinds, args=(), kwargs=None):
        """Call the operation and count the floats that are still there."""
        result = function(*args, **(kwargs or {}))
        for value in tree_leaves(result):
            if isinstance(value, torch.Tensor) and value.is_floating_point():
                strip = value.untyped_storage()
                size = strip.nbytes() // value.element_size()
                self.alive[StorageWeakRef(strip)] = size
        self.alive = {
            strip: size
            for strip, size in self.alive.items()
            if not strip.expired()
        }
        self.most = max(self.most, sum(self.alive.values()))
        return result


class Largest(TorchDispatchMode):
    """Note, within a `with` block, the elements of the largest tensor made."""

    elements = 0

    def __torch_dispatch__(self, function, kinds, args=(), kwargs=None):
        """Call the operation and look at what it gives."""
        result = function(*args, **(kwargs or {}))
        for value in tree_leaves(result):
            if isinstance(value, torch.Tensor):
                self.elements = max(self.elements, value.numel())
        return result


class Lines:
    """Count, within a `with` block, the lines run outside of libraries.

    A line of a loop counts each time.
    """

    def __init__(self):
        self.number = 0

    def __enter__(self):
        self.before = sys.gettrace()
        sys.settrace(self._note)
        return self

    def __exit__(self, *error):
        sys.settrace(self.before)

    def _note(self, frame, event, arg):
        if frame.f_code.co_filename.startswith(LIBRARIES):
            return None
        self.number += 1
        return self._note
