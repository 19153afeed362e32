"""Models timed against each other, in turns."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tfprune.errors import DataError
from tfprune.report.tables import render
from tfprune.timing import machine
from tfprune.timing.runtimes import LiteRT, Runtime
from tfprune.timing.statistics import ratio_interval, summarize
from tfprune.timing.turns import timed

_HEADS = (
    *("model", "MB", "MACs", "median ms", "p10", "p90", "spread"),
    *("speed-up", "95 % interval", "peak MB"),
)


@dataclass(frozen=True)
class Measurement:
    """One model's figures.

    Attributes:
        model: the file's name, or its path where two files share the name.
        path: the file.
        runs: timed runs.
        median_ms: median latency of one inference at batch 1, milliseconds.
        p10_ms: a tenth of the runs took less.
        p90_ms: nine tenths of the runs took less.
        spread: the interquartile range over the median.
        speedup: how many times faster than the first model: median over rounds.
        speedup_low: lower bound of the speed-up, 95 % confidence.
        speedup_high: upper bound of the speed-up, 95 % confidence.
        bytes: the file's size.
        peak_memory_bytes: what the model adds to a fresh process, or `None` where not measured.
        macs: multiply-accumulates of one inference, or `None` where shapes do not tell.
    """

    model: str
    path: str
    runs: int
    median_ms: float
    p10_ms: float
    p90_ms: float
    spread: float
    speedup: float
    speedup_low: float
    speedup_high: float
    bytes: int
    peak_memory_bytes: int | None
    macs: int | None


@dataclass(frozen=True)
class BenchmarkResult:
    """The figures of all models, and where they were taken; `print` shows a table."""

    rows: tuple[Measurement, ...]
    runtime: str
    threads: int
    rounds: int
    machine: machine.Machine

    def as_dict(self) -> dict[str, object]:
        """Returns what JSON can hold of the result."""
        return asdict(self) | {"rows": [asdict(row) for row in self.rows]}

    def to_json(self) -> str:
        """Returns the result as JSON text."""
        return json.dumps(self.as_dict(), indent=2)

    def __str__(self) -> str:
        table = render(_HEADS, [_cells(row) for row in self.rows])
        return f"{table}\n  {self.runtime}, threads: {self.threads}; {self.machine}\n"


def benchmark(
    models: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    threads: int = 1,
    runs: int = 50,
    warmup: int = 10,
    seconds: float = 60.0,
    memory: bool = True,
    runtime: Runtime | None = None,
) -> BenchmarkResult:
    """Times `.tflite` files against each other on this machine.

    All models are loaded and warmed up, then take turns: A, B, A, B... so that a machine that
    slows down or speeds up does so for all. A turn of a model that takes 20 ms and more is one
    timed run; cheaper models get up to 40 timed runs a turn, after 20 ms of untimed ones: the
    caches and branch predictors that a large model leaves behind slow a small one for some ten
    runs, which a device that runs one model never sees. Only the inference is timed, not the
    copying of inputs and outputs. The speed-up is the median over rounds of the first model's time
    over this one's.

    Args:
        models: paths of `.tflite` files; the first is the one the others are compared with.
        threads: that the runtime uses. Defaults to 1.
        runs: rounds, each one turn of every model. Defaults to 50.
        warmup: untimed runs of each model before (ended after 2 seconds). Defaults to 10.
        seconds: ends the rounds early when they have taken this long, though not before 5
            rounds (or `runs`, if fewer). Defaults to 60.
        memory: measure peak memory, in a fresh process for each model. Defaults to `True`.
        runtime: what runs the models. Defaults to `None`: LiteRT.

    Returns:
        A `BenchmarkResult`: `.rows`, `str()` for a table, `.to_json()`.

    Raises:
        FileError: a file is missing, of another format, or damaged.
        DataError: no models, a number out of range, or a model that the runtime cannot run.
    """
    _check_numbers(threads, runs, warmup, seconds)
    chosen = LiteRT() if runtime is None else runtime
    paths = [chosen.check(path) for path in _listed(models)]
    sessions = [chosen.load(path, threads) for path in paths]
    peaks = [chosen.peak_memory(path, threads) if memory else None for path in paths]
    turns = timed(sessions, runs, warmup, seconds)
    names = _names(paths)
    rows = tuple(
        _measurement(name, path, turns[0], own, peak, chosen.macs(path))
        for name, path, own, peak in zip(names, paths, turns, peaks, strict=True)
    )
    return BenchmarkResult(rows, chosen.name, threads, len(turns[0]), machine.describe())


def _listed(
    models: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
) -> list[str | os.PathLike[str]]:
    paths = [models] if isinstance(models, (str, os.PathLike)) else list(models)
    if not paths:
        raise DataError("expected at least one .tflite file to time, received none")
    return paths


def _check_numbers(threads: int, runs: int, warmup: int, seconds: float) -> None:
    for name, value, least in (("threads", threads, 1), ("runs", runs, 1), ("warmup", warmup, 0)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise DataError(
                f"expected {name} to be a whole number from {least} up, received {value!r}"
            )
    if not seconds > 0:
        raise DataError(f"expected seconds to be more than 0, received {seconds!r}")


def _measurement(
    name: str,
    path: Path,
    first: Sequence[Sequence[float]],
    own: Sequence[Sequence[float]],
    peak: int | None,
    macs: int | None,
) -> Measurement:
    times = [time * 1e3 for turn in own for time in turn]
    figures = summarize(times)
    ratio = ratio_interval(_medians(first), _medians(own))
    return Measurement(
        model=name,
        path=str(path),
        runs=len(times),
        median_ms=figures.median,
        p10_ms=figures.p10,
        p90_ms=figures.p90,
        spread=figures.spread,
        speedup=ratio.middle,
        speedup_low=ratio.low,
        speedup_high=ratio.high,
        bytes=path.stat().st_size,
        peak_memory_bytes=peak,
        macs=macs,
    )


def _medians(turns: Sequence[Sequence[float]]) -> list[float]:
    # A clock of coarse ticks may read zero for a tiny model; a ratio needs more than that.
    return [max(summarize(turn).median, 1e-9) for turn in turns]


def _names(paths: Sequence[Path]) -> list[str]:
    short = [path.name for path in paths]
    shared = len(set(short)) < len(set(map(str, paths)))
    return [str(path) for path in paths] if shared else short


def _cells(row: Measurement) -> list[str]:
    peak = "-" if row.peak_memory_bytes is None else f"{row.peak_memory_bytes / 1e6:.1f}"
    return [
        row.model,
        f"{row.bytes / 1e6:.3f}",
        "-" if row.macs is None else _human(row.macs),
        f"{row.median_ms:.3f}",
        f"{row.p10_ms:.3f}",
        f"{row.p90_ms:.3f}",
        f"{row.spread:.1%}",
        f"{row.speedup:.2f}x",
        f"{row.speedup_low:.2f} .. {row.speedup_high:.2f}",
        peak,
    ]


def _human(count: int) -> str:
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return str(count)
