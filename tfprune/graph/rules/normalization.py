"""Layers with statistics: those of one channel are traced, those across channels pin."""

import keras
import numpy as np

from tfprune.graph.call import Call
from tfprune.graph.channels import Ids
from tfprune.graph.registry import named_rule, rule


@rule(keras.layers.BatchNormalization)
def batch_normalization(call: Call) -> Ids:
    """A vector along its axis for each of scale, offset, mean and variance."""
    layer = call.layer
    read = call.read(layer.axis)
    for variable in layer.weights:
        if variable.shape == (len(read),):  # all but the scalars of `renorm`
            call.follow(variable, 0, read)
    return call.along(read, layer.axis)


@rule(keras.layers.Normalization)
def normalization(call: Call) -> Ids:
    """Data normalisation: constants by position, so what it touches stays (mostly the input)."""
    call.pin(call.input.ids, f"'{call.name}' (Normalization) holds a constant for each channel")
    return call.input.ids


@named_rule("LayerScale")
def layer_scale(call: Call) -> Ids:
    """ConvNeXt's scale: a number a channel, along the last axis."""
    read = call.read(-1)
    call.follow(call.layer.gamma, 0, read)
    call.resize("projection_dim", read)
    return call.along(read)


@rule(keras.layers.PReLU)
def prelu(call: Call) -> Ids:
    """Slopes shaped like the input without its batch axis, of size 1 along shared axes."""
    layer = call.layer
    ids = call.box(call.input.ids)
    for axis, size in enumerate(layer.alpha.shape):
        if size != 1 and ids.shape[axis + 1] != 1:
            call.follow(layer.alpha, axis, np.broadcast_to(ids.ravel(), (size,)))
    return ids


@rule(
    keras.layers.LayerNormalization,
    keras.layers.GroupNormalization,
    keras.layers.UnitNormalization,
    keras.layers.RMSNormalization,
)
def across_channels(call: Call) -> Ids:
    """Its statistics run across channels: without some of them it computes something else."""
    return call.opaque("its statistics run across channels, so removing one changes the others")[0]
