"""What a benchmark tells of each model, and of all of them."""

import json
from dataclasses import asdict, dataclass

from tfprune.report.tables import render
from tfprune.timing.machine import Machine


@dataclass(frozen=True)
class Throughput:
    """A model at one batch size.

    Attributes:
        batch: rows that go in at once.
        median_ms: of one batch, milliseconds.
        per_second: rows a second, or `None` where the model does not take the batch.
        refused: why it does not.
    """

    batch: int
    median_ms: float | None
    per_second: float | None
    refused: str = ""


@dataclass(frozen=True)
class Measurement:
    """One model's figures, at the first batch size unless said otherwise.

    Attributes:
        model: the file's name, or its path where two files share the name.
        path: the file.
        runtime: what ran it.
        runs: timed runs.
        median_ms: median latency of one inference, milliseconds.
        p10_ms: a tenth of the runs took less.
        p90_ms: nine tenths of the runs took less.
        p99_ms: 99 % of the runs took less.
        spread: the interquartile range over the median.
        speedup: how many times faster than the first model: median over rounds.
        speedup_low: lower bound of the speed-up, 95 % confidence.
        speedup_high: upper bound of the speed-up, 95 % confidence.
        bytes: the size of the file, or of all files of a folder.
        sha256: its checksum.
        load_ms: to load the model in a fresh process, or `None` where not measured.
        first_ms: the first inference in that process, or `None`.
        peak_memory_bytes: what the model adds to a fresh process, or `None` where not measured.
        device_memory_bytes: the most it took of a GPU's memory, or `None` without a GPU.
        joules: of one inference, all that the machine's counters see, or `None` without counters.
        macs: multiply-accumulates of one inference, or `None` where shapes do not tell.
        accuracy: of the file, as its metadata tell, in 0..1; the mean of several outputs, or
            `None` where they do not tell.
        accuracy_interval: its 95 % interval, or `None`.
        throughput: by batch size.
    """

    model: str
    path: str
    runtime: str
    runs: int
    median_ms: float
    p10_ms: float
    p90_ms: float
    p99_ms: float
    spread: float
    speedup: float
    speedup_low: float
    speedup_high: float
    bytes: int
    sha256: str
    load_ms: float | None
    first_ms: float | None
    peak_memory_bytes: int | None
    device_memory_bytes: int | None
    joules: float | None
    macs: int | None
    accuracy: float | None
    accuracy_interval: tuple[float, float] | None
    throughput: tuple[Throughput, ...]

    @property
    def cold_start_ms(self) -> float | None:
        """Load and first inference together, in a fresh process."""
        if self.load_ms is None or self.first_ms is None:
            return None
        return self.load_ms + self.first_ms


@dataclass(frozen=True)
class BenchmarkResult:
    """The figures of all models, and where they were taken; `print` shows a table.

    Attributes:
        rows: one a model, in the order they were given.
        runtime: what ran them.
        threads: that a run may use.
        rounds: turns that every model took.
        machine: where they ran.
        device: "here", or the address of the device.
        cores: to which the process was pinned; none where it was not.
        warnings: what may have spoilt the figures; none on a quiet machine.
    """

    rows: tuple[Measurement, ...]
    runtime: str
    threads: int
    rounds: int
    machine: Machine
    device: str = "here"
    cores: tuple[int, ...] = ()
    warnings: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """Returns what JSON can hold of the result."""
        rows = [asdict(row) | {"cold_start_ms": row.cold_start_ms} for row in self.rows]
        return asdict(self) | {"rows": rows}

    def to_json(self) -> str:
        """Returns the result as JSON text."""
        return json.dumps(self.as_dict(), indent=2)

    def __str__(self) -> str:
        pinned = f", cores {' '.join(map(str, self.cores))}" if self.cores else ""
        where = "" if self.device == "here" else f"{self.device}: "
        lines = [
            f"{_table(self.rows)}\n  {self.runtime}, threads: {self.threads}{pinned}; {where}"
            f"{self.machine}",
            *([f"  {self.machine.details()}"] if self.machine.details() else []),
            *_batches(self.rows),
            *(f"  noisy: {warning}" for warning in self.warnings),
        ]
        return "\n".join(lines) + "\n"


def _table(rows: tuple[Measurement, ...]) -> str:
    mixed = len({row.runtime for row in rows}) > 1
    columns = {
        "model": [row.model for row in rows],
        "runtime": [row.runtime for row in rows] if mixed else [],
        "MB": [f"{row.bytes / 1e6:.3f}" for row in rows],
        "MACs": [human(row.macs) for row in rows],
        "median ms": [f"{row.median_ms:.3f}" for row in rows],
        "p10": [f"{row.p10_ms:.3f}" for row in rows],
        "p90": [f"{row.p90_ms:.3f}" for row in rows],
        "p99": [f"{row.p99_ms:.3f}" for row in rows],
        "spread": [f"{row.spread:.1%}" for row in rows],
        "speed-up": [f"{row.speedup:.2f}x" for row in rows],
        "95 % interval": [f"{row.speedup_low:.2f} .. {row.speedup_high:.2f}" for row in rows],
        "cold ms": _optional([row.cold_start_ms for row in rows], 1.0),
        "peak MB": _optional([row.peak_memory_bytes for row in rows], 1e6),
        "GPU MB": _optional([row.device_memory_bytes for row in rows], 1e6),
        "mJ": _optional([row.joules for row in rows], 1e-3),
    }
    shown = {head: cells for head, cells in columns.items() if cells}
    return render(list(shown), zip(*shown.values(), strict=True))


def _optional(values: list[float | None] | list[int | None], unit: float) -> list[str]:
    """Cells of a column that is left out where no model has a figure."""
    if all(value is None for value in values):
        return []
    return ["-" if value is None else f"{value / unit:.1f}" for value in values]


def _batches(rows: tuple[Measurement, ...]) -> list[str]:
    if all(len(row.throughput) == 1 for row in rows):
        return []
    cells = [
        [
            row.model,
            str(one.batch),
            "-" if one.median_ms is None else f"{one.median_ms:.3f}",
            "-" if one.per_second is None else f"{one.per_second:.1f}",
            one.refused,
        ]
        for row in rows
        for one in row.throughput
    ]
    heads = ["model", "batch", "median ms", "rows a second", ""]
    return [render(heads, cells)]


def human(count: int | None) -> str:
    """Returns a count in three digits.

    Example:
        >>> human(3_856_000_000)
        '3.86 G'
    """
    if count is None:
        return "-"
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return str(count)
