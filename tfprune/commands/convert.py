"""`tfprune convert`: a Keras model to a TFLite file, checked against the model."""

import argparse

import tfprune
from tfprune._models_io import check_model_file, load_model
from tfprune.commands._arrays import by_input, read_arrays
from tfprune.commands._common import Outcome, add_json, add_model, add_output, check_output
from tfprune.errors import DataError

SUMMARY = "convert a model to TFLite, and compare the file with the model"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command."""
    add_model(parser)
    add_output(parser, "the TFLite file")
    parser.add_argument(
        "--quantize",
        choices=("none", "float16", "dynamic", "int8"),
        default="none",
        help="how numbers are stored (none: float32); int8 needs --representative_data",
    )
    parser.add_argument(
        "--representative_data",
        metavar="FILE",
        help="typical inputs: an .npy array, or an .npz of one array per input, by their names "
        "or in their order",
    )
    add_json(parser)


def run(options: argparse.Namespace) -> Outcome:
    """Converts and compares."""
    check_model_file(options.model)
    check_output(options.output, options.force)
    if options.quantize == "int8" and not options.representative_data:
        raise DataError("int8 needs typical inputs to find its ranges: add --representative_data")
    arrays = read_arrays(options.representative_data) if options.representative_data else None
    model = load_model(options.model, options.unsafe_lambda)
    artifact = tfprune.convert.to_tflite(
        model,
        options.output,
        quantize=None if options.quantize == "none" else options.quantize,
        representative_data=None if arrays is None else by_input(arrays, model),
    )
    return Outcome(text=str(artifact), document=artifact.as_dict())
