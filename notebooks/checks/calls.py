"""Which functions of PyTorch an answer calls."""

from torch.overrides import TorchFunctionMode


class Calls(TorchFunctionMode):
    """Note, within a `with` block, the name of each function called."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_function__(self, function, types, args=(), kwargs=None):
        """Note the name and call the function."""
        self.names.append(getattr(function, "__name__", str(function)))
        return function(*args, **(kwargs or {}))
