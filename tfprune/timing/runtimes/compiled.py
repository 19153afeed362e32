"""LiteRT's `CompiledModel`, its newer interface."""

import os
import time
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tfprune._silence import silenced
from tfprune._tflite import check_file, read_graph
from tfprune.errors import DataError, MissingExtraError
from tfprune.timing.runtimes.inputs import noise
from tfprune.timing.runtimes.protocol import Host, Session, seconds_of


class Compiled:
    """LiteRT's `CompiledModel` on processors; a damaged file may end its process."""

    name = "LiteRT CompiledModel"
    spec = "litert-compiled"
    hosted = True

    def check(self, path: str | os.PathLike[str]) -> Path:
        """Returns `path` if it holds a TFLite file whose graph can be read; else a `FileError`."""
        read_graph(path)
        return check_file(path)

    def host(self, threads: int) -> Host:
        """A process of this Python."""
        return Host()

    def prepare(self) -> None:
        """Imports LiteRT and makes its environment."""
        with silenced():
            _environment()

    def macs(self, path: str | os.PathLike[str]) -> int | None:
        """Returns what `tfprune.timing.macs.count_macs` counts."""
        from tfprune.timing.macs import count_macs

        return count_macs(path)

    def load(self, path: str | os.PathLike[str], threads: int, batch: int = 1) -> Session:
        """Compiles a `.tflite` file and fills its inputs with seeded noise.

        Raises:
            FileError: the file is missing, of another format, or damaged.
            DataError: LiteRT cannot compile it, or it does not take batches.
        """
        file = self.check(path)
        try:
            with silenced():
                return _CompiledSession(file, threads, batch)
        except (RuntimeError, ValueError) as error:
            reason = " ".join(str(error).split())[:200]
            raise DataError(f"LiteRT cannot compile {file}: {reason}") from error


class _CompiledSession:
    def __init__(self, file: Path, threads: int, batch: int) -> None:
        lib, begin = _library(), time.perf_counter()
        options = lib.Options(cpu_options=lib.CpuOptions(num_threads=threads))
        self._model = lib.CompiledModel.from_file(
            str(file), options=options, environment=_environment()
        )
        if batch > 1:
            self._resize(batch)
        self._given = self._model.create_input_buffers(0)
        self._made = self._model.create_output_buffers(0)
        self.load_seconds = time.perf_counter() - begin
        generator = np.random.default_rng(0)
        for buffer in self._given:
            details = buffer.get_tensor_details()
            dtype = np.dtype(details["dtype"])
            buffer.write(noise(details["shape"], dtype, generator, dtype.itemsize < 4))
        shapes = [buffer.get_tensor_details()["shape"] for buffer in self._made]
        if batch > 1 and any(not shape or shape[0] != batch for shape in shapes):
            raise DataError(f"{file} does not take batches: {batch} rows gave outputs {shapes}")
        self.first_seconds = seconds_of(self.run)

    def _resize(self, batch: int) -> None:
        for number, buffer in enumerate(self._model.create_input_buffers(0)):
            shape = [batch, *buffer.get_tensor_details()["shape"][1:]]
            self._model.resize_input_tensor(number, shape, strict=False)

    def run(self) -> None:
        """Runs the model once; on a processor the call returns when the outputs are there."""
        self._model.run_by_index(0, self._given, self._made)


def _library() -> Any:
    try:
        from ai_edge_litert import compiled_model

        _ = compiled_model.Options  # releases before 2.3 have none
    except (ImportError, AttributeError) as error:
        raise MissingExtraError(
            "timing with CompiledModel needs a newer LiteRT: pip install 'ai-edge-litert>=2.3'"
        ) from error
    return compiled_model


@cache
def _environment() -> Any:
    # One for all models of a process: each loads what plug-ins it finds.
    lib = _library()
    folder = os.path.dirname(os.path.abspath(lib.__file__))
    return lib.Environment.create(options=lib.EnvironmentOptions(runtime_path=folder))
