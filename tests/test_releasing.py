"""Trained models that nobody holds give their memory back; those that somebody holds stay whole."""

import gc

import keras
import numpy as np
import pytest

import tfprune
from tfprune.training import fit

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="the other backends keep nothing"
)
DATA = np.ones((8, 6), "float32"), np.arange(8) % 2


def trained():
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4), keras.layers.Dense(2)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    fit(model, DATA, epochs=1, verbose=0)
    return model


def handles(model):
    variables = [*model.variables, *model.optimizer.variables]
    return [(one.value.handle, one.value.dtype) for one in variables]


def size(handle, dtype):
    import tensorflow as tf

    return int(tf.size(tf.raw_ops.ReadVariableOp(resource=handle, dtype=dtype)))


def test_nothing_stays_of_a_dropped_model():
    model = trained()
    held = handles(model)
    assert all(size(*one) for one in held)
    del model
    keras.backend.clear_session()
    gc.collect()
    assert [size(*one) for one in held] == [0] * len(held)


def test_what_is_held_stays():
    model = trained()
    fit(model, DATA, epochs=1, verbose=0)
    kernel = model.layers[0].kernel
    want, (held, *rest) = np.array(kernel), handles(model)
    del model
    keras.backend.clear_session()
    gc.collect()
    np.testing.assert_array_equal(np.array(kernel), want)
    assert size(*held) == want.size
    assert [size(*one) for one in rest] == [0] * len(rest)


def test_the_nets_between_the_steps_go():
    between = []

    class Watch(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            between.append(handles(self.model))

    found = tfprune.iterate(
        trained(), DATA, DATA, "l2", step=0.25, target=0.5, epochs=1, max_drop=None,
        callbacks=lambda: [Watch()],
    )  # fmt: skip
    gc.collect()
    assert len(between) == 2
    assert not any(size(*one) for one in between[0])
    assert all(size(*one) for one in between[1][: len(found.model.variables)])
