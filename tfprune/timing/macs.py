"""Multiply-accumulates of a `.tflite` file, counted from the shapes in its graph."""

import math
import os
from collections.abc import Callable, Mapping

from tfprune._tflite import Operation, Tensor, read_graph


def count_macs(path: str | os.PathLike[str]) -> int | None:
    """Returns the multiply-accumulates of one inference at the sizes stored in the file.

    Counts convolutions (plain, depthwise, transposed, 3-D), fully connected layers and batched
    matrix products. Sizes that the file leaves open count as 1. Additions of a bias, activations
    and data movement count nothing.

    Returns:
        The count, or `None` where a loop, a branch or a fused recurrent operation does work
        that shapes do not tell.

    Raises:
        FileError: the file is missing, of another format, or damaged.
    """
    graph = read_graph(path)
    if any(op.kind in _UNKNOWN for op in graph.operations):
        return None
    return sum(_macs(op) for op in graph.operations)


def _macs(op: Operation) -> int:
    rule = _RULES.get(op.kind)
    return rule(op) if rule else 0


def _shape(tensor: Tensor | None) -> tuple[int, ...]:
    return tensor.shape if tensor is not None else ()


def _convolution(op: Operation) -> int:
    # Filters are (filters, height, width, channels of the group).
    return math.prod(op.outputs[0].shape) * math.prod(_shape(op.inputs[1])[1:])


def _depthwise(op: Operation) -> int:
    # Filters are (1, height, width, channels).
    return math.prod(op.outputs[0].shape) * math.prod(_shape(op.inputs[1])[1:3])


def _convolution_3d(op: Operation) -> int:
    # Filters are (depth, height, width, channels, filters).
    return math.prod(op.outputs[0].shape) * math.prod(_shape(op.inputs[1])[:4])


def _transposed(op: Operation) -> int:
    # Inputs are (output shape, filters, values); each value meets every tap of every filter.
    filters, height, width, _ = _shape(op.inputs[1])
    return math.prod(_shape(op.inputs[2])) * height * width * filters


def _fully_connected(op: Operation) -> int:
    # Weights are (units, inputs).
    return math.prod(op.outputs[0].shape) * _shape(op.inputs[1])[-1]


def _matrix_product(op: Operation) -> int:
    inner = _shape(op.inputs[0])[-2 if op.flags.get("adjoint") else -1]
    return math.prod(op.outputs[0].shape) * inner


_RULES: Mapping[str, Callable[[Operation], int]] = {
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "CONV_3D": _convolution_3d,
    "TRANSPOSE_CONV": _transposed,
    "FULLY_CONNECTED": _fully_connected,
    "BATCH_MATMUL": _matrix_product,
}

_UNKNOWN = frozenset(
    {
        "WHILE",
        "IF",
        "CALL",
        "LSTM",
        "RNN",
        "SVDF",
        "BIDIRECTIONAL_SEQUENCE_LSTM",
        "BIDIRECTIONAL_SEQUENCE_RNN",
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        "UNIDIRECTIONAL_SEQUENCE_RNN",
        "CONV_3D_TRANSPOSE",
        "CUSTOM",
    }
)
