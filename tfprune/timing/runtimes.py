"""What runs models: one class a runtime, all with the same two methods."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from tfprune._silence import silenced
from tfprune._tflite import check_file, read_graph
from tfprune.errors import DataError
from tfprune.timing.macs import count_macs


class Session(Protocol):
    """A loaded model with inputs in place."""

    def run(self) -> None:
        """Runs the model once and returns when the outputs are there."""


class Runtime(Protocol):
    """Checks, loads and describes the models of one kind of file."""

    name: str

    def check(self, path: str | os.PathLike[str]) -> Path:
        """Returns `path` if a model of this runtime stands there; must be quick."""

    def load(self, path: str | os.PathLike[str], threads: int) -> Session:
        """Returns a session of the model at `path` that uses `threads` threads."""

    def macs(self, path: str | os.PathLike[str]) -> int | None:
        """Returns the multiply-accumulates of one inference, `None` where they are unknown."""

    def peak_memory(self, path: str | os.PathLike[str], threads: int) -> int | None:
        """Returns the bytes the model adds to a fresh process, `None` where they are unknown."""


class LiteRT:
    """LiteRT's `Interpreter` with its default delegate for processors (XNNPACK)."""

    name = "LiteRT"

    def check(self, path: str | os.PathLike[str]) -> Path:
        """Returns `path` if it holds a TFLite file, by the format's mark; else a `FileError`."""
        return check_file(path)

    def macs(self, path: str | os.PathLike[str]) -> int | None:
        """Returns what `tfprune.timing.macs.count_macs` counts."""
        return count_macs(path)

    def peak_memory(self, path: str | os.PathLike[str], threads: int) -> int | None:
        """Returns what `tfprune.timing.memory.peak_memory` measures."""
        # The fresh process imports this module: the import cannot stand above.
        from tfprune.timing.memory import peak_memory

        return peak_memory(path, threads)

    def load(self, path: str | os.PathLike[str], threads: int) -> Session:
        """Loads a `.tflite` file and fills its inputs with seeded noise.

        Raises:
            FileError: the file is missing, of another format, or damaged.
            DataError: the model needs operations that LiteRT lacks, or cannot be prepared.
        """
        from ai_edge_litert.interpreter import Interpreter

        file = check_file(path)
        try:
            with silenced():
                interpreter = Interpreter(model_path=str(file), num_threads=threads)
                interpreter.allocate_tensors()
                fill_inputs(interpreter)
                interpreter.invoke()
        # RuntimeError from preparing, ValueError from a damaged file.
        except (RuntimeError, ValueError) as error:
            raise _explained(file, error) from error
        return _Invocation(interpreter)


class _Invocation:
    def __init__(self, interpreter: Any) -> None:
        self.run = interpreter.invoke


def fill_inputs(interpreter: Any, seed: int = 0) -> None:
    """Sets every input: normal noise for floats, the type's small values for whole numbers.

    Dense layers and convolutions take as long whatever the values are; zeros, though, may meet
    short cuts, and denormal numbers slow paths.
    """
    generator = np.random.default_rng(seed)
    for details in interpreter.get_input_details():
        interpreter.set_tensor(details["index"], _noise(details, generator))


def _noise(details: Mapping[str, Any], generator: np.random.Generator) -> np.ndarray:
    shape, dtype = tuple(details["shape"]), np.dtype(details["dtype"])
    if dtype.kind == "f":
        return generator.normal(size=shape).astype(dtype)
    quantized = bool(details["quantization"][0])
    limits = np.iinfo(dtype) if quantized else None
    # A whole number that is no quantized value is an index: 0 and 1 are valid in any table.
    low, high = (limits.min, limits.max + 1) if limits else (0, 2)
    return generator.integers(low, high, size=shape).astype(dtype)


def _explained(file: Path, error: Exception) -> DataError:
    customs = sorted({op.custom for op in read_graph(file).operations if op.custom})
    reason = " ".join(str(error).split())[:200]
    # Some custom operations are registered: name them only where the runtime complains of them.
    if customs and any(mark in reason for mark in ("custom op", "Select TensorFlow", "resolve")):
        return DataError(
            f"{file} needs operations that LiteRT alone lacks: {', '.join(customs)}; convert "
            "the model again with built-in operations only (tfprune.convert.to_tflite)"
        )
    return DataError(f"LiteRT cannot prepare {file}: {reason}")
