"""Operations of `keras.ops` for which a layer of tf_keras stands, so that tfmot knows them."""

from collections.abc import Callable
from typing import Any

from tfprune.convert.tf_keras.packages import load_tf_keras

# `x + y` and `keras.ops.add(x, y)` of two tensors of one shape; `x + 3` is none of these.
_MERGES = {"Add": "Add", "Subtract": "Subtract", "Multiply": "Multiply"}
_FUNCTIONS = {"Relu": "relu", "Sigmoid": "sigmoid", "Tanh": "tanh"}


def layer_for(operation: Any, tensors: int, given: int, name: str) -> Any:
    """Returns an unbuilt layer of tf_keras that computes what the operation does, or None.

    Args:
        operation: of `keras.ops`.
        tensors: how many tensors it is called with.
        given: how many arguments it is called with.
        name: of the layer.
    """
    kind = type(operation).__name__
    there = load_tf_keras().layers
    if kind in _MERGES and tensors == given == 2:
        return getattr(there, _MERGES[kind])(name=name)
    if tensors != 1 or given != 1:
        return None
    makers: dict[str, Callable[[], Any]] = {
        "Relu6": lambda: there.ReLU(6.0, name=name),
        **{
            key: lambda value=value: there.Activation(value, name=name)  # type: ignore[misc]
            for key, value in _FUNCTIONS.items()
        },
    }
    return makers[kind]() if kind in makers else None
