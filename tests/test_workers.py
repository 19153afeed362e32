"""Several workers end with the plan and the losses of one; a lost one ends the run."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import keras
import numpy as np
import pytest
import workers_job
from topologies import build

import tfprune
from tfprune.errors import DataError, PlanError, WorkerError
from tfprune.training import Shared, evaluate, fit
from tfprune.training.workers import TensorFlowWorkers, all_there, workers

JOB = Path(workers_job.__file__)
BACKEND = keras.backend.backend()
STEPS = 3
PATIENCE = 300  # seconds; a process that takes longer is killed


class Echo:
    """Two workers, the other of which always finds twice as much."""

    index, count = 0, 2

    def mean(self, values: np.ndarray) -> np.ndarray:
        return (values + 2 * values) / 2


def test_scores_are_those_of_all_workers():
    graph = tfprune.trace(build("chain"))
    alone = tfprune.criteria.L2().score(graph)
    for path, scores in Shared(tfprune.criteria.L2(), Echo()).score(graph).items():
        np.testing.assert_allclose(scores, 1.5 * alone[path])


def test_a_process_of_its_own_is_alone():
    assert (workers().index, workers().count) == (0, 1)
    model = build("residual")
    plan = tfprune.plan(model, "l2", ratio=0.5)
    assert tfprune.plan(model, Shared(tfprune.criteria.L2()), ratio=0.5) == plan


def test_groups_are_compared_as_the_criterion_says():
    model = build("residual")
    draw = np.random.default_rng(0)
    data = draw.normal(size=(8, *model.input_shape[1:])), draw.normal(size=(8, 3))
    taylor = tfprune.criteria.Taylor(data, "mse")
    settings = {"ratio": 0.5, "scope": "global"}
    assert tfprune.plan(model, Shared(taylor), **settings) == tfprune.plan(
        model, taylor, **settings
    )


@pytest.fixture(scope="module")
def alone():
    """What one worker finds, in this process."""
    return {way: in_this_process(way) for way in ("silenced", "iterated")}


def in_this_process(way, folder=None):
    return workers_job.found_by({"index": 0, "count": 1, "folder": folder, "steps": STEPS}, way)


def same(found, expected):
    assert any(expected["kept"].values())
    assert found["kept"] == expected["kept"]
    np.testing.assert_allclose(found["loss"], expected["loss"], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found["sums"], expected["sums"], rtol=1e-4)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="MirroredStrategy is TensorFlow's")
def test_two_devices_end_where_one_does(alone):
    job = {"index": 0, "count": 2, "devices": True, "steps": STEPS}
    with started(job) as process:
        found = [said(process) for _ in alone]
    for one, expected in zip(found, alone.values(), strict=True):
        same(one, expected)


@pytest.mark.skipif(BACKEND == "torch", reason="Keras distributes nothing on torch")
def test_two_processes_one_of_which_dies(alone, tmp_path):
    """They rank, silence and train as one; then one dies in the last step of `iterate`."""
    ports = free_ports(2)
    jobs = [
        {"index": index, "count": 2, "ports": ports, "folder": str(tmp_path), "steps": STEPS}
        for index in range(2)
    ]
    jobs[1]["die"] = STEPS
    with started(jobs[0]) as chief, started(jobs[1]) as other:
        for process in (chief, other):
            same(said(process), alone["silenced"])
        error = said(chief)["error"]
        assert other.wait() == -signal.SIGKILL
    assert "one of 2 workers was lost" in error
    assert f"kept in {tmp_path}" in error
    steps = json.loads((tmp_path / "iterate.json").read_text())["history"]
    assert [one["step"] for one in steps] == list(range(STEPS))
    # One process takes up what two have left, and ends as if it had done it all.
    same(in_this_process("iterated", str(tmp_path)), alone["iterated"])


def test_other_errors_are_not_of_workers(monkeypatch):
    with pytest.raises(ValueError, match="Gloo"), all_there(None):
        raise ValueError("Gloo all-reduce failed")  # of whom, in a process of its own?
    monkeypatch.setattr("tfprune.training.workers.workers", Echo)
    with pytest.raises(ValueError, match="shapes"), all_there(None):
        raise ValueError("incompatible shapes")
    lost = pytest.raises(WorkerError, match=r"one of 2 workers.*pass checkpoint_dir")
    with lost, all_there(None):
        raise ValueError("Gloo all-reduce failed: Connection closed by peer")


# Own steps, with one worker

tensorflow_only = pytest.mark.skipif(BACKEND != "tensorflow", reason="the strategy is TensorFlow's")


@pytest.fixture(scope="module")
def lone():
    """A strategy of several machines, with one."""
    import tensorflow as tf

    return tf.distribute.MultiWorkerMirroredStrategy()


def small_net(norm=True):
    keras.utils.set_random_seed(0)
    layers = [keras.Input((3,)), keras.layers.Dense(4, "relu")]
    layers += [keras.layers.BatchNormalization()] if norm else []
    model = keras.Sequential([*layers, keras.layers.Dense(2, "softmax")])
    loss = "sparse_categorical_crossentropy"
    model.compile(keras.optimizers.Adam(0.05), loss, metrics=["accuracy"])
    return model


X = np.random.default_rng(0).normal(size=(10, 3)).astype("float32")
Y = (X[:, 0] > 0).astype("int32")
WEIGHT = np.linspace(0.5, 1.5, 10).astype("float32")


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        part = slice(4 * index, 4 * index + 4)
        return X[part], Y[part]


def of_unknown_length():
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((X, Y)).batch(4).filter(lambda x, y: True)


def without_end():
    return of_unknown_length().repeat()


@tensorflow_only
@pytest.mark.parametrize(
    ("make", "options"),
    [
        (of_unknown_length, {"shuffle": False}),
        (lambda: (X, Y), {"batch_size": 4, "shuffle": False, "class_weight": {0: 1.0, 1: 3.0}}),
        (lambda: (X, Y, WEIGHT), {"batch_size": 4, "shuffle": False}),
        (without_end, {"steps_per_epoch": 2}),
        (Batches, {"shuffle": False, "validation_data": (X, Y), "validation_batch_size": 5}),
    ],
)
def test_own_steps_are_those_of_keras(lone, make, options):
    """The history and the weights of `model.fit`."""
    model = small_net()
    # Where Keras does not know the length it takes one step too many, of nothing (3.15).
    given = Batches() if make is of_unknown_length else make()
    expected = fit(model, given, epochs=3, verbose=0, **options).history
    with lone.scope():
        other = small_net()
    found = fit(other, make(), epochs=3, verbose=0, **options).history
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-4)
    for one, two in zip(model.weights, other.weights, strict=True):
        np.testing.assert_allclose(one.numpy(), two.numpy(), rtol=1e-4, atol=1e-6)
    if isinstance(data := make(), tuple) and len(data) == 2:
        for name, value in evaluate(model, data, batch_size=4).items():
            assert evaluate(other, data, batch_size=4)[name] == pytest.approx(value, rel=1e-4)


@tensorflow_only
def test_own_steps_shuffle_by_the_seed_and_stop(lone):
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    def losses(**options):
        with lone.scope():
            model = small_net(norm=False)
        data, options = (X, Y), {"batch_size": 4, "verbose": 0, **options}
        return fit(model, data, epochs=4, callbacks=[Stop()], **options).history["loss"]

    assert len(losses()) == 2
    assert losses() == losses()
    assert losses() != losses(shuffle=False)


@tensorflow_only
def test_what_own_steps_refuse(lone, monkeypatch):
    from tfprune.training import lockstep

    with lone.scope():
        model = small_net()
    with pytest.raises(PlanError, match="received steps_per_execution"):
        fit(model, (X, Y), steps_per_execution=2)
    with pytest.raises(DataError, match="one example to evaluate"):
        evaluate(model, (X[:0], Y[:0]))
    # Another worker has one batch more than this one.
    seen = iter([3 + 4, 9 + 16])
    monkeypatch.setattr(lockstep, "total", lambda number: next(seen))
    monkeypatch.setattr("tfprune.training.workers.TensorFlowWorkers", TwoOfThem)
    with pytest.raises(DataError, match=r"2 workers, received 3 here"):
        fit(model, (X, Y), batch_size=4)


class TwoOfThem(TensorFlowWorkers):
    """Says of a strategy that it has two workers."""

    def __init__(self, strategy):
        super().__init__(strategy)
        self.count = self.replicas = 2


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def said(process):
    """The next thing that a worker found; its engine writes to the same stream."""
    return json.loads(next(line for line in process.stdout if line.startswith("{")))


@contextlib.contextmanager
def started(job):
    """A worker in a process of its own, which outlives neither the block nor our patience."""
    root, tests = JOB.parent.parent, JOB.parent
    environment = {**os.environ, "PYTHONPATH": f"{root}:{tests}", "KERAS_BACKEND": BACKEND}
    command = [sys.executable, str(JOB), json.dumps(job)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    end = threading.Timer(PATIENCE, process.kill)
    end.start()
    try:
        yield process
    finally:
        end.cancel()
        process.kill()
        process.communicate()
