"""ONNX files, or Keras models through ONNX, to TensorRT engines.

Written from NVIDIA's documentation of versions 8 and 10; no GPU was at hand to run it on.
"""

import importlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfprune._files import atomic_path
from tfprune.convert import samples as sampling
from tfprune.convert.artifact import digest
from tfprune.convert.checks import check_errors, check_limit, check_target
from tfprune.convert.compare import Outputs, output_errors, run_keras
from tfprune.convert.extras import require
from tfprune.convert.onnx import to_onnx
from tfprune.convert.onnx.read import OnnxInputs, read_inputs
from tfprune.convert.onnx.runtime import run_onnx
from tfprune.convert.samples import Example
from tfprune.convert.tensorrt.builder import Order, build_engine, run_engine
from tfprune.convert.tensorrt.device import Device, load_driver
from tfprune.convert.tensorrt.guards import check_precision
from tfprune.convert.tensorrt.profile import Profile, batched, make_profile
from tfprune.convert.tensorrt.tftrt import TOLERANCE, TensorRTArtifact
from tfprune.errors import DataError, MissingExtraError

if TYPE_CHECKING:
    import keras


def to_tensorrt(
    model: "keras.Model | str | os.PathLike[str]",
    path: str | os.PathLike[str],
    precision: str = "FP32",
    representative_data: Any = None,
    *,
    min_shapes: Any = None,
    opt_shapes: Any = None,
    max_shapes: Any = None,
    samples: Any = None,
    tolerance: float | None = None,
    workspace_bytes: int = 1 << 30,
    calibration_examples: int = 256,
    overwrite: bool = True,
) -> TensorRTArtifact:
    """Builds a TensorRT engine of an ONNX file or a Keras model, runs it and compares.

    Needs the package `tensorrt` (8.6 or 10) and an NVIDIA GPU, and builds for that GPU; what is
    missing is told before any work. It is the road to TensorRT for TensorFlow 2.18 and newer.
    **Not run on hardware by us**: its calls are tested with stand-ins for TensorRT and the driver.

    INT8 of a Keras model goes through QuantizeLinear and DequantizeLinear (`to_onnx` with
    `symmetric=True`); an ONNX file that holds them is taken as it is, another one is calibrated by
    TensorRT's entropy calibrator.

    Args:
        model: a built Keras model, or the path of an ONNX file.
        path: where the engine is to stand, such as "model.engine".
        precision: "FP32", "FP16" or "INT8". Defaults to "FP32".
        representative_data: for "INT8": an iterable of input batches, as `to_tflite` takes.
            Defaults to `None`.
        min_shapes: the least shapes of the inputs, batch first, as in `to_tftrt`.
        opt_shapes: the shapes to tune for.
        max_shapes: the largest shapes. Defaults to those of a batch of 1.
        samples: inputs to compare on. Defaults to some of the representative data, else to 8
            drawn from a normal distribution.
        tolerance: the largest error allowed against the Keras model (for an ONNX file, against
            ONNX Runtime), relative to the output's range. Defaults to .001, .02 and .25.
        workspace_bytes: GPU memory that the engine may use while it runs. Defaults to 1 GiB.
        calibration_examples: how many examples to take of `representative_data`. Defaults to 256.
        overwrite: whether a file at `path` may be replaced. Defaults to `True`.

    Returns:
        A `TensorRTArtifact`.

    Raises:
        MissingExtraError: tensorrt, onnx or onnxruntime is not installed.
        ModelError: the Keras model is not built, or cannot be exported.
        DataError: INT8 without representative data, or data that do not fit.
        FileError: a file cannot be read or written, or exists and `overwrite` is `False`.
        ConversionError: there is no GPU, TensorRT cannot build the engine, or the engine computes
            something else.
    """
    check_precision(precision)
    allowed = check_limit(TOLERANCE[precision] if tolerance is None else tolerance, "tolerance")
    check_target(Path(path), overwrite)
    require("TensorRT", "onnx", "onnx", "onnxruntime")
    trt = _load_tensorrt()
    driver = load_driver()
    with tempfile.TemporaryDirectory(prefix="tfprune-") as folder:
        file = _onnx_file(model, Path(folder), precision, representative_data, samples)
        inputs = read_inputs(file)
        _check_data(precision, inputs, representative_data)
        profile = make_profile(inputs.names, inputs.shapes, min_shapes, opt_shapes, max_shapes)
        size = profile.usual[0][0]
        calibration = _examples(model, inputs, representative_data, calibration_examples, profile)
        examples = calibration[:8]
        if samples is not None:
            examples = _examples(model, inputs, samples, 64, profile)
        expected = _expected(model, file, inputs, examples)
        order = Order(
            graph=file.read_bytes(),
            names=inputs.names,
            profile=profile,
            precision=precision,
            quantized=inputs.quantized,
            calibration=batched(calibration, size),
            workspace_bytes=workspace_bytes,
        )
        with atomic_path(path) as temporary, Device(driver) as device:
            engine = build_engine(trt, order, device)
            received = _run(trt, engine, inputs.names, batched(examples, size), device)
            count = len(examples)
            errors = output_errors(expected, {n: v[:count] for n, v in received.items()})
            check_errors(errors, allowed, f"TensorRT {precision}")
            temporary.write_bytes(engine)
    return TensorRTArtifact(
        path=Path(path),
        bytes=len(engine),
        quantize={"FP32": None, "FP16": "float16", "INT8": "int8"}[precision],
        errors=errors,
        tolerance=allowed,
        samples=len(examples),
        inputs=tuple(inputs.names),
        sha256=digest(engine),
        precision=precision,
    )


def _check_data(precision: str, inputs: OnnxInputs, data: Any) -> None:
    if precision == "INT8" and not inputs.quantized and data is None:
        raise DataError(
            "precision='INT8' needs representative_data, since the ONNX file does not say what "
            "runs in int8: pass some batches of real inputs"
        )


def _load_tensorrt() -> Any:
    try:
        return importlib.import_module("tensorrt")
    except ImportError as error:
        raise MissingExtraError(
            "an engine is built by NVIDIA's package tensorrt, which cannot be imported: pip "
            "install tensorrt (on a machine with an NVIDIA GPU)"
        ) from error


def _onnx_file(model: Any, folder: Path, precision: str, data: Any, samples: Any) -> Path:
    if isinstance(model, str | os.PathLike):
        return Path(model)
    file = folder / "model.onnx"
    int8 = precision == "INT8"
    to_onnx(
        model,
        file,
        quantize="int8" if int8 else None,
        representative_data=data,
        samples=samples,
        symmetric=int8,
        opset=17,
    )
    return file


def _examples(
    model: Any, inputs: OnnxInputs, data: Any, limit: int, profile: Profile
) -> list[Example]:
    if data is None or isinstance(model, str | os.PathLike):
        return inputs.examples(data, limit, profile.usual)
    return sampling.take(model, data, limit, "representative_data")


def _expected(model: Any, file: Path, inputs: OnnxInputs, examples: Sequence[Example]) -> Outputs:
    if isinstance(model, str | os.PathLike):
        return run_onnx(file, inputs.names, examples, [1], as_written=True)[0]
    return run_keras(model, examples)


def _run(
    trt: Any, engine: bytes, names: Sequence[str], batches: Sequence[Example], device: Device
) -> dict[str, np.ndarray]:
    answers = [run_engine(trt, engine, names, batch, device) for batch in batches]
    return {name: np.concatenate([one[name] for one in answers]) for name in answers[0]}
