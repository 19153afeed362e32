"""What an ONNX file takes: names, shapes and types, and examples that fit them."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfprune.convert.samples import Example
from tfprune.errors import DataError, FileError


@dataclass(frozen=True)
class OnnxInputs:
    """The inputs of an ONNX file.

    Attributes:
        names: of the inputs.
        shapes: batch first, None for open sizes.
        types: numpy's names.
        quantized: whether the graph holds QuantizeLinear, so says itself what runs in int8.
    """

    names: tuple[str, ...]
    shapes: tuple[tuple[int | None, ...], ...]
    types: tuple[str, ...]
    quantized: bool

    def examples(self, data: Any, limit: int, shapes: Sequence[Sequence[int]]) -> list[Example]:
        """Returns examples of the data, one batch entry each, or 8 drawn where there are none.

        Args:
            data: an array, a tuple of arrays, a dict by name, or an iterable of batches of these;
                labels are not looked for. None to draw.
            limit: take no more than this.
            shapes: of drawn examples, batch first.

        Raises:
            DataError: a batch does not fit the inputs.
        """
        if data is None:
            draw = np.random.default_rng(0)
            return [
                tuple(
                    draw.normal(size=(1, *shape[1:])).astype(kind)
                    for shape, kind in zip(shapes, self.types, strict=True)
                )
                for _ in range(8)
            ]
        found: list[Example] = []
        for batch in self._batches(data):
            arrays = self._fitting(batch)
            for row in range(len(arrays[0])):
                found.append(tuple(array[row : row + 1] for array in arrays))
                if len(found) == limit:
                    return found
        if not found:
            raise DataError("expected at least one batch of inputs, received none")
        return found

    def _batches(self, data: Any) -> Iterable[Any]:
        single = isinstance(data, np.ndarray | Mapping)
        several = isinstance(data, tuple) and all(isinstance(x, np.ndarray) for x in data)
        return [data] if single or several else data

    def _fitting(self, batch: Any) -> list[np.ndarray]:
        if isinstance(batch, Mapping):
            missing = [name for name in self.names if name not in batch]
            if missing:
                raise DataError(f"expected arrays named {list(self.names)}, received {list(batch)}")
            batch = [batch[name] for name in self.names]
        parts = batch if isinstance(batch, tuple | list) else [batch]
        if len(parts) != len(self.names):
            raise DataError(f"expected {len(self.names)} arrays a batch, received {len(parts)}")
        arrays = [np.asarray(p).astype(t) for p, t in zip(parts, self.types, strict=True)]
        for name, array, shape in zip(self.names, arrays, self.shapes, strict=True):
            fits = array.ndim == len(shape) and all(
                want in (None, got) for want, got in zip(shape[1:], array.shape[1:], strict=True)
            )
            if not fits:
                raise DataError(
                    f"expected shape {shape} for input {name!r}, received {array.shape}"
                )
        return arrays


def read_inputs(path: str | os.PathLike[str]) -> OnnxInputs:
    """Reads the inputs of an ONNX file; nothing in it is run.

    Raises:
        FileError: nothing is there, or it is no ONNX file.
    """
    import onnx

    file = Path(path)
    if not file.is_file():
        raise FileError(f"expected an ONNX file, found none at {file}: check the path")
    try:
        proto = onnx.load(str(file), load_external_data=False)
        onnx.checker.check_model(proto)
    # protobuf's DecodeError and onnx's ValidationError share no base.
    except Exception as error:
        reason = " ".join(str(error).split())[:150]
        raise FileError(f"cannot read {file} as ONNX, it may be damaged: {reason}") from error
    weights = {tensor.name for tensor in proto.graph.initializer}
    inputs = [value for value in proto.graph.input if value.name not in weights]
    kinds = [onnx.helper.tensor_dtype_to_np_dtype(v.type.tensor_type.elem_type) for v in inputs]
    return OnnxInputs(
        names=tuple(value.name for value in inputs),
        shapes=tuple(
            tuple(size.dim_value or None for size in value.type.tensor_type.shape.dim)
            for value in inputs
        ),
        types=tuple(np.dtype(kind).name for kind in kinds),
        quantized=any(node.op_type == "QuantizeLinear" for node in proto.graph.node),
    )
