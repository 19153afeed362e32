"""Nets with their channels first: pruned as their twins with the channels last are.

TensorFlow's CPU kernels cannot run such convolutions (but with oneDNN), so there the weights that
stay are compared with the twin's; the oracle runs on the JAX and PyTorch backends. On TensorFlow
the convolutions have no bias here: with one some are left whole.
"""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
import pytest
from keras import Model, layers, ops
from test_oracle import check
from topologies import randomise

import tfprune

NETS: dict[str, Callable] = {}
BACKEND = keras.backend.backend()


@dataclass(frozen=True)
class Format:
    """Where the channels are; every net is written once for both places."""

    first: bool

    @property
    def name(self) -> str:
        return "channels_first" if self.first else "channels_last"

    @property
    def axis(self) -> int:
        return 1 if self.first else -1

    @property
    def space(self) -> tuple[int, int]:
        return (2, 3) if self.first else (1, 2)

    def shape(self, *space, channels):
        return (channels, *space) if self.first else (*space, channels)

    def image(self, size=6, channels=3, name=None):
        return keras.Input(self.shape(size, size, channels=channels), name=name)

    def layer(self, kind: str, *arguments, **settings):
        if "Conv" in kind and BACKEND == "tensorflow":
            settings["use_bias"] = False  # with one they stay whole there: see the last test
        return getattr(layers, kind)(*arguments, data_format=self.name, **settings)

    def conv(self, x, filters, size=3, **settings):
        x = self.layer("Conv2D", filters, size, padding="same", **settings)(x)
        return layers.ReLU()(layers.BatchNormalization(axis=self.axis)(x))

    def join(self, *tensors):
        return layers.Concatenate(axis=self.axis)(list(tensors))

    def head(self, x):
        return layers.Dense(3)(self.layer("GlobalAveragePooling2D")(x))


def net(factory: Callable) -> Callable:
    NETS[factory.__name__] = factory
    return factory


@net
def chain(f: Format):
    x = f.image()
    return Model(x, f.head(f.conv(f.conv(f.conv(x, 8), 12), 10)))


@net
def flatten_dense(f: Format):
    """Keras flattens channels last, wherever they were."""
    x = f.image()
    y = f.layer("MaxPooling2D")(f.conv(x, 8))
    return Model(x, layers.Dense(3)(layers.Dense(7, "relu")(f.layer("Flatten")(y))))


@net
def plain_flatten(f: Format):
    """A Flatten that is not told: it takes the values as they lie."""
    x = f.image()
    y = layers.Flatten(data_format="channels_last")(f.conv(x, 8))
    return Model(x, layers.Dense(3)(y))


@net
def residual(f: Format):
    x = f.image()
    y = f.conv(x, 8)
    return Model(x, f.head(layers.Add()([y, f.conv(f.conv(y, 6), 8)])))


@net
def concatenation(f: Format):
    x = f.image()
    y = f.join(f.conv(x, 6), f.conv(x, 8, 1))
    return Model(x, f.head(f.join(y, f.conv(y, 5))))


@net
def depthwise(f: Format):
    x = f.image()
    y = f.layer("DepthwiseConv2D", 3, depth_multiplier=2, activation="relu")(f.conv(x, 6))
    return Model(x, f.head(f.layer("SeparableConv2D", 7, 3, depth_multiplier=2)(y)))


@net
def grouped(f: Format):
    x = f.image()
    y = f.layer("Conv2D", 12, 3, groups=4, padding="same", activation="relu")(f.conv(x, 8))
    return Model(x, f.head(f.layer("Conv2D", 24, 3, groups=12)(y)))


@net
def space(f: Format):
    x = f.image()
    y = f.layer("Conv2DTranspose", 8, 3, strides=2, activation="relu")(f.conv(x, 6))
    y = f.layer("Cropping2D", 1)(f.layer("UpSampling2D")(y))
    y = f.layer("AveragePooling2D", 2)(f.layer("ZeroPadding2D", 1)(f.conv(y, 5)))
    y = f.layer("SpatialDropout2D", 0.5)(f.layer("CenterCrop", 8, 8)(y))
    return Model(x, f.head(f.conv(f.layer("Resizing", 5, 4)(y), 4)))


@net
def squeeze_excite(f: Format):
    x = f.image()
    y = f.conv(x, 8)
    s = layers.Reshape(f.shape(1, 1, channels=8))(f.layer("GlobalAveragePooling2D")(y))
    s = f.layer("Conv2D", 8, 1, activation="sigmoid")(f.layer("Conv2D", 4, 1)(s))
    kept = f.layer("GlobalMaxPooling2D", keepdims=True)(y)
    return Model(x, f.head(layers.Multiply()([y, s]) + kept))


@net
def block_attention(f: Format):
    x = f.image()
    y = f.conv(f.conv(x, 7), 8)
    both = [reduced(y, axis=f.axis, keepdims=True) for reduced in (ops.mean, ops.max)]
    return Model(x, f.head(y * f.layer("Conv2D", 1, 3, padding="same")(f.join(*both))))


@net
def channel_shuffle(f: Format):
    x = f.image(4)
    y = layers.Reshape((2, 4, 4, 4) if f.first else (4, 4, 2, 4))(f.conv(x, 8))
    y = layers.Permute((2, 1, 3, 4) if f.first else (1, 2, 4, 3))(y)
    return Model(x, f.head(f.conv(layers.Reshape(f.shape(4, 4, channels=8))(y), 6)))


@net
def operations(f: Format):
    x = f.image(8)
    a, b = ops.split(f.conv(x, 12), 2, axis=f.axis)
    y = ops.concatenate([a * ops.sigmoid(b), f.conv(x, 5)], axis=f.axis)
    y = y[:, 2:-1] if f.first else y[..., 2:-1]
    y = ops.max_pool(y, 2, strides=2, data_format=f.name)
    return Model(x, layers.Dense(2)(ops.mean(f.conv(y, 4), axis=f.space)))


@net
def group_normalisation(f: Format):
    x = f.image()
    y = layers.GroupNormalization(4, axis=f.axis)(f.layer("Conv2D", 12, 3)(x))
    return Model(x, f.head(f.conv(y, 6)))


@net
def prelu(f: Format):
    x = f.image()
    y = layers.PReLU(shared_axes=f.space)(f.conv(x, 8))
    return Model(x, f.head(y))


@net
def spectral_normalisation(f: Format):
    x = f.image()
    y = layers.SpectralNormalization(f.layer("Conv2D", 8, 3, activation="relu"))(x)
    return Model(x, f.head(f.conv(y, 6)))


@net
def u_net(f: Format):
    x = f.image(8)
    a = f.conv(x, 6)
    b = f.conv(f.layer("MaxPooling2D")(a), 8)
    up = f.layer("Conv2DTranspose", 6, 2, strides=2)(b)
    y = f.conv(f.join(up, a, f.layer("UpSampling2D")(b)), 7)
    return Model(x, f.layer("Conv2D", 2, 1)(y))


@net
def nested(f: Format):
    inside = f.image(channels=8)
    inner = Model(inside, f.conv(f.conv(inside, 6), 8), name="inner")
    x = f.image()
    y = f.conv(x, 8)
    return Model(x, f.head(layers.Add()([y, inner(y)])))


@net
def shared(f: Format):
    a, b = f.image(name="a"), f.image(name="b")
    twin = f.layer("Conv2D", 8, 3, activation="relu")
    return Model([a, b], f.head(f.join(twin(a), twin(b))))


@net
def unknown_sizes(f: Format):
    x = f.image(None)
    return Model(x, f.head(f.conv(f.layer("AveragePooling2D", 2)(f.conv(x, 8)), 6)))


@net
def one_dimension(f: Format):
    x = keras.Input(f.shape(12, channels=2))
    y = f.layer("MaxPooling1D")(f.layer("Conv1D", 8, 3, activation="relu")(x))
    y = f.layer("SeparableConv1D", 6, 2)(f.layer("DepthwiseConv1D", 2)(y))
    return Model(x, layers.Dense(2)(f.layer("GlobalMaxPooling1D")(y)))


@net
def three_dimensions(f: Format):
    x = keras.Input(f.shape(5, 5, 5, channels=2))
    y = f.layer("MaxPooling3D")(f.layer("Conv3D", 6, 2, activation="relu")(x))
    y = f.layer("Conv3DTranspose", 5, 2)(y)
    return Model(x, layers.Dense(2)(f.layer("GlobalAveragePooling3D")(y)))


@net
def film(f: Format):
    x = keras.Input((3, *f.shape(6, 6, channels=2)))
    y = layers.TimeDistributed(f.layer("Conv2D", 6, 3, activation="relu"))(x)
    y = f.layer("ConvLSTM2D", 5, 2)(y)
    return Model(x, f.head(y))


def built(name: str, first: bool) -> keras.Model:
    keras.utils.clear_session(free_memory=False)  # so that both have layers of the same names
    return randomise(NETS[name](Format(first)))


def first_and_last(name: str) -> tuple[keras.Model, keras.Model]:
    """The net with its channels first, and its twin with the same weights."""
    first, last = built(name, True), built(name, False)
    for ours, theirs in zip(first.weights, last.weights, strict=True):
        theirs.assign(channels_last(ours))
    return first, last


def channels_last(weight) -> np.ndarray:
    """A weight as the twin has it: PReLU's slopes are shaped as pictures are, the others not."""
    value = keras.ops.convert_to_numpy(weight)
    return np.moveaxis(value, 0, -1) if weight.name == "alpha" else value


# Without `data_format="channels_first"` a Flatten gives the twin's rows in another order.
@pytest.mark.parametrize("name", sorted(NETS.keys() - {"plain_flatten"}))
def test_weights_are_those_of_the_twin(name):
    first, last = first_and_last(name)
    for scope in ("layer", "global"):
        plans = [tfprune.plan(model, ratio=0.5, scope=scope) for model in (first, last)]
        assert plans[0].kept == plans[1].kept
        assert plans[0].after == plans[1].after
        small, twin = (tfprune.rebuild(*pair) for pair in zip((first, last), plans, strict=True))
        for ours, theirs in zip(small.weights, twin.weights, strict=True):
            np.testing.assert_array_equal(
                channels_last(ours), keras.ops.convert_to_numpy(theirs), ours.path
            )


@pytest.mark.parametrize(("width", "whole"), [(4, True), (9, False)])
def test_a_bias_that_keras_may_add_along_another_axis(width, whole):
    """On TensorFlow, as soon as as many filters stay as the last axis has places."""
    x = keras.Input((3, 5, width))
    y = layers.Conv2D(8, 1, data_format="channels_first", name="conv")(x)
    y = layers.GlobalAveragePooling2D(data_format="channels_first")(layers.ReLU()(y))
    group = tfprune.trace(Model(x, layers.Dense(2)(y))).groups[0]
    assert group.prunable != (whole and BACKEND == "tensorflow")


@pytest.mark.skipif(
    BACKEND == "tensorflow", reason="TensorFlow's CPU kernels convolve channels last only"
)
@pytest.mark.parametrize("name", sorted(NETS))
def test_oracle(name):
    check(built(name, True), 0.5, "layer" if len(name) % 2 else "global")


@pytest.mark.skipif(BACKEND != "tensorflow", reason="a fault of Keras on TensorFlow")
def test_a_bias_that_may_land_on_another_axis_keeps_channels_whole():
    x = keras.Input((3, 6, 6))
    y = layers.Conv2D(8, 3, padding="same", data_format="channels_first", name="narrow")(x)
    z = layers.Conv2D(5, 3, padding="same", data_format="channels_first", name="wide")(y)
    model = Model(x, layers.Dense(2)(layers.Flatten()(z)))
    groups = {group.name: group for group in tfprune.trace(model).groups}
    assert "along the last axis" in groups["narrow"].pinned
    assert groups["wide"].prunable  # 5 channels never become 6
