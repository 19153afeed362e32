"""int8 against float32 on the recipes' sets: quantized after training, and trained for.

    tfprune recipe earthquake --data FILE.hdf5 --csv FILE.csv --weights FILE.npz --output FOLDER
    python benchmarks/qat_recipes.py --patches FOLDER --study FOLDER --data FILE --csv FILE

Cracks and corrosion: the net of `inspection_repair.py`, 60 % of its filters removed at one blow by
Taylor's criterion, repaired, trained for two epochs. Earthquakes: the finished recipe's nets with
a tenth of all widths, a fold of the stations each. Each then trains for two epochs with the
rounding of int8 in it. The test images choose nothing; settings were tried once.
"""

import argparse
import json
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
from cifar_training import accuracy
from inspection_repair import LOSS, cut, drawn, fit, patches, vgg
from kept import kept_or_measured
from ship_earthquake import KEY, finished

import tfprune
from tfprune._files import write_text
from tfprune.report.tables import render
from tfprune.timing.machine import describe

EPOCHS, RATIO, CALIBRATION = 2, 0.6, 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--patches", type=Path, required=True, help="holds crack/ and corrosion/")
    parser.add_argument("--study", type=Path, required=True, help="of tfprune recipe earthquake")
    parser.add_argument("--data", required=True, nargs="+")
    parser.add_argument("--csv", required=True, nargs="+")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--kept", type=Path, help="a file that keeps each net, to go on from")
    parser.add_argument("--output", default="docs/results/qat_recipes.json")
    options = parser.parse_args()
    rows = []
    for name in ("crack", "corrosion", "earthquakes"):
        found = [
            kept_or_measured(
                options.kept,
                [name, seed],
                lambda name=name, seed=seed: compare(*made(name, seed, options), seed),
            )
            for seed in range(options.seeds)
        ]
        rows += list(summary(name, found))
    document = {
        "command": f"python benchmarks/qat_recipes.py --seeds {options.seeds} --patches DIR "
        "--study DIR --data FILE --csv FILE",
        "machine": str(describe()),
        "seeds": list(range(options.seeds)),
        "epochs": EPOCHS,
        "rows": rows,
    }
    write_text(Path(options.output), json.dumps(document, indent=1) + "\n")
    print(render(list(rows[0]), [[str(value) for value in row.values()] for row in rows]))


def made(name: str, seed: int, options: Any) -> tuple[Any, Any, Any]:
    """A pruned, trained net, and its images and labels to train and to test on."""
    if name == "earthquakes":
        study, windows = finished(options.study, options.data, options.csv)
        split = windows.split(seed)
        return study.load(seed, KEY), split.train, split.test
    train, test = (patches(options.patches / name, split) for split in ("train", "val"))
    keras.utils.set_random_seed(seed)
    model = fit(vgg(), train, seed, 15, 5e-4)
    small = cut(model, RATIO, "least_squares", drawn(train, seed))
    return fit(small, train, seed, 2, 1e-4), train, test


def compare(net: Any, train: Any, test: Any, seed: int) -> dict[str, Any]:
    """Right answers of the net, of its int8 file, and of the one that training gives."""
    judged: dict[str, Any] = {
        "representative_data": train[0][:CALIBRATION],
        "samples": test[0],
        "labels": test[1],
        "tolerance": 1.0,  # accuracy is what is judged here
        "max_accuracy_drop": 1.0,
    }
    with tempfile.TemporaryDirectory() as folder:
        after = tfprune.convert.to_tflite(net, Path(folder) / "a.tflite", "int8", **judged)
        aware = tfprune.convert.quantization_aware(
            net, train, Path(folder) / "b.tflite", LOSS, epochs=EPOCHS, seed=seed, **judged
        )
    (home,) = aware.accuracy.values()
    return {
        "images": len(test[1]),
        "float32": accuracy(net, test),
        "int8 after training": only(after),
        "quantization-aware, int8": only(aware.artifact),
        "quantization-aware, home in float32": home.share,
        "left": len(aware.left),
    }


def only(artifact: Any) -> float:
    (found,) = artifact.accuracy.values()
    return found.share


def summary(name: str, found: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for what in (key for key in found[0] if key not in ("images", "left")):
        shares = [one[what] for one in found]
        points = [100 * (one[what] - one["float32"]) for one in found]
        yield {
            "set": name,
            "net": what,
            "accuracy": round(statistics.mean(shares), 4),
            "least": round(min(shares), 4),
            "most": round(max(shares), 4),
            "points": round(statistics.mean(points), 2),
            "images": sum(one["images"] for one in found),
        }


if __name__ == "__main__":
    main()
