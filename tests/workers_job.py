"""One of several workers: ranks by its own share of the data, trains, prunes, says what came of it.

    python workers_job.py INDEX COUNT PORT [FOLDER STEPS]

Run by `test_workers.py`, on the backend that KERAS_BACKEND names: on JAX COUNT processes, on
TensorFlow one process with COUNT devices. With a folder it prunes by `tfprune.iterate`, and keeps
there how far it came; STEPS ends it early, as if killed.
"""

import contextlib
import json
import os
import sys

INDEX, COUNT, PORT = map(int, sys.argv[1:4]) if __name__ == "__main__" else (0, 1, 0)
JAX = os.environ.get("KERAS_BACKEND") == "jax"
PROCESSES = COUNT if JAX else 1
FOLDER, STEPS = [*sys.argv[4:6], None, None][:2]
EXAMPLES, EPOCHS, BATCH = 64, 2, 16


def begin():
    """Joins the others; returns the scope in which the model is made."""
    if COUNT == 1:
        return contextlib.nullcontext()
    if not JAX:
        import tensorflow as tf

        devices = [tf.config.LogicalDeviceConfiguration() for _ in range(COUNT)]
        tf.config.set_logical_device_configuration(
            tf.config.list_physical_devices("CPU")[0], devices
        )
        return tf.distribute.MirroredStrategy([f"CPU:{number}" for number in range(COUNT)]).scope()
    import jax

    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    os.environ["KERAS_DISTRIBUTION_JOB_ADDRESSES"] = f"127.0.0.1:{PORT}"
    os.environ["KERAS_DISTRIBUTION_NUM_PROCESSES"] = str(COUNT)
    os.environ["KERAS_DISTRIBUTION_PROCESS_ID"] = str(INDEX)
    import keras

    keras.distribution.initialize()
    devices = keras.distribution.list_devices()
    together = keras.distribution.DataParallel(devices=devices, auto_shard_dataset=False)
    return together.scope()


def main():
    scope = begin()
    import keras
    import numpy as np

    import tfprune
    from tfprune.training import Shared

    keras.utils.set_random_seed(0)
    with scope:
        found = trained(keras, np, tfprune, Shared)
    sys.stdout.write(json.dumps(found) + "\n")


def trained(keras, np, tfprune, Shared):
    x = keras.Input((6, 6, 3))
    y = keras.layers.Conv2D(8, 3, activation="relu", name="first")(x)
    y = keras.layers.Conv2D(8, 3, activation="relu", name="second")(y)
    y = keras.layers.GlobalAveragePooling2D()(y)
    model = keras.Model(x, keras.layers.Dense(3, "softmax")(y))
    loss = "categorical_crossentropy"
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), loss, metrics=["accuracy"])
    draw = np.random.default_rng(0)
    images = draw.normal(size=(EXAMPLES, 6, 6, 3)).astype("float32")
    labels = np.eye(3, dtype="float32")[draw.integers(0, 3, EXAMPLES)]
    # Of each batch a worker gets its share.
    mine = np.arange(EXAMPLES).reshape(-1, PROCESSES, BATCH // PROCESSES)[:, INDEX].ravel()
    data = images[mine], labels[mine]
    if FOLDER:
        small, kept, losses = iterated(model, data, tfprune)
    else:
        small, kept, losses = silenced(model, data, loss, tfprune, Shared)
    return {
        "kept": kept,
        "loss": losses,
        "sums": [float(np.abs(np.asarray(w)).sum()) for w in small.weights],
    }


def silenced(model, data, loss, tfprune, Shared):
    pruning = tfprune.callbacks.FilterPruning(
        Shared(tfprune.criteria.Taylor(data, loss)), ratio=0.5
    )
    size = BATCH // PROCESSES
    options = {"batch_size": size, "epochs": EPOCHS, "shuffle": False, "verbose": 0}
    history = model.fit(*data, callbacks=[pruning], **options)
    small = tfprune.rebuild(model, pruning.plan)
    error = tfprune.verify(model, small, pruning.plan)
    return small, pruning.plan.kept, [*history.history["loss"], error]


def iterated(model, data, tfprune):
    result = tfprune.iterate(
        model,
        data,
        data,
        step=4,
        max_drop=None,
        target=0.25 * int(STEPS),
        carry_optimizer=True,
        fit_options={"batch_size": BATCH // PROCESSES, "shuffle": False},
        checkpoint_dir=FOLDER,
    )
    return result.model, result.plan.kept, [one.loss_after for one in result.history]


if __name__ == "__main__":
    main()
