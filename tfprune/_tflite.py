"""The graph inside a `.tflite` file, read through the format's published schema."""

import os
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tfprune.errors import FileError

IDENTIFIER = b"TFL3"


@dataclass(frozen=True)
class Tensor:
    """A tensor of a graph: its number, name, type and shape (an open size reads as 1)."""

    index: int
    name: str
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Operation:
    """One node: the built-in's name in the schema's spelling, or `CUSTOM` with its own name."""

    kind: str
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]
    custom: str = ""
    flags: dict[str, bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Graph:
    """The main graph: `operations` in the order they run, `outputs` by their signature's name.

    `others` are the operations of the bodies of loops and branches.
    """

    operations: tuple[Operation, ...]
    outputs: dict[str, Tensor]
    others: tuple[Operation, ...]

    def producer(self, tensor: Tensor) -> Operation | None:
        """Returns the operation that makes `tensor`, or `None` for inputs and constants."""
        return next((op for op in self.operations if tensor in op.outputs), None)


def check_file(path: str | os.PathLike[str]) -> Path:
    """Returns `path` if a TFLite file stands there; reads eight bytes.

    Raises:
        FileError: nothing is there, or it is a folder, unreadable or of another format.
    """
    file = Path(path)
    if not file.exists():
        raise FileError(f"expected a .tflite file, found nothing at {file}: check the path")
    if file.is_dir():
        raise FileError(f"expected a .tflite file, received the folder {file}: name a file in it")
    try:
        with file.open("rb") as stream:
            head = stream.read(8)
    except OSError as error:
        raise FileError(f"cannot read {file}: {error.strerror}") from error
    if head[4:] != IDENTIFIER:
        raise FileError(
            f"expected a .tflite file, but {file} lacks the format's mark {IDENTIFIER.decode()}: "
            "it is of another format, or was cut short"
        )
    return file


def read_graph(path: str | os.PathLike[str]) -> Graph:
    """Reads the graph of a `.tflite` file, without its weights.

    Raises:
        FileError: the file is missing, of another format, or damaged.
    """
    from ai_edge_litert import schema_py_generated as schema

    content = check_file(path).read_bytes()
    try:
        model = schema.Model.GetRootAs(content, 0)
        graphs = [_graph(schema, model, index) for index in range(model.SubgraphsLength())]
        outputs = _outputs(schema, model)
    # An offset that points nowhere shows as any of these.
    except (struct.error, IndexError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise FileError(f"cannot read {path}: the file is damaged or was cut short") from error
    return Graph(graphs[0], outputs, tuple(op for graph in graphs[1:] for op in graph))


def _graph(schema: Any, model: Any, index: int) -> tuple[Operation, ...]:
    graph = model.Subgraphs(index)
    tensors = _tensors(schema, graph)
    kinds = _names(schema.BuiltinOperator)
    found = []
    for number in range(graph.OperatorsLength()):
        node = graph.Operators(number)
        code = model.OperatorCodes(node.OpcodeIndex())
        # Files of before 2020 hold the code in a byte, newer ones in a wider field beside it.
        kind = kinds[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        inputs = (node.Inputs(i) for i in range(node.InputsLength()))
        outputs = (node.Outputs(i) for i in range(node.OutputsLength()))
        found.append(
            Operation(
                kind=kind,
                inputs=tuple(tensors[i] if i >= 0 else None for i in inputs),
                outputs=tuple(tensors[i] for i in outputs),
                custom=(code.CustomCode() or b"").decode("utf-8", "replace"),
                flags=_adjoint(schema, node) if kind == "BATCH_MATMUL" else {},
            )
        )
    return tuple(found)


def _outputs(schema: Any, model: Any) -> dict[str, Tensor]:
    if not model.SignatureDefsLength():
        tensors, main = _tensors(schema, model.Subgraphs(0)), model.Subgraphs(0)
        last = [tensors[main.Outputs(i)] for i in range(main.OutputsLength())]
        return {tensor.name: tensor for tensor in last}
    signature = model.SignatureDefs(0)
    tensors = _tensors(schema, model.Subgraphs(signature.SubgraphIndex()))
    named = [signature.Outputs(i) for i in range(signature.OutputsLength())]
    return {item.Name().decode("utf-8"): tensors[item.TensorIndex()] for item in named}


def _names(enumeration: Any) -> dict[int, str]:
    return {v: k for k, v in vars(enumeration).items() if isinstance(v, int)}


def _tensors(schema: Any, graph: Any) -> list[Tensor]:
    types = _names(schema.TensorType)
    found = []
    for index in range(graph.TensorsLength()):
        tensor = graph.Tensors(index)
        shape = tuple(int(tensor.Shape(i)) for i in range(tensor.ShapeLength()))
        name = (tensor.Name() or b"").decode("utf-8", "replace")
        found.append(Tensor(index, name, types[tensor.Type()], shape))
    return found


def _adjoint(schema: Any, node: Any) -> dict[str, bool]:
    """Returns whether a matrix product reads its first operand transposed."""
    table = node.BuiltinOptions()
    if table is None:
        return {"adjoint": False}
    options = schema.BatchMatMulOptions()
    options.Init(table.Bytes, table.Pos)
    return {"adjoint": bool(options.AdjX())}
