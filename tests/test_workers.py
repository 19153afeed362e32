"""Several workers end with the plan and the losses of one."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from topologies import build

import tfprune
from tfprune.training import Shared
from tfprune.training.workers import workers

JOB = Path(__file__).with_name("workers_job.py")
BACKEND = keras.backend.backend()


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


@pytest.mark.skipif(BACKEND == "torch", reason="Keras distributes nothing on torch")
def test_two_workers_end_where_one_does():
    """Two processes on JAX, two devices of one process on TensorFlow."""
    (one,), several = run(1), run(2)
    assert len(several) == (2 if BACKEND == "jax" else 1)
    assert any(one["kept"].values())
    for found in several:
        assert found["kept"] == one["kept"]
        np.testing.assert_allclose(found["loss"], one["loss"], rtol=1e-4)
        np.testing.assert_allclose(found["sums"], one["sums"], rtol=1e-4)


@pytest.mark.skipif(BACKEND != "jax", reason="several processes with plain fit are JAX's")
def test_iterate_by_two_and_taken_up_by_one(tmp_path):
    (one,), two = run(1, tmp_path / "one", 3), run(2, tmp_path / "two", 3)
    for found in two:
        assert found["kept"] == one["kept"]
        np.testing.assert_allclose(found["loss"], one["loss"], rtol=1e-4)
        np.testing.assert_allclose(found["sums"], one["sums"], rtol=1e-4)
    # One process finds what the two left, and has nothing more to do.
    (again,) = run(1, tmp_path / "two", 3)
    np.testing.assert_allclose(again["loss"], two[0]["loss"], rtol=1e-6)


def run(count: int, *options: object) -> list[dict]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    root = str(JOB.parent.parent)
    environment = {**os.environ, "PYTHONPATH": root, "KERAS_BACKEND": BACKEND}
    jobs = [
        subprocess.Popen(
            [sys.executable, str(JOB), *map(str, (index, count, port, *options))],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for index in range(count if BACKEND == "jax" else 1)
    ]
    found = []
    for job in jobs:
        out, err = job.communicate(timeout=240)
        assert job.returncode == 0, err[-3000:]
        found.append(json.loads(out.splitlines()[-1]))
    return found
