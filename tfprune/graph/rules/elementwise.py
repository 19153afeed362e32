"""Layers and operations that treat each value alone: the map goes through as it is."""

import keras

from tfprune.graph.call import Call
from tfprune.graph.channels import Ids
from tfprune.graph.registry import named_rule, rule
from tfprune.graph.rules.activation import activate


@rule(
    keras.layers.ActivityRegularization,
    keras.layers.AlphaDropout,
    keras.layers.Dropout,
    keras.layers.ELU,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
    keras.layers.Identity,
    keras.layers.LeakyReLU,
    keras.layers.ReLU,
    keras.layers.SpatialDropout1D,
    keras.layers.SpatialDropout2D,
    keras.layers.SpatialDropout3D,
)
def elementwise(call: Call) -> Ids:
    """Nothing of it depends on the number of channels, but for a noise shape given in numbers."""
    sizes = getattr(call.layer, "noise_shape", None) or ()
    if any(size not in (None, 1) for size in sizes[1:]):
        return call.opaque("its noise_shape holds sizes")[0]
    return call.input.ids


@rule(keras.layers.Activation)
def activation(call: Call) -> Ids:
    """Elementwise, but for softmax and the like."""
    activate(call, call.input.ids, call.layer.activation)
    return call.input.ids


@rule(keras.layers.Softmax)
def softmax(call: Call) -> Ids:
    """Normalises across an axis."""
    call.pin(call.input.ids, f"'{call.name}' (Softmax) mixes channels")
    return call.input.ids


@rule(keras.layers.Rescaling)
def rescaling(call: Call) -> Ids:
    """One scale and offset for all; with a list of them, what it touches stays."""
    layer = call.layer
    if any(hasattr(value, "__len__") for value in (layer.scale, layer.offset)):
        call.pin(call.input.ids, f"'{call.name}' (Rescaling) holds a constant for each channel")
    return call.input.ids


@named_rule(
    "Abs", "Absolute", "Cast", "Celu", "Clip", "Cos", "Elu", "Erf", "Exp", "Expm1", "Gelu",
    "HardSigmoid", "HardSilu", "HardTanh", "LeakyRelu", "Log", "Log1p", "LogicalNot", "LogSigmoid",
    "Mish", "Negative", "Reciprocal", "Relu", "Relu6", "Round", "Rsqrt", "Selu", "Sigmoid",
    "Sign", "Silu", "Sin", "Softplus", "Softsign", "Sqrt", "Square", "StopGradient", "Tanh",
)  # fmt: skip
def elementwise_operation(call: Call) -> Ids:
    """A function of one value."""
    return call.input.ids
