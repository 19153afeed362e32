"""The energy of an inference, where the machine counts it."""

import time
from collections.abc import Callable

from tfprune._meters import Meter, find_meter


def joules_of(run: Callable[[], None], seconds: float, meter: Meter | None = None) -> float | None:
    """Returns the joules of one run, from running for some time without pause.

    Counted is all that the machine takes meanwhile, by its counters (RAPL's of processors, NVML's
    of GPUs), idle power included.

    Args:
        run: one inference.
        seconds: how long to run; counters tick about every millisecond.
        meter: counts joules. Defaults to `None`: the package zeus, where it is installed.

    Returns:
        Joules, or `None` where nothing counts them.
    """
    meter = meter or find_meter()
    if meter is None:
        return None
    meter.begin()
    count, begin = 0, time.perf_counter()
    while not count or time.perf_counter() - begin < seconds:
        run()
        count += 1
    counted = meter.end()
    return sum(counted.values()) / count if counted else None
