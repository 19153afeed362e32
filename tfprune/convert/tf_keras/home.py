"""Weights from a twin, trained there, to a Keras 3 model."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tfprune.cloning.assemble import assemble, layers_by_path
from tfprune.convert.tf_keras.twin import Twin
from tfprune.errors import ConversionError
from tfprune.graph.trace import trace

if TYPE_CHECKING:
    import keras


def bring_home(twin: Twin, trained: Any, model: "keras.Model") -> "keras.Model":
    """Returns a copy of a Keras 3 model with the weights that its twin learned.

    Args:
        twin: of the model.
        trained: the twin's own model, or what tfmot made of it: its wrappers are looked into,
            the ranges that they learned stay behind.
        model: the original; it stays as it is.

    Returns:
        A new model, not compiled.

    Raises:
        ConversionError: a layer of the twin is not in `trained`, or holds other weights.

    Example:
        >>> import keras
        >>> from tfprune.convert.tf_keras import carry
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        >>> twin = carry(model)
        >>> twin.model.set_weights([w * 2 for w in twin.model.get_weights()])
        >>> home = bring_home(twin, twin.model, model)
        >>> bool((home.get_weights()[0] == 2 * model.get_weights()[0]).all())
        True
    """
    found = {_inside(layer).name: layer for layer in trained.layers}
    plain = {layer.name: layer for layer in twin.model.layers}
    copy = assemble(model, trace(model))
    for path, layer in layers_by_path(copy).items():
        names = twin.parts.get(path, ())
        values = [value for name in names for value in _weights(found.get(name), plain[name])]
        if not values:
            continue
        if [value.shape for value in values] != [weight.shape for weight in layer.get_weights()]:
            raise ConversionError(
                f"'{path}' came back from tf_keras with weights of the shapes "
                f"{[value.shape for value in values]}: expected those of the model"
            )
        layer.set_weights(values)
    return copy


def _inside(layer: Any) -> Any:
    """The layer in one of tfmot's wrappers, or the layer itself."""
    return layer.layer if type(layer).__name__.startswith("Quantize") and _wraps(layer) else layer


def _wraps(layer: Any) -> bool:
    return hasattr(layer, "layer")


def _weights(layer: Any, plain: Any) -> Sequence[np.ndarray]:
    """The weights of a layer in the order that it had before it was wrapped."""
    names = [_short(weight.name) for weight in plain.weights]
    if layer is None:
        raise ConversionError(
            f"the trained twin has lost the layer '{plain.name}': tfmot has replaced it"
        )
    if not _wraps(layer) or not type(layer).__name__.startswith("Quantize"):
        return list(layer.get_weights())
    # A wrapper holds the kernel apart, and ranges and counters beside: only the names tell.
    held = {_short(weight.name): weight for weight in layer.weights}
    missing = [name for name in names if name not in held]
    if missing:
        raise ConversionError(f"the trained twin's layer '{plain.name}' has lost {missing}")
    return [np.asarray(held[name]) for name in names]


def _short(name: str) -> str:
    """ "conv/kernel:0" as "kernel"."""
    return name.split("/")[-1].split(":")[0]
