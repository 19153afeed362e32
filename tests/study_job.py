"""What `test_study.py` has run in processes of Ray, which must be able to import it."""

import os

import keras
import numpy as np

from tfprune.errors import DataError

LABELS = np.random.default_rng(0).integers(2, size=24)
X = (np.random.default_rng(1).normal(size=(24, 5)) + LABELS[:, None]).astype("float32")
SETTINGS = {
    "criteria": ["l2", "taylor"],
    "ratios": [0.5],
    "monitor": "loss",
    "splitter": 2,
    "epochs": 1,
    "train_epochs": 2,
}


def build():
    layers = [keras.Input((5,)), keras.layers.Dense(8, "relu"), keras.layers.Dropout(0.1)]
    model = keras.Sequential([*layers, keras.layers.Dense(2, "softmax")])
    loss = "sparse_categorical_crossentropy"
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"], run_eagerly=True)
    return model


def drawn(ratio, fold, folder):
    """A number of chance, of the settings, and of the process that drew it."""
    with open(folder / "runs", "a") as file:
        file.write("x")
    if ratio == 0.9 and not (folder.parent / "mended").exists():
        raise DataError(f"expected less than {ratio}")
    layer = keras.layers.Dense(3)
    layer.build((None, 2))
    value = ratio + fold + float(layer.kernel.numpy().sum())
    return {"value": value, "named": int(layer.name == "dense"), "process": os.getpid()}
