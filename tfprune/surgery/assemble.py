"""Builds a model from an edited config and gives it its share of the weights."""

import types
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from tfprune._keras import to_numpy
from tfprune.errors import ModelError
from tfprune.graph import ChannelGraph
from tfprune.graph.network import flat_keys, is_model, operations, plain_config
from tfprune.graph.records import LayerRecord, Resize


def assemble(model: Any, graph: ChannelGraph, keep: np.ndarray) -> Any:
    """Clones a model with the channels that stay.

    Args:
        model: the original, which is left as it is.
        graph: its trace.
        keep: (ids,) which channel ids stay.

    Returns:
        A new model: same names, dtypes and trainable flags, fewer channels, no optimizer.

    Raises:
        ModelError: Keras cannot make one of the layers from its config.
    """
    config = _edited(model, graph, keep)
    kind = keras.Sequential if isinstance(model, keras.Sequential) else keras.Model
    try:
        small = kind.from_config(config, custom_objects=_custom_objects(graph))
    except (TypeError, ValueError) as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ModelError(
            f"Keras cannot clone '{model.name}' from its config ({reason}): register "
            "custom layers and functions with keras.saving.register_keras_serializable"
        ) from error
    for new, old in zip(small.inputs, model.inputs, strict=True):
        new.name = old.name  # an unnamed Input's tensor is not named as its layer is
    _carry_weights(small, graph, keep)
    return small


def _edited(model: Any, graph: ChannelGraph, keep: np.ndarray) -> dict[str, Any]:
    """The model's config with every number that counts channels brought down."""
    config = plain_config(model)
    for path, entry in _entries(model, config, ""):
        record = graph.records.get(path)
        if record is not None:
            for resize in record.resizes:
                _set(entry, resize, keep)
            if record.note is None and "config" in entry:
                _forget_shapes(entry)
    return config


def _forget_shapes(entry: dict[str, Any]) -> None:
    """Takes out the input shapes of old, of wrapped layers too: layers are built when called."""
    entry.pop("build_config", None)
    for value in entry["config"].values():
        if isinstance(value, dict) and "build_config" in value:
            _forget_shapes(value)


def _entries(model: Any, config: dict[str, Any], prefix: str) -> list[tuple[str, dict[str, Any]]]:
    """Every layer's entry in a config by path, those of nested models and their inputs too."""
    by_name = operations(model)
    found = []
    for entry in config["layers"]:
        name = entry["config"]["name"]
        operation = by_name.get(name)
        found.append((prefix + name, entry))
        if operation is not None and is_model(operation):
            found += _nested(operation, entry, prefix + name)
    return found


def _nested(model: Any, entry: dict[str, Any], path: str) -> list[tuple[str, dict[str, Any]]]:
    if "layers" not in entry["config"]:
        raise ModelError(
            f"the nested model '{path}' ({type(model).__name__}) has a config of its own: "
            "expected a plain keras.Model or keras.Sequential"
        )
    entry.pop("build_config", None)
    config = entry["config"]
    inputs = [_input_shape_holder(config, name) for name in _input_layers(config)]
    found = [(f"{path}/input:{number}", holder) for number, holder in enumerate(inputs)]
    return found + _entries(model, config, path + "/")


def _input_layers(config: dict[str, Any]) -> list[str]:
    """Names of a nested model's input layers, in the order of its inputs."""
    if "input_layers" in config:
        return [name for name, _, _ in flat_keys(config["input_layers"])]
    return [config["layers"][0]["config"]["name"]]  # a Sequential model's first layer


def _input_shape_holder(config: dict[str, Any], name: str) -> dict[str, Any]:
    """The lists in a nested model's config that hold the shape of one of its inputs."""
    shapes = []
    for entry in config["layers"]:
        inner = entry["config"]
        if entry["class_name"] == "InputLayer" and inner["name"] == name:
            inner["batch_shape"] = list(inner["batch_shape"])
            shapes.append(inner["batch_shape"])
    if config.get("build_input_shape"):
        config["build_input_shape"] = list(config["build_input_shape"])
        shapes.append(config["build_input_shape"])
    return {"shapes": shapes}


def _set(entry: dict[str, Any], resize: Resize, keep: np.ndarray) -> None:
    """Writes the number of channels that stay at the place that counts them."""
    count = int(np.count_nonzero(keep[resize.ids]))
    if "shapes" in entry:
        for shape in entry["shapes"]:
            shape[resize.key[0]] = count
        return
    place: Any = entry
    for key, following in zip(resize.key[:-1], resize.key[1:], strict=True):
        if isinstance(following, int):
            place[key] = list(place[key])
        place = place[key]
    place[resize.key[-1]] = count


def _custom_objects(graph: ChannelGraph) -> dict[str, Any]:
    """Classes and functions outside Keras that the model's layers are made of, by name."""
    found: dict[str, Any] = {}
    for record in graph.records.values():
        operation = record.operation
        values: list[Any] = [type(operation)]
        for value in vars(operation).values():
            if isinstance(value, types.FunctionType):
                values.append(value)
            elif hasattr(value, "get_config") and not isinstance(value, keras.layers.Layer):
                values.append(type(value))
        for value in values:
            if value.__module__.split(".")[0] != "keras":
                found[value.__name__] = value
    return found


def _carry_weights(small: Any, graph: ChannelGraph, keep: np.ndarray) -> None:
    """Gives each layer of the clone the weights of the channels that stayed."""
    for path, layer in _layers(small, "").items():
        record = graph.records[path]
        for variable, value in zip(layer.weights, kept_weights(record, keep), strict=True):
            variable.assign(value)


def _layers(model: Any, prefix: str) -> dict[str, Any]:
    """Layers that hold weights, by path, those of nested models included."""
    found: dict[str, Any] = {}
    for name, operation in operations(model).items():
        if is_model(operation):
            found |= _layers(operation, f"{prefix}{name}/")
        elif getattr(operation, "weights", ()):
            found[prefix + name] = operation
    return found


def kept_weights(record: LayerRecord, keep: np.ndarray) -> Sequence[np.ndarray]:
    """The weights of a layer, cut to the channels that stay."""
    values = [to_numpy(weight) for weight in record.operation.weights]
    for cut in record.slices:
        stays = keep[cut.ids]
        if not stays.all():
            values[cut.weight] = np.compress(stays, values[cut.weight], axis=cut.axis)
    return values
