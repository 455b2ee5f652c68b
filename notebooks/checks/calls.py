"""Which functions of PyTorch an answer calls."""

from torch.overrides import TorchFunctionMode


class Calls(TorchFunctionMode):
    """Note, within a `with` block, the names of the functions called."""

    def __init__(self):
        super().__init__()
        self.names = set()

    def __torch_function__(self, function, types, args=(), kwargs=None):
        """Note the name and call the function."""
        self.names.add(getattr(function, "__name__", str(function)))
        return function(*args, **(kwargs or {}))
