"""Latency, bytes and MACs of a study's nets at 224 pixels, the size they are compared at."""

import functools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from absl import logging

from tfprune.convert import to_tflite
from tfprune.costs import cost
from tfprune.recipes.common.stages import Stages
from tfprune.recipes.earthquake.settings import LATENCY_SIZE
from tfprune.recipes.earthquake.study import Study
from tfprune.recipes.earthquake.summary import FULL
from tfprune.timing.benchmark import benchmark

FORMS = {"float32": None, "int8": "int8"}


def measure(
    study: Study, stages: Stages, keys: Sequence[str], threads: int = 1, seconds: float = 90.0
) -> dict[str, dict[str, Any]]:
    """Converts the first seed's nets for 224 pixels, and times them in turns.

    Both are stages of their own, so that the timing can be left for a quiet hour. The nets are
    timed as published, without the subtraction of a mean colour inside; int8 files take and give
    int8.

    Args:
        study: whose nets.
        stages: where files and times are kept.
        keys: the nets, the unpruned one among them.
        threads: that LiteRT may use. Defaults to `1`.
        seconds: for all of the timing. Defaults to `90`.

    Returns:
        Figures by net and form: `{"unpruned": {"macs": ..., "float32": {...}, "int8": {...}}}`.
    """
    costs = {
        key: stages.run(f"latency/{key}", functools.partial(_convert, study, stages.folder, key))
        for key in keys
    }
    name = "latency/times_" + "_".join(sorted(keys))
    found = stages.run(name, lambda: _time(stages.folder, keys, threads, seconds))
    return {key: {"macs": costs[key]["macs"], **found["nets"][key]} for key in keys} | {
        "machine": {"name": found["machine"], "threads": threads}
    }


def at_size(model: Any, size: int) -> keras.Model:
    """Returns a copy of an image net for another size, without its `Rescaling`."""

    def copied(layer: Any) -> Any:
        if isinstance(layer, keras.layers.Rescaling):
            return keras.layers.Identity(name=layer.name)
        return layer.__class__.from_config(layer.get_config())

    image = keras.Input((size, size, model.inputs[0].shape[-1]), name="image")
    copy = keras.models.clone_model(model, input_tensors=image, clone_function=copied)
    copy.set_weights(model.get_weights())
    return copy


def _convert(study: Study, folder: Path, key: str) -> dict[str, Any]:
    size = LATENCY_SIZE
    net = at_size(study.load(0, key), size)
    noise = np.random.default_rng(0).uniform(-128, 128, (8, size, size, 3)).astype(np.float32)
    for form, quantize in FORMS.items():
        path = _file(folder, key, form)
        path.parent.mkdir(exist_ok=True)
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
    logging.info("converted %s for %d pixels", key, size)
    return {"macs": cost(net).macs}


def _time(folder: Path, keys: Sequence[str], threads: int, seconds: float) -> dict[str, Any]:
    ordered = [FULL, *(key for key in keys if key != FULL)]
    files = [_file(folder, key, form) for key in ordered for form in FORMS]
    result = benchmark(files, threads=threads, seconds=seconds, memory=False)
    rows = {os.fspath(row.path): row for row in result.rows}
    nets = {
        key: {form: _figures(rows[os.fspath(_file(folder, key, form))]) for form in FORMS}
        for key in ordered
    }
    return {"nets": nets, "machine": f"{result.machine}", "runtime": result.runtime}


def _figures(row: Any) -> dict[str, Any]:
    names = ("bytes", "median_ms", "p10_ms", "p90_ms", "speedup", "speedup_low", "speedup_high")
    return {name: getattr(row, name) for name in names}


def _file(folder: Path, key: str, form: str) -> Path:
    return folder / "latency" / f"{key}_{form}.tflite"
