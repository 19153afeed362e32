"""Which layers of a twin tfmot can train for int8, and why the others are left.

tfmot refuses a whole model for one layer that it does not know. Here only the layers that it
knows are annotated; the converter quantizes the others after training, from representative data.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from tfprune._silence import silenced
from tfprune.convert.tf_keras.carried import carried_class
from tfprune.convert.tf_keras.packages import load_tf_keras
from tfprune.errors import ConversionError

_KERNELS = ("Conv2D", "DepthwiseConv2D", "Dense")
# What tfmot's QuantizeAwareActivation takes inside a layer, and its config for Activation layers.
_FUSED = ("linear", "relu", "swish", "gelu", "softmax", "sigmoid", "tanh")


@dataclass(frozen=True)
class _Entry:
    """A layer in the config of a twin, and what stands around it."""

    kind: str
    calls: int
    feeders: tuple[str, ...]
    readers: int


def reasons(tfmot: Any, model: Any, exclude: Collection[str]) -> dict[str, str]:
    """Returns the layers that are not to be annotated, by name, each with the reason.

    Args:
        tfmot: the module.
        model: a flat twin.
        exclude: names that the user excludes.
    """
    registry = tfmot.quantization.keras.default_8bit.Default8BitQuantizeRegistry()
    entries = _entries(model)
    found: dict[str, str] = {}
    for layer in model.layers:
        if entries[layer.name].kind == "InputLayer":
            continue
        reason = _own_reason(registry, layer, entries[layer.name], exclude)
        reason = reason or _place_reason(layer, entries, found)
        if reason:
            found[layer.name] = reason
    return found


def _own_reason(registry: Any, layer: Any, entry: _Entry, exclude: Collection[str]) -> str:
    """Why the layer by itself cannot be annotated, or ""."""
    if layer.name in exclude:
        return "excluded"
    if isinstance(layer, carried_class()):
        return "an operation of Keras 3"
    if entry.calls > 1:
        return "called several times"
    if entry.kind == "BatchNormalization":
        return ""
    if not registry.supports(layer):
        return f"tfmot does not know {entry.kind}"
    function = getattr(layer, "activation", None)
    name = getattr(function, "__name__", "linear")
    if name not in _FUSED:
        return f"tfmot does not know the activation {name}"
    return ""


def _place_reason(layer: Any, entries: Mapping[str, _Entry], left: Mapping[str, str]) -> str:
    """Why the layer cannot be annotated where it stands, or ""."""
    entry = entries[layer.name]
    feeder = entry.feeders[0] if len(entry.feeders) == 1 else ""
    behind_kernel = bool(feeder) and entries[feeder].kind in _KERNELS
    if entry.kind == "BatchNormalization":
        alone = not behind_kernel or feeder in left or entries[feeder].readers > 1
        return "no convolution or Dense layer right before it" if alone else ""
    relu = entry.kind == "ReLU" or (
        getattr(getattr(layer, "activation", None), "__name__", "") == "relu"
        and entry.kind == "Activation"
    )
    if relu and behind_kernel and feeder not in left:
        return f"tfmot would leave the weights of '{feeder}' before it in float"
    return ""


def _entries(model: Any) -> dict[str, _Entry]:
    config = model.get_config()
    feeders = read_feeders(model)
    read = [name for names in feeders.values() for name in names]
    read += [one[0] for one in _flat(config["output_layers"])]
    return {
        one["name"]: _Entry(
            kind=one["class_name"],
            calls=len(one["inbound_nodes"]),
            feeders=feeders[one["name"]],
            readers=read.count(one["name"]),
        )
        for one in config["layers"]
    }


def read_feeders(model: Any) -> dict[str, tuple[str, ...]]:
    """Returns, for each layer of a flat model of tf_keras, the names of those that it reads."""
    return {one["name"]: tuple(_feeders(one)) for one in model.get_config()["layers"]}


def _feeders(entry: Mapping[str, Any]) -> list[str]:
    return [one[0] for node in entry["inbound_nodes"] for one in _flat(node)]


def _flat(node: Any) -> list[Any]:
    """The [layer, call, output, ...] lists in any nesting."""
    if isinstance(node, list | tuple):
        if node and isinstance(node[0], str):
            return [node]
        return [found for one in node for found in _flat(one)]
    return []


def annotated(tfmot: Any, model: Any, left: Collection[str]) -> Any:
    """Returns the twin with fake quantization in all layers but those left.

    Args:
        tfmot: the module.
        model: the twin's model; it must not be used any more, since tfmot changes it.
        left: names of layers.

    Raises:
        ConversionError: there is nothing to annotate, or tfmot refuses.
    """
    tf_keras = load_tf_keras()
    kinds = (tf_keras.layers.InputLayer,)
    names = [layer.name for layer in model.layers if not isinstance(layer, kinds)]
    if not set(names) - set(left):
        raise ConversionError(
            f"tfmot can train none of the layers for int8: {', '.join(names)}; use "
            "to_tflite(quantize='int8')"
        )

    def wrap(layer: Any) -> Any:
        if layer.name in left or isinstance(layer, kinds):
            return layer.__class__.from_config(layer.get_config())
        return tfmot.quantization.keras.quantize_annotate_layer(
            layer.__class__.from_config(layer.get_config())
        )

    try:
        with silenced(), scope(tfmot, model):
            marked = tf_keras.models.clone_model(model, clone_function=wrap)
            marked.set_weights(model.get_weights())
            return tfmot.quantization.keras.quantize_apply(marked)
    except (ValueError, RuntimeError, TypeError, KeyError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ConversionError(f"tfmot refuses the model: {reason}; exclude layers") from error


def scope(tfmot: Any, model: Any) -> Any:
    """The scope in which tfmot and tf_keras find the classes that a twin is made of."""
    classes = {
        type(layer).__name__: type(layer)
        for layer in model.layers
        if type(layer).__module__.split(".")[0] != "tf_keras"
    }
    return tfmot.quantization.keras.quantize_scope(classes)
