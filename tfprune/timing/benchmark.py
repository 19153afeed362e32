"""Models timed against each other, in turns."""

import os
from collections.abc import Sequence
from typing import Any

from tfprune.errors import DataError
from tfprune.timing.devices import Device, device_at
from tfprune.timing.figures import summed_up
from tfprune.timing.gather import Entry
from tfprune.timing.job import Job
from tfprune.timing.result import BenchmarkResult
from tfprune.timing.runtimes.choice import named, of_file
from tfprune.timing.runtimes.protocol import Runtime

Name = str | os.PathLike[str]


def benchmark(
    models: Name | Sequence[Name],
    threads: int = 1,
    runs: int = 50,
    warmup: int = 10,
    seconds: float = 60.0,
    memory: bool = True,
    runtime: str | Runtime | Sequence[str | Runtime] | None = None,
    *,
    batches: Sequence[int] = (1,),
    cores: Sequence[int] = (),
    starts: int = 1,
    energy: bool = True,
    python: str = "",
    device: str | Device = "here",
) -> BenchmarkResult:
    """Times models against each other: here, on another machine, or on a telephone.

    All models are loaded and warmed up, then take turns: A, B, A, B... so that a machine that
    slows down or speeds up does so for all. A turn of a model that takes 20 ms and more is one
    timed run; cheaper models get up to 40 timed runs a turn, after 20 ms of untimed ones: the
    caches and branch predictors that a large model leaves behind slow a small one for some ten
    runs, which a device that runs one model never sees. Only the inference is timed, not the
    copying of inputs and outputs. The speed-up is the median over rounds of the first model's time
    over this one's. What else the machine did meanwhile is told in `warnings`.

    Args:
        models: paths of `.tflite`, `.onnx`, `.keras` and `.h5` files and of SavedModel folders;
            the first is the one the others are compared with.
        threads: that the runtime uses. Defaults to 1.
        runs: rounds, each one turn of every model. Defaults to 50.
        warmup: untimed runs of each model before (ended after 2 seconds). Defaults to 10.
        seconds: ends the rounds early when they have taken this long, though not before 5
            rounds (or `runs`, if fewer); for each batch size anew. Defaults to 60.
        memory: measure load, first inference and peak memory, in a fresh process for each model.
            Defaults to `True`.
        runtime: what runs the models: a name out of `tfprune.timing.runtimes.choice.NAMES`, an
            object, or as many of them as models. Defaults to `None`: by the kind of file, LiteRT
            for `.tflite`.
        batches: rows that go in at once; the first size is what the table is of, the others
            give throughput. Defaults to `(1,)`.
        cores: keeps the runs on these cores (Linux). Defaults to none: where the system likes.
        starts: fresh processes for each model; their medians count. Defaults to 1.
        energy: measure joules, where the package zeus finds counters. Defaults to `True`.
        python: a Python with another backend of Keras. Defaults to `""`: this one.
        device: "here", "ssh://user@host:port", "adb:SERIAL", or a `Device` out of
            `tfprune.timing.devices`. Defaults to `"here"`.

    Returns:
        A `BenchmarkResult`: `.rows`, `str()` for a table, `.to_json()`.

    Raises:
        FileError: a file is missing, of another format, or damaged.
        DataError: no models, a number out of range, or a model that the runtime cannot run.
        MissingExtraError: a runtime is not installed.
        DeviceError: the device cannot be reached, refuses, or lacks the runtime.
    """
    job = Job(
        threads=threads,
        runs=runs,
        warmup=warmup,
        seconds=seconds,
        memory=memory,
        starts=starts,
        batches=tuple(batches),
        cores=tuple(cores),
        energy=energy,
    )
    entries = _entries(_listed(models), runtime, python)
    place = device_at(device)
    place.check(entries)
    return summed_up(place.run(entries, job), [entry.path for entry in entries], job, place.name)


def _listed(models: Name | Sequence[Name]) -> list[Name]:
    paths = [models] if isinstance(models, (str, os.PathLike)) else list(models)
    if not paths:
        raise DataError("expected at least one .tflite file to time, received none")
    return paths


def _entries(paths: Sequence[Name], runtime: Any, python: str) -> list[Entry]:
    if runtime is None:
        chosen = [of_file(path, python) for path in paths]
    elif isinstance(runtime, Sequence) and not isinstance(runtime, str):
        if len(runtime) != len(paths):
            raise DataError(
                f"expected one runtime, or as many as models: received {len(runtime)} for "
                f"{len(paths)}"
            )
        chosen = [_runtime(one, python) for one in runtime]
    else:
        chosen = [_runtime(runtime, python)] * len(paths)
    return [Entry(one.check(path), one) for path, one in zip(paths, chosen, strict=True)]


def _runtime(given: Any, python: str) -> Any:
    return named(given, python) if isinstance(given, str) else given
