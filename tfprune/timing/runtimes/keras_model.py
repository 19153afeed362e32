"""Keras on any of its backends: a process has one backend, so models run in one of their own."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from tfprune.errors import DataError, MissingExtraError
from tfprune.timing.runtimes.inputs import closed, noise
from tfprune.timing.runtimes.protocol import Host, Session, seconds_of

MODES = {
    "tensorflow": ("graph", "eager", "xla"),
    "jax": ("xla", "eager"),
    "torch": ("eager", "graph"),
}
"""What each backend can do, the usual way first."""


class Backend(Protocol):
    """What is different from backend to backend; one module each."""

    def use_threads(self, threads: int) -> None:
        """Limits the backend to so many threads, before its first operation."""

    def ready(self, model: Any, given: Any, mode: str) -> Callable[[], None]:
        """Returns what runs the model once and waits for its outputs."""

    def device(self) -> str:
        """Returns the name of the device that models run on."""

    def device_memory(self) -> int | None:
        """Returns the most bytes of a GPU's memory taken so far, `None` without one."""


@dataclass(frozen=True)
class Keras:
    """Keras on one backend, in one mode.

    Attributes:
        backend: "tensorflow", "jax" or "torch".
        mode: "eager", "graph" (`tf.function`, `torch.compile`) or "xla".
        python: the Python that has the backend; "" is this one.
    """

    backend: str = "tensorflow"
    mode: str = "graph"
    python: str = ""
    hosted = True

    @property
    def spec(self) -> str:
        """The name by which another process makes it anew."""
        return f"keras-{self.backend}-{self.mode}"

    @property
    def name(self) -> str:
        """For people."""
        return f"Keras on {self.backend}, {self.mode}"

    def check(self, path: str | os.PathLike[str]) -> Path:
        """Returns `path` if a Keras model's file stands there; else a `FileError`."""
        from tfprune._models_io import check_model_file

        check_model_file(path)
        return Path(path)

    def host(self, threads: int) -> Host:
        """A process of this backend; libraries read their threads from its environment."""
        return Host(
            self.python,
            (
                ("KERAS_BACKEND", self.backend),
                ("OMP_NUM_THREADS", str(threads)),
                ("TF_CPP_MIN_LOG_LEVEL", "3"),
                ("XLA_PYTHON_CLIENT_PREALLOCATE", "false"),
            ),
        )

    def prepare(self) -> None:
        """Imports Keras and its backend."""
        try:
            import keras
        except ImportError as error:
            raise MissingExtraError(
                f"Keras on {self.backend} cannot be imported: {error}; install it, or name a "
                "Python that has it with --python"
            ) from error
        if keras.backend.backend() != self.backend:
            raise DataError(
                f"expected a process of Keras on {self.backend}, this one runs on "
                f"{keras.backend.backend()}: set KERAS_BACKEND before Keras is imported"
            )

    def macs(self, path: str | os.PathLike[str]) -> int | None:
        """Returns what `tfprune.cost` counts; called in the process that runs the model."""
        from tfprune._models_io import load_model
        from tfprune.costs import cost

        return int(cost(load_model(path)).macs)

    def load(self, path: str | os.PathLike[str], threads: int, batch: int = 1) -> Session:
        """Loads a Keras model's file, gives it seeded noise and runs it once.

        Raises:
            FileError, ModelError: the file cannot be loaded.
            DataError: the model leaves sizes open, or the backend cannot run it.
        """
        self.prepare()
        module = f"tfprune.timing.runtimes.keras_{self.backend}"
        backend: Backend = import_module(module).make()
        backend.use_threads(threads)
        return _KerasSession(Path(path), backend, self.mode, batch)


class _KerasSession:
    def __init__(self, path: Path, backend: Backend, mode: str, batch: int) -> None:
        import keras

        from tfprune._models_io import load_model

        begin = time.perf_counter()
        model = load_model(path)
        self.load_seconds = time.perf_counter() - begin
        generator = np.random.default_rng(0)

        def drawn(given: Any) -> Any:
            dtype = keras.backend.standardize_dtype(given.dtype)
            # numpy knows no bfloat16: noise is drawn as float32 and cast by the backend.
            plain = "float32" if "float" in dtype else dtype
            shape = closed(given.shape, batch, str(path))
            return keras.ops.convert_to_tensor(noise(shape, plain, generator, False), dtype)

        given = keras.tree.map_structure(drawn, model.input)
        self.run = backend.ready(model, given, mode)
        self.device_memory = backend.device_memory
        version = import_module(keras.backend.backend()).__version__
        self.place = (
            f"Keras {keras.__version__} on {keras.backend.backend()} {version}, {mode}, "
            f"{backend.device()}"
        )
        self.first_seconds = seconds_of(self.run)
