"""ONNX graphs in fewer bits, by the tools that come with ONNX Runtime."""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tfprune._silence import silenced
from tfprune.convert.samples import Example


def to_float16(proto: Any) -> Any:
    """Returns the graph with weights and activations in half precision.

    Inputs and outputs stay as they are, so that a program that feeds the file need not change.
    """
    from onnxruntime.transformers.float16 import convert_float_to_float16

    with silenced():
        return convert_float_to_float16(proto, keep_io_types=True)


def to_int8(
    proto: Any, names: Sequence[str], calibration: Sequence[Example], symmetric: bool
) -> Any:
    """Returns the graph with QuantizeLinear and DequantizeLinear around what runs in int8.

    For ONNX Runtime weights take seven bits: on x86 processors without VNNI its kernels add
    pairs of products in 16 bits, which overflow at eight. TensorRT's do not.

    Args:
        proto: a float32 graph.
        names: of its inputs.
        calibration: examples to take the activations' ranges from.
        symmetric: whether all zero points are zero, as TensorRT wants them.
    """
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory(prefix="tfprune-") as folder, silenced():
        plain, ready, small = (str(Path(folder) / f"{step}.onnx") for step in ("a", "b", "c"))
        onnx.save(proto, plain)
        # The symbolic step wants sympy, and finds out what Keras has told already.
        quant_pre_process(plain, ready, skip_symbolic_shape=True)
        quantize_static(
            ready,
            small,
            _reader(names, calibration),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            weight_type=QuantType.QInt8,
            activation_type=QuantType.QInt8,
            reduce_range=not symmetric,
            extra_options={"ActivationSymmetric": symmetric, "WeightSymmetric": True},
        )
        return onnx.load(small)


def _reader(names: Sequence[str], calibration: Sequence[Example]) -> Any:
    """The examples in the form that ONNX Runtime's calibration asks for."""
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):
        """Hands out one example after another, then None."""

        def __init__(self) -> None:
            self._feeds = _feeds(names, calibration)

        def get_next(self) -> dict[str, np.ndarray] | None:
            """Returns the next example by the inputs' names."""
            return next(self._feeds, None)

    return Reader()


def _feeds(names: Sequence[str], calibration: Sequence[Example]) -> Iterator[dict[str, np.ndarray]]:
    return (dict(zip(names, example, strict=True)) for example in calibration)
