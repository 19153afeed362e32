"""Latency, bytes and MACs of a study's nets at the size they are compared at, in one run."""

import functools
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from absl import logging

from tfprune.convert import to_tflite
from tfprune.costs import cost
from tfprune.errors import ConversionError
from tfprune.recipes.common.stages import Stages
from tfprune.timing.benchmark import benchmark

FORMS = {"float32": None, "int8": "int8"}
SIZE = 224  # pixels: the published nets' own

Times = dict[str, dict[str, Any]]


def measure(
    load: Callable[[str], Any],
    stages: Stages,
    keys: Sequence[str],
    size: int,
    *,
    name: str,
    threads: int = 1,
    seconds: float = 90.0,
) -> Times:
    """Converts nets for another size, and times them in turns.

    Both are stages of their own, so that the timing can be left for a quiet hour. The nets are
    timed as published, without the subtraction of a mean colour inside; int8 files take and give
    int8.

    Args:
        load: returns the net of a key.
        stages: where files and times are kept.
        keys: of the nets; the first is what the others are held against.
        size: pixels along a side.
        name: of the timing's stage.
        threads: that LiteRT may use. Defaults to `1`.
        seconds: for all of the timing. Defaults to `90`.

    Returns:
        Figures by net and form: `{"unpruned": {"macs": ..., "float32": {...}, "int8": {...}}}`,
        and the machine under `"machine"`. A net that LiteRT cannot run at this size is told of
        in the log, and is missing.
    """
    costs = {
        key: stages.run(
            f"latency/{key}", functools.partial(_convert, load, stages.folder, key, size)
        )
        for key in keys
    }
    timed = [key for key in keys if "failed" not in costs[key]]
    for key in costs.keys() - timed:
        logging.warning("%s is not timed at %d pixels: %s", key, size, costs[key]["failed"])
    found = stages.run(
        f"latency/{name}", functools.partial(_time, stages.folder, timed, threads, seconds)
    )
    return {key: {"macs": costs[key]["macs"], **found["nets"][key]} for key in timed} | {
        "machine": {"name": found["machine"], "threads": threads}
    }


def at_size(model: Any, size: int) -> keras.Model:
    """Returns a copy of an image net for another size, without its `Rescaling`.

    Weights whose shape follows the size, those of a Dense layer behind a Flatten, are new ones.
    """

    def copied(layer: Any) -> Any:
        if isinstance(layer, keras.layers.Rescaling):
            return keras.layers.Identity(name=layer.name)
        return layer.__class__.from_config(layer.get_config())

    image = keras.Input((size, size, model.inputs[0].shape[-1]), name="image")
    copy = keras.models.clone_model(model, input_tensors=image, clone_function=copied)
    for old, new in zip(model.weights, copy.weights, strict=True):
        if old.shape == new.shape:
            new.assign(old)
    return copy


def _convert(load: Callable[[str], Any], folder: Path, key: str, size: int) -> dict[str, Any]:
    net = at_size(load(key), size)
    noise = np.random.default_rng(0).uniform(-128, 128, (8, size, size, 3)).astype(np.float32)
    for form, quantize in FORMS.items():
        path = _file(folder, key, form)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            to_tflite(
                net,
                path,
                quantize,
                representative_data=[noise],
                samples=[noise[:1]],
                tolerance=1.0,  # noise asks for the speed, not for answers
                input_type=form,
                output_type=form,
            )
        except ConversionError as error:  # such as ranges of a single channel that are no ranges
            return {"macs": cost(net).macs, "failed": f"{form}: {error}"}
    logging.info("converted %s for %d pixels", key, size)
    return {"macs": cost(net).macs}


def _time(folder: Path, keys: Sequence[str], threads: int, seconds: float) -> dict[str, Any]:
    files = [_file(folder, key, form) for key in keys for form in FORMS]
    result = benchmark(files, threads=threads, seconds=seconds)
    rows = {os.fspath(row.path): row for row in result.rows}
    nets = {
        key: {form: _figures(rows[os.fspath(_file(folder, key, form))]) for form in FORMS}
        for key in keys
    }
    return {"nets": nets, "machine": f"{result.machine}", "runtime": result.runtime}


def _figures(row: Any) -> dict[str, Any]:
    names = (
        *("bytes", "median_ms", "p10_ms", "p90_ms", "speedup", "speedup_low", "speedup_high"),
        "peak_memory_bytes",
    )
    return {name: getattr(row, name) for name in names}


def _file(folder: Path, key: str, form: str) -> Path:
    return folder / "latency" / f"{key}_{form}.tflite"
