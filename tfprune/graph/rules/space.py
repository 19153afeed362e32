"""Layers that work in space and leave the channels as they are: pooling, padding, resizing."""

import keras

from tfprune.graph.call import Call
from tfprune.graph.channels import Ids
from tfprune.graph.registry import rule
from tfprune.graph.rules.convolution import channel_axis

_POOLING = [
    getattr(keras.layers, f"{kind}Pooling{rank}D")
    for kind in ("Average", "Max")
    for rank in (1, 2, 3)
]
_GLOBAL = [
    getattr(keras.layers, f"Global{kind}Pooling{rank}D")
    for kind in ("Average", "Max")
    for rank in (1, 2, 3)
]
_ADAPTIVE = [
    getattr(keras.layers, f"Adaptive{kind}Pooling{rank}D")
    for kind in ("Average", "Max")
    for rank in (1, 2, 3)
    if hasattr(keras.layers, f"Adaptive{kind}Pooling{rank}D")
]


@rule(
    *_POOLING,
    *_ADAPTIVE,
    keras.layers.CenterCrop,
    keras.layers.Cropping1D,
    keras.layers.Cropping2D,
    keras.layers.Cropping3D,
    keras.layers.RandomCrop,
    keras.layers.RandomFlip,
    keras.layers.RandomRotation,
    keras.layers.RandomTranslation,
    keras.layers.RandomZoom,
    keras.layers.Resizing,
    keras.layers.UpSampling1D,
    keras.layers.UpSampling2D,
    keras.layers.UpSampling3D,
    keras.layers.ZeroPadding1D,
    keras.layers.ZeroPadding2D,
    keras.layers.ZeroPadding3D,
)
def within_channels(call: Call) -> Ids:
    """Each channel's picture is made smaller or larger by itself."""
    axis = channel_axis(call.layer)
    return call.along(call.read(axis), axis)


@rule(*_GLOBAL)
def global_pooling(call: Call) -> Ids:
    """One number a channel; with `keepdims` the axes of space stay, of size 1."""
    axis = channel_axis(call.layer)
    read = call.read(axis)
    return call.along(read, axis if call.layer.keepdims else -1)
