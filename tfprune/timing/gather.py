"""Timings gathered on the machine that runs the models: this one, or a device."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfprune.errors import DataError, FileError
from tfprune.timing.cold import median_of, start
from tfprune.timing.conditions import observe
from tfprune.timing.hosting import Away, Workers
from tfprune.timing.job import Job
from tfprune.timing.machine import describe
from tfprune.timing.pinning import pinned
from tfprune.timing.raw import Cold, RawModel, RawRun
from tfprune.timing.turns import Here, Seat, timed

_ENERGY_SECONDS = 1.0


@dataclass(frozen=True)
class Entry:
    """A model's file, checked, and the runtime for it."""

    path: Path
    runtime: Any

    @property
    def built_in(self) -> bool:
        """Whether another process can make the runtime anew."""
        return hasattr(self.runtime, "spec")

    @property
    def hosted(self) -> bool:
        """Whether the model runs in a process of its runtime's own."""
        return self.built_in and bool(self.runtime.hosted)


@dataclass(frozen=True)
class _Sitting:
    """What one model did at one batch size."""

    place: str = ""
    turns: list[list[float]] | None = None
    refused: str = ""
    joules: float | None = None
    macs: int | None = None


def gather(entries: Sequence[Entry], job: Job, macs: bool = True) -> RawRun:
    """Times all models at each batch size in turns, then starts each in fresh processes.

    Args:
        entries: the models.
        job: how to time them.
        macs: count multiply-accumulates too. Defaults to `True`.

    Raises:
        FileError, DataError: a model cannot be run at the first batch size.
    """
    before = observe()
    with pinned(job.cores):
        with Workers() as workers:
            by_size = {
                size: _sit(entries, job, size, workers, macs and size == job.batches[0])
                for size in job.batches
            }
        colds = [_cold(entry, job) for entry in entries]
    models = tuple(
        _joined({size: sittings[place] for size, sittings in by_size.items()}, cold)
        for place, cold in enumerate(colds)
    )
    return RawRun(models, describe(), before, observe())


def _sit(
    entries: Sequence[Entry], job: Job, size: int, workers: Workers, macs: bool
) -> list[_Sitting]:
    """One batch size: all models are loaded, take turns, and are let go."""
    first = size == job.batches[0]
    seats: list[Seat | None] = []
    refused: list[str] = []
    for entry in entries:
        try:
            seats.append(_seat(entry, job.threads, size, workers))
            refused.append("")
        except (DataError, FileError) as error:
            if first:
                raise
            seats.append(None)
            refused.append(str(error))
    present = [seat for seat in seats if seat is not None]
    turns = iter(timed(present, job.runs, job.warmup, job.seconds))
    sittings = []
    for entry, seat, why in zip(entries, seats, refused, strict=True):
        if seat is None:
            sittings.append(_Sitting(refused=why))
            continue
        joules = seat.joules(_ENERGY_SECONDS) if job.energy and first else None
        counted = _macs(entry, job, workers) if macs else None
        sittings.append(_Sitting(seat.place, next(turns), "", joules, counted))
        if isinstance(seat, Away):
            seat.close()
    return sittings


def _seat(entry: Entry, threads: int, size: int, workers: Workers) -> Seat:
    if entry.hosted:
        worker = workers.of(entry.runtime, threads)
        return Away(worker, entry.runtime.spec, str(entry.path), threads, size)
    # A runtime of the user's own may know nothing of batches.
    more = () if size == 1 else (size,)
    session = entry.runtime.load(entry.path, threads, *more)
    seat = Here(session)
    seat.place = getattr(session, "place", entry.runtime.name)
    return seat


def _macs(entry: Entry, job: Job, workers: Workers) -> int | None:
    if not entry.hosted:
        return _whole(entry.runtime.macs(entry.path))
    asked = {"runtime": entry.runtime.spec, "path": str(entry.path)}
    return _whole(workers.of(entry.runtime, job.threads).ask("macs", **asked)["macs"])


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def _cold(entry: Entry, job: Job) -> Cold | None:
    if not job.memory:
        return None
    if entry.built_in:
        starts = range(job.starts)
        return median_of([start(entry.runtime, entry.path, job.threads) for _ in starts])
    return Cold(None, None, entry.runtime.peak_memory(entry.path, job.threads))


def _joined(sittings: dict[int, _Sitting], cold: Cold | None) -> RawModel:
    first = next(iter(sittings.values()))
    return RawModel(
        place=first.place,
        turns={size: one.turns for size, one in sittings.items() if one.turns is not None},
        refused={size: one.refused for size, one in sittings.items() if one.refused},
        cold=cold,
        joules=first.joules,
        macs=first.macs,
    )
