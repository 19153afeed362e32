"""One of several workers: ranks by its own share of the data, trains, prunes, says what came of it.

    python workers_job.py '{"index": 0, "count": 2, "ports": [..], "way": "processes", ...}'

Run by `test_workers.py` and `benchmarks/workers.py`, on the backend that KERAS_BACKEND names. The
way is "processes" (JAX; TensorFlow's MultiWorkerMirroredStrategy) or "devices" (one process of
TensorFlow with COUNT devices). With a folder it prunes by `tfprune.iterate`, `steps` of a quarter
each, and keeps there how far it came; "die": N kills this worker in the fine-tuning of step N.
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
    if job["way"] == "devices":
        return devices(job["count"])
    return jax_processes(job) if JAX else tensorflow_processes(job)


def devices(count):
    import tensorflow as tf

    if count == 1:
        return contextlib.nullcontext()
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
    if job["count"] == 1:
        return contextlib.nullcontext()
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
    scope = begin(job)
    import keras

    keras.utils.set_random_seed(0)
    with scope:
        model, data = net(), share(job)
        small, kept, losses = (iterated if job.get("folder") else silenced)(model, data, job)
        sums = [float(abs(weight.numpy()).sum()) for weight in small.weights]
    sys.stdout.write(json.dumps({"kept": kept, "loss": losses, "sums": sums}) + "\n")


def net():
    import keras

    x = keras.Input((6, 6, 3))
    y = keras.layers.Conv2D(8, 3, activation="relu", name="first")(x)
    y = keras.layers.Conv2D(8, 3, activation="relu", name="second")(y)
    y = keras.layers.GlobalAveragePooling2D()(y)
    model = keras.Model(x, keras.layers.Dense(3, "softmax")(y))
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
    model.compile(optimizer, "categorical_crossentropy", metrics=["accuracy"])
    return model


def share(job):
    """Of each batch the part of this worker."""
    import numpy as np

    processes = job["count"] if job["way"] == "processes" else 1
    draw = np.random.default_rng(0)
    images = draw.normal(size=(EXAMPLES, 6, 6, 3)).astype("float32")
    labels = np.eye(3, dtype="float32")[draw.integers(0, 3, EXAMPLES)]
    mine = np.arange(EXAMPLES).reshape(-1, processes, BATCH // processes)[:, job["index"]].ravel()
    return images[mine], labels[mine]


def options(job):
    processes = job["count"] if job["way"] == "processes" else 1
    return {"batch_size": BATCH // processes, "shuffle": False, "verbose": 0}


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
        checkpoint_dir=job["folder"],
    )
    return result.model, result.plan.kept, [one.loss_after for one in result.history]


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
