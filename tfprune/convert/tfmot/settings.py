"""Keras 3's losses and optimizers, as tf_keras takes them."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from tfprune.convert.tf_keras.packages import load_tf_keras
from tfprune.errors import ConversionError

FINE = 1e-4
"""The learning rate where no optimizer is given: for a model that is trained already."""


def losses(given: Any, names: Sequence[str]) -> list[Any]:
    """Returns a loss for each output.

    Keras 3's functions compute on TensorFlow's tensors, so they are called as they are.

    Args:
        given: a loss for all outputs, a list in their order, or a dict by their names; each the
            name of a loss, a `keras.losses.Loss`, or a function of labels and answers.
        names: of the outputs.

    Raises:
        ConversionError: there is no such loss, or a wrong number of them.
    """
    if isinstance(given, Mapping):
        missing = sorted(set(names) ^ set(given))
        if missing:
            raise ConversionError(f"expected a loss for each of {list(names)}, check {missing}")
        several = [given[name] for name in names]
    else:
        several = list(given) if isinstance(given, list | tuple) else [given] * len(names)
    if len(several) != len(names):
        raise ConversionError(f"expected {len(names)} losses, received {len(several)}")
    return [_loss(one) for one in several]


def _loss(given: Any) -> Any:
    try:
        found = keras.losses.get(given) if isinstance(given, str) else given
    except ValueError as error:
        raise ConversionError(
            f"expected the name of a loss of keras.losses, received {given!r}"
        ) from error
    if not callable(found):
        raise ConversionError(
            f"expected a loss, as in compile(loss=...), received {given!r}: name one, such as "
            "'categorical_crossentropy'"
        )

    def loss(labels: Any, answers: Any) -> Any:
        return found(labels, answers)

    return loss


def to_tf_keras(given: Any) -> Any:
    """Returns an optimizer of tf_keras with the settings of one of Keras 3.

    Args:
        given: a `keras.optimizers.Optimizer`, the name of one, or None for Adam at `FINE`.

    Raises:
        ConversionError: tf_keras has no such optimizer, or not one of its settings.
    """
    there = load_tf_keras().optimizers
    if given is None:
        return there.Adam(FINE)
    if isinstance(given, there.Optimizer):
        return given
    try:
        found = keras.optimizers.get(given)
    except (ValueError, TypeError) as error:
        raise ConversionError(
            f"expected an optimizer of keras.optimizers, received {given!r}"
        ) from error
    target = getattr(there, type(found).__name__, None)
    if target is None:
        raise ConversionError(
            f"tf_keras has no optimizer {type(found).__name__}: use Adam, SGD or RMSprop"
        )
    return target(**_settings(found, target))


def _settings(found: Any, target: type) -> dict[str, Any]:
    known = set(inspect.signature(target.__init__).parameters)  # type: ignore[misc]
    taken = {}
    for key, value in found.get_config().items():
        if key == "learning_rate" and isinstance(value, Mapping):
            taken[key] = _schedule(value)
        elif key in known:
            taken[key] = value
        elif value not in (None, False):
            raise ConversionError(
                f"tf_keras's {type(found).__name__} has no {key}, received {value!r}: leave it out"
            )
    return taken


def _schedule(saved: Mapping[str, Any]) -> Any:
    there = load_tf_keras().optimizers.schedules
    target = getattr(there, str(saved["class_name"]), None)
    if target is None:
        raise ConversionError(
            f"tf_keras has no schedule {saved['class_name']}: pass a number as the learning rate"
        )
    return target(**saved["config"])
