"""Keras on PyTorch."""

from collections.abc import Callable
from typing import Any


def make() -> "Torch":
    """Returns the backend."""
    return Torch()


class Torch:
    """Eager, or through `torch.compile`."""

    def use_threads(self, threads: int) -> None:
        """Sets the threads of an operation."""
        import torch

        torch.set_num_threads(threads)

    def ready(self, model: Any, given: Any, mode: str) -> Callable[[], None]:
        """Returns what runs the model once and waits for its outputs."""
        import torch

        def forward(x: Any) -> Any:
            with torch.no_grad():
                return model(x, training=False)

        called = torch.compile(forward) if mode == "graph" else forward

        def run() -> None:
            called(given)
            if torch.cuda.is_available():
                torch.cuda.synchronize()

        return run

    def device(self) -> str:
        """Returns the first GPU's name, or "CPU"."""
        import torch

        return torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"

    def device_memory(self) -> int | None:
        """Returns the most bytes of the GPU's memory taken so far."""
        import torch

        return torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None
