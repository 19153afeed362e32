"""Crack and corrosion patches: a VGG-style net pruned by the published protocol, and at one blow.

    python benchmarks/inspection_repair.py --data FOLDER    # FOLDER/crack, FOLDER/corrosion

The folders hold `meta.csv` (split, label, file) and JPEG files; the net is trained on the split
"train" at 64 px and judged on "val", which nothing is chosen by. Wu et al. 2019: 12 % of the
original filters go at each step, by Taylor's criterion over all layers, and each step is
fine-tuned; the figure in question is the accuracy right after the step that reaches 60 %, before
its fine-tuning. "blow" is 60 % at once without any training. Dense units stay, as in the paper.
The figures in docs/results are of patches resized bicubically; since then it is bilinear.
"""

import argparse
import json
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

import tfprune
from tfprune._files import write_text
from tfprune.datasets.patches import read_patches
from tfprune.report.tables import render
from tfprune.timing.machine import describe

SIDE, BATCH, EXAMPLES = 64, 32, 512
STEPS, STEP = 5, 0.12
LOSS = "sparse_categorical_crossentropy"
REPAIRS: tuple[Any, ...] = (None, "merge", "bias", ("merge", "bias"), "least_squares")
WIDTHS = (16, 16), (32, 32), (64, 64), (64, 64)
SETS = ("crack", "corrosion")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=15, help="of training the unpruned net")
    parser.add_argument("--output", default="docs/results/inspection_repair.json")
    options = parser.parse_args()
    rows = []
    for name in options.sets:
        sets = [patches(options.data / name, split) for split in ("train", "val")]
        found = [
            row for seed in range(options.seeds) for row in measure(*sets, seed, options.epochs)
        ]
        rows += summary(name, found)
    document = {
        "command": "python benchmarks/inspection_repair.py --data DIR",
        "machine": str(describe()),
        "image_size": SIDE,
        "seeds": list(range(options.seeds)),
        "examples": EXAMPLES,
        "rows": rows,
    }
    write_text(Path(options.output), json.dumps(document, indent=1) + "\n")
    print(render(list(rows[0]), [[str(value) for value in row.values()] for row in rows]))


def patches(folder: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 64, 64, 3) from -1 to 1, and labels: 1 for damage."""
    found = read_patches(folder, SIDE, split=split)
    return found.images.astype("float32") / 127.5 - 1, found.labels


def vgg() -> keras.Model:
    x = image = keras.Input((SIDE, SIDE, 3))
    for stage, widths in enumerate(WIDTHS, 1):
        for number, width in enumerate(widths, 1):
            name = f"block{stage}_conv{number}"
            x = layers.Conv2D(
                width, 3, padding="same", activation="relu", name=name,
                kernel_initializer="he_normal",
            )(x)  # fmt: skip
        x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    for number in (1, 2):
        x = layers.Dense(128, "relu", name=f"fc{number}")(x)
        x = layers.Dropout(0.5)(x)
    return keras.Model(image, layers.Dense(2, "softmax", name="answer")(x), name="vgg")


# ---- the measurement -------------------------------------------------------------------


def measure(train: Any, test: Any, seed: int, epochs: int) -> Iterator[dict[str, Any]]:
    keras.utils.set_random_seed(seed)
    model = fit(vgg(), train, seed, epochs, 5e-4)
    yield said(seed, "unpruned", "", model, test)
    seen = drawn(train, seed)
    for how in REPAIRS:
        yield said(seed, "60 % at one blow", how, cut(model, STEPS * STEP, how, seen), test)
    for how in (None, "least_squares"):
        yield from protocol(model, train, test, seed, how)


def protocol(model: Any, train: Any, test: Any, seed: int, how: Any) -> Iterator[dict[str, Any]]:
    """Five steps of 12 % of the original's filters, all but the last fine-tuned for two epochs."""
    whole = filters(model)
    for step in range(1, STEPS + 1):
        seen = drawn(train, seed + 100 * step)
        share = STEP * whole / filters(model)
        where = f"protocol, {STEP * step:.0%}"
        if step == STEPS and how:
            for other in REPAIRS[1:-1]:
                mended = cut(model, share, other, seen)
                yield said(seed, f"{where}, before (repaired so far)", other, mended, test)
        model = cut(model, share, how, seen)
        yield said(seed, f"{where}, before", how, model, test)
        fit(model, train, seed + step, 2, 1e-4)
        yield said(seed, f"{where}, fine-tuned", how, model, test)


def cut(model: Any, share: float, how: Any, seen: Any) -> Any:
    plan = tfprune.plan(
        model, "taylor", ratio=share, scope="global", exclude="fc*", data=seen, loss=LOSS
    )
    looks = how not in (None, "merge")
    return tfprune.rebuild(model, plan, how, seen[0] if looks else None)


def filters(model: Any) -> int:
    return sum(layer.filters for layer in model.layers if isinstance(layer, layers.Conv2D))


def drawn(train: Any, seed: int) -> tuple[np.ndarray, np.ndarray]:
    chosen = np.random.default_rng(seed).choice(len(train[0]), EXAMPLES, replace=False)
    return train[0][chosen], train[1][chosen]


class Turned(keras.utils.PyDataset):
    """Shuffled batches, mirrored at random both ways."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, seed: int) -> None:
        super().__init__()
        self._images, self._labels = images, labels
        self._draw = np.random.default_rng(seed)
        self._order = self._draw.permutation(len(images))

    def __len__(self) -> int:
        return len(self._images) // BATCH

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = self._order[index * BATCH : (index + 1) * BATCH]
        images, labels = self._images[chosen], self._labels[chosen]
        down, across = self._draw.random((2, len(chosen))) < 0.5
        images[down] = images[down][:, ::-1]
        images[across] = images[across][:, :, ::-1]
        return images, labels

    def on_epoch_end(self) -> None:
        """Draws a new order."""
        self._order = self._draw.permutation(len(self._images))


def fit(model: Any, train: Any, seed: int, epochs: int, rate: float) -> Any:
    keras.utils.set_random_seed(seed)
    steps = epochs * (len(train[0]) // BATCH)
    falling = keras.optimizers.schedules.CosineDecay(rate, steps)
    model.compile(keras.optimizers.Adam(falling), LOSS)
    model.fit(Turned(*train, seed), epochs=epochs, verbose=0)
    return model


def said(seed: int, what: str, how: Any, model: Any, test: Any) -> dict[str, Any]:
    found = model.predict(test[0], batch_size=100, verbose=0).argmax(axis=1)
    repair = " + ".join(how) if isinstance(how, tuple) else str(how or "none")
    row = {"what": what, "repair": repair, "accuracy": float((found == test[1]).mean())}
    print(seed, row, flush=True)
    return row


def summary(name: str, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    groups: dict[tuple[str, str], list[float]] = {}
    for row in found:
        groups.setdefault((row["what"], row["repair"]), []).append(row["accuracy"])
    whole = groups["unpruned", "none"]
    return [
        {
            "set": name,
            "what": what,
            "repair": repair,
            "accuracy": round(statistics.mean(values), 4),
            "least": round(min(values), 4),
            "most": round(max(values), 4),
            "of_unpruned": round(statistics.mean(values) / statistics.mean(whole), 4),
        }
        for (what, repair), values in groups.items()
    ]


if __name__ == "__main__":
    main()
