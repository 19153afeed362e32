"""The time of an epoch of ResNet18 (96 px) with `FilterPruning` that keeps channels silent.

    python benchmarks/callbacks.py

Half of the channels are silenced before the clock starts; from then on the callback only keeps them
so. Epochs with it and without it take turns on one model, which of the two first by turns; the
ratio is taken pair by pair. A third row, also in turn, is the same epoch without the callback once
more: the ratio of two equal things, which says how far the others can be trusted.
"""

import argparse
import gc
import json
import statistics
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np

import tfprune
from tfprune._files import write_text
from tfprune.models import resnet18
from tfprune.planning.schedules import one_shot
from tfprune.report.tables import render
from tfprune.timing.machine import describe

COMMAND = "python benchmarks/callbacks.py"


class Clock(keras.callbacks.Callback):
    """Seconds of an epoch: it stands before and behind all other callbacks."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Starts."""
        self.begun = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Stops."""
        self.ended = time.perf_counter()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--steps", type=int, default=16, help="batches an epoch")
    parser.add_argument("--optimizers", nargs="+", default=["sgd", "adamw"])
    parser.add_argument("--output", default="docs/results/callbacks.json")
    options = parser.parse_args()
    rows = [
        row for name in options.optimizers for row in measure(name, options.rounds, options.steps)
    ]
    results = {
        "command": f"{COMMAND} --rounds {options.rounds} --steps {options.steps}",
        "machine": str(describe()),
        "backend": f"{keras.backend.backend()}, Keras {keras.__version__}",
        "model": "ResNet18, 96 px, batch 16, half of the channels silent",
        "rounds": options.rounds,
        "seed": 0,
        "rows": rows,
    }
    write_text(Path(options.output), json.dumps(results, indent=1) + "\n")
    head = ["optimizer", "with", "epoch s", "without s", "ratio", "least", "most", "quartiles"]
    print(render(head, [[str(value) for value in row.values()] for row in rows]))


def measure(optimizer: str, rounds: int, steps: int) -> list[dict[str, Any]]:
    """Times the callback, and nothing, against nothing."""
    keras.utils.set_random_seed(0)
    model = resnet18((96, 96, 3), classes=2)
    model.compile(_optimizer(optimizer), "sparse_categorical_crossentropy")
    generator = np.random.default_rng(0)
    x = generator.normal(size=(16 * steps, 96, 96, 3)).astype("float32")
    data = (x, generator.integers(0, 2, 16 * steps))
    pruning = tfprune.callbacks.FilterPruning(ratio=0.5, schedule=one_shot())
    for callbacks in ([pruning], []):  # both compile, and it silences
        epoch(model, data, callbacks)
    seconds: dict[str, list[float]] = {"callback": [], "nothing": [], "without": []}
    given = {"callback": [pruning], "nothing": [], "without": []}
    for turn in range(rounds):
        for name in list(given)[:: 1 if turn % 2 else -1]:
            seconds[name].append(epoch(model, data, given[name]))
    return [summary(optimizer, name, seconds) for name in ("callback", "nothing")]


def summary(optimizer: str, name: str, seconds: dict[str, list[float]]) -> dict[str, Any]:
    """The median ratio of pairs, and its spread."""
    pairs = zip(seconds[name], seconds["without"], strict=True)
    ratios = [taken / without for taken, without in pairs]
    low, _, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
    return {
        "optimizer": optimizer,
        "with": name,
        "seconds": round(statistics.median(seconds[name]), 3),
        "without": round(statistics.median(seconds["without"]), 3),
        "ratio": round(statistics.median(ratios), 4),
        "least": round(min(ratios), 4),
        "most": round(max(ratios), 4),
        "quartiles": [round(low, 4), round(high, 4)],
    }


def epoch(model: Any, data: Any, callbacks: list[Any]) -> float:
    """Seconds of one epoch, all that callbacks do in it included."""
    gc.collect()
    first, last = Clock(), Clock()
    order = [first, *callbacks, last]
    model.fit(*data, batch_size=16, epochs=1, shuffle=False, verbose=0, callbacks=order)
    return last.ended - first.begun


def _optimizer(name: str) -> Any:
    if name == "sgd":
        return keras.optimizers.SGD(1e-3, momentum=0.9)
    return keras.optimizers.AdamW(1e-4, weight_decay=0.01)


if __name__ == "__main__":
    main()
