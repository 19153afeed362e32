"""Keras models to TFLite files that were run before they ship."""

import os
import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfprune._files import atomic_path
from tfprune._silence import silenced
from tfprune.convert import compare
from tfprune.convert import samples as sampling
from tfprune.convert.artifact import Artifact, digest
from tfprune.convert.checks import (
    check_errors,
    check_model,
    check_target,
    choose_samples,
    common_shapes,
)
from tfprune.convert.keyline import explain, layer_of
from tfprune.convert.padding import without_padding_copies
from tfprune.convert.samples import Example
from tfprune.convert.savedmodel import SIGNATURE, export, input_names, layer_names, loops
from tfprune.errors import ConversionError, DataError

if TYPE_CHECKING:
    import keras

TOLERANCE: Mapping[str | None, float] = {
    None: 1e-4,
    "float16": 1e-2,
    "dynamic": 0.25,
    "int8": 0.25,
}
"""The largest error allowed by default, relative to the output's range, for each format.

Measured on random and trained nets (ResNet50, MobileNets, a keyword spotter, autoencoder,
audio and image classifiers), on data like the training's and on noise: float32 at most 2.4e-6,
float16 .003, dynamic .12, int8 .16 but for one of separable convolutions on noise, .23. Ranges
taken from data 20 times too small gave .31 to .85.
"""


def to_tflite(
    model: "keras.Model",
    path: str | os.PathLike[str],
    quantize: str | None = None,
    representative_data: Any = None,
    samples: Any = None,
    tolerance: float | None = None,
    int8_io: bool = False,
    calibration_examples: int = 256,
    overwrite: bool = True,
    seed: int = 0,
) -> Artifact:
    """Converts `model` to a TFLite file, runs the file in LiteRT and compares it with the model.

    The file is put in place only if every output agrees on every sample; otherwise nothing is
    left behind, and a file that stood at `path` stays. It holds built-in operations only, so no
    device needs TensorFlow's own kernels (Flex). Names of inputs and outputs are the model's,
    in the signature "serving_default". The batch is fixed at 1, and sizes that the model leaves
    open are fixed at those of the samples.

    The error of an output is the largest |file - model| over all samples, divided by the
    output's range: its largest value less its smallest over all samples, zero included. Where a
    softmax, sigmoid or tanh is held in int8, whose 256 steps are fixed, it is divided by the
    range of that function. The tolerances, in `TOLERANCE`, tell a wrong file from a coarse one;
    they do not promise accuracy, which has to be measured on labelled data.

    Args:
        model: a built Functional or Sequential model with finite weights. It stays as it is.
        path: where the file is to stand.
        quantize: `None` for float32; "float16" for weights in half precision; "dynamic" for
            int8 weights (in tensors of 1024 and more) with float activations; "int8" for int8
            weights and activations. Defaults to `None`.
        representative_data: what "int8" takes the activations' ranges from: an iterable of input
            batches, or of tuples for several inputs; labels are dropped, so a `tf.data.Dataset`
            for training will do. Defaults to `None`.
        samples: inputs to compare on, in the same forms. Defaults to the first 8 examples of
            `representative_data`, else to 8 drawn from a normal distribution.
        tolerance: the largest error allowed. Defaults to the format's in `TOLERANCE`: 1e-4
            (float32), .01 (float16) and .25 (dynamic, int8).
        int8_io: inputs and outputs are int8 too, for "int8" only. Defaults to `False`: float.
        calibration_examples: how many examples to take of `representative_data`. Defaults to 256.
        overwrite: whether a file at `path` may be replaced. Defaults to `True`.
        seed: of the drawn samples. Defaults to 0.

    Returns:
        An `Artifact`: path, size, checksum, and the error of each output.

    Raises:
        ModelError: the model is not built, has no static graph, or has NaN weights.
        DataError: the data are missing, empty, of a wrong shape, or hold NaN.
        FileError: `path` cannot be written, or exists and `overwrite` is `False`.
        ConversionError: no file of built-in operations exists, or it computes something else.

    Example:
        >>> import keras, tempfile, pathlib
        >>> model = keras.Sequential([keras.Input((4,), name="wave"), keras.layers.Dense(2)])
        >>> file = pathlib.Path(tempfile.mkdtemp()) / "m.tflite"
        >>> artifact = to_tflite(model, file)
        >>> artifact.inputs, artifact.largest_error < artifact.tolerance
        (('wave',), True)
    """
    allowed = _check_arguments(quantize, representative_data, int8_io, tolerance)
    check_model(model)
    check_target(Path(path), overwrite)
    calibration: list[Example] = []
    if quantize == "int8":
        calibration = sampling.take(
            model, representative_data, calibration_examples, "representative_data"
        )
    examples = choose_samples(model, samples, calibration, representative_data, seed)
    shapes = common_shapes(model, [*examples, *calibration])
    expected = compare.run_keras(model, examples)
    with atomic_path(path) as temporary:
        lean = without_padding_copies(model)
        temporary.write_bytes(_convert(lean, shapes, quantize, calibration, int8_io))
        received = compare.run_file(temporary, model, examples)
        errors = compare.largest_errors(expected, received, temporary)
        check_errors(errors, allowed, quantize or "float32")
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
    )


def _check_arguments(
    quantize: str | None, data: Any, int8_io: bool, tolerance: float | None
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
    if int8_io and quantize != "int8":
        raise ConversionError(f"int8_io=True needs quantize='int8', received quantize={quantize!r}")
    allowed = TOLERANCE[quantize] if tolerance is None else tolerance
    if not allowed >= 0:
        raise ConversionError(f"expected a tolerance of 0 or more, received {tolerance}")
    return allowed


def _convert(
    model: "keras.Model",
    shapes: Sequence[tuple[int, ...]],
    quantize: str | None,
    calibration: Sequence[Example],
    int8_io: bool,
) -> bytes:
    """Returns the file's bytes; on failure raises with the converter's own key line."""
    layers = layer_names(model)
    try:
        with tempfile.TemporaryDirectory(prefix="tfprune-") as folder, silenced() as caught:
            export(model, Path(folder), shapes)
            if calibration:
                _refuse_loops(loops(Path(folder)), layers)
            converter = _converter(folder, quantize, int8_io)
            if calibration:
                names = input_names(model)
                converter.representative_dataset = lambda: (
                    dict(zip(names, example, strict=True)) for example in calibration
                )
            return bytes(converter.convert())
    except ConversionError:
        raise
    # TensorFlow's converter raises ConverterError, RuntimeError, ValueError, TypeError and, for
    # lack of a kernel, its own op errors: whatever it is, no file can be made.
    except Exception as error:
        reason = explain(f"{error}\n{caught.text}", layers)
        raise ConversionError(f"cannot convert {model.name!r} to TFLite: {reason}") from error


def _refuse_loops(found: Sequence[str], layers: Collection[str]) -> None:
    # The calibrator of TensorFlow (2.17 to 2.21) ends the whole process with a segmentation
    # fault at a loop, so it must not get there.
    if found:
        raise ConversionError(
            f"int8 calibration cannot follow a loop{layer_of(found[0], layers)}: build recurrent "
            "layers with unroll=True, or use quantize='dynamic' or 'float16'"
        )


def _converter(folder: str, quantize: str | None, int8_io: bool) -> Any:
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=[SIGNATURE])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if quantize is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantize == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if quantize == "int8":
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    if int8_io:
        converter.inference_input_type = tf.int8
        converter.inference_output_type = tf.int8
    return converter
