"""One of several workers: trains and prunes by its share of the data, and says what came of it.

    python workers_job.py '{"index": 0, "count": 2, "ports": [...], "steps": 3, "folder": ...}'

Run by `test_workers.py`, on the backend that KERAS_BACKEND names: as one of COUNT processes (JAX,
or TensorFlow's MultiWorkerMirroredStrategy), or with "devices": true as one process of TensorFlow
with COUNT devices. It prints a line for `FilterPruning` and one for `tfprune.iterate`, in `steps`
of a quarter each, kept in the folder; with "die": N it kills itself in the fine-tuning of step N.
"""

import contextlib
import json
import os
import signal
import sys

JAX = os.environ.get("KERAS_BACKEND") == "jax"
EXAMPLES, EPOCHS, BATCH = 64, 2, 16


def begin(job):
    """Joins the others; returns the scope in which the model is made."""
    if job["count"] == 1:
        return contextlib.nullcontext()
    if job.get("devices"):
        return devices(job["count"])
    return jax_processes(job) if JAX else tensorflow_processes(job)


def devices(count):
    import tensorflow as tf

    logical = [tf.config.LogicalDeviceConfiguration() for _ in range(count)]
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], logical)
    return tf.distribute.MirroredStrategy([f"CPU:{number}" for number in range(count)]).scope()


def tensorflow_processes(job):
    workers = [f"127.0.0.1:{port}" for port in job["ports"]]
    task = {"type": "worker", "index": job["index"]}
    os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": workers}, "task": task})
    import tensorflow as tf

    return tf.distribute.MultiWorkerMirroredStrategy().scope()


def jax_processes(job):
    import jax

    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    os.environ["KERAS_DISTRIBUTION_JOB_ADDRESSES"] = f"127.0.0.1:{job['ports'][0]}"
    os.environ["KERAS_DISTRIBUTION_NUM_PROCESSES"] = str(job["count"])
    os.environ["KERAS_DISTRIBUTION_PROCESS_ID"] = str(job["index"])
    import keras

    keras.distribution.initialize()
    found = keras.distribution.list_devices()
    return keras.distribution.DataParallel(devices=found, auto_shard_dataset=False).scope()


def main(job):
    from tfprune.errors import WorkerError

    with begin(job):
        for way in ("silenced", "iterated"):
            try:
                found = found_by(job, way)
            except WorkerError as error:
                found = {"error": str(error)}
            sys.stdout.write(json.dumps(found) + "\n")
            sys.stdout.flush()


def found_by(job, way):
    """What a worker ends with: what is left of each layer, losses, the sizes of the weights."""
    import keras

    keras.utils.set_random_seed(0)
    model, data = net(), share(job)
    small, kept, losses = {"silenced": silenced, "iterated": iterated}[way](model, data, job)
    sums = [float(abs(weight.numpy()).sum()) for weight in small.weights]
    return {
        "kept": {path: list(map(int, one)) for path, one in kept.items()},
        "loss": losses,
        "sums": sums,
    }


def net():
    import keras

    x = keras.Input((6, 6, 3), name="image")
    y = keras.layers.Conv2D(8, 3, activation="relu", name="first")(x)
    y = keras.layers.Conv2D(8, 3, activation="relu", name="second")(y)
    y = keras.layers.GlobalAveragePooling2D(name="pool")(y)
    model = keras.Model(x, keras.layers.Dense(3, "softmax", name="head")(y), name="net")
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
    model.compile(optimizer, "categorical_crossentropy", metrics=["accuracy"])
    return model


def share(job):
    """Of each batch the part of this worker."""
    import numpy as np

    processes = processes_of(job)
    draw = np.random.default_rng(0)
    images = draw.normal(size=(EXAMPLES, 6, 6, 3)).astype("float32")
    labels = np.eye(3, dtype="float32")[draw.integers(0, 3, EXAMPLES)]
    mine = np.arange(EXAMPLES).reshape(-1, processes, BATCH // processes)[:, job["index"]].ravel()
    return images[mine], labels[mine]


def processes_of(job):
    return 1 if job.get("devices") else job["count"]


def options(job):
    return {"batch_size": BATCH // processes_of(job), "shuffle": False, "verbose": 0}


def silenced(model, data, job):
    import tfprune
    from tfprune.training import Shared, evaluate, fit

    ranked = Shared(tfprune.criteria.Taylor(data, "categorical_crossentropy"))
    pruning = tfprune.callbacks.FilterPruning(ranked, ratio=0.5)
    history = fit(model, data, epochs=EPOCHS, callbacks=[pruning], **options(job)).history
    small = tfprune.rebuild(model, pruning.plan)
    error = tfprune.verify(model, small, pruning.plan)
    found = evaluate(model, data, batch_size=options(job)["batch_size"])
    return small, pruning.plan.kept, [*history["loss"], found["loss"], found["accuracy"], error]


def iterated(model, data, job):
    import keras

    import tfprune

    class Death(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            tunings.append(epoch)
            if len(tunings) == job.get("die"):
                os.kill(os.getpid(), signal.SIGKILL)

    tunings = []
    result = tfprune.iterate(
        model,
        data,
        data,
        step=4,
        max_drop=None,
        target=0.25 * job["steps"],
        carry_optimizer=True,
        callbacks=lambda: [Death()],
        fit_options=options(job),
        checkpoint_dir=job.get("folder"),
    )
    return result.model, result.plan.kept, [one.loss_after for one in result.history]


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
