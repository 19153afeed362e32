"""The ranges of activations that quantization-aware training starts from, and ends at.

tfmot starts each at -6 to 6 and moves it by a thousandth of the way at each step, so that short
training ends before the ranges have come near, and never makes an input's range smaller. Here they
start at what calibration examples show.

Where a layer that was trained feeds one that is quantized after training, the converter takes the
values' scale from the training and the next layer's bias from its own calibration: the two must
say the same, or the bias is wrong by the ratio of the ranges.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tfprune.convert.samples import Example
from tfprune.convert.tf_keras.packages import load_tf_keras
from tfprune.convert.tfmot.annotate import read_feeders


def start_ranges(quantized: Any, plain: Any, examples: Sequence[Example]) -> None:
    """Sets the ranges in a model that tfmot has made to those that the plain twin has.

    Args:
        quantized: the model with fake quantization; changed in place.
        plain: the twin's model, of the same layer names.
        examples: of inputs like those to come.
    """
    wanted = list(_tensors(quantized, plain))
    if not wanted:
        return
    answers = _observe(plain, [tensor for _, _, tensor in wanted], examples)
    for (low, high, _), values in zip(wanted, answers, strict=True):
        _assign(low, high, values)


def settle_ranges(
    quantized: Any, plain: Any, left: Collection[str], examples: Sequence[Example]
) -> None:
    """Sets the ranges that feed layers left to post-training quantization to what they will see.

    Args:
        quantized: the trained model with fake quantization; changed in place.
        plain: the twin's model, of the same layer names.
        left: names of layers that are not annotated.
        examples: those that the converter will calibrate on.
    """
    sources = dict(_sources(quantized))
    feeding = [sources[name] for name in sorted(_feeding(plain, left, sources))]
    if not feeding:
        return
    answers = _observe(quantized, [layer.output for layer, _, _ in feeding], examples)
    for (_, low, high), values in zip(feeding, answers, strict=True):
        _assign(low, high, values)


def _observe(model: Any, tensors: Sequence[Any], examples: Sequence[Example]) -> list[np.ndarray]:
    observer = load_tf_keras().Model(model.inputs, list(tensors))
    inputs = [np.concatenate(parts) for parts in zip(*examples, strict=True)]
    answers = observer.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0)
    return answers if isinstance(answers, list) else [answers]


def _assign(low: Any, high: Any, values: np.ndarray) -> None:
    # Zero is in every range: padding needs it, and so does the format.
    low.assign(min(float(values.min()), 0.0))
    high.assign(max(float(values.max()), 1e-6))


def _sources(quantized: Any) -> Iterator[tuple[str, tuple[Any, Any, Any]]]:
    """By a layer's name what holds the range of its output, and the range."""
    for layer in quantized.layers:
        pairs = dict(_pairs(layer))
        if type(layer).__name__ == "QuantizeLayer":
            for low, high in pairs.values():
                yield layer.input.name, (layer, low, high)
        elif hasattr(layer, "layer"):
            for name in ("output", "post_activation"):
                if name in pairs:
                    yield layer.layer.name, (layer, *pairs[name])


def _feeding(plain: Any, left: Collection[str], sources: Mapping[str, Any]) -> set[str]:
    """The layers with a range that layers left read, through others without one."""
    feeders = read_feeders(plain)
    found, waiting, seen = set(), [one for name in left for one in feeders[name]], set(left)
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in sources:
            found.add(name)
        else:
            waiting += feeders[name]
    return found


def _tensors(quantized: Any, plain: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Each pair of range variables, and the tensor of the plain twin that it is the range of."""
    there = {layer.name: layer for layer in plain.layers}
    for layer in quantized.layers:
        pairs = dict(_pairs(layer))
        if type(layer).__name__ == "QuantizeLayer":
            for low, high in pairs.values():
                yield low, high, there[layer.input.name].output
            continue
        if not type(layer).__name__.startswith("QuantizeWrapper"):
            continue
        origin = there.get(layer.layer.name)
        if origin is None:
            continue
        for name, (low, high) in pairs.items():
            if name in ("output", "post_activation"):
                yield low, high, origin.output
            elif name == "pre_activation":
                yield low, high, _before_activation(origin)


def _pairs(layer: Any) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """The scalar variables called x_min and x_max, by x."""
    by_name = {
        weight.name.split("/")[-1].split(":")[0]: weight
        for weight in layer.weights
        if not weight.shape.rank
    }
    for name, low in by_name.items():
        high = by_name.get(f"{name.removesuffix('_min')}_max")
        if name.endswith("_min") and high is not None:
            yield name.removesuffix("_min"), (low, high)


def _before_activation(layer: Any) -> Any:
    """The tensor that a layer's activation is applied to."""
    config = {**layer.get_config(), "activation": "linear", "name": f"{layer.name}.before"}
    linear = layer.__class__.from_config(config)
    tensor = linear(layer.input)
    linear.set_weights(layer.get_weights())
    return tensor
