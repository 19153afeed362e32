"""The formats of `tfprune convert` beside TFLite: which options each takes, and who makes it."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tfprune
from tfprune._files import check_folder
from tfprune.errors import ConversionError, FileError

if TYPE_CHECKING:
    import keras

    from tfprune.convert import Artifact

FORMATS = ("tflite", "onnx", "saved_model", "tftrt", "tensorrt")

_PRECISIONS = {"none": "FP32", "float16": "FP16", "int8": "INT8"}
_QUANTIZE = {
    "onnx": tuple(_PRECISIONS),
    "saved_model": ("none",),
    "tftrt": tuple(_PRECISIONS),
    "tensorrt": tuple(_PRECISIONS),
}
# What is stored in a TFLite file, or chosen for it, and its value where it was not asked for.
_TFLITE_ONLY = {
    **dict.fromkeys(("labels", "license", "notes", "plan", "metadata")),
    "input_type": "float32",
    "output_type": "float32",
}


def is_folder(name: str) -> bool:
    """Whether a format is a folder."""
    return name in ("saved_model", "tftrt")


def check_format(options: argparse.Namespace) -> None:
    """Raises `ConversionError` where an option does not go with the format."""
    if options.format == "tflite":
        return
    allowed = _QUANTIZE[options.format]
    if options.quantize not in allowed:
        raise ConversionError(
            f"expected --quantize {' or '.join(allowed)} with --format {options.format}, received "
            f"{options.quantize}"
        )
    for name, plain in _TFLITE_ONLY.items():
        if getattr(options, name) != plain:
            raise ConversionError(
                f"--{name} goes with --format tflite, received --format {options.format}"
            )


def check_output_folder(path: str | os.PathLike[str], force: bool) -> None:
    """Raises `FileError` where a folder stands already, or could not be written."""
    if Path(path).exists() and not force:
        raise FileError(f"{path} exists: name another folder, or add --force to replace it")
    check_folder(path)


def convert_to(
    options: argparse.Namespace, model: "keras.Model", typical: Any, samples: Any
) -> "Artifact":
    """Makes the file or folder that the options ask for.

    Args:
        options: of the command line, checked.
        model: the loaded model.
        typical: representative data, or None.
        samples: to compare on, or None.
    """
    if options.format == "onnx":
        return tfprune.convert.to_onnx(
            model,
            options.output,
            quantize=None if options.quantize == "none" else options.quantize,
            representative_data=typical,
            samples=samples,
            tolerance=options.tolerance,
            max_accuracy_drop=options.max_accuracy_drop,
        )
    if options.format == "saved_model":
        chosen = {} if options.tolerance is None else {"tolerance": options.tolerance}
        return tfprune.convert.to_saved_model(
            model, options.output, samples=samples or typical, overwrite=options.force, **chosen
        )
    settings: dict[str, Any] = {
        "precision": _PRECISIONS[options.quantize],
        "representative_data": typical,
        "samples": samples,
        "tolerance": options.tolerance,
    }
    if options.format == "tftrt":
        return tfprune.convert.to_tftrt(model, options.output, overwrite=options.force, **settings)
    return tfprune.convert.to_tensorrt(model, options.output, **settings)
