"""Tiny nets that the tests of converters share."""

import keras
import numpy as np
from keras import layers


def image_net() -> keras.Model:
    image = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(6, 3, padding="same", name="conv")(image)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.ReLU(name="relu")(x)
    x = layers.DepthwiseConv2D(3, name="depthwise")(x)
    x = layers.Flatten(name="flat")(x)
    return trained(keras.Model(image, layers.Dense(4, activation="softmax", name="classes")(x)))


def images(count: int = 12, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 8, 8, 3)).astype("float32")


def two_input_net() -> keras.Model:
    wave = keras.Input((12,), name="wave")
    extra = keras.Input((3,), name="an.extra-one")
    x = layers.Concatenate()([layers.Dense(8, activation="tanh")(wave), extra])
    first = layers.Dense(2, name="first")(x)
    return keras.Model(
        [wave, extra], [first, layers.Dense(1, activation="sigmoid", name="second")(x)]
    )


def dict_net() -> keras.Model:
    one, two = keras.Input((4,), name="b"), keras.Input((4,), name="a")
    outputs = {
        "z": layers.Subtract(name="minus")([one, two]),
        "minus": layers.Add(name="plus")([one, two]),
    }
    return keras.Model({"b": one, "a": two}, outputs)


def trained(model: keras.Model, seed: int = 1) -> keras.Model:
    """Gives statistics and biases values that matter, as training does."""
    draw = np.random.default_rng(seed)
    for weight in model.weights:
        if weight.name in ("gamma", "moving_variance"):
            weight.assign(draw.uniform(0.5, 1.5, weight.shape))
        elif weight.name in ("beta", "moving_mean", "bias"):
            weight.assign(draw.normal(size=weight.shape) * 0.2)
    return model
