"""`tfprune convert`: a Keras model to a file of another runtime, checked against the model."""

import argparse
from typing import TYPE_CHECKING, Any

import tfprune
from tfprune._models_io import check_model_file, load_model
from tfprune.commands._arrays import inputs_and_labels, read_arrays
from tfprune.commands._common import (
    Outcome,
    add_json,
    add_model,
    add_output,
    check_output,
    not_negative,
)
from tfprune.commands._formats import (
    FORMATS,
    check_format,
    check_output_folder,
    convert_to,
    is_folder,
)
from tfprune.commands._metadata import add_metadata, read_metadata
from tfprune.errors import DataError

if TYPE_CHECKING:
    import keras
    import numpy as np

SUMMARY = "convert a model to TFLite, ONNX or another format, and compare the two"

_CALIBRATED = ("int8", "int16x8")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command."""
    add_model(parser)
    add_output(parser, "the file, or the folder of a SavedModel,")
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="tflite",
        help="what to make (default tflite); tftrt needs TensorFlow 2.17, TensorRT and a GPU, "
        "tensorrt a GPU",
    )
    parser.add_argument(
        "--quantize",
        choices=("none", "float16", "dynamic", *_CALIBRATED),
        default="none",
        help="how numbers are stored (none: float32); int8 (weights and activations) and int16x8 "
        "(activations in 16 bits, weights in 8) need --representative_data",
    )
    for role in ("input", "output"):
        parser.add_argument(
            f"--{role}_type",
            choices=("float32", "int8", "uint8", "int16"),
            default="float32",
            help=f"of the file's {role}s (default float32); int8 and uint8 go with int8, int16 "
            "with int16x8",
        )
    parser.add_argument(
        "--representative_data",
        metavar="FILE",
        help="typical inputs: an .npy array, or an .npz of one array per input, by their names "
        "or in their order",
    )
    parser.add_argument(
        "--samples",
        metavar="FILE",
        help="inputs to compare on, in the same forms; labels under the name y measure accuracy",
    )
    parser.add_argument(
        "--tolerance",
        type=not_negative,
        metavar="SHARE",
        help="the largest error allowed, as a share of an output's range (default: the format's)",
    )
    parser.add_argument(
        "--max_accuracy_drop",
        type=not_negative,
        default=0.02,
        metavar="SHARE",
        help="by how much the file may be less accurate than the model (default 0.02)",
    )
    add_metadata(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> Outcome:
    """Converts and compares."""
    check_model_file(options.model)
    check_format(options)
    if is_folder(options.format):
        check_output_folder(options.output, options.force)
    else:
        check_output(options.output, options.force)
    if options.quantize in _CALIBRATED and not options.representative_data:
        raise DataError(
            f"{options.quantize} needs typical inputs to find its ranges: add --representative_data"
        )
    given = read_arrays(options.representative_data) if options.representative_data else None
    compared = read_arrays(options.samples) if options.samples else None
    metadata = read_metadata(options)
    model = load_model(options.model, options.unsafe_lambda)
    typical, samples = _one_batch(given, model), _one_batch(compared, model)
    if options.format != "tflite":
        other = convert_to(options, model, typical, samples)
        return Outcome(text=str(other), document=other.as_dict())
    artifact = tfprune.convert.to_tflite(
        model,
        options.output,
        quantize=None if options.quantize == "none" else options.quantize,
        representative_data=typical,
        samples=samples,
        tolerance=options.tolerance,
        max_accuracy_drop=options.max_accuracy_drop,
        input_type=options.input_type,
        output_type=options.output_type,
        metadata=metadata,
    )
    return Outcome(text=f"{artifact}\n{artifact.table()}", document=artifact.as_dict())


def _one_batch(arrays: "dict[str, np.ndarray] | None", model: "keras.Model") -> list[Any] | None:
    return None if arrays is None else [inputs_and_labels(arrays, model)]
