"""Multiply-accumulates of an `.onnx` file, counted from the shapes in its graph."""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Shapes = Mapping[str, tuple[int, ...]]


def count_macs(path: str | os.PathLike[str]) -> int | None:
    """Returns the multiply-accumulates of one inference at batch 1.

    Counts convolutions (plain, grouped, transposed), matrix products and Gemm, as
    `tfprune.timing.macs` does for `.tflite` files. Sizes that the file leaves open count as 1.

    Returns:
        The count, or `None` where the package onnx is not installed, a shape cannot be inferred,
        or a loop, a branch or a recurrent operation does work that shapes do not tell.
    """
    try:
        import onnx
    except ImportError:
        return None
    # Weights in files beside the model are not needed: their shapes stand in the graph.
    model = onnx.load(os.fspath(path), load_external_data=False)
    graph = onnx.shape_inference.infer_shapes(model).graph
    if any(node.op_type in _UNKNOWN for node in graph.node):
        return None
    shapes = _shapes(graph)
    rules = [(_RULES[node.op_type], node) for node in graph.node if node.op_type in _RULES]
    try:
        return sum(rule(node, shapes) for rule, node in rules)
    except KeyError:
        return None


def _shapes(graph: Any) -> Shapes:
    found = {weights.name: tuple(weights.dims) for weights in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        tensor = value.type.tensor_type
        if tensor.HasField("shape"):
            found[value.name] = tuple(size.dim_value or 1 for size in tensor.shape.dim)
    return found


def _convolution(node: Any, shapes: Shapes, weights: int = 1) -> int:
    # Filters are (filters, channels of the group, *window).
    return math.prod(shapes[node.output[0]]) * math.prod(shapes[node.input[weights]][1:])


def _quantized_convolution(node: Any, shapes: Shapes) -> int:
    # Inputs are (values, scale, zero point, filters, ...).
    return _convolution(node, shapes, 3)


def _transposed(node: Any, shapes: Shapes) -> int:
    # Filters are (channels, filters of the group, *window): each value meets all of its row.
    return math.prod(shapes[node.input[0]]) * math.prod(shapes[node.input[1]][1:])


def _product(node: Any, shapes: Shapes) -> int:
    return math.prod(shapes[node.output[0]]) * shapes[node.input[0]][-1]


def _gemm(node: Any, shapes: Shapes) -> int:
    turned = any(one.name == "transA" and one.i for one in node.attribute)
    return math.prod(shapes[node.output[0]]) * _inner(shapes[node.input[0]], turned)


def _inner(shape: Sequence[int], turned: bool) -> int:
    return shape[0] if turned else shape[-1]


_RULES: Mapping[str, Callable[[Any, Shapes], int]] = {
    "Conv": _convolution,
    "ConvInteger": _convolution,
    "QLinearConv": _quantized_convolution,
    "ConvTranspose": _transposed,
    "MatMul": _product,
    "MatMulInteger": _product,
    "QLinearMatMul": _product,
    "Gemm": _gemm,
}

_UNKNOWN = frozenset({"Loop", "If", "Scan", "LSTM", "GRU", "RNN", "Einsum", "Attention"})
