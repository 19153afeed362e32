"""A small run of `iterate`, for tests that run it in one process or another.

    python tests/iterate_job.py FOLDER MOMENT

kills itself (SIGKILL) in the run kept in FOLDER: "tuning:2" in the fine-tuning of step 2,
"saving:3" between the arrays and the manifest of step 3.
"""

import os
import signal
import sys

import keras
import numpy as np

from tfprune.training import iterate, saving


def net(filters=8, name="net"):
    """A trained, compiled classifier of images of noise, with all that chance touches."""
    keras.utils.set_random_seed(7)
    x = keras.Input((6, 6, 2), name="image")
    y = keras.layers.Conv2D(filters, 3, use_bias=False, name="first")(x)
    y = keras.layers.BatchNormalization(name="norm", momentum=0.8)(y)
    y = keras.layers.ReLU(name="relu")(y)
    y = keras.layers.Conv2D(filters, 3, name="second", activation="relu")(y)
    y = keras.layers.Flatten(name="flat")(y)
    y = keras.layers.Dropout(0.2, name="drop")(y)
    y = keras.layers.Dense(3, "softmax", name="head")(y)
    model = keras.Model(x, y, name=name)
    compiled(model)
    return model


def compiled(model, optimizer=None):
    optimizer = optimizer or keras.optimizers.Adam(0.01)
    loss = "sparse_categorical_crossentropy"
    model.compile(optimizer, loss, metrics=["accuracy"], run_eagerly=True)


def data(examples=24, seed=0):
    generator = np.random.default_rng(seed)
    labels = generator.integers(3, size=examples)
    x = generator.normal(size=(examples, 6, 6, 2)).astype("float32")
    x[..., 0] += labels[:, None, None]
    return x, labels


SETTINGS = {"step": 4, "epochs": 1, "max_drop": None, "target": 0.75, "carry_optimizer": True}


def run(folder=None, model=None, callbacks=None, train=None, **settings):
    options = {"fit_options": {"batch_size": 8}, **SETTINGS, **settings}
    return iterate(
        model or net(),
        train or data(),
        data(16, 1),
        checkpoint_dir=folder,
        callbacks=callbacks,
        **options,
    )


class Bomb(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if batch == 1:
            os.kill(os.getpid(), signal.SIGKILL)


def main(folder, moment):
    kind, step = moment.split(":")
    calls = []

    def callbacks():
        calls.append(1)
        done = len(os.environ.get("STEPS_DONE", ""))
        return [Bomb()] if kind == "tuning" and len(calls) + done == int(step) else []

    write = saving.write_manifest

    def write_manifest(path, content):
        if kind == "saving" and content["history"][-1]["step"] == int(step):
            os.kill(os.getpid(), signal.SIGKILL)
        write(path, content)

    saving.write_manifest = write_manifest
    run(folder, callbacks=callbacks)


if __name__ == "__main__":
    main(*sys.argv[1:])
