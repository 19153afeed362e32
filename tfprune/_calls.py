"""Calling a model whatever the structure of its inputs."""

from collections.abc import Sequence
from typing import Any

import keras


def pack_inputs(model: Any, inputs: Sequence[Any]) -> Any:
    """Arranges one value an input, in the order of `model.inputs`, as the model wants them."""
    if isinstance(model, keras.Sequential):
        return inputs[0]  # a Sequential has no `input` of its own before another model calls it
    return keras.tree.pack_sequence_as(model.input, list(inputs))
