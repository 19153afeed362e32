"""TensorFlow's SavedModel, and TF-TRT's, which holds TensorRT engines."""

import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from tfprune.errors import DataError, FileError
from tfprune.timing.runtimes.inputs import closed, noise
from tfprune.timing.runtimes.keras_tensorflow import TensorFlow
from tfprune.timing.runtimes.protocol import Host, Session, seconds_of

ENGINE = b"TRTEngineOp"


class SavedModel:
    """A SavedModel's serving signature, in TensorFlow's runtime."""

    name = "SavedModel"
    spec = "savedmodel"
    hosted = True

    def check(self, path: str | os.PathLike[str]) -> Path:
        """Returns `path` if a SavedModel's folder stands there; else a `FileError`."""
        folder = Path(path)
        if not (folder / "saved_model.pb").is_file():
            raise FileError(
                f"expected a SavedModel, a folder with saved_model.pb, received {folder}: check "
                "the path"
            )
        return folder

    def host(self, threads: int) -> Host:
        """A process of its own, for TensorFlow."""
        return Host("", (("TF_CPP_MIN_LOG_LEVEL", "3"), ("OMP_NUM_THREADS", str(threads))))

    def prepare(self) -> None:
        """Imports TensorFlow."""
        import tensorflow  # noqa: F401

    def macs(self, path: str | os.PathLike[str]) -> int | None:
        """A SavedModel does not tell: `None`."""
        return None

    def load(self, path: str | os.PathLike[str], threads: int, batch: int = 1) -> Session:
        """Loads a SavedModel and gives its signature seeded noise.

        Raises:
            FileError: it cannot be loaded.
            DataError: it has no signature, leaves sizes open, or does not run here.
        """
        folder = self.check(path)
        TensorFlow().use_threads(threads)
        return _SignatureSession(folder, batch, self.name)


class TfTrt(SavedModel):
    """A SavedModel that TF-TRT made: needs TensorFlow 2.17 or older, TensorRT and a GPU."""

    name = "TF-TRT"
    spec = "tftrt"

    def prepare(self) -> None:
        """Imports TensorFlow and checks, in this order, what TF-TRT needs.

        Raises:
            DataError: TensorFlow was built without TensorRT, or there is no GPU.
        """
        import tensorflow as tf

        # TF-TRT's own message is the same for a build without it and for a missing library.
        if not tf.sysconfig.get_build_info().get("is_tensorrt_build"):
            raise DataError(
                f"TensorFlow {tf.__version__} was built without TensorRT, which ended with 2.17: "
                "use TensorFlow 2.17, or export to ONNX and time with --runtime onnx-tensorrt"
            )
        if not tf.config.list_physical_devices("GPU"):
            raise DataError(
                "TF-TRT runs on a GPU, and TensorFlow sees none: check the driver and CUDA, or "
                "time the model before conversion"
            )

    def load(self, path: str | os.PathLike[str], threads: int, batch: int = 1) -> Session:
        """Loads the folder once it is clear that its engines can run."""
        self.prepare()
        return super().load(path, threads, batch)


def has_engines(folder: Path) -> bool:
    """Returns whether TF-TRT made this SavedModel."""
    return ENGINE in (folder / "saved_model.pb").read_bytes()


class _SignatureSession:
    def __init__(self, folder: Path, batch: int, name: str) -> None:
        import tensorflow as tf

        begin = time.perf_counter()
        try:
            self._loaded = tf.saved_model.load(str(folder))
        except (OSError, ValueError, tf.errors.OpError) as error:
            reason = " ".join(str(error).split())[:200]
            raise FileError(f"TensorFlow cannot load {folder}: {reason}") from error
        self._called = _signature(self._loaded, folder)
        self.load_seconds = time.perf_counter() - begin
        generator = np.random.default_rng(0)
        self._given = {
            key: tf.constant(_drawn(spec, batch, folder, generator))
            for key, spec in self._called.structured_input_signature[1].items()
        }
        self.place = f"{name}, TensorFlow {tf.__version__}, {TensorFlow().device()}"
        self.device_memory = TensorFlow().device_memory
        try:
            self.first_seconds = seconds_of(self.run)
        except tf.errors.OpError as error:
            reason = " ".join(str(error).split())[:200]
            raise DataError(f"TensorFlow cannot run {folder}: {reason}") from error

    def run(self) -> None:
        """Runs the signature once and copies its outputs to the host, which waits for them."""
        for output in self._called(**self._given).values():
            output.numpy()


def _signature(loaded: Any, folder: Path) -> Any:
    found = loaded.signatures
    if not found:
        raise DataError(f"{folder} has no signature to run: export it with model.export(folder)")
    return found.get("serving_default") or next(iter(found.values()))


def _drawn(spec: Any, batch: int, folder: Path, generator: np.random.Generator) -> np.ndarray:
    shape = closed(spec.shape.as_list(), batch, str(folder))
    return noise(shape, spec.dtype.as_numpy_dtype, generator, spec.dtype.size < 4)
