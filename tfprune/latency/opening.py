"""Tables opened by the name of a runtime and of a file."""

import os

from absl import logging

from tfprune.graph import ChannelGraph
from tfprune.latency.layers import Layer, Sized
from tfprune.latency.sites import read_layout
from tfprune.latency.staircase import USUAL, WIDTHS, Staircase, find_staircase
from tfprune.latency.store import Store
from tfprune.latency.table import LatencyTable
from tfprune.latency.timer import Timer, runtime_timer
from tfprune.timing.runtimes import Runtime

_TIMED = Layer("convolution", (12, 12), (3, 3))
"""The convolution whose widths are timed: large enough to see a step of one, and quick."""

_READS = 32


def open_table(
    graph: ChannelGraph,
    path: str | os.PathLike[str] | None = None,
    runtime: str | Runtime = "litert",
    threads: int = 1,
    timer: Timer | None = None,
) -> LatencyTable:
    """Opens a latency table for a model, and measures what it lacks.

    A table's file holds times of layers by their shapes, apart for each runtime, version, machine
    and number of threads: one file serves many models, and a layer is timed once.

    Args:
        graph: the traced model.
        path: the table's file, JSON, made where there is none. Defaults to `None`: a file in the
            user's folder for caches, `$XDG_CACHE_HOME/tfprune/latency.json`.
        runtime: "litert", or a `tfprune.timing.runtimes.Runtime` that runs `.tflite` files.
            Defaults to `"litert"`.
        threads: that the runtime uses. Defaults to `1`.
        timer: what times, for tests. Defaults to `None`: the runtime.

    Returns:
        The table; `predict` tells milliseconds.

    Raises:
        ModelError: the model leaves sizes open, or has no layer that can be timed.
        PlanError: there is no such runtime, or the number of threads makes no sense.
        FileError: the file is of another kind, damaged, or cannot be written.
    """
    timer = timer or runtime_timer(runtime, threads)
    layout = read_layout(graph)
    store = Store(path, timer.place)
    return LatencyTable(layout, _staircase(timer, store), timer, store)


def simd_step(
    path: str | os.PathLike[str] | None = None,
    runtime: str | Runtime = "litert",
    threads: int = 1,
    timer: Timer | None = None,
) -> int:
    """How many filters the runtime computes at a time: widths between multiples gain nothing.

    One convolution is timed at 8 to 72 filters, once for a machine; the step is 1, 2, 4, 8 or 16.

    Args:
        path, runtime, threads, timer: as in `open_table`.

    Returns:
        The step; 8, that of XNNPACK's kernels for narrow registers, where the times are too noisy
        to tell, which is logged.
    """
    timer = timer or runtime_timer(runtime, threads)
    step = _staircase(timer, Store(path, timer.place)).step
    if step is None:
        logging.warning(
            "round_to='auto': the times are too noisy to tell at which widths latency jumps; "
            "using %d. Measure on a machine that does nothing else",
            USUAL,
        )
    return step or USUAL


def _staircase(timer: Timer, store: Store) -> Staircase:
    points = [Sized(_TIMED, _READS, width) for width in WIDTHS]
    known = [store.get("layers", str(point)) for point in points]
    if None in known:
        known = timer.layers([(point,) for point in points])
        store.put("layers", {str(p): ms for p, ms in zip(points, known, strict=True)})
    return find_staircase(WIDTHS, known)
