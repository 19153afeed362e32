"""The walk through a Keras 3 model that makes its twin in tf_keras, call by call."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras

from tfprune._silence import silenced
from tfprune.convert.checks import choose_samples
from tfprune.convert.compare import output_errors, run_keras
from tfprune.convert.extras import require_tensorflow
from tfprune.convert.savedmodel import input_names, output_names
from tfprune.convert.tf_keras.carried import call_arguments, carried_class, carry_operation
from tfprune.convert.tf_keras.folding import foldable, with_activation_apart
from tfprune.convert.tf_keras.layers import ONE_TENSOR
from tfprune.convert.tf_keras.operations import layer_for
from tfprune.convert.tf_keras.packages import load_tf_keras
from tfprune.convert.tf_keras.registry import Part, find_conversion
from tfprune.convert.tf_keras.twin import Twin, run_twin
from tfprune.errors import ConversionError, ModelError
from tfprune.graph.nesting import is_model
from tfprune.graph.network import Node, check_model, plain_config, read_network

if TYPE_CHECKING:
    from tfprune.convert.samples import Example

TOLERANCE = 1e-5
"""The largest difference between a model and its twin, relative to the output's range."""


def carry(
    model: "keras.Model", for_quantization: bool = False, samples: Any = None, seed: int = 0
) -> Twin:
    """Carries a Keras 3 model to tf_keras, with its weights, and compares the two.

    Nested models are laid flat, since tfmot does not enter them; shared layers stay shared. What
    has no weights and no equal in tf_keras (`keras.ops`, Rescaling, hard_sigmoid, custom layers)
    is called there as it is.

    Args:
        model: a built functional or Sequential model in float32. It stays as it is.
        for_quantization: whether activations stand where tfmot's quantization wants them: a ReLU
            right behind a convolution or Dense layer in that layer, and a function that tfmot does
            not know in a layer of its own. Defaults to `False`.
        samples: inputs to compare on. Defaults to 8 drawn from a normal distribution.
        seed: of the drawn samples. Defaults to 0.

    Returns:
        A `Twin`.

    Raises:
        MissingExtraError: tf_keras is not installed.
        ModelError: a layer cannot be carried; it is named.
        ConversionError: the twin computes something else than the model, or Keras runs on another
            backend than TensorFlow.

    Example:
        >>> import keras
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="out")])
        >>> twin = carry(model)
        >>> type(twin.model).__module__.split(".")[0], dict(twin.parts)
        ('tf_keras', {'out': ('out',)})
    """
    check_model(model)
    require_tensorflow("tf_keras")
    load_tf_keras()
    examples = choose_samples(model, samples, [], None, seed)
    with silenced():
        twin = _build(model, for_quantization)
    _compare(model, twin, examples)
    return twin


def _compare(model: "keras.Model", twin: Twin, examples: Sequence["Example"]) -> None:
    expected = run_keras(model, examples)
    errors = output_errors(expected, run_twin(twin.model, twin.outputs, examples))
    worst = max(errors, key=lambda name: errors[name])
    if not errors[worst] <= TOLERANCE:
        raise ConversionError(
            f"the tf_keras twin differs from the Keras model: output {worst!r} by "
            f"{errors[worst]:.3g} of its range, allowed is {TOLERANCE:g}. Pass samples of the "
            "model's real range; if it stays, please report the model"
        )


def _build(model: "keras.Model", for_quantization: bool) -> Twin:
    tf_keras = load_tf_keras()
    names = input_names(model)
    inputs = [
        tf_keras.Input(batch_shape=tuple(tensor.shape), dtype=tensor.dtype, name=name)
        for tensor, name in zip(model.inputs, names, strict=True)
    ]
    carrier = _Carrier(for_quantization, taken=set(names))
    outputs = carrier.walk(model, "", inputs)
    made = tf_keras.Model(
        inputs if len(inputs) > 1 else inputs[0],
        outputs if len(outputs) > 1 else outputs[0],
        name=_spelled(model.name),
    )
    carrier.give_weights()
    return Twin(made, carrier.weighted(), names, output_names(model))


class _Carrier:
    """What has been made on the way: a part for each layer met, however often it is called."""

    def __init__(self, for_quantization: bool, taken: set[str]) -> None:
        self._for_quantization, self._taken = for_quantization, taken
        self._parts: dict[int, Part] = {}
        self._origins: dict[str, Any] = {}

    def walk(self, model: Any, prefix: str, inputs: Sequence[Any]) -> list[Any]:
        """Carries tensors of tf_keras from a model's inputs to its outputs."""
        network = read_network(model, plain_config(model))
        folded = foldable(network) if self._for_quantization else {}
        tensors = dict(zip(network.inputs, inputs, strict=True))
        for node in network.nodes:
            given = [tensors[key] for key in node.reads]
            if node.name in folded:
                made: Any = given
            elif is_model(node.operation):
                made = self.walk(node.operation, f"{prefix}{node.name}/", given)
            else:
                made = self._call(node, prefix + node.name, given, node.name in folded.values())
            for index, tensor in enumerate(made if isinstance(made, list | tuple) else [made]):
                tensors[node.name, node.index, index] = tensor
        return [tensors[key] for key in network.outputs]

    def _call(self, node: Node, path: str, given: Sequence[Any], with_relu: bool) -> Any:
        operation = node.operation
        arguments = node.arguments
        if not arguments["args"] and not arguments["kwargs"]:  # a layer of a Sequential
            arguments = ONE_TENSOR
        part = self._parts.get(id(operation))
        if part is None:
            part = self._part(node, path, arguments, with_relu)
            # What is called as it is may be called anew with other constants.
            if not isinstance(part.layers[0], carried_class()):
                self._parts[id(operation)] = part
                self._origins[path] = operation
        # What is called as it is knows its arguments; operations' layers take tensors only.
        is_layer = isinstance(operation, keras.layers.Layer)
        if not is_layer or isinstance(part.layers[0], carried_class()):
            return part.call([list(given) if len(given) > 1 else given[0]], {})
        return part.call(*call_arguments(arguments, given))

    def _part(self, node: Node, path: str, arguments: Mapping[str, Any], with_relu: bool) -> Part:
        operation, name = node.operation, self._name(path)
        if not isinstance(operation, keras.layers.Layer):
            count = len(arguments["args"]) + len(arguments["kwargs"])
            known = layer_for(operation, len(node.reads), count, name)
            return Part((known or carry_operation(operation, dict(arguments), name),))
        _check_precision(operation, path)
        function = find_conversion(type(operation))
        if function is not None:
            part = function(operation, name)
            if self._for_quantization:
                part = with_activation_apart(part, operation, name)
            if with_relu:
                part.layers[0].activation = load_tf_keras().activations.relu
            for layer in part.layers:
                layer.trainable = operation.trainable
            return part
        if operation.weights:
            raise ModelError(
                f"'{path}' ({type(operation).__name__}) has weights and no counterpart in "
                "tf_keras: teach one with tfprune.convert.tf_keras.register_conversion"
            )
        return Part((carry_operation(operation, dict(arguments), name),))

    def _name(self, path: str) -> str:
        """A name that tf_keras can spell, and that no other layer has."""
        plain = _spelled(path)
        name, number = plain, 0
        while name in self._taken:
            number += 1
            name = f"{plain}_{number}"
        self._taken.add(name)
        return name

    def weighted(self) -> dict[str, tuple[str, ...]]:
        """For each of the original's layers with weights the twin's that hold them."""
        found = {path: self._parts[id(one)].weighted for path, one in self._origins.items()}
        return {path: names for path, names in found.items() if names}

    def give_weights(self) -> None:
        """Copies the weights, in the order that both Kerases keep them."""
        for path, origin in self._origins.items():
            layers = [layer for layer in self._parts[id(origin)].layers if layer.weights]
            if not layers:
                continue
            values = origin.get_weights()
            wanted = [tuple(weight.shape) for layer in layers for weight in layer.weights]
            if wanted != [value.shape for value in values]:
                raise ModelError(
                    f"'{path}' ({type(origin).__name__}) has weights of the shapes "
                    f"{[value.shape for value in values]}, and tf_keras's has {wanted}: it cannot "
                    "be carried"
                )
            for layer in layers:
                layer.set_weights(values[: len(layer.weights)])
                values = values[len(layer.weights) :]


def _check_precision(layer: Any, path: str) -> None:
    if layer.weights and layer.dtype_policy.name != "float32":
        raise ModelError(
            f"'{path}' computes in {layer.dtype_policy.name}, and only float32 is carried to "
            "tf_keras: load the model with the policy float32"
        )


def _spelled(path: str) -> str:
    """A path as a name that TensorFlow's scopes take."""
    name = re.sub(r"[^A-Za-z0-9_.\-]", ".", path)
    return name if re.match(r"[A-Za-z0-9.]", name) else f"layer{name}"
