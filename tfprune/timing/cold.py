"""A model's first moments: load, first inference and peak memory, in a process of its own."""

import os
import statistics
from typing import Any

from tfprune.timing.hosting import Worker
from tfprune.timing.raw import Cold
from tfprune.timing.runtimes.protocol import BuiltIn


def start(runtime: BuiltIn, path: str | os.PathLike[str], threads: int = 1) -> Cold:
    """Returns what loading and running a model takes in a fresh process.

    The process imports the runtime first: what counts is the model's alone. Peak memory is the
    highest resident memory over three runs, less what was resident before the model: weights
    (read from the mapped file or packed anew), activations and the runtime's working memory.

    Raises:
        DataError: the process failed.
    """
    worker = Worker(runtime.host(threads))
    try:
        asked = {"runtime": runtime.spec, "path": os.fspath(path), "threads": threads}
        return Cold(**worker.ask("cold", **asked))
    finally:
        worker.close()


def median_of(starts: list[Cold]) -> Cold:
    """Returns the middle of several starts, figure by figure."""
    return Cold(**{name: _middle([vars(one)[name] for one in starts]) for name in vars(starts[0])})


def _middle(values: list[Any]) -> Any:
    known = [value for value in values if value is not None]
    if not known:
        return None
    middle = statistics.median(known)
    return round(middle) if isinstance(known[0], int) else middle
