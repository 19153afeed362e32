"""Keras models to TFLite files that were run before they ship."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfprune._files import atomic_path
from tfprune.convert import accuracy as judging
from tfprune.convert import compare, formats
from tfprune.convert import metadata as describing
from tfprune.convert import samples as sampling
from tfprune.convert.artifact import Artifact, digest
from tfprune.convert.checks import (
    check_errors,
    check_limit,
    check_model,
    check_target,
    choose_labelled,
    common_shapes,
    labels_of_classes,
)
from tfprune.convert.converter import convert
from tfprune.convert.metadata import Metadata
from tfprune.convert.padding import without_padding_copies
from tfprune.convert.samples import Example
from tfprune.convert.savedmodel import input_names, output_names
from tfprune.errors import ConversionError
from tfprune.timing.macs import count_macs

if TYPE_CHECKING:
    import keras

_AGAIN = 8
"""Examples run again once the metadata are in."""


def to_tflite(
    model: "keras.Model",
    path: str | os.PathLike[str],
    quantize: str | None = None,
    representative_data: Any = None,
    samples: Any = None,
    tolerance: float | None = None,
    *,
    labels: Any = None,
    max_accuracy_drop: float = 0.02,
    input_type: str = "float32",
    output_type: str = "float32",
    metadata: Metadata | None = None,
    calibration_examples: int = 256,
    overwrite: bool = True,
    seed: int = 0,
) -> Artifact:
    """Converts `model` to a TFLite file, runs the file in LiteRT and compares it with the model.

    The file is put in place only if every output agrees on every sample and, where labels are
    given, the accuracy holds; otherwise nothing is left behind, and a file that stood at `path`
    stays. It holds built-in operations only, so no device needs TensorFlow's own kernels (Flex).
    Names of inputs and outputs are the model's, in the signature "serving_default". The batch is
    fixed at 1, and sizes that the model leaves open are fixed at those of the samples.

    The error of an output is the largest |file - model| over all samples, divided by the
    output's range: its largest value less its smallest over all samples, zero included. Where a
    softmax, sigmoid or tanh is held in 8 bits, whose 256 steps are fixed, it is divided by the
    range of that function. The tolerances, in `tfprune.convert.formats.FORMATS`, tell a wrong
    file from a coarse one; in the 8-bit formats 99 of 100 samples are held to them. They do not
    promise accuracy, which labels do.

    Args:
        model: a built Functional or Sequential model with finite weights. It stays as it is.
        path: where the file is to stand.
        quantize: `None` for float32; "float16" for weights in half precision; "dynamic" for
            int8 weights (in tensors of 1024 and more) with float activations; "int8" for int8
            weights and activations; "int16x8" for int8 weights and int16 activations. Defaults
            to `None`.
        representative_data: what "int8" and "int16x8" take the activations' ranges from: an
            iterable of input batches, or of tuples for several inputs; labels are dropped, so a
            `tf.data.Dataset` for training will do. Defaults to `None`.
        samples: inputs to compare on, in the same forms; with labels, `(x, y)` or batches of
            such pairs, accuracy is measured too. Defaults to the first 8 examples of
            `representative_data`, else to 8 drawn from a normal distribution.
        tolerance: the error allowed. Defaults to the format's: 1e-4 (float32), .01
            (float16) and .25 (dynamic, int8, int16x8).
        labels: the right answers for `samples`, where those come without: class numbers or
            one-hot rows; for several outputs a dict by their names. Defaults to `None`.
        max_accuracy_drop: by how much the file's accuracy may be below the Keras model's on the
            same samples, as a share. Defaults to .02.
        input_type: of the file's inputs: "float32", for "int8" also "int8" and "uint8", for
            "int16x8" also "int16". Defaults to "float32".
        output_type: of the file's outputs, likewise. Defaults to "float32".
        metadata: what the file is to say of itself; accuracy, MACs and parameters are filled
            in. Defaults to these alone.
        calibration_examples: how many examples to take of `representative_data`. Defaults to 256.
        overwrite: whether a file at `path` may be replaced. Defaults to `True`.
        seed: of the drawn samples. Defaults to 0.

    Returns:
        An `Artifact`: path, size, checksum, the error of each output, and its accuracy.

    Raises:
        ModelError: the model is not built, has no static graph, or has NaN weights.
        DataError: the data are missing, empty, of a wrong shape, or hold NaN; labels or
            metadata do not fit the model.
        FileError: `path` cannot be written, or exists and `overwrite` is `False`.
        ConversionError: no file of built-in operations exists, it computes something else, or
            its accuracy is lower than allowed.

    Example:
        >>> import keras, tempfile, pathlib
        >>> model = keras.Sequential([keras.Input((4,), name="wave"), keras.layers.Dense(2)])
        >>> file = pathlib.Path(tempfile.mkdtemp()) / "m.tflite"
        >>> artifact = to_tflite(model, file)
        >>> artifact.inputs, artifact.largest_error < artifact.tolerance
        (('wave',), True)
    """
    form = formats.check(quantize, representative_data is not None, input_type, output_type)
    allowed = check_limit(form.tolerance if tolerance is None else tolerance, "tolerance")
    check_limit(max_accuracy_drop, "max_accuracy_drop")
    check_model(model)
    check_target(Path(path), overwrite)
    described = metadata or Metadata()
    widths = {n: o.shape[-1] for n, o in zip(output_names(model), model.outputs, strict=True)}
    describing.check(described, input_names(model), widths)
    calibration: list[Example] = []
    if form.calibrated:
        calibration = sampling.take(
            model, representative_data, calibration_examples, "representative_data"
        )
    examples, given = choose_labelled(
        model, samples, labels, calibration, representative_data, seed
    )
    shapes = common_shapes(model, [*examples, *calibration])
    expected = compare.run_keras(model, examples)
    truth = labels_of_classes(given, expected, asked=labels is not None)
    with atomic_path(path) as temporary:
        lean = without_padding_copies(model)
        types = input_type, output_type
        temporary.write_bytes(convert(lean, shapes, quantize, calibration, types))
        received = compare.run_file(temporary, model, examples)
        report = compare.file_report(expected, received, temporary)
        errors = {error.name: error.relative for error in report}
        held = {e.name: e.relative_most if form.coarse else e.relative for e in report}
        check_errors(held, allowed, quantize or "float32")
        accuracies = judging.measure(expected, received, truth, described.measured_on)
        judging.check_drop(accuracies, max_accuracy_drop)
        content = _described(
            temporary, described, accuracies, judging.thresholds(expected), model.count_params()
        )
        temporary.write_bytes(content)
        _check_same(compare.run_file(temporary, model, examples[:_AGAIN]), received)
        kinds = compare.input_types(temporary)
    return Artifact(
        path=Path(path),
        bytes=len(content),
        quantize=quantize,
        errors=errors,
        tolerance=allowed,
        samples=len(examples),
        inputs=input_names(model),
        sha256=digest(content),
        report=report,
        accuracy=accuracies,
        input_types=kinds,
    )


def _described(
    path: Path,
    metadata: Metadata,
    accuracies: Mapping[str, judging.Accuracy],
    thresholds: Mapping[str, float],
    parameters: int,
) -> bytes:
    whole = describing.completed(metadata, accuracies, thresholds, count_macs(path), parameters)
    return describing.embed(path.read_bytes(), whole)


def _check_same(now: compare.Outputs, before: compare.Outputs) -> None:
    """Holds the file with its metadata to what it answered without."""
    for name, values in now.items():
        if not np.array_equal(values, before[name][: len(values)]):
            raise ConversionError(
                f"output {name!r} of the file changed when its metadata were put in; no file is "
                "left. This is a fault of tfprune: please report it"
            )
