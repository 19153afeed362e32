"""Padding before pooling, moved into the pooling: the same values, and only where it is right."""

import keras
import numpy as np
import pytest
from keras import layers

from tfprune import models
from tfprune.convert.padding import without_padding_copies


def stem(size=16, kernel=7, stride=2, activation=None, relu=True, pad=1, share=False):
    x = keras.Input((size, size, 3), name="image")
    y = layers.ZeroPadding2D(3, name="conv_pad")(x)
    y = layers.Conv2D(4, kernel, strides=stride, activation=activation, name="conv")(y)
    y = layers.BatchNormalization(name="norm")(y)
    if relu:
        y = layers.Activation("relu", name="relu")(y)
    z = layers.ZeroPadding2D(pad, name="pool_pad")(y)
    z = layers.MaxPooling2D(3, strides=2, name="pool")(z)
    outputs = [z, layers.GlobalAveragePooling2D()(y)] if share else z
    model = keras.Model(x, outputs)
    model.get_layer("norm").set_weights([np.ones(4), -np.ones(4) / 4, np.zeros(4), np.ones(4)])
    return model


def answer(model, size):
    batch = np.random.default_rng(0).normal(size=(2, size, size, 3)).astype("float32")
    return keras.ops.convert_to_numpy(model(batch))


@pytest.mark.parametrize(("size", "kernel", "stride"), [(16, 7, 2), (12, 5, 1), (33, 5, 3)])
def test_the_same_values(size, kernel, stride):
    model = stem(size, kernel, stride)
    lean = without_padding_copies(model)
    assert lean is not model
    assert [type(layer).__name__ for layer in lean.layers[-2:]] == ["MaxPooling2D", "Cropping2D"]
    assert [layer.name for layer in lean.layers] == [layer.name for layer in model.layers]
    np.testing.assert_allclose(answer(lean, size), answer(model, size), rtol=1e-6, atol=1e-6)


def test_resnet50():
    model = models.resnet50((64, 64, 3), 2, head_activation=None)
    lean = without_padding_copies(model)
    assert lean is not model
    assert lean.inputs[0].name == model.inputs[0].name
    np.testing.assert_allclose(answer(lean, 64), answer(model, 64), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "settings",
    [{"size": 18}, {"relu": False}, {"pad": 2}, {"share": True}, {"size": None}],
    ids=["odd", "negative values", "wider", "two readers", "unknown size"],
)
def test_left_as_it_is_where_it_would_be_wrong(settings):
    model = stem(**settings)
    assert without_padding_copies(model) is model
