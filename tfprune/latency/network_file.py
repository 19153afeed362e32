"""`.tflite` files written straight from a list of layers, with noise for weights.

How long a layer takes depends on its sizes, not on its weights, so nothing has to be converted:
a file is written in milliseconds, without TensorFlow, where a conversion takes seconds.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tfprune.latency.layers import Layer, Sized

_NOISE = 1 << 20


def network_file(network: Sequence[Sized]) -> bytes:
    """Returns a `.tflite` file that runs the layers one after another, batch 1, float32.

    A layer reads the latest tensor of its input's shape; where there is none, an input of the
    file. What no layer reads is an output.

    Args:
        network: the layers.
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    writer = _Writer(schema)
    for layer, reads, makes in network:
        _RULES[layer.kind](writer, layer, reads, makes)
    # A builder that starts small doubles again and again, and copies all it holds each time.
    builder = flatbuffers.Builder(writer.bytes + (1 << 16))
    builder.Finish(writer.finished().Pack(builder), b"TFL3")
    return bytes(builder.Output())


class _Writer:
    """A model under construction, in the classes of the format's published schema."""

    def __init__(self, schema: Any) -> None:
        self.schema = schema
        self.bytes = 0
        self._noise = np.random.default_rng(0).uniform(-1, 1, _NOISE).astype(np.float32)
        self._model = schema.ModelT()
        self._model.version = 3
        self._model.operatorCodes = []
        self._model.buffers = [schema.BufferT()]
        self._graph = schema.SubGraphT()
        self._graph.tensors, self._graph.operators, self._graph.inputs = [], [], []
        self._codes: dict[str, int] = {}
        self._made: dict[tuple[int, ...], list[int]] = {}
        self._read: set[int] = set()

    def weights(self, *shape: int, fan_in: int) -> int:
        """A constant of noise, by which numbers neither grow nor fade on their way."""
        values = np.resize(self._noise, math.prod(shape)) * np.float32(math.sqrt(6 / fan_in))
        return self._constant(shape, values, self.schema.TensorType.FLOAT32)

    def numbers(self, *values: int) -> int:
        """A constant of whole numbers."""
        array = np.array(values, np.int32)
        return self._constant(array.shape, array, self.schema.TensorType.INT32)

    def _constant(self, shape: Sequence[int], values: np.ndarray, dtype: int) -> int:
        buffer = self.schema.BufferT()
        buffer.data = values.view(np.uint8)
        self.bytes += values.nbytes
        self._model.buffers.append(buffer)
        return self._tensor(shape, dtype, len(self._model.buffers) - 1)

    def _tensor(self, shape: Sequence[int], dtype: int, buffer: int = 0) -> int:
        tensor = self.schema.TensorT()
        tensor.shape, tensor.type, tensor.buffer = list(shape), dtype, buffer
        tensor.name = f"t{len(self._graph.tensors)}"
        self._graph.tensors.append(tensor)
        self.bytes += 100
        return len(self._graph.tensors) - 1

    def _activation(self, shape: tuple[int, ...]) -> int:
        index = self._tensor(shape, self.schema.TensorType.FLOAT32)
        self._made.setdefault(shape, []).append(index)
        return index

    def latest(self, *shape: int, count: int = 1) -> list[int]:
        """The latest `count` tensors of a shape; inputs where there are not as many."""
        while len(self._made.get(shape, ())) < count:
            self._graph.inputs.append(self._activation(shape))
        found = self._made[shape][-count:]
        self._read.update(found)
        return found

    def add(
        self, kind: str, inputs: Sequence[int], output: tuple[int, ...], options: str, **fields: Any
    ) -> None:
        """Appends an operation; `fields` are those of its table of options."""
        operator = self.schema.OperatorT()
        operator.opcodeIndex = self._code(kind)
        operator.inputs, operator.outputs = list(inputs), [self._activation(output)]
        if options:
            operator.builtinOptionsType = getattr(self.schema.BuiltinOptions, options)
            operator.builtinOptions = getattr(self.schema, f"{options}T")()
            for name, value in fields.items():
                setattr(operator.builtinOptions, name, value)
        self._graph.operators.append(operator)

    def _code(self, kind: str) -> int:
        if kind not in self._codes:
            self._codes[kind] = len(self._codes)
            code = self.schema.OperatorCodeT()
            code.builtinCode = getattr(self.schema.BuiltinOperator, kind)
            # Files of before 2020 hold the code in a byte; readers take the larger of the two.
            code.deprecatedBuiltinCode = min(code.builtinCode, 127)
            code.version = 1
            self._model.operatorCodes.append(code)
        return self._codes[kind]

    def finished(self) -> Any:
        """The whole model."""
        made = (index for group in self._made.values() for index in group)
        self._graph.outputs = sorted(index for index in made if index not in self._read)
        self._model.subgraphs = [self._graph]
        return self._model


def _input_size(layer: Layer) -> tuple[int, int]:
    return layer.size[0] * layer.strides[0], layer.size[1] * layer.strides[1]


def _window(layer: Layer) -> dict[str, int]:
    """Strides and padding; the kind of padding makes no difference, "same" fits every size."""
    return {"padding": 0, "strideH": layer.strides[0], "strideW": layer.strides[1]}


def _dilation(layer: Layer) -> dict[str, int]:
    return {"dilationHFactor": layer.dilation[0], "dilationWFactor": layer.dilation[1]}


def _convolution(writer: _Writer, layer: Layer, reads: int, makes: int) -> None:
    inputs = writer.latest(1, *_input_size(layer), reads * layer.groups)
    fan_in = reads * math.prod(layer.kernel)
    weights = writer.weights(makes, *layer.kernel, reads, fan_in=fan_in)
    writer.add(
        "CONV_2D",
        [*inputs, weights, writer.weights(makes, fan_in=fan_in)],
        (1, *layer.size, makes),
        "Conv2DOptions",
        fusedActivationFunction=writer.schema.ActivationFunctionType.RELU,
        **_window(layer),
        **_dilation(layer),
    )


def _depthwise(writer: _Writer, layer: Layer, reads: int, makes: int) -> None:
    fan_in = math.prod(layer.kernel)
    inputs = writer.latest(1, *_input_size(layer), reads)
    weights = writer.weights(1, *layer.kernel, makes, fan_in=fan_in)
    writer.add(
        "DEPTHWISE_CONV_2D",
        [*inputs, weights, writer.weights(makes, fan_in=fan_in)],
        (1, *layer.size, makes),
        "DepthwiseConv2DOptions",
        depthMultiplier=makes // reads,
        fusedActivationFunction=writer.schema.ActivationFunctionType.RELU,
        **_window(layer),
        **_dilation(layer),
    )


def _transposed(writer: _Writer, layer: Layer, reads: int, makes: int) -> None:
    size = tuple(-(-whole // step) for whole, step in zip(layer.size, layer.strides, strict=True))
    weights = writer.weights(makes, *layer.kernel, reads, fan_in=reads * math.prod(layer.kernel))
    writer.add(
        "TRANSPOSE_CONV",
        [writer.numbers(1, *layer.size, makes), weights, *writer.latest(1, *size, reads)],
        (1, *layer.size, makes),
        "TransposeConvOptions",
        **_window(layer),
    )


def _dense(writer: _Writer, layer: Layer, reads: int, makes: int) -> None:
    rows = layer.size[0]
    writer.add(
        "FULLY_CONNECTED",
        [
            *writer.latest(rows, reads),
            writer.weights(makes, reads, fan_in=reads),
            writer.weights(makes, fan_in=reads),
        ],
        (rows, makes),
        "FullyConnectedOptions",
    )


def _add(writer: _Writer, layer: Layer, reads: int, makes: int) -> None:
    shape = (1, *layer.size, makes)
    writer.add("ADD", writer.latest(*shape, count=2), shape, "AddOptions")


def _sigmoid(writer: _Writer, layer: Layer, reads: int, makes: int) -> None:
    shape = (1, *layer.size, makes)
    writer.add("LOGISTIC", writer.latest(*shape), shape, "")


def _pool(writer: _Writer, layer: Layer, reads: int, makes: int) -> None:
    kind = {"max_pool": "MAX_POOL_2D", "average_pool": "AVERAGE_POOL_2D"}[layer.kind]
    writer.add(
        kind,
        writer.latest(1, *_input_size(layer), reads),
        (1, *layer.size, makes),
        "Pool2DOptions",
        filterHeight=layer.kernel[0],
        filterWidth=layer.kernel[1],
        **_window(layer),
    )


def _mean(writer: _Writer, layer: Layer, reads: int, makes: int) -> None:
    inputs = writer.latest(1, *layer.size, reads)
    writer.add("MEAN", [*inputs, writer.numbers(1, 2)], (1, makes), "ReducerOptions")


_RULES: Mapping[str, Callable[[_Writer, Layer, int, int], None]] = {
    "convolution": _convolution,
    "transposed": _transposed,
    "dense": _dense,
    "depthwise": _depthwise,
    "add": _add,
    "sigmoid": _sigmoid,
    "max_pool": _pool,
    "average_pool": _pool,
    "mean": _mean,
}
