"""MLPerf's ResNet8 on CIFAR-10 right after pruning, without any training: each repair beside none.

    python benchmarks/repair.py --model mlperf_resnet8_cifar10.keras --cifar10 FOLDER

Repairs and Taylor's criterion look at 1,024 images of the first two training batches; each seed
draws others. What was to be chosen was chosen on 2,000 images of the third one ("choices" in the
results); the test images are looked at once, with what the package does by default.
"""

import argparse
import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
from cifar10 import load
from cifar_training import LOSS, accuracy, drawn

import tfprune
from tfprune._files import write_text
from tfprune.report.tables import render
from tfprune.surgery.repair import LeastSquares, Merge
from tfprune.timing.machine import describe

MACS = (0.9, 0.75, 0.5)
CRITERIA = ("l2", "taylor")
EXAMPLES = 1024
REPAIRS: tuple[Any, ...] = (
    None,
    "merge",
    "bias",
    ("merge", "bias"),
    "batch_norm",
    "least_squares",
    ("least_squares", "batch_norm"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--cifar10", required=True, type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--output", default="docs/results/repair.json")
    options = parser.parse_args()
    model = keras.models.load_model(options.model, compile=False)
    training = [load(options.cifar10, part) for part in ("train_1", "train_2")]
    training = [np.concatenate(parts) for parts in zip(*training, strict=True)]
    held_out = load(options.cifar10, "train_3", 2000)
    choices = list(choose(model, drawn(training, 0, EXAMPLES), held_out))
    test = load(options.cifar10, "test")
    found = [
        row
        for seed in range(options.seeds)
        for row in measure(model, drawn(training, seed, EXAMPLES), test, seed)
    ]
    table = summary(found)
    document = {
        "command": "python benchmarks/repair.py --model mlperf_resnet8_cifar10.keras --cifar10 DIR",
        "machine": str(describe()),
        "backend": keras.backend.backend(),
        "examples": EXAMPLES,
        "seeds": list(range(options.seeds)),
        "unpruned": accuracy(model, test),
        "choices": choices,
        "rows": table,
    }
    write_text(Path(options.output), json.dumps(document, indent=1) + "\n")
    head = ["criterion", "MACs", "repair", "accuracy", "least", "most", "seconds"]
    print(render(head, [[str(value) for value in row.values()] for row in table]))


def choose(model: Any, data: Any, held_out: Any) -> Iterator[dict[str, Any]]:
    """Accuracies by which the defaults were chosen."""
    tried = {
        **{
            f"LeastSquares(ridge={ridge})": LeastSquares(ridge) for ridge in (1e-4, 1e-3, 1e-2, 0.1)
        },
        **{f"LeastSquares(positions={n})": LeastSquares(positions=n) for n in (8, 16, 32, 64)},
        **{f"Merge({threshold})": Merge(threshold) for threshold in (0.0, 0.1, 0.3, 0.45)},
    }
    plans = {macs: tfprune.plan(model, "l2", macs=macs) for macs in (0.75, 0.5)}
    for name, how in tried.items():
        row: dict[str, Any] = {"repair": name}
        for macs, plan in plans.items():
            small = tfprune.rebuild(model, plan, how, data[0] if how.examples else None)
            row[f"at {macs}"] = accuracy(small, held_out)
        print(row, flush=True)
        yield row


def measure(model: Any, data: Any, test: Any, seed: int) -> Iterator[dict[str, Any]]:
    for criterion in CRITERIA:
        seen = {} if criterion == "l2" else {"data": data, "loss": LOSS}
        for macs in MACS:
            plan = tfprune.plan(model, criterion, macs=macs, **seen)
            for how in REPAIRS:
                begun = time.perf_counter()
                looks = how not in (None, "merge")
                small = tfprune.rebuild(model, plan, how, data[0] if looks else None)
                seconds = time.perf_counter() - begun
                row = {"criterion": criterion, "macs": macs, "repair": spelt(how)}
                row |= {"accuracy": accuracy(small, test), "seconds": seconds}
                print(seed, row, flush=True)
                yield row


def spelt(how: Any) -> str:
    return " + ".join(how) if isinstance(how, tuple) else str(how or "none")


def summary(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Mean, least and most over the seeds."""
    keys = ("criterion", "macs", "repair")
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in found:
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    table = []
    for names, rows in groups.items():
        values = [row["accuracy"] for row in rows]
        table.append(
            {
                **dict(zip(keys, names, strict=True)),
                "accuracy": round(statistics.mean(values), 4),
                "least": round(min(values), 4),
                "most": round(max(values), 4),
                "seconds": round(statistics.median(row["seconds"] for row in rows), 1),
            }
        )
    return table


if __name__ == "__main__":
    main()
