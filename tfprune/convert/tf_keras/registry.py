"""Which layer of tf_keras stands for a layer of Keras 3: one entry for each class."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras

Conversion = Callable[[Any, str], "Part"]

_CONVERSIONS: dict[type, Conversion] = {}


@dataclass(frozen=True)
class Part:
    """What stands for one layer or operation.

    Attributes:
        layers: of tf_keras, called one after another; the first takes the arguments.
    """

    layers: tuple[Any, ...]

    @property
    def weighted(self) -> tuple[str, ...]:
        """The names of the layers with weights, in the order of the original's weights."""
        return tuple(layer.name for layer in self.layers if layer.weights)

    def call(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Calls the first layer with the arguments, the others with what comes out."""
        result = self.layers[0](*args, **kwargs)
        for layer in self.layers[1:]:
            result = layer(result)
        return result


def conversion(*classes: type) -> Callable[[Conversion], Conversion]:
    """Registers a conversion of layer classes, their subclasses excepted."""

    def register(function: Conversion) -> Conversion:
        for layer_class in classes:
            _CONVERSIONS[layer_class] = function
        return function

    return register


def register_conversion(layer_class: type, function: Callable[[Any, str], Any]) -> None:
    """Teaches the carry to tf_keras a layer class of your own, for the rest of the process.

    Args:
        layer_class: a class of Keras layers; its subclasses are not covered.
        function: takes the layer and a name, and returns an unbuilt layer of tf_keras of that
            name, which computes the same and holds the same weights in the same order.

    Raises:
        TypeError: `layer_class` is not a class of Keras layers.

    Example:
        >>> import keras, tf_keras
        >>> class Scale(keras.layers.Dense):
        ...     pass
        >>> register_conversion(
        ...     Scale, lambda layer, name: tf_keras.layers.Dense(layer.units, name=name)
        ... )
    """
    if not (isinstance(layer_class, type) and issubclass(layer_class, keras.layers.Layer)):
        raise TypeError(
            f"expected a subclass of keras.layers.Layer, received {layer_class!r}: pass the "
            "class, not a layer"
        )
    _CONVERSIONS[layer_class] = lambda layer, name: Part((function(layer, name),))


def find_conversion(layer_class: type) -> Conversion | None:
    """Returns the class's conversion, or None."""
    return _CONVERSIONS.get(layer_class)
