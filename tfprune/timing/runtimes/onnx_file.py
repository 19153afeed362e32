"""ONNX Runtime."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfprune.errors import DataError, FileError, MissingExtraError
from tfprune.timing.runtimes.inputs import closed, noise
from tfprune.timing.runtimes.protocol import Host, Session, seconds_of

_TYPES = {"tensor(float)": "float32", "tensor(double)": "float64", "tensor(float16)": "float16"}

PROVIDERS = {"onnx": "CPU", "onnx-cuda": "CUDA", "onnx-tensorrt": "Tensorrt"}


@dataclass(frozen=True)
class OnnxRuntime:
    """ONNX Runtime with one execution provider, of `PROVIDERS`."""

    spec: str = "onnx"
    hosted = False

    @property
    def name(self) -> str:
        """For people."""
        kind = PROVIDERS[self.spec]
        return "ONNX Runtime" + ("" if kind == "CPU" else f" {kind.replace('rt', 'RT')}")

    def check(self, path: str | os.PathLike[str]) -> Path:
        """Returns `path` if a file named *.onnx stands there; else a `FileError`."""
        file = Path(path)
        if not file.is_file() or file.suffix != ".onnx":
            raise FileError(f"expected an ONNX file named *.onnx, received {file}: check the path")
        return file

    def host(self, threads: int) -> Host:
        """A process of this Python."""
        return Host()

    def prepare(self) -> None:
        """Imports ONNX Runtime."""
        _library()

    def macs(self, path: str | os.PathLike[str]) -> int | None:
        """Returns what `tfprune.timing.macs_onnx.count_macs` counts."""
        from tfprune.timing.macs_onnx import count_macs

        return count_macs(path)

    def load(self, path: str | os.PathLike[str], threads: int, batch: int = 1) -> Session:
        """Loads an `.onnx` file; inputs and outputs are bound in place, on the provider's device.

        Raises:
            FileError: the file is missing or damaged.
            DataError: the provider is not there, or the model leaves sizes open.
        """
        file, library = self.check(path), _library()
        provider = f"{PROVIDERS[self.spec]}ExecutionProvider"
        if provider not in library.get_available_providers():
            raise DataError(
                f"this onnxruntime {library.__version__} has no {provider}, only "
                f"{', '.join(library.get_available_providers())}: install onnxruntime-gpu"
            )
        settings = library.SessionOptions()
        settings.intra_op_num_threads, settings.inter_op_num_threads = threads, 1
        settings.log_severity_level = 4
        begin = time.perf_counter()
        try:
            session = library.InferenceSession(str(file), settings, providers=[provider])
        # Its exceptions are classes of their own, with no base but Exception.
        except Exception as error:
            reason = " ".join(str(error).split())[:200]
            raise FileError(f"ONNX Runtime cannot load {file}: {reason}") from error
        load_seconds = time.perf_counter() - begin
        bound = _Bound(library, session, file, batch, provider)
        bound.load_seconds = load_seconds
        return bound


class _Bound:
    load_seconds = 0.0

    def __init__(self, library: Any, session: Any, file: Path, batch: int, provider: str) -> None:
        self._session = session
        self._binding = session.io_binding()
        self.place = (
            f"ONNX Runtime {library.__version__} {provider.removesuffix('ExecutionProvider')}"
        )
        device = "cpu" if provider.startswith("CPU") else "cuda"
        generator = np.random.default_rng(0)
        for given in session.get_inputs():
            dtype = _TYPES.get(given.type, given.type.removeprefix("tensor(").removesuffix(")"))
            shape = closed(given.shape, batch, str(file))
            rows = noise(shape, dtype, generator, np.dtype(dtype).itemsize < 4)
            value = library.OrtValue.ortvalue_from_numpy(rows, device, 0)
            self._binding.bind_ortvalue_input(given.name, value)
        for made in session.get_outputs():
            self._binding.bind_output(made.name, device)
        try:
            self.first_seconds = seconds_of(self.run)
        except Exception as error:
            reason = " ".join(str(error).split())[:200]
            raise DataError(f"ONNX Runtime cannot run {file}: {reason}") from error

    def run(self) -> None:
        """Runs the model once, and waits for the outputs."""
        self._session.run_with_iobinding(self._binding)
        self._binding.synchronize_outputs()


def _library() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtraError(
            "timing .onnx files needs ONNX Runtime: pip install 'tfprune[onnx]'"
        ) from error
    return onnxruntime
