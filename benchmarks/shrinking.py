"""The time of an epoch of training against the multiply-accumulates removed, in one run.

    python benchmarks/shrinking.py

A net in VGG's manner at 64 px. The unpruned one and all pruned ones take turns, an epoch each, so
that a machine that slows down does so for all; ratios are taken turn by turn. Asked for: the time
falls by at least half the share of MACs that is gone.
"""

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import tfprune
from tfprune._files import write_text
from tfprune.report.tables import render
from tfprune.timing.machine import describe

SEED = 20260801
CASES = tuple((left, multiple) for multiple in (1, 8) for left in (0.75, 0.5, 0.25, 0.1))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--output", default="docs/results/shrinking.json")
    options = parser.parse_args()
    keras.utils.set_random_seed(SEED)
    data = pictures(options.images)
    rows = measure(options.rounds, data)
    results = {
        "command": "python benchmarks/shrinking.py",
        "machine": str(describe()),
        "backend": keras.backend.backend(),
        "rounds": options.rounds,
        "images": options.images,
        "pixels": 64,
        "batch_size": 32,
        "seed": SEED,
        "rows": rows,
    }
    write_text(Path(options.output), json.dumps(results, indent=1) + "\n")
    head = ["MACs removed", "widths in", "epoch s", "of unpruned", "least", "most", "time removed"]
    head += ["for each MAC removed", "pays"]
    print(render(head, [[str(value) for value in row.values()] for row in rows]))
    return 0 if all(row["pays"] for row in rows) else 1


def measure(rounds: int, data: Any) -> list[dict[str, Any]]:
    full = compiled(net())
    smaller = [
        compiled(tfprune.prune(full, "l2", macs=left, round_to=multiple))
        for left, multiple in CASES
    ]
    times = [[epoch(model, data) for model in (full, *smaller)] for _ in range(rounds + 1)][1:]
    whole = tfprune.cost(full).macs
    return [
        row(1 - tfprune.cost(model).macs / whole, multiple, times, place)
        for place, (model, (_, multiple)) in enumerate(zip(smaller, CASES, strict=True), 1)
    ]


def row(removed: float, multiple: int, times: list[list[float]], place: int) -> dict[str, Any]:
    ratios = [turn[place] / turn[0] for turn in times]
    left = statistics.median(ratios)
    return {
        "macs_removed": round(removed, 3),
        "round_to": multiple,
        "seconds": round(statistics.median(turn[place] for turn in times), 3),
        "ratio": round(left, 3),
        "least": round(min(ratios), 3),
        "most": round(max(ratios), 3),
        "time_removed": round(1 - left, 3),
        "per_mac": round((1 - left) / removed, 3),
        "pays": 1 - left >= removed / 2,
    }


def epoch(model: Any, data: Any) -> float:
    begun = time.perf_counter()
    model.fit(*data, batch_size=32, epochs=1, verbose=0)
    return time.perf_counter() - begun


def compiled(model: Any) -> Any:
    model.compile("adam", "sparse_categorical_crossentropy", jit_compile=False)
    return model


def net() -> Any:
    layers = keras.layers
    x = y = keras.Input((64, 64, 3))
    for filters in (32, 64, 128, 128):
        for _ in range(2):
            y = layers.Conv2D(filters, 3, padding="same", activation="relu")(y)
        y = layers.MaxPooling2D()(y)
    y = layers.Dense(128, "relu")(layers.Flatten()(y))
    return keras.Model(x, layers.Dense(2, "softmax")(y))


def pictures(count: int) -> tuple[Any, Any]:
    generator = np.random.default_rng(SEED)
    images = generator.normal(size=(count, 64, 64, 3)).astype("float32")
    return images, generator.integers(2, size=count)


if __name__ == "__main__":
    sys.exit(main())
