"""How large the tensors are that an answer makes."""

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


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
