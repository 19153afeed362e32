"""Activations placed where tfmot's quantization wants them: in a layer, or in one of their own."""

from collections import Counter
from typing import Any

from keras import layers

from tfprune.convert.tf_keras.activations import activation_name
from tfprune.convert.tf_keras.layers import carried_activation
from tfprune.convert.tf_keras.packages import load_tf_keras
from tfprune.convert.tf_keras.registry import Part
from tfprune.graph.network import Network, Node

_BEFORE = (layers.Conv2D, layers.DepthwiseConv2D, layers.Dense)
_ACTIVATED = (
    *(layers.Activation, layers.Dense, layers.Conv1D, layers.Conv2D, layers.Conv2DTranspose),
    *(layers.DepthwiseConv2D, layers.SeparableConv2D),
)
# What tfmot takes inside a layer; at any other it refuses the model, though the layer be left out.
_TAKEN = ("linear", "relu", "swish", "gelu", "softmax", "sigmoid", "tanh")


def foldable(network: Network) -> dict[str, str]:
    """Returns, for each such ReLU, the name of the layer before it.

    tfmot, meeting a ReLU right behind a convolution or Dense layer, turns off the fake
    quantization of that layer's weights too; as the layer's own activation it does not.
    """
    calls = Counter(node.name for node in network.nodes)
    readers = Counter(key for node in network.nodes for key in node.reads)
    readers.update(network.outputs)
    nodes = {(node.name, node.index): node for node in network.nodes}
    found = {}
    for node in network.nodes:
        if not _is_plain_relu(node) or calls[node.name] > 1:
            continue
        (key,) = node.reads
        before = nodes.get(key[:2])
        if before and calls[before.name] == 1 and readers[key] == 1 and _takes(before.operation):
            found[node.name] = before.name
    return found


def _takes(layer: Any) -> bool:
    return type(layer) in _BEFORE and activation_name(layer.activation) == "linear"


def _is_plain_relu(node: Node) -> bool:
    operation = node.operation
    if len(node.reads) != 1:
        return False
    if type(operation) is layers.ReLU:
        shape = (operation.max_value, operation.negative_slope, operation.threshold)
        return shape[0] is None and not shape[1] and not shape[2]
    if type(operation) is layers.Activation:
        return activation_name(operation.activation) == "relu"
    return not isinstance(operation, layers.Layer) and type(operation).__name__ == "Relu"


def with_activation_apart(part: Part, layer: Any, name: str) -> Part:
    """Returns the part with an activation that tfmot refuses as an operation of Keras 3.

    Args:
        part: what stands for the layer.
        layer: of Keras 3.
        name: of the part.
    """
    last = part.layers[-1]
    function = getattr(last, "activation", None)
    if not isinstance(layer, _ACTIVATED):
        return part
    if getattr(function, "__name__", "linear") in _TAKEN:
        return part
    if isinstance(layer, layers.Activation):
        return Part((carried_activation(layer.activation, name, ""),))
    last.activation = load_tf_keras().activations.linear
    return Part((*part.layers, carried_activation(layer.activation, name, ".activation")))
