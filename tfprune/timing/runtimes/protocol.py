"""What a runtime is, to those who time models on it."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class Session(Protocol):
    """A loaded model with inputs in place.

    Those of built-in runtimes also tell `load_seconds`, to load the model, and `first_seconds`,
    of the first inference; some tell `place`, what runs it, and `device_memory()`, the most bytes
    of a GPU's memory taken so far.
    """

    def run(self) -> None:
        """Runs the model once and returns when the outputs are there."""


def seconds_of(work: Callable[[], object]) -> float:
    """Returns how long one call took."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


class Runtime(Protocol):
    """Checks, loads and describes the models of one kind of file.

    A runtime may have more: `load` may take a batch size as third argument, and what
    `tfprune.timing.runtimes.protocol.BuiltIn` has lets models be loaded in processes of their own.
    """

    name: str

    def check(self, path: str | os.PathLike[str]) -> Path:
        """Returns `path` if a model of this runtime stands there; must be quick."""

    def load(self, path: str | os.PathLike[str], threads: int) -> Session:
        """Returns a session of the model at `path` that uses `threads` threads."""

    def macs(self, path: str | os.PathLike[str]) -> int | None:
        """Returns the multiply-accumulates of one inference, `None` where they are unknown."""

    def peak_memory(self, path: str | os.PathLike[str], threads: int) -> int | None:
        """Returns the bytes the model adds to a fresh process, `None` where they are unknown."""


@dataclass(frozen=True)
class Host:
    """The process that a runtime wants: its Python, and the environment it is started in."""

    python: str = ""
    environment: tuple[tuple[str, str], ...] = ()


class BuiltIn(Protocol):
    """A runtime that another process can make anew by its name."""

    @property
    def name(self) -> str:
        """For people."""

    @property
    def spec(self) -> str:
        """The name that `tfprune.timing.runtimes.choice.named` knows."""

    @property
    def hosted(self) -> bool:
        """Whether models run in a process of their own kind rather than in the caller's.

        Because a backend is fixed for a process's life, threads must be set before it starts,
        TensorFlow must stay out of the caller, or bad files end the process.
        """

    def check(self, path: str | os.PathLike[str]) -> Path:
        """Returns `path` if a model of this runtime stands there; must be quick."""

    def host(self, threads: int) -> Host:
        """Returns what kind of process runs models with that many threads."""

    def prepare(self) -> None:
        """Imports what the runtime needs, so that a model's loading is not charged for it."""

    def load(self, path: str | os.PathLike[str], threads: int, batch: int = 1) -> Session:
        """Returns a session; inputs have `batch` rows."""

    def macs(self, path: str | os.PathLike[str]) -> int | None:
        """Returns the multiply-accumulates of one inference at batch 1, `None` where unknown."""
