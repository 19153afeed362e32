"""A Keras 3 layer's config, brought to what the class of tf_keras takes."""

import inspect
from collections.abc import Mapping
from typing import Any

from tfprune.convert.tf_keras.packages import load_tf_keras
from tfprune.errors import ModelError

_RENAMED = {"LeakyReLU": {"negative_slope": "alpha"}}
# Weights are carried, so how they were drawn matters no more; the rest is set apart.
_DROPPED = ("name", "trainable", "dtype", "build_config")
_HOMES = {"regularizer": "regularizers", "constraint": "constraints"}


def translate(layer: Any, target: type, apart: tuple[str, ...] = ()) -> dict[str, Any]:
    """Returns the arguments that make `target` compute what `layer` does.

    Args:
        layer: of Keras 3.
        target: a class of tf_keras.
        apart: keys that the caller sees to.

    Raises:
        ModelError: the layer has a setting, other than the default, that tf_keras lacks.
    """
    renamed = _RENAMED.get(target.__name__, {})
    known, taken = _parameters(target), {}
    for key, value in layer.get_config().items():
        if key in _DROPPED or key in apart or key.endswith("_initializer"):
            continue
        new = renamed.get(key, key)
        if new in known:
            taken[new] = _plain(layer, key, value)
        elif not _is_default(type(layer), key, value):
            raise ModelError(
                f"'{layer.name}' ({type(layer).__name__}) has {key}={value!r}, which tf_keras "
                "lacks: leave it at its default"
            )
    return taken


def _parameters(target: type) -> set[str]:
    """The arguments named anywhere in the class's chain of constructors, up to Layer's."""
    found: set[str] = set()
    for one in target.__mro__:
        if one.__name__ == "Layer":
            break
        if "__init__" in vars(one):
            found |= set(inspect.signature(one.__init__).parameters)  # type: ignore[misc]
    return found | {"activity_regularizer"}


def _is_default(layer_class: type, key: str, value: Any) -> bool:
    """Whether a setting is the class's default, or none."""
    if value is None or value is False:
        return True
    for one in layer_class.__mro__:
        parameter = inspect.signature(one.__init__).parameters.get(key)  # type: ignore[misc]
        if parameter is not None and parameter.default is not inspect.Parameter.empty:
            return bool(parameter.default == value)
    return False


def _plain(layer: Any, key: str, value: Any) -> Any:
    """A value as tf_keras takes it: numbers as they are, regularizers and constraints made anew."""
    home = _HOMES.get(key.rsplit("_", 1)[-1])
    if home is None or not isinstance(value, Mapping):
        return value
    name, settings = value["class_name"], value["config"]
    found = getattr(getattr(load_tf_keras(), home), name, None)
    if found is None:
        raise ModelError(
            f"'{layer.name}' ({type(layer).__name__}) has the {key} {name}, which tf_keras lacks: "
            "leave it out, or use one of keras's own"
        )
    accepted = inspect.signature(found.__init__).parameters
    return found(**{k: v for k, v in settings.items() if k in accepted})
