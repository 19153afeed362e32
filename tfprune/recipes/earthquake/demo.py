"""The main job: seismograms in, a pruned TFLite model out, measured against the unpruned one."""

import json
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
from absl import logging

from tfprune._files import atomic_path, write_text
from tfprune.convert import to_tflite
from tfprune.costs import cost
from tfprune.models import resnet50
from tfprune.planning import PruningPlan, plan
from tfprune.planning.limits import check_ratio
from tfprune.recipes.common.accuracy import keras_accuracy, tflite_accuracy
from tfprune.recipes.common.stages import make_folder
from tfprune.recipes.earthquake import data as sources
from tfprune.recipes.earthquake.result import DemoResult, Row
from tfprune.recipes.earthquake.training import Arrays, Training, train
from tfprune.surgery import rebuild, verify
from tfprune.timing.benchmark import BenchmarkResult, benchmark

TRACES = 600
STEPS = 7


def run(
    data: str | os.PathLike[str] | None = None,
    csv: str | os.PathLike[str] | None = None,
    output: str | os.PathLike[str] = "demo",
    ratio: float = 0.9,
    image_size: int = 64,
    epochs: int = 6,
    retrain_epochs: int = 15,
    seed: int = 0,
    traces: int = TRACES,
) -> DemoResult:
    """Trains a ResNet50 on earthquakes, prunes, retrains, converts and times it.

    The steps of Atmaja et al., ICITEE 2022: spectrogram images, ResNet50, L2 of every filter and
    unit, the lowest 90 % removed at once, retrained.

    Args:
        data: waveforms in STEAD's layout (HDF5). Defaults to `None`: synthetic ones.
        csv: the metadata of `data`.
        output: the folder to write to, made if need be. Defaults to `"demo"`.
        ratio: share of filters and units to remove. Defaults to `0.9`.
        image_size: pixels along a side of the spectrograms, at least 32. Defaults to `64`.
        epochs: of the first training. Defaults to `6`.
        retrain_epochs: of the training after pruning. Defaults to `15`.
        seed: of data, weights and order. Defaults to `0`.
        traces: how many synthetic seismograms. Defaults to `600`.

    Returns:
        The `DemoResult`. In the folder lie `unpruned.keras`, `pruned.keras`, four `.tflite`
        files, `plan.json`, `results.json` and, with matplotlib, `demo.png`.

    Raises:
        FileError: the folder cannot be written to.
        DataError: the data are missing, damaged, or of one class only.
        PlanError: the ratio is not in (0, 1).
    """
    begun = time.perf_counter()
    check_ratio(ratio)
    folder = make_folder(output)
    _step(1, "drawing spectrograms")
    if data is None or csv is None:
        split = sources.synthetic(traces, image_size, seed)
    else:
        split = sources.from_files(data, csv, image_size, seed)
    _step(2, f"training ResNet50 on {len(split.train[1])} images")
    keras.utils.set_random_seed(seed)
    model = resnet50((image_size, image_size, 3), classes=2)
    train(model, split.train, Training(epochs, 1e-3), seed, _telling(epochs))
    _save(model, folder / "unpruned.keras")
    small, chosen, error = _prune(model, ratio, folder)
    cut_row = _row("pruned, not retrained", small, split)
    _step(4, "retraining")
    train(small, split.train, Training(retrain_epochs, 3e-3), seed, _telling(retrain_epochs))
    _save(small, folder / "pruned.keras")
    _step(5, "converting to TFLite")
    files = _convert(model, small, split, folder)
    _step(6, "timing")
    timed = benchmark(files, threads=1, seconds=20)
    rows = (_row("ResNet50", model, split), cut_row, _row("pruned", small, split))
    result = DemoResult(
        rows=(*rows, *_file_rows(rows[0], rows[2], timed, split)),
        source=split.source,
        image_size=image_size,
        ratio=ratio,
        oracle_error=error,
        seconds=time.perf_counter() - begun,
        machine=str(timed.machine),
        folder=str(folder),
    )
    _step(STEPS, "writing results")
    write_text(folder / "results.json", json.dumps(result.as_dict(), indent=1) + "\n")
    _draw(result, split, chosen, folder)
    return result


def _prune(model: Any, ratio: float, folder: Path) -> tuple[Any, PruningPlan, float]:
    """The smaller net, the plan, and the distance from the masked original."""
    _step(3, f"removing {ratio:.0%} of filters and units by L2")
    chosen = plan(model, criterion="l2", ratio=ratio)
    chosen.save(folder / "plan.json")
    small = rebuild(model, chosen)
    return small, chosen, verify(model, small, chosen)


def _save(model: Any, path: Path) -> None:
    """Saves a net without what the optimizer remembers, which is twice the net's size."""
    model.compile(loss="categorical_crossentropy", metrics=["accuracy"])
    with atomic_path(path) as temporary:
        model.save(temporary)


def _step(number: int, what: str) -> None:
    logging.info("[%d/%d] %s", number, STEPS, what)


def _telling(epochs: int) -> Any:
    return lambda epoch, accuracy: logging.info(
        "      epoch %d of %d: training accuracy %.1f %%", epoch, epochs, 100 * accuracy
    )


def _row(name: str, model: Any, split: sources.Split[Arrays]) -> Row:
    found = cost(model)
    return Row(name, keras_accuracy(model, split.test), found.parameters, found.macs)


def _convert(model: Any, small: Any, split: sources.Split[Arrays], folder: Path) -> list[Path]:
    """Float32 and int8 files of both nets, the unpruned float32 one first."""
    sample = split.train[0][:128]
    files = []
    for name, net in (("unpruned", model), ("pruned", small)):
        for form, quantize in (("float32", None), ("int8", "int8")):
            path = folder / f"{name}_{form}.tflite"
            to_tflite(net, path, quantize, representative_data=[sample], samples=[sample[:4]])
            files.append(path)
    return files


def _file_rows(
    full: Row, pruned: Row, timed: BenchmarkResult, split: sources.Split[Arrays]
) -> Iterator[Row]:
    for measurement in timed.rows:
        path = Path(measurement.path)
        of = full if path.name.startswith("unpruned") else pruned
        yield Row(
            path.name,
            tflite_accuracy(path, split.test),
            of.parameters,
            of.macs,
            measurement.bytes,
            measurement.median_ms,
            measurement.speedup,
        )


def _draw(
    result: DemoResult, split: sources.Split[Arrays], chosen: PruningPlan, folder: Path
) -> None:
    """The picture, where matplotlib is at hand."""
    try:
        from tfprune.recipes.earthquake import picture
    except ImportError:
        logging.warning("no picture without matplotlib: pip install 'tfprune[plot]'")
        return
    files: Sequence[Row] = [row for row in result.rows if row.median_ms is not None]
    picture.draw(folder / "demo.png", files, split.test, chosen)
