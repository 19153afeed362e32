"""Keras models to ONNX files that were run before they ship."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfprune._files import atomic_path
from tfprune.convert import accuracy as judging
from tfprune.convert import samples as sampling
from tfprune.convert.artifact import Artifact, digest
from tfprune.convert.checks import (
    check_errors,
    check_limit,
    check_model,
    check_target,
    choose_labelled,
    common_shapes,
    join_errors,
    labels_of_classes,
)
from tfprune.convert.compare import output_errors, run_keras
from tfprune.convert.extras import require, require_tensorflow
from tfprune.convert.onnx.graph import make_proto
from tfprune.convert.onnx.precision import to_float16, to_int8
from tfprune.convert.onnx.runtime import run_onnx
from tfprune.convert.samples import Example
from tfprune.convert.savedmodel import input_names
from tfprune.errors import ConversionError, DataError

if TYPE_CHECKING:
    import keras

TOLERANCE: Mapping[str | None, float] = {None: 1e-4, "float16": 1e-2, "int8": 0.25}
"""The largest error allowed by default, relative to the output's range, for each format."""


def to_onnx(
    model: "keras.Model",
    path: str | os.PathLike[str],
    quantize: str | None = None,
    representative_data: Any = None,
    samples: Any = None,
    tolerance: float | None = None,
    dynamic_batch: bool = True,
    opset: int | None = None,
    symmetric: bool = False,
    calibration_examples: int = 256,
    overwrite: bool = True,
    seed: int = 0,
    *,
    labels: Any = None,
    max_accuracy_drop: float = 0.02,
) -> Artifact:
    """Converts `model` to an ONNX file, runs it in ONNX Runtime and compares it with the model.

    The file is put in place only if every output agrees on every sample, given one by one and,
    where the batch is open, all at once, and where labels are given the accuracy holds; otherwise
    nothing is left behind, and a file that stood at `path` stays. Names of inputs and outputs are
    the model's.

    Args:
        model: a built Functional or Sequential model with finite weights. It stays as it is.
        path: where the file is to stand.
        quantize: `None` for float32; "float16" for half precision inside (inputs and outputs stay
            as they are); "int8" for QuantizeLinear and DequantizeLinear around what runs in int8,
            weights by channel. Defaults to `None`.
        representative_data: what "int8" takes the activations' ranges from, in the forms that
            `to_tflite` takes. Defaults to `None`.
        samples: inputs to compare on; with labels, `(x, y)` or batches of such pairs, accuracy
            is measured too. Defaults to the first 8 of `representative_data`, else to 8 drawn
            from a normal distribution.
        tolerance: the largest error allowed, relative to the output's range. Defaults to the
            format's in `TOLERANCE`: 1e-4 (float32), .01 (float16) and .25 (int8).
        dynamic_batch: whether the batch, and other sizes that the model leaves open, are open in
            the file; else the batch is 1 and sizes are those of the samples. Defaults to `True`.
        opset: the version of ONNX's operations. Defaults to tf2onnx's choice, 15.
        symmetric: for "int8": made for TensorRT: zero points are zero and weights take all eight
            bits, which overflow in ONNX Runtime on some x86 processors. Defaults to `False`: made
            for ONNX Runtime.
        calibration_examples: how many examples to take of `representative_data`. Defaults to 256.
        overwrite: whether a file at `path` may be replaced. Defaults to `True`.
        seed: of the drawn samples. Defaults to 0.
        labels: the right answers for `samples`, where those come without: class numbers or
            one-hot rows; for several outputs a dict by their names. Defaults to `None`.
        max_accuracy_drop: by how much the file's accuracy may be below the Keras model's on the
            same samples, as a share. Defaults to .02.

    Returns:
        An `Artifact`: path, size, checksum, the error of each output, and its accuracy.

    Raises:
        MissingExtraError: onnx, onnxruntime or tf2onnx is not installed.
        ModelError: the model is not built, has no static graph, or has NaN weights.
        DataError: the data are missing, empty, of a wrong shape, or hold NaN; labels do not fit
            the model.
        FileError: `path` cannot be written, or exists and `overwrite` is `False`.
        ConversionError: an operation has no counterpart in ONNX, the file computes something
            else, its accuracy is lower than allowed, or Keras runs on another backend than
            TensorFlow.

    Example:
        >>> import keras, tempfile, pathlib
        >>> model = keras.Sequential([keras.Input((4,), name="wave"), keras.layers.Dense(2)])
        >>> artifact = to_onnx(model, pathlib.Path(tempfile.mkdtemp()) / "m.onnx")
        >>> artifact.inputs, artifact.largest_error < artifact.tolerance
        (('wave',), True)
    """
    allowed = _check_arguments(quantize, representative_data, tolerance, opset)
    check_limit(max_accuracy_drop, "max_accuracy_drop")
    check_model(model)
    check_target(Path(path), overwrite)
    require_tensorflow("ONNX")
    require("ONNX", "onnx", "onnx", "onnxruntime", "tf2onnx")
    calibration: list[Example] = []
    if quantize == "int8":
        calibration = sampling.take(
            model, representative_data, calibration_examples, "representative_data"
        )
    examples, given = choose_labelled(
        model, samples, labels, calibration, representative_data, seed
    )
    common = common_shapes(model, [*examples, *calibration])
    expected = run_keras(model, examples)
    truth = labels_of_classes(given, expected, asked=labels is not None)
    proto = make_proto(
        model, [tensor.shape for tensor in model.inputs] if dynamic_batch else common, opset
    )
    proto = _in_precision(model, proto, quantize, calibration, symmetric)
    with atomic_path(path) as temporary:
        temporary.write_bytes(proto.SerializeToString())
        batches = [1, len(examples)] if dynamic_batch and len(examples) > 1 else [1]
        answers = run_onnx(temporary, input_names(model), examples, batches, as_written=symmetric)
        errors = join_errors(output_errors(expected, received) for received in answers)
        check_errors(errors, allowed, f"{quantize or 'float32'} ONNX")
        accuracies = judging.measure(expected, answers[0], truth, on="")
        judging.check_drop(accuracies, max_accuracy_drop)
        content = temporary.read_bytes()
    return Artifact(
        path=Path(path),
        bytes=len(content),
        quantize=quantize,
        errors=errors,
        tolerance=allowed,
        samples=len(examples),
        inputs=input_names(model),
        sha256=digest(content),
        accuracy=accuracies,
    )


def _check_arguments(
    quantize: str | None, data: Any, tolerance: float | None, opset: int | None
) -> float:
    if quantize not in TOLERANCE:
        raise ConversionError(
            f"expected quantize to be one of {list(TOLERANCE)}, received {quantize!r}"
        )
    if quantize == "int8" and data is None:
        raise DataError(
            "quantize='int8' needs representative_data to take the activations' ranges from, "
            "received none: pass some batches of real inputs"
        )
    # tf2onnx 1.17 knows 18 versions; before 13 there is no int8 by channel.
    if opset is not None and not 13 <= opset <= 18:
        raise ConversionError(f"expected an opset from 13 to 18, received {opset}")
    return check_limit(TOLERANCE[quantize] if tolerance is None else tolerance, "tolerance")


def _in_precision(
    model: "keras.Model",
    proto: Any,
    quantize: str | None,
    calibration: Sequence[Example],
    symmetric: bool,
) -> Any:
    if quantize is None:
        return proto
    try:
        if quantize == "float16":
            return to_float16(proto)
        return to_int8(proto, input_names(model), calibration, symmetric)
    # ONNX Runtime's tools raise ValueError, RuntimeError and classes of their own.
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise ConversionError(
            f"ONNX Runtime's tools cannot bring {model.name!r} to {quantize}: {reason}"
        ) from error
