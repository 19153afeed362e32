"""Kills a run of `tfprune.iterate` at random moments: it ends as the one that nobody killed.

    python benchmarks/resume.py

Each run is a process of its own, with a net that has dropout and batch norm, an Adam whose state is
carried over, a falling learning rate, and a data set that shuffles. It is killed (SIGKILL) at a
moment drawn evenly from the time that the undisturbed run took, started again, and then compared:
every number of the history but seconds, and every weight, bit by bit.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tfprune._files import write_text
from tfprune.report.tables import render
from tfprune.timing.machine import describe

SEED = 20260801
READY = "ready"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--output", default="docs/results/resume.json")
    parser.add_argument("--child", help="run in this folder and write the result there")
    options = parser.parse_args()
    if options.child:
        child(Path(options.child))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        rows, seconds = measure(Path(folder), options.kills)
    results = {
        "command": "python benchmarks/resume.py",
        "machine": str(describe()),
        "seed": SEED,
        "kills": len(rows),
        "equal": sum(row["equal"] for row in rows),
        "undisturbed_seconds": round(seconds, 1),
        "rows": rows,
    }
    write_text(Path(options.output), json.dumps(results, indent=1) + "\n")
    head = ["kill", "after s", "steps kept", "files left", "equal"]
    print(render(head, [[str(number), *map(str, row.values())] for number, row in enumerate(rows)]))
    print(f"{results['equal']} of {len(rows)} equal to the run that nobody killed")
    return 0 if results["equal"] == len(rows) else 1


def measure(folder: Path, kills: int) -> tuple[list[dict[str, Any]], float]:
    """Kills as often as asked; runs that were through before the kill do not count."""
    begun = start(folder / "undisturbed")
    first = time.perf_counter()
    finish(begun)
    seconds = time.perf_counter() - first
    expected = (folder / "undisturbed" / "result.json").read_text()
    moments = random.Random(SEED)
    rows: list[dict[str, Any]] = []
    number = 0
    while len(rows) < kills:
        place = folder / f"run-{number}"
        number += 1
        after = moments.uniform(0, seconds)
        if kill(place, after):
            steps, files = kept(place)
            finish(start(place))
            equal = (place / "result.json").read_text() == expected
            rows.append({"after": round(after, 2), "steps": steps, "files": files, "equal": equal})
            print(rows[-1], flush=True)
    return rows, seconds


def start(place: Path) -> subprocess.Popen[str]:
    """A run in a process, about to begin its work."""
    place.mkdir(exist_ok=True)
    command = [sys.executable, __file__, "--child", str(place)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None  # noqa: S101
    if process.stdout.readline().strip() != READY:
        raise RuntimeError("the run did not begin: start it with --child FOLDER to see why")
    return process


def finish(process: subprocess.Popen[str]) -> None:
    if process.wait() != 0:
        raise RuntimeError("a run failed: start it with --child FOLDER to see why")


def kill(place: Path, after: float) -> bool:
    """Whether a run was killed before it was through."""
    process = start(place)
    try:
        process.wait(timeout=after)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def kept(place: Path) -> tuple[int, int]:
    """Steps in the manifest, and files in the folder, after a kill."""
    manifest = place / "kept" / "iterate.json"
    files = len(list((place / "kept").glob("*"))) + len(list((place / "kept").glob(".step-*")))
    if not manifest.exists():
        return 0, files
    return len(json.loads(manifest.read_text())["history"]), files


def child(place: Path) -> None:
    """One run, from the beginning or from where it was killed."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    import tensorflow as tf

    from tfprune.training import iterate

    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(SEED)
    images, labels = pictures()
    data = tf.data.Dataset.from_tensor_slices((images, labels)).shuffle(256, seed=1).batch(16)
    model = net()
    print(READY, flush=True)
    result = iterate(
        model,
        data,
        (images[:64], labels[:64]),
        step=16,
        epochs=2,
        max_drop=None,
        target=0.8,
        carry_optimizer=True,
        checkpoint_dir=place / "kept",
        seed=SEED,
    )
    write_text(place / "result.json", json.dumps(digest(result)))


def net() -> Any:
    import keras

    layers = keras.layers
    x = keras.Input((16, 16, 1))
    y = x
    for filters in (24, 32, 40):
        y = layers.Conv2D(filters, 3, padding="same", use_bias=False)(y)
        y = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(y))
        y = layers.MaxPooling2D()(y)
    y = layers.Dropout(0.3)(layers.Flatten()(y))
    model = keras.Model(x, layers.Dense(4, "softmax")(layers.Dense(32, "relu")(y)))
    rate = keras.optimizers.schedules.CosineDecay(0.003, 200)
    loss = "sparse_categorical_crossentropy"
    model.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"])
    return model


def pictures() -> tuple[Any, Any]:
    """Waves in four directions, in noise."""
    import numpy as np

    generator = np.random.default_rng(SEED)
    labels = generator.integers(4, size=256)
    rows, columns = np.mgrid[:16, :16]
    waves = np.stack([rows, columns, rows + columns, rows - columns])
    phase = generator.uniform(0, 6, size=(256, 1, 1))
    images = np.sin(waves[labels] + phase) + generator.normal(size=(256, 16, 16))
    return images[..., None].astype("float32"), labels


def digest(result: Any) -> dict[str, Any]:
    """Every number but seconds, and the weights in short."""
    import hashlib

    weights = hashlib.sha256()
    for weight in result.model.weights:
        weights.update(weight.numpy().tobytes())
    content = result.as_dict()
    for one in content["history"]:
        del one["score_seconds"], one["tune_seconds"]
    return {**content, "weights": weights.hexdigest()}


if __name__ == "__main__":
    sys.exit(main())
