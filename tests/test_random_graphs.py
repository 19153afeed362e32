"""Graphs that nobody has thought of: drawn by Hypothesis, held to the oracle.

`TFPRUNE_GRAPHS` sets how many are drawn (a nightly run: 2000).
"""

import os
from collections.abc import Callable

import keras
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import Model, layers, ops
from test_oracle import check
from topologies import conv, randomise

import tfprune
from tfprune.errors import PlanError

Tensors = list
Step = Callable[[Tensors, np.random.Generator], object]


def pick(tensors: Tensors, rng: np.random.Generator):
    return tensors[rng.integers(len(tensors))]


def alike(tensors: Tensors, rng: np.random.Generator):
    """Two tensors of one shape, the second fitted by a convolution if need be."""
    a, b = tensors[-1], pick(tensors, rng)
    if a.shape[1:3] != b.shape[1:3]:
        b = a
    if a.shape[-1] != b.shape[-1] or a is b:
        b = layers.Conv2D(a.shape[-1], 1)(b)
    return a, b


def convolve(tensors, rng):
    return conv(pick(tensors, rng), int(rng.integers(1, 9)), int(rng.choice([1, 3])))


def last_convolve(tensors, rng):
    return conv(tensors[-1], int(rng.integers(2, 9)))


def add(tensors, rng):
    return layers.Add()(list(alike(tensors, rng)))


def plus(tensors, rng):
    a, b = alike(tensors, rng)
    return a - 0.5 * b


def multiply(tensors, rng):
    return layers.Multiply()(list(alike(tensors, rng)))


def concatenate(tensors, rng):
    a, b = tensors[-1], pick(tensors, rng)
    return layers.Concatenate()([a, b if a.shape[1:3] == b.shape[1:3] else a])


def depthwise(tensors, rng):
    multiplier = int(rng.integers(1, 3))
    return layers.DepthwiseConv2D(3, padding="same", depth_multiplier=multiplier)(tensors[-1])


def grouped(tensors, rng):
    x = tensors[-1]
    divisors = [g for g in range(1, x.shape[-1] + 1) if x.shape[-1] % g == 0]
    groups = int(rng.choice(divisors))
    filters = groups * int(rng.integers(1, 3))
    return layers.Conv2D(filters, 3, padding="same", groups=groups, activation="tanh")(x)


def separable(tensors, rng):
    return layers.SeparableConv2D(int(rng.integers(2, 7)), 3, padding="same")(tensors[-1])


def pool(tensors, rng):
    x = tensors[-1]
    return layers.MaxPooling2D()(x) if min(x.shape[1:3]) > 2 else layers.ZeroPadding2D()(x)


def gate(tensors, rng):
    x = tensors[-1]
    s = layers.GlobalAveragePooling2D(keepdims=True)(x)
    return x * layers.Dense(x.shape[-1], "sigmoid")(layers.Dense(3, "relu")(s))


def attend_in_space(tensors, rng):
    x = tensors[-1]
    return x * layers.Conv2D(1, 1, activation="sigmoid")(x)


def split(tensors, rng):
    x = tensors[-1]
    if x.shape[-1] < 2:
        return layers.ReLU()(x)
    if x.shape[-1] % 2:
        a, b = ops.split(x, [int(rng.integers(1, x.shape[-1]))], axis=-1)
        return layers.Concatenate()([b, conv(a, 3)])
    a, b = ops.split(x, 2, axis=-1)
    return a * ops.sigmoid(b)


def cut(tensors, rng):
    x = tensors[-1]
    return x[..., : int(rng.integers(1, x.shape[-1] + 1))]


def shuffle(tensors, rng):
    x = tensors[-1]
    _, height, width, channels = x.shape
    groups = int(rng.choice([g for g in range(1, channels + 1) if channels % g == 0]))
    y = ops.reshape(x, (-1, height, width, groups, channels // groups))
    return ops.reshape(ops.transpose(y, (0, 1, 2, 4, 3)), (-1, height, width, channels))


def nest(tensors, rng):
    x = tensors[-1]
    inside = keras.Input(x.shape[1:])
    model = Model(inside, conv(conv(inside, 4), int(rng.integers(2, 6))))
    return model(x)


def share(tensors, rng):
    x = tensors[-1]
    layer = layers.Conv2D(x.shape[-1], 3, padding="same", activation="relu")
    return layer(layer(x))


def prelu(tensors, rng):
    axes = [(1, 2), None][int(rng.integers(2))]
    return layers.PReLU(shared_axes=axes, alpha_initializer="ones")(tensors[-1])


def normalise(tensors, rng):
    return layers.LayerNormalization()(tensors[-1])


def flatten_and_back(tensors, rng):
    x = tensors[-1]
    return layers.Reshape(x.shape[1:])(layers.Flatten()(x))


def lay_out(tensors, rng):
    x = tensors[-1]
    _, height, width, _ = x.shape
    flat = layers.GlobalMaxPooling2D()(x)
    return layers.Reshape((height, width, 2))(layers.Dense(height * width * 2, "relu")(flat))


STEPS: list[Step] = [
    *(convolve, last_convolve, add, plus, multiply, concatenate, depthwise, grouped, separable),
    *(pool, gate, attend_in_space, split, cut, shuffle, nest, share, prelu, normalise),
    *(flatten_and_back, lay_out),
]

programs = st.lists(
    st.tuples(st.sampled_from(STEPS), st.integers(0, 2**16)), min_size=1, max_size=8
)


def build(program, flat: bool) -> keras.Model:
    keras.backend.clear_session()
    x = keras.Input((6, 6, 3))
    tensors = [conv(x, 6)]
    for step, seed in program:
        tensors.append(step(tensors, np.random.default_rng(seed)))
    y = layers.Flatten()(tensors[-1]) if flat else layers.GlobalAveragePooling2D()(tensors[-1])
    return randomise(Model(x, layers.Dense(3)(y)))


@settings(max_examples=int(os.environ.get("TFPRUNE_GRAPHS", "60")))
@given(programs, st.booleans(), st.floats(0.05, 0.95), st.sampled_from(["layer", "global"]))
def test_random_graph(program, flat, ratio, scope):
    model = build(program, flat)
    try:
        tfprune.plan(model, ratio=ratio)
    except PlanError as error:
        assert "nothing in the model can be pruned" in str(error)  # noqa: PT017
        return
    check(model, ratio, scope)
