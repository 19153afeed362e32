"""From the seconds of single runs to a model's figures."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from tfprune.timing.accuracy import stored_accuracy
from tfprune.timing.conditions import disturbances
from tfprune.timing.job import Job
from tfprune.timing.raw import Cold, RawModel, RawRun
from tfprune.timing.result import BenchmarkResult, Measurement, Throughput
from tfprune.timing.statistics import ratio_interval, summarize

_NOISY = 0.2


def summed_up(raw: RawRun, paths: Sequence[Path], job: Job, device: str) -> BenchmarkResult:
    """Returns the result of a run.

    Args:
        raw: what was gathered.
        paths: the models' files, here.
        job: what was asked.
        device: "here", or an address.
    """
    first = raw.models[0].turns[job.batches[0]]
    rows = tuple(
        _measurement(name, path, first, model, job)
        for name, path, model in zip(_names(paths), paths, raw.models, strict=True)
    )
    places = dict.fromkeys(row.runtime for row in rows)
    return BenchmarkResult(
        rows=rows,
        runtime="; ".join(places),
        threads=job.threads,
        rounds=len(first),
        machine=raw.machine,
        device=device,
        cores=job.cores,
        warnings=(*disturbances(raw.machine, raw.before, raw.after), *_unsteady(rows)),
    )


def _measurement(
    name: str, path: Path, first: list[list[float]], model: RawModel, job: Job
) -> Measurement:
    own = model.turns[job.batches[0]]
    times = [time * 1e3 for turn in own for time in turn]
    figures = summarize(times)
    ratio = ratio_interval(_medians(first), _medians(own))
    cold = model.cold or Cold(None, None, None)
    accuracy, interval = stored_accuracy(path)
    return Measurement(
        model=name,
        path=str(path),
        runtime=model.place,
        runs=len(times),
        median_ms=figures.median,
        p10_ms=figures.p10,
        p90_ms=figures.p90,
        p99_ms=figures.p99,
        spread=figures.spread,
        speedup=ratio.middle,
        speedup_low=ratio.low,
        speedup_high=ratio.high,
        bytes=sum(file.stat().st_size for file in _files(path)),
        sha256=checksum(path),
        load_ms=cold.load_ms,
        first_ms=cold.first_ms,
        peak_memory_bytes=cold.peak_memory_bytes,
        device_memory_bytes=cold.device_memory_bytes,
        joules=model.joules,
        macs=model.macs,
        accuracy=accuracy,
        accuracy_interval=interval,
        throughput=tuple(_throughput(model, size) for size in job.batches),
    )


def _throughput(model: RawModel, size: int) -> Throughput:
    if size not in model.turns:
        return Throughput(size, None, None, model.refused.get(size, ""))
    seconds = max(summarize([time for turn in model.turns[size] for time in turn]).median, 1e-9)
    return Throughput(size, seconds * 1e3, size / seconds)


def _medians(turns: Sequence[Sequence[float]]) -> list[float]:
    # A clock of coarse ticks may read zero for a tiny model; a ratio needs more than that.
    return [max(summarize(turn).median, 1e-9) for turn in turns]


def _unsteady(rows: Sequence[Measurement]) -> Iterator[str]:
    for row in rows:
        if row.spread > _NOISY:
            yield f"half of the runs of {row.model} lie {row.spread:.0%} of the median apart"


def _names(paths: Sequence[Path]) -> list[str]:
    short = [path.name for path in paths]
    shared = len(set(short)) < len(set(map(str, paths)))
    return [str(path) for path in paths] if shared else short


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.is_file())
    return [path]


def checksum(path: Path) -> str:
    """Returns the SHA-256 of a file, or of a folder's files, their names included."""
    total = hashlib.sha256()
    for file in _files(path):
        if path.is_dir():
            total.update(str(file.relative_to(path)).encode())
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                total.update(block)
    return total.hexdigest()
