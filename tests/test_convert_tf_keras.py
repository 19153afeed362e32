"""Keras 3 models carried to tf_keras: the same answers, and the weights brought home."""

import os
import sys

import keras
import numpy as np
import pytest
import tf_keras
from export_nets import dict_net, image_net, trained, two_input_net
from keras import layers

from tfprune._silence import silenced
from tfprune.convert import samples
from tfprune.convert.compare import output_errors, run_keras
from tfprune.convert.tf_keras import bring_home, carrier, carry, register_conversion
from tfprune.convert.tf_keras.packages import load_tfmot
from tfprune.convert.tf_keras.twin import run_twin
from tfprune.errors import ConversionError, MissingExtraError, ModelError


def distance(model, twin, trained_twin=None) -> float:
    examples = samples.draw(model, 4, 0)
    received = run_twin(trained_twin or twin.model, twin.outputs, examples)
    return max(output_errors(run_keras(model, examples), received).values())


def operations_net() -> keras.Model:
    x = keras.Input((4, 4, 3))
    y = keras.ops.relu6(x * 2.0 + 1.0) + x
    z = layers.Rescaling([1.0, 2.0] * 24, offset=1)(keras.ops.reshape(y, (-1, 48)))
    w = keras.ops.concatenate([z, z], axis=-1)[:, 3:9]
    return keras.Model(x, [keras.ops.mean(w, axis=1, keepdims=True), keras.ops.softmax(z)])


def activations_net() -> keras.Model:
    # All of one net, so that it is traced once; the two hard_sigmoids are .067 apart.
    x = keras.Input((6,))
    y = layers.Dense(6, activation="hard_sigmoid")(x)
    names = ["hard_sigmoid", "hard_silu", "relu6", "leaky_relu", "silu", "gelu", "elu", "mish"]
    return keras.Model(x, [layers.Activation(name)(y * 6 - 3) for name in names])


def nested_net() -> keras.Model:
    inner = keras.Sequential(
        [keras.Input((4,)), layers.Dense(3, name="a"), layers.BatchNormalization(name="b")],
        name="inner",
    )
    given = keras.Input((4,))
    middle = keras.Model(given, [inner(given), layers.Dense(3, name="c")(given)], name="middle")
    one, two = keras.Input((4,)), keras.Input((4,))
    left, right = middle(one), middle(two)
    outputs = layers.Concatenate()([left[0], right[0], layers.Add()([left[1], right[1]])])
    return keras.Model([one, two], outputs)


def shared_net() -> keras.Model:
    twice, x = layers.Dense(4, name="twice"), keras.Input((4,))
    return keras.Model(x, twice(layers.ReLU()(twice(x))))


def recurrent_net() -> keras.Model:
    x = keras.Input((3, 2))
    steps = layers.LSTM(2, return_sequences=True, recurrent_activation="hard_sigmoid")
    y = layers.TimeDistributed(layers.Dense(2))(layers.Bidirectional(steps)(x))
    return keras.Model(x, layers.GRU(2, return_state=True)(y))


def attention_net() -> keras.Model:
    x = keras.Input((3, 4))
    y = layers.MultiHeadAttention(2, 2)(x, x, use_causal_mask=True)
    return keras.Model(x, layers.GroupNormalization(2)(layers.LayerNormalization()(y + x)))


def convolutions_net() -> keras.Model:
    x = keras.Input((8, 8, 4))
    y = layers.Normalization(mean=[1.0, 2, 3, 4], variance=[1.0, 2, 3, 4])(x)
    y = layers.SeparableConv2D(6, 3, strides=2, padding="same", activation="hard_swish")(y)
    y = layers.Conv2D(8, 3, groups=2, padding="same", kernel_regularizer="l2")(y)
    y = layers.Conv2DTranspose(4, 3)(layers.PReLU(shared_axes=[1, 2])(y))
    y = layers.LeakyReLU(0.1)(layers.BatchNormalization()(y))
    y = layers.DepthwiseConv2D(3, depth_multiplier=2)(layers.ZeroPadding2D(1)(y))
    return keras.Model(x, layers.Flatten()(layers.SpatialDropout2D(0.2)(y)))


def signals_net() -> keras.Model:
    x = keras.Input((12, 3), name="an.odd-name")
    y = layers.Conv1D(4, 3, dilation_rate=2, padding="causal", name="_first")(x)
    y = layers.SeparableConv1D(5, 3, activation="relu")(y)
    return keras.Model(x, layers.GlobalMaxPooling1D()(layers.DepthwiseConv1D(2)(y)))


@pytest.mark.parametrize(
    "make",
    [
        *(image_net, two_input_net, dict_net, operations_net, activations_net, nested_net),
        *(shared_net, recurrent_net, attention_net, convolutions_net, signals_net),
    ],
)
def test_a_twin_answers_the_same_and_its_weights_come_home(make):
    model = trained(make())
    before = model.get_weights()
    twin = carry(model)
    assert isinstance(twin.model, tf_keras.Model)
    assert distance(model, twin) <= carrier.TOLERANCE == 1e-5
    values = [w * 1.5 if w.dtype.kind == "f" else w for w in twin.model.get_weights()]
    twin.model.set_weights(values)
    home = bring_home(twin, twin.model, model)
    assert distance(home, twin) < 1e-5
    if twin.parts:
        assert distance(model, twin) > 1e-3
    for old, same in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, same)
    assert [x.name for x in home.inputs] == [x.name for x in model.inputs]
    assert home.output_names == model.output_names


def test_parts_name_the_layers_by_path():
    assert dict(carry(nested_net()).parts) == {
        "middle/inner/a": ("middle.inner.a",),
        "middle/inner/b": ("middle.inner.b",),
        "middle/c": ("middle.c",),
    }
    x = keras.Input((5, 5, 2))
    model = keras.Model(x, layers.SeparableConv2D(3, 3, name="sep")(x))
    assert dict(carry(model).parts) == {"sep": ("sep.depthwise", "sep.pointwise")}


def test_adapted_statistics_come_along_and_stay_home():
    scale = layers.Normalization()
    scale.adapt(np.random.default_rng(0).normal(3, 2, (50, 4)))
    x = keras.Input((4,))
    model = keras.Model(x, layers.Dense(2)(scale(x)))
    twin = carry(model)
    assert distance(bring_home(twin, twin.model, model), twin) <= 1e-6


def test_frozen_layers_and_training_behaviour_are_kept():
    model = image_net()
    model.get_layer("conv").trainable = False
    twin = carry(model).model
    assert not twin.get_layer("conv").trainable
    assert twin.get_layer("norm").trainable
    assert twin.get_layer("norm").momentum == model.get_layer("norm").momentum


def test_a_relu_becomes_the_activation_of_what_it_follows():
    x = keras.Input((4,))
    y = layers.ReLU(name="folded")(layers.Dense(3, name="one")(x))
    z = layers.Dense(3, name="two")(y)
    model = keras.Model(x, layers.Add()([layers.ReLU(name="read")(z), z]))
    names = {layer.name for layer in carry(model, for_quantization=True).model.layers}
    assert "folded" not in names
    assert "read" in names  # the sum reads what comes before the ReLU too
    assert distance(model, carry(model, for_quantization=True)) <= 1e-6


def test_a_twin_is_saved_and_loaded(tmp_path):
    twin = carry(convolutions_net())
    custom = {"Carried": carrier.carried_class()}
    with silenced():  # HDF5 is old, as tf_keras warns
        twin.model.save(tmp_path / "twin.h5")
        loaded = tf_keras.models.load_model(tmp_path / "twin.h5", custom_objects=custom)
    x = np.ones((1, 8, 8, 4), "float32")
    np.testing.assert_allclose(loaded(x), twin.model(x), atol=1e-6)


class Doubled(layers.Dense):
    def call(self, inputs):
        return 2 * super().call(inputs)


class Push(keras.regularizers.Regularizer):
    def __call__(self, x):
        return 0.0

    def get_config(self):
        return {}


class TestRefusals:
    def test_a_layer_of_ones_own_with_weights(self):
        x = keras.Input((4,))
        model = keras.Model(x, Doubled(2, name="own")(x))
        with pytest.raises(ModelError, match=r"'own' \(Doubled\) has weights.*register_conversion"):
            carry(model)

    def test_a_wrong_conversion_is_found_by_comparing(self):
        class Other(Doubled):
            pass

        register_conversion(Other, lambda one, name: tf_keras.layers.Dense(one.units, name=name))
        x = keras.Input((4,))
        with pytest.raises(ConversionError, match="tf_keras twin differs"):
            carry(keras.Model(x, Other(2)(x)))
        with pytest.raises(TypeError, match=r"keras\.layers\.Layer"):
            register_conversion(Other(2), lambda one, name: None)

    def test_a_lambda_and_an_unregistered_layer(self):
        class Curve(layers.Layer):
            def call(self, x):
                return x * x

        x = keras.Input((4,))
        for bad in (layers.Lambda(lambda y: y * 2, name="bad"), Curve(name="bad")):
            with pytest.raises(ModelError, match=r"'bad'.*made from its config"):
                carry(keras.Model(x, bad(x)))

    def test_half_precision_and_settings_that_tf_keras_lacks(self):
        x = keras.Input((4,))
        with pytest.raises(ModelError, match="'half' computes in mixed_float16"):
            carry(keras.Model(x, layers.Dense(2, dtype="mixed_float16", name="half")(x)))
        model = keras.Model(x, layers.Dense(2, kernel_regularizer=Push(), name="pushed")(x))
        with pytest.raises(ModelError, match=r"'pushed' .*kernel_regularizer Push"):
            carry(model)

    def test_what_is_no_graph_and_what_is_missing(self, monkeypatch):
        class Own(keras.Model):
            def call(self, x):
                return x

        with pytest.raises(ModelError, match="subclassed"):
            carry(Own())
        monkeypatch.setitem(sys.modules, "tf_keras", None)
        with pytest.raises(MissingExtraError, match=r"tfprune\[quant\]"):
            carry(image_net())

    def test_weights_that_do_not_fit(self):
        twin, other = carry(image_net()), carry(two_input_net())
        with pytest.raises(ConversionError, match="has lost the layer 'conv'"):
            bring_home(twin, other.model, image_net())


def test_importing_tfmot_leaves_the_process_as_it_was(monkeypatch):
    import tensorflow as tf

    monkeypatch.delenv("TF_USE_LEGACY_KERAS", raising=False)
    tfmot = load_tfmot("a test")
    assert "TF_USE_LEGACY_KERAS" not in os.environ
    assert tf.keras.__version__ == keras.__version__
    assert issubclass(tfmot.quantization.keras.QuantizeWrapper, tf_keras.layers.Layer)
    monkeypatch.setitem(sys.modules, "tensorflow_model_optimization", None)
    monkeypatch.setenv("TF_USE_LEGACY_KERAS", "0")
    with pytest.raises(MissingExtraError, match=r"a test needs.*tfprune\[quant\]"):
        load_tfmot("a test")
    assert os.environ["TF_USE_LEGACY_KERAS"] == "0"
