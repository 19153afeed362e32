"""One of several workers: ranks by its own share of the data, trains, prunes, says what came of it.

    python workers_job.py INDEX COUNT PORT

Run by `test_workers.py`, on the backend that KERAS_BACKEND names: on JAX COUNT processes, on
TensorFlow one process with COUNT devices.
"""

import contextlib
import json
import os
import sys

INDEX, COUNT, PORT = map(int, sys.argv[1:])
JAX = os.environ["KERAS_BACKEND"] == "jax"
PROCESSES = COUNT if JAX else 1
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
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "categorical_crossentropy")
    draw = np.random.default_rng(0)
    images = draw.normal(size=(EXAMPLES, 6, 6, 3)).astype("float32")
    labels = np.eye(3, dtype="float32")[draw.integers(0, 3, EXAMPLES)]

    # Of each batch a worker gets its share.
    mine = np.arange(EXAMPLES).reshape(-1, PROCESSES, BATCH // PROCESSES)[:, INDEX].ravel()
    data = images[mine], labels[mine]
    taylor = tfprune.criteria.Taylor(data, "categorical_crossentropy")
    pruning = tfprune.callbacks.FilterPruning(Shared(taylor), ratio=0.5)
    history = model.fit(
        *data, batch_size=BATCH // PROCESSES, epochs=EPOCHS, shuffle=False, verbose=0,
        callbacks=[pruning],
    )  # fmt: skip
    small = tfprune.rebuild(model, pruning.plan)
    return {
        "kept": pruning.plan.kept,
        "loss": history.history["loss"],
        "error": tfprune.verify(model, small, pruning.plan),
        "sums": [float(np.abs(np.asarray(w)).sum()) for w in small.weights],
    }


main()
