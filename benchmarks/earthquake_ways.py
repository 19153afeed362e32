"""Ways to a tenth of ResNet50's widths, on earthquakes: at once, taught, or repaired first.

    tfprune recipe earthquake --data FILE.hdf5 --csv FILE.csv --weights FILE.npz --output FOLDER
    python benchmarks/earthquake_ways.py --study FOLDER --data FILE.hdf5 --csv FILE.csv

Begins with the recipe's unpruned net of a seed, and trains with the recipe's settings for as many
epochs in all, on that seed's training windows less 64, which judge: the way that the recipe takes
is chosen here, and the test windows are not looked at.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from cifar_training import accuracy
from kept import kept_or_measured
from ship_earthquake import finished

import tfprune
from tfprune._files import write_text
from tfprune.recipes.earthquake.settings import RATIO
from tfprune.recipes.earthquake.training import train
from tfprune.report.tables import render
from tfprune.timing.machine import describe
from tfprune.training.advice import no_retracing_advice

HELD, SEEN = 64, 128


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--study", required=True, type=Path)
    parser.add_argument("--data", required=True, nargs="+")
    parser.add_argument("--csv", required=True, nargs="+")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--kept", type=Path, help="a file that keeps each net, to go on from")
    parser.add_argument("--output", default="docs/results/earthquake_ways.json")
    options = parser.parse_args()
    study, windows = finished(options.study, options.data, options.csv)
    rows = []
    for name, way in WAYS.items():
        found = []
        for seed in options.seeds:

            def measured(way: Any = way, seed: int = seed) -> list[float]:
                with no_retracing_advice():
                    return way(*parts(study, windows, seed), study.settings.retraining, seed)

            found.append(kept_or_measured(options.kept, [name, seed], measured))
        before, after = np.mean(found, axis=0)
        rows.append({"way": name, "before": round(before, 4), "after": round(after, 4)})
    document = {
        "command": "python benchmarks/earthquake_ways.py --study DIR --data FILE --csv FILE",
        "machine": str(describe()),
        "seeds": options.seeds,
        "held": HELD,
        "epochs": study.settings.retrain_epochs,
        "rows": rows,
    }
    write_text(Path(options.output), json.dumps(document, indent=1) + "\n")
    print(render(list(rows[0]), [[str(value) for value in row.values()] for row in rows]))


def parts(study: Any, windows: Any, seed: int) -> tuple[Any, Any, Any]:
    """The unpruned net, and images and labels to train on and to judge by."""
    images, labels = windows.split(seed).train
    order = np.random.default_rng(0).permutation(len(labels))
    held, rest = order[:HELD], order[HELD:]
    return study.load(seed, "unpruned"), (images[rest], labels[rest]), (images[held], labels[held])


def at_once(repair: str | None, taught: bool) -> Callable[..., list[float]]:
    """One blow, and all epochs after it."""

    def way(whole: Any, images: Any, held: Any, settings: Any, seed: int) -> list[float]:
        plan = tfprune.plan(whole, "l2", ratio=RATIO)
        net = tfprune.rebuild(whole, plan, repair, images[0][:SEEN] if repair else None)
        before = accuracy(net, held)
        train(net, images, settings, seed, teacher=whole if taught else None)
        return [before, accuracy(net, held)]

    return way


WAYS: dict[str, Callable[..., list[float]]] = {
    "at once": at_once(None, taught=False),
    "at once, taught": at_once(None, taught=True),
    "at once, repaired": at_once("least_squares", taught=False),
}

if __name__ == "__main__":
    main()
