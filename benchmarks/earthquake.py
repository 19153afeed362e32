"""The main job on real earthquakes: station-grouped folds, both meanings of "90 %".

    python benchmarks/earthquake.py --data stead.hdf5 --csv stead.csv --weights resnet50.npz

For each fold: ResNet50 from ImageNet weights is trained, 90 % of its filters and units are
removed by L2 at once (from all widths, and from inner widths only), the rest is retrained, turned
into int8 and tested on stations it has never seen; beside it a net of the pruned widths trained
from scratch for the same number of epochs. Each fold is written when it is done, and a second
call goes on where the first was stopped.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np

import tfprune
from tfprune._files import write_text
from tfprune.datasets import read_catalog, spectrogram_arrays
from tfprune.models import resnet50
from tfprune.recipes.common.accuracy import Accuracy, keras_accuracy, tflite_accuracy
from tfprune.recipes.earthquake.training import Training, train
from tfprune.report.tables import render
from tfprune.timing.machine import describe

MEANINGS = {"all widths": True, "inner widths": False}


def main() -> None:
    options = parse()
    output = Path(options.output)
    settings = {
        "image_size": options.image_size,
        "folds": options.folds,
        "seed": options.seed,
        "ratio": 0.9,
        "training": vars(Training(options.epochs, 2e-4)),
        "retraining": vars(Training(options.retrain_epochs, options.retrain_rate)),
    }
    results = load(output, settings)
    catalog = read_catalog(options.csv, options.data)
    folds = catalog.folds(by="receiver_code", k=options.folds, seed=options.seed)
    for number, (training, test) in enumerate(folds):
        if number < len(results["folds"]):
            continue
        images = [
            spectrogram_arrays(options.data, part, image_size=options.image_size)[:2]
            for part in (training, test)
        ]
        began = time.perf_counter()
        fold = run_fold(images[0], images[1], options, settings, options.seed + number)
        fold["seconds"] = round(time.perf_counter() - began)
        results["folds"].append(fold)
        results["summary"] = summarise(results["folds"])
        write_text(output, json.dumps(results, indent=1) + "\n")
        print(f"fold {number}: {fold}", flush=True)
    print(table(results))
    write_text(output.with_suffix(".md"), markdown(results))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="waveforms in STEAD's layout (HDF5)")
    parser.add_argument("--csv", required=True, help="their metadata")
    parser.add_argument("--weights", required=True, help="ImageNet weights of ResNet50 (.npz)")
    parser.add_argument("--output", default="docs/results/earthquake.json")
    parser.add_argument("--image_size", type=int, default=96)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--retrain_epochs", type=int, default=30)
    parser.add_argument("--retrain_rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def load(output: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """What an earlier call with the same settings has done."""
    if output.exists():
        results = json.loads(output.read_text())
        if results["settings"] == json.loads(json.dumps(settings)):
            return results
    return {
        "command": "python benchmarks/earthquake.py --data FILE --csv FILE --weights FILE",
        "machine": str(describe()),
        "settings": settings,
        "folds": [],
    }


def run_fold(
    training: Any, test: Any, options: argparse.Namespace, settings: dict[str, Any], seed: int
) -> dict[str, Any]:
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    size = options.image_size
    model = resnet50((size, size, 3), classes=2, weights=options.weights)
    train(model, training, Training(**settings["training"]), seed)
    retraining = Training(**settings["retraining"])
    rows: dict[str, Any] = {"unpruned": counts(keras_accuracy(model, test))}
    for meaning, include_residual in MEANINGS.items():
        plan = tfprune.plan(model, "l2", ratio=0.9, include_residual=include_residual)
        small = tfprune.rebuild(model, plan)
        rows[f"{meaning}: oracle error"] = tfprune.verify(model, small, plan)
        rows[f"{meaning}: before retraining"] = counts(keras_accuracy(small, test))
        scratch = keras.models.clone_model(small)
        train(small, training, retraining, seed)
        rows[f"{meaning}: retrained"] = counts(keras_accuracy(small, test))
        rows[f"{meaning}: int8"] = counts(int8_accuracy(small, training, test))
        train(scratch, training, retraining, seed)
        rows[f"{meaning}: from scratch"] = counts(keras_accuracy(scratch, test))
    return {"seed": seed, "train": len(training[1]), "test": len(test[1]), **rows}


def int8_accuracy(model: Any, training: Any, test: Any) -> Accuracy:
    sample = training[0][:: max(1, len(training[0]) // 128)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        tfprune.convert.to_tflite(model, path, "int8", representative_data=[sample])
        return tflite_accuracy(path, test)


def counts(accuracy: Accuracy) -> list[int]:
    return [accuracy.right, accuracy.total]


def summarise(folds: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean and standard deviation over folds, all answers together, and the paired difference."""
    found = {}
    for name, value in folds[0].items():
        if not isinstance(value, list):
            continue
        shares = [fold[name][0] / fold[name][1] for fold in folds]
        lost = [
            100 * (fold["unpruned"][0] / fold["unpruned"][1] - share)
            for fold, share in zip(folds, shares, strict=True)
        ]
        pooled = Accuracy(sum(f[name][0] for f in folds), sum(f[name][1] for f in folds))
        found[name] = {
            "mean": statistics.mean(shares),
            "sd": statistics.stdev(shares) if len(shares) > 1 else 0.0,
            "pooled": counts(pooled),
            "interval": pooled.interval(),
            "points_lost": statistics.mean(lost),
            "points_lost_standard_error": (
                statistics.stdev(lost) / np.sqrt(len(lost)) if len(lost) > 1 else 0.0
            ),
        }
    return found


def rows_of(results: dict[str, Any]) -> list[list[str]]:
    return [
        [
            name,
            f"{row['mean']:.2%}",
            f"{row['sd']:.2%}",
            f"{row['interval'][0]:.1%} to {row['interval'][1]:.1%}",
            f"{row['points_lost']:.2f} ± {row['points_lost_standard_error']:.2f}",
        ]
        for name, row in results["summary"].items()
    ]


HEAD = ["net", "accuracy", "sd of folds", "95 % of all answers", "points lost ± s.e."]


def table(results: dict[str, Any]) -> str:
    return render(HEAD, rows_of(results))


def markdown(results: dict[str, Any]) -> str:
    lines = [HEAD, ["---"] * len(HEAD), *rows_of(results)]
    body = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    settings = results["settings"]
    return (
        "# ResNet50 on real seismograms: 90 % removed by L2, retrained\n\n"
        f"{settings['folds']} folds grouped by station, {settings['image_size']} px, "
        f"{sum(fold['test'] for fold in results['folds'])} windows tested in all; "
        f"seed {settings['seed']}; {results['machine']}.\n"
        f"Made by `{results['command']}`; all figures in the JSON beside this page.\n\n{body}\n"
    )


if __name__ == "__main__":
    main()
