"""LiteRT's `Interpreter`."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tfprune._silence import silenced
from tfprune._tflite import check_file, read_graph
from tfprune.errors import DataError, MissingExtraError
from tfprune.timing.runtimes.inputs import noise
from tfprune.timing.runtimes.protocol import Host, Session, seconds_of


class LiteRT:
    """LiteRT's `Interpreter` with its default delegate for processors (XNNPACK)."""

    name = "LiteRT"
    spec = "litert"
    hosted = False

    def check(self, path: str | os.PathLike[str]) -> Path:
        """Returns `path` if it holds a TFLite file, by the format's mark; else a `FileError`."""
        return check_file(path)

    def host(self, threads: int) -> Host:
        """Any process of this Python will do."""
        return Host()

    def prepare(self) -> None:
        """Imports LiteRT."""
        interpreter_class()

    def macs(self, path: str | os.PathLike[str]) -> int | None:
        """Returns what `tfprune.timing.macs.count_macs` counts."""
        from tfprune.timing.macs import count_macs

        return count_macs(path)

    def peak_memory(self, path: str | os.PathLike[str], threads: int) -> int | None:
        """Returns what `tfprune.timing.cold.start` measures."""
        # A fresh process imports this module: the import cannot stand above.
        from tfprune.timing.cold import start

        return start(self, path, threads).peak_memory_bytes

    def load(self, path: str | os.PathLike[str], threads: int, batch: int = 1) -> Session:
        """Loads a `.tflite` file and fills its inputs with seeded noise.

        Raises:
            FileError: the file is missing, of another format, or damaged.
            DataError: the model needs operations that LiteRT lacks, cannot be prepared, or does
                not take batches.
        """
        file = check_file(path)
        try:
            with silenced():
                begin = time.perf_counter()
                interpreter = interpreter_class()(model_path=str(file), num_threads=threads)
                if batch > 1:
                    _resize(interpreter, batch)
                interpreter.allocate_tensors()
                session = _Invocation(interpreter, time.perf_counter() - begin)
        # RuntimeError from preparing, ValueError from a damaged file.
        except (RuntimeError, ValueError) as error:
            raise explained(file, error) from error
        _check_batch(interpreter, batch, file)
        return session


class _Invocation:
    def __init__(self, interpreter: Any, load_seconds: float) -> None:
        self.run = interpreter.invoke
        self.load_seconds = load_seconds
        fill_inputs(interpreter)
        self.first_seconds = seconds_of(self.run)


def interpreter_class() -> Any:
    """Returns the class `Interpreter` of ai-edge-litert, or of its forerunner tflite-runtime."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        try:
            from tflite_runtime.interpreter import Interpreter
        except ImportError as error:
            raise MissingExtraError(
                "timing .tflite files needs LiteRT: pip install ai-edge-litert"
            ) from error
    return Interpreter


def fill_inputs(interpreter: Any, seed: int = 0) -> None:
    """Sets every input to seeded noise."""
    generator = np.random.default_rng(seed)
    for details in interpreter.get_input_details():
        interpreter.set_tensor(details["index"], _drawn(details, generator))


def _drawn(details: Mapping[str, Any], generator: np.random.Generator) -> np.ndarray:
    quantized = bool(details["quantization"][0])
    return noise(tuple(details["shape"]), details["dtype"], generator, full=quantized)


def _resize(interpreter: Any, batch: int) -> None:
    for details in interpreter.get_input_details():
        shape = [batch, *(int(size) for size in details["shape"][1:])]
        interpreter.resize_tensor_input(details["index"], shape)


def _check_batch(interpreter: Any, batch: int, file: Path) -> None:
    # A graph with a reshape to a constant shape may fold rows into each other without complaint.
    shapes = [tuple(details["shape"]) for details in interpreter.get_output_details()]
    if batch > 1 and any(len(shape) == 0 or shape[0] != batch for shape in shapes):
        raise DataError(f"{file} does not take batches: {batch} rows gave outputs {shapes}")


def explained(file: Path, error: Exception) -> DataError:
    """Returns why LiteRT cannot prepare a file, the operations it lacks by name."""
    reason = " ".join(str(error).split())[:200]
    # Some custom operations are registered: name them only where the runtime complains of them.
    if any(mark in reason for mark in ("custom op", "Select TensorFlow", "resolve")):
        customs = sorted({op.custom for op in read_graph(file).operations if op.custom})
        if customs:
            return DataError(
                f"{file} needs operations that LiteRT alone lacks: {', '.join(customs)}; convert "
                "the model again with built-in operations only (tfprune.convert.to_tflite)"
            )
    return DataError(f"LiteRT cannot prepare {file}: {reason}")
