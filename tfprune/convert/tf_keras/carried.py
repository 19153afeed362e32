"""A layer of tf_keras that calls an operation of Keras 3: for all that has no weights.

Both run on TensorFlow's tensors, so what has no counterpart in tf_keras, or another one under the
same name, is called as it is.
"""

import functools
import inspect
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras

from tfprune.convert.tf_keras.packages import load_tf_keras
from tfprune.errors import ModelError


def carry_operation(operation: Any, arguments: dict[str, Any], name: str) -> Any:
    """Returns a layer of tf_keras that computes what `operation` does.

    Args:
        operation: a layer without weights, or an operation of `keras.ops`.
        arguments: {"args", "kwargs"} of the call, as in a model's config.
        name: of the new layer.

    Raises:
        ModelError: the operation is Python code, or cannot be made from its config.
    """
    try:
        saved = json.dumps(keras.saving.serialize_keras_object(operation))
        # Safe mode refuses Lambda layers, whose code a saved twin would carry with it.
        keras.saving.deserialize_keras_object(json.loads(saved), safe_mode=True)
        called = json.dumps(_numbered(arguments))
    except (TypeError, ValueError, NotImplementedError) as error:
        reason = " ".join(str(error).split())[:150]
        raise ModelError(
            f"'{operation.name}' ({type(operation).__name__}) cannot be carried to tf_keras, since "
            f"it cannot be made from its config ({reason}): register custom layers with "
            "keras.saving.register_keras_serializable, and replace Lambda layers"
        ) from error
    return carried_class()(saved, called, name=name)


@functools.cache
def carried_class() -> type:
    """The class, made when tf_keras is there."""
    base: Any = load_tf_keras().layers.Layer

    class Carried(base):
        """Calls an operation of Keras 3.

        Args:
            operation: the operation's serialized form, as JSON.
            arguments: its call's, as JSON, with numbers in place of tensors.
        """

        def __init__(self, operation: str, arguments: str, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self._operation_json, self._arguments_json = operation, arguments
            # In a closure, where tf_keras does not look for layers of its own kind.
            self._run = _runner(operation, arguments)

        def call(self, inputs: Any, training: Any = None) -> Any:
            """The operation's answer to the tensors."""
            given = inputs if isinstance(inputs, list | tuple) else [inputs]
            return self._run(given, training)

        def get_config(self) -> dict[str, Any]:
            """What it is made of."""
            made_of = {"operation": self._operation_json, "arguments": self._arguments_json}
            return {**super().get_config(), **made_of}

    return Carried


def _runner(saved: str, called: str) -> Callable[[Sequence[Any], Any], Any]:
    operation: Any = keras.saving.deserialize_keras_object(json.loads(saved), safe_mode=True)
    arguments = json.loads(called)
    trains = isinstance(operation, keras.layers.Layer) and (
        "training" in inspect.signature(operation.call).parameters
    )

    def run(tensors: Sequence[Any], training: Any) -> Any:
        _build_outside(operation, tensors)
        kwargs = read_back(arguments["kwargs"], tensors)
        if trains:
            kwargs["training"] = training
        return operation(*read_back(arguments["args"], tensors), **kwargs)

    return run


def _build_outside(operation: Any, tensors: Sequence[Any]) -> None:
    """Builds a layer outside the graph that tf_keras is just drawing, and may throw away."""
    import tensorflow as tf

    if isinstance(operation, keras.layers.Layer) and not operation.built and len(tensors) == 1:
        with tf.init_scope():
            operation.build(tuple(tensors[0].shape))


def _numbered(arguments: dict[str, Any]) -> dict[str, Any]:
    """A call's arguments as JSON can hold them, its tensors numbered in their order."""
    numbers = itertools.count()
    return {key: _written(arguments[key], numbers) for key in ("args", "kwargs")}


def _written(value: Any, numbers: Iterator[int]) -> dict[str, Any]:
    """Call arguments as JSON can hold them: tensors become {"tensor": number}."""
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            return {"tensor": next(numbers)}
        if "class_name" in value:
            return {"object": value}
        return {"dict": {key: _written(one, numbers) for key, one in value.items()}}
    if isinstance(value, list | tuple):
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {kind: [_written(one, numbers) for one in value]}
    return {"value": value}


def read_back(value: dict[str, Any], tensors: Sequence[Any]) -> Any:
    """The arguments again, with tensors in the places of numbers."""
    ((kind, content),) = value.items()
    if kind == "tensor":
        return tensors[content]
    if kind == "object":
        return keras.saving.deserialize_keras_object(content)
    if kind == "dict":
        return {key: read_back(one, tensors) for key, one in content.items()}
    if kind in ("list", "tuple"):
        parts = [read_back(one, tensors) for one in content]
        return tuple(parts) if kind == "tuple" else parts
    return content


def call_arguments(
    arguments: dict[str, Any], tensors: Sequence[Any]
) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of a call with `tensors` in place of the config's, what is None left out."""
    written = _numbered(arguments)
    kwargs = read_back(written["kwargs"], tensors)
    return list(read_back(written["args"], tensors)), {
        key: value for key, value in kwargs.items() if value is not None
    }
