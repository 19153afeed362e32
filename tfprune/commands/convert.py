"""`tfprune convert`: a Keras model to a TFLite file, checked against the model."""

import argparse
from typing import TYPE_CHECKING

import tfprune
from tfprune._models_io import check_model_file, load_model
from tfprune.commands._common import Outcome, add_json, add_model, add_output, check_output
from tfprune.errors import DataError, FileError

if TYPE_CHECKING:
    import keras
    import numpy as np

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
        representative_data=None if arrays is None else _by_input(arrays, model),
    )
    return Outcome(text=str(artifact), document=artifact.as_dict())


def read_arrays(path: str) -> "dict[str, np.ndarray]":
    """Reads the arrays of an `.npy` file (under the name "") or an `.npz` file.

    Raises:
        FileError: the file is missing or no numpy file of plain numbers.
        DataError: the arrays are empty, or of different lengths.
    """
    import numpy as np

    try:
        # Pickled objects are code; plain arrays need none.
        content = np.load(path, allow_pickle=False)
        arrays = {"": content} if isinstance(content, np.ndarray) else dict(content)
    except FileNotFoundError as error:
        raise FileError(f"expected typical inputs, found nothing at {path}") from error
    except (ValueError, OSError, EOFError) as error:
        raise FileError(
            f"expected arrays saved by numpy (.npy or .npz), but {path} cannot be read: {error}"
        ) from error
    lengths = {array.shape[0] if array.ndim else 0 for array in arrays.values()}
    if len(lengths) != 1 or 0 in lengths:
        raise DataError(
            f"expected samples along the first axis, as many for each input, but {path} holds "
            f"arrays of shapes {[array.shape for array in arrays.values()]}"
        )
    return arrays


def _by_input(
    arrays: "dict[str, np.ndarray]", model: "keras.Model"
) -> "dict[str, np.ndarray] | tuple[np.ndarray, ...]":
    """Returns the arrays by the names of the model's inputs, or else in their order."""
    return arrays if set(arrays) == {x.name for x in model.inputs} else tuple(arrays.values())
