"""The conversions: layers of both Kerases under one name, and those that differ."""

from typing import Any

import keras
from keras import layers

from tfprune.convert.tf_keras.activations import activation_name, inner_activation
from tfprune.convert.tf_keras.carried import carry_operation
from tfprune.convert.tf_keras.config import translate
from tfprune.convert.tf_keras.packages import load_tf_keras
from tfprune.convert.tf_keras.registry import Part, conversion, find_conversion
from tfprune.errors import ModelError

ONE_TENSOR: dict[str, Any] = {
    "args": [{"class_name": "__keras_tensor__", "config": {}}],
    "kwargs": {},
}
"""The arguments of a call with one tensor and nothing else."""


@conversion(
    *(layers.Add, layers.Average, layers.Concatenate, layers.Dot, layers.Maximum, layers.Minimum),
    *(layers.Multiply, layers.Subtract, layers.ReLU, layers.LeakyReLU, layers.ELU, layers.Softmax),
    *(layers.Flatten, layers.Reshape, layers.Permute, layers.RepeatVector),
    *(layers.Dropout, layers.GaussianDropout, layers.GaussianNoise, layers.ActivityRegularization),
    *(layers.SpatialDropout1D, layers.SpatialDropout2D, layers.SpatialDropout3D),
    *(layers.AveragePooling1D, layers.AveragePooling2D, layers.AveragePooling3D),
    *(layers.MaxPooling1D, layers.MaxPooling2D, layers.MaxPooling3D),
    *(layers.GlobalAveragePooling1D, layers.GlobalAveragePooling2D, layers.GlobalAveragePooling3D),
    *(layers.GlobalMaxPooling1D, layers.GlobalMaxPooling2D, layers.GlobalMaxPooling3D),
    *(layers.Cropping1D, layers.Cropping2D, layers.Cropping3D),
    *(layers.ZeroPadding1D, layers.ZeroPadding2D, layers.ZeroPadding3D),
    *(layers.UpSampling1D, layers.UpSampling2D, layers.UpSampling3D),
    *(layers.LayerNormalization, layers.GroupNormalization, layers.PReLU, layers.Embedding),
    *(layers.MultiHeadAttention, layers.Masking),
)
def same(layer: Any, name: str) -> Part:
    """The class of the same name, with the same settings and weights."""
    target = getattr(load_tf_keras().layers, type(layer).__name__)
    return Part((target(**translate(layer, target), name=name),))


@conversion(
    *(layers.Conv1D, layers.Conv2D, layers.Conv3D, layers.DepthwiseConv1D, layers.DepthwiseConv2D),
    *(layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose),
    *(layers.SeparableConv1D, layers.Dense, layers.EinsumDense),
)
def activated(layer: Any, name: str) -> Part:
    """The class of the same name; an activation that tf_keras lacks becomes a layer of its own."""
    target = getattr(load_tf_keras().layers, type(layer).__name__)
    settings = translate(layer, target, apart=("activation",))
    known = activation_name(layer.activation)
    made = target(**settings, activation=known or "linear", name=name)
    return Part((made,)) if known else Part((made, carried_activation(layer.activation, name)))


@conversion(layers.Activation)
def activation(layer: Any, name: str) -> Part:
    """The function of the same name where it is the same, else Keras 3's own."""
    known = activation_name(layer.activation)
    if known:
        return Part((load_tf_keras().layers.Activation(known, name=name),))
    return Part((carried_activation(layer.activation, name, ""),))


def carried_activation(function: Any, name: str, suffix: str = ".activation") -> Any:
    """Returns a layer of tf_keras that applies a function of Keras 3.

    Args:
        function: of `keras.activations`.
        name: of the layer that it belongs to.
        suffix: put behind that name.
    """
    if keras.activations.serialize(function) == "relu6":
        return load_tf_keras().layers.ReLU(6.0, name=name + suffix)
    layer = layers.Activation(function, name=name.replace("/", "."))
    return carry_operation(layer, ONE_TENSOR, name + suffix)


@conversion(layers.BatchNormalization)
def batch_normalization(layer: Any, name: str) -> Part:
    """tf_keras synchronizes by a setting too, under the same name; the axis must be a number."""
    target = load_tf_keras().layers.BatchNormalization
    return Part((target(**translate(layer, target), name=name),))


@conversion(layers.SeparableConv2D)
def separable(layer: Any, name: str) -> Part:
    """A depthwise and a pointwise convolution, into which tfmot would break it, unnamed."""
    there = load_tf_keras().layers
    settings = translate(layer, there.SeparableConv2D, apart=("activation",))
    depthwise = there.DepthwiseConv2D(
        kernel_size=layer.kernel_size,
        strides=layer.strides,
        padding=layer.padding,
        depth_multiplier=layer.depth_multiplier,
        data_format=layer.data_format,
        dilation_rate=layer.dilation_rate,
        use_bias=False,
        depthwise_regularizer=settings["depthwise_regularizer"],
        depthwise_constraint=settings["depthwise_constraint"],
        name=f"{name}.depthwise",
    )
    known = activation_name(layer.activation)
    pointwise = there.Conv2D(
        filters=layer.filters,
        kernel_size=1,
        data_format=layer.data_format,
        use_bias=layer.use_bias,
        activation=known or "linear",
        kernel_regularizer=settings["pointwise_regularizer"],
        kernel_constraint=settings["pointwise_constraint"],
        bias_regularizer=settings["bias_regularizer"],
        bias_constraint=settings["bias_constraint"],
        name=f"{name}.pointwise",
    )
    last = () if known else (carried_activation(layer.activation, name),)
    return Part((depthwise, pointwise, *last))


@conversion(layers.LSTM, layers.GRU, layers.SimpleRNN)
def recurrent(layer: Any, name: str) -> Part:
    """The class of the same name, with Keras 3's functions inside."""
    target = getattr(load_tf_keras().layers, type(layer).__name__)
    keys = [k for k in ("activation", "recurrent_activation") if k in layer.get_config()]
    settings = translate(layer, target, apart=(*keys, "zero_output_for_mask"))
    settings |= {key: inner_activation(getattr(layer, key), layer.name) for key in keys}
    return Part((target(**settings, zero_output_for_mask=layer.zero_output_for_mask, name=name),))


@conversion(layers.Bidirectional)
def bidirectional(layer: Any, name: str) -> Part:
    """Both directions converted, the wrapper made anew."""
    forward = _single(layer.forward_layer, name, layer.forward_layer.name)
    backward = _single(layer.backward_layer, name, layer.backward_layer.name)
    target = load_tf_keras().layers.Bidirectional
    made = target(forward, merge_mode=layer.merge_mode, backward_layer=backward, name=name)
    return Part((made,))


@conversion(layers.TimeDistributed)
def time_distributed(layer: Any, name: str) -> Part:
    """The layer inside converted, the wrapper made anew."""
    inner = _single(layer.layer, name, layer.layer.name)
    return Part((load_tf_keras().layers.TimeDistributed(inner, name=name),))


def _single(layer: Any, outer: str, name: str) -> Any:
    """The one layer that stands for a layer inside a wrapper."""
    function = find_conversion(type(layer))
    made = function(layer, name).layers if function else ()
    if len(made) != 1:
        raise ModelError(
            f"'{outer}' wraps '{layer.name}' ({type(layer).__name__}), for which no single layer "
            "of tf_keras stands: take it out of the wrapper"
        )
    return made[0]


@conversion(layers.Normalization)
def normalization(layer: Any, name: str) -> Part:
    """Its statistics as constants: they are not trained, and are not to come home."""
    fixed = layers.Normalization(
        axis=layer.axis,
        mean=keras.ops.convert_to_numpy(layer.mean).ravel().tolist(),
        variance=keras.ops.convert_to_numpy(layer.variance).ravel().tolist(),
        invert=layer.invert,
        name=layer.name,
    )
    return Part((carry_operation(fixed, ONE_TENSOR, name),))
