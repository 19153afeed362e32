"""Keras models on the backend that is here, whichever it is: the session that is timed."""

import os

import keras
import pytest
from keras import layers

from tfprune.errors import DataError
from tfprune.timing.runtimes.keras_model import MODES, Keras

BACKEND = keras.backend.backend()


@pytest.fixture(autouse=True)
def _threads_as_before():
    """A backend may take cores from its process, for good: here they are given back."""
    before = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    yield
    if before:
        os.sched_setaffinity(0, before)


def _load(path, mode, batch=1):
    if BACKEND == "tensorflow":
        pytest.skip("TensorFlow's threads are set for a process's life: timed in a process apart")
    return Keras(BACKEND, mode).load(path, 1, batch)


# torch.compile starts a C++ compiler: a minute for the smallest net.
@pytest.mark.parametrize(
    "mode", [mode for mode in MODES[BACKEND] if (BACKEND, mode) != ("torch", "graph")]
)
def test_a_session_runs_and_tells_where(tmp_path, mode):
    one, two = keras.Input((6,), name="one"), keras.Input((3,), dtype="int32", name="two")
    merged = layers.Concatenate()([layers.Dense(4)(one), layers.Embedding(2, 4)(two)[:, 0]])
    model = keras.Model({"one": one, "two": two}, [merged, layers.Dense(2)(merged)])
    model.save(tmp_path / "m.keras")
    session = _load(tmp_path / "m.keras", mode, batch=3)
    session.run()
    assert session.first_seconds > 0
    assert session.load_seconds > 0
    assert BACKEND in session.place
    assert mode in session.place


def test_open_sizes_are_told(tmp_path):
    given = keras.Input((None, 2))
    keras.Model(given, layers.Dense(2)(given)).save(tmp_path / "m.keras")
    with pytest.raises(DataError, match="leaves sizes of its input open"):
        _load(tmp_path / "m.keras", MODES[BACKEND][0])


def test_another_backend_needs_another_process(tmp_path):
    other = next(name for name in MODES if name != BACKEND)
    with pytest.raises(DataError, match="set KERAS_BACKEND before"):
        Keras(other, MODES[other][0]).prepare()


def test_multiply_accumulates_are_those_of_cost(tmp_path):
    model = keras.Sequential([keras.Input((5,)), layers.Dense(7), layers.Dense(2)])
    model.save(tmp_path / "m.keras")
    assert Keras(BACKEND).macs(tmp_path / "m.keras") == 5 * 7 + 7 * 2


def test_a_model_of_bfloat16_keeps_its_type(tmp_path):
    given = keras.Input((6,))
    model = keras.Model(given, layers.Dense(4, dtype="bfloat16")(given))
    assert model.layers[-1].compute_dtype == "bfloat16"
    model.save(tmp_path / "m.keras")
    _load(tmp_path / "m.keras", MODES[BACKEND][0]).run()
