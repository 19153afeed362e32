"""Activations by name: the same function in both, or another one behind the same name."""

import functools
from typing import Any

import keras

from tfprune.convert.tf_keras.packages import load_tf_keras
from tfprune.errors import ModelError

# By experiment equal in both. tf_keras's `hard_sigmoid` is not among them: it is clip(x / 5 + .5),
# Keras 3's is relu6(x + 3) / 6, and the two are .067 apart.
_SAME = {
    **{name: name for name in ("linear", "relu", "sigmoid", "tanh", "softmax", "elu", "selu")},
    **{name: name for name in ("softplus", "softsign", "exponential", "gelu", "mish")},
    "silu": "swish",
    "swish": "swish",
}


def activation_name(activation: Any) -> str | None:
    """Returns tf_keras's name of the same function, or None where it has none of that name."""
    if activation is None:
        return "linear"
    name = keras.activations.serialize(activation)
    return _SAME.get(name) if isinstance(name, str) else None


def inner_activation(activation: Any, layer_name: str) -> Any:
    """Returns what tf_keras can take as an activation inside a recurrent layer.

    Args:
        activation: Keras 3's function.
        layer_name: whose it is, for the message.

    Raises:
        ModelError: it is a function of the user's own.
    """
    known = activation_name(activation)
    if known is not None:
        return known
    name = keras.activations.serialize(activation)
    if not isinstance(name, str):
        raise ModelError(
            f"'{layer_name}' has an activation of its own inside, {activation!r}, which tf_keras "
            "cannot hold: use one of keras.activations"
        )
    return _registered(name)


@functools.cache
def _registered(name: str) -> Any:
    """Keras 3's function under a name of ours, so that tf_keras can save it."""
    function = keras.activations.get(name)

    def activation(x: Any) -> Any:
        return function(x)

    # A name that tf_keras has too would bring tf_keras's function back from a config.
    activation.__name__ = f"keras3_{name}"
    register = load_tf_keras().utils.register_keras_serializable("tfprune", activation.__name__)
    return register(activation)
