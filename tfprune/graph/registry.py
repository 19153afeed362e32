"""The rules: one for each kind of layer, found by class or, for `keras.ops`, by name."""

from collections.abc import Callable, Sequence
from typing import Any

import keras

from tfprune.graph.call import Call
from tfprune.graph.channels import Ids

Rule = Callable[[Call], Ids | Sequence[Ids]]

_LAYERS: dict[type, Rule] = {}
_OPERATIONS: dict[str, Rule] = {}


def rule(*classes: type) -> Callable[[Rule], Rule]:
    """Registers a rule for layer classes, their subclasses excepted.

    A subclass may compute something else with the same weights, so it needs a rule of its own.
    """

    def register(function: Rule) -> Rule:
        for layer_class in classes:
            _LAYERS[layer_class] = function
        return function

    return register


def operation_rule(*names: str) -> Callable[[Rule], Rule]:
    """Registers a rule for operations of `keras.ops`, by the name of their class ("Add")."""

    def register(function: Rule) -> Rule:
        for name in names:
            _OPERATIONS[name] = function
        return function

    return register


def register_rule(layer_class: type, function: Rule) -> None:
    """Teaches tfprune a layer class of your own, for the rest of the process.

    Args:
        layer_class: the class; its subclasses are not covered.
        function: takes a `Call`, says which weights follow which channels, and returns the
            map of the output.

    Raises:
        TypeError: `layer_class` is not a class of Keras layers.

    Example:
        >>> import keras, tfprune
        >>> class Scale(keras.layers.Layer):
        ...     def build(self, shape):
        ...         self.scale = self.add_weight(shape=shape[-1:], name="scale")
        ...     def call(self, x):
        ...         return x * self.scale
        >>> def scale_rule(call):
        ...     call.follow(call.layer.scale, 0, call.read(axis=-1))
        ...     return call.input.ids
        >>> tfprune.register_rule(Scale, scale_rule)
    """
    if not (isinstance(layer_class, type) and issubclass(layer_class, keras.layers.Layer)):
        raise TypeError(
            f"expected a subclass of keras.layers.Layer, received {layer_class!r}: pass the "
            "class, not a layer"
        )
    _LAYERS[layer_class] = function


def find_rule(operation: Any) -> Rule:
    """Returns the operation's rule, or the one that pins what an unknown operation touches."""
    if isinstance(operation, keras.layers.Layer):
        return _LAYERS.get(type(operation), _unknown)
    return _OPERATIONS.get(type(operation).__name__, _unknown)


def has_rule(operation: Any) -> bool:
    """Whether the operation is known."""
    return find_rule(operation) is not _unknown


def _unknown(call: Call) -> Sequence[Ids]:
    return call.opaque("tfprune has no rule for it (tfprune.register_rule teaches one)")
