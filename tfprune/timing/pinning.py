"""A process kept on chosen cores."""

import contextlib
import os
from collections.abc import Iterator, Sequence

from tfprune.errors import DataError


@contextlib.contextmanager
def pinned(cores: Sequence[int]) -> Iterator[None]:
    """Keeps this thread, and the threads and processes that it starts, on `cores`.

    Args:
        cores: their numbers, as the system counts them; none leaves the process where it is.

    Raises:
        DataError: the system has no such cores for this process, or cannot pin.

    Example:
        >>> with pinned(()):
        ...     pass
    """
    if not cores:
        yield
        return
    if not hasattr(os, "sched_setaffinity"):
        raise DataError("expected a system that can pin a process to cores: only Linux can")
    before = os.sched_getaffinity(0)
    if not set(cores) <= before:
        raise DataError(
            f"expected cores out of {', '.join(map(str, sorted(before)))}, received "
            f"{', '.join(map(str, cores))}"
        )
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
