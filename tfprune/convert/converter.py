"""TensorFlow's converter, run in silence: a Keras model in, a file's bytes or one line out."""

import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfprune._silence import silenced
from tfprune.convert import formats
from tfprune.convert.keyline import explain, layer_of
from tfprune.convert.samples import Example
from tfprune.convert.savedmodel import SIGNATURE, export, input_names, layer_names, loops
from tfprune.errors import ConversionError

if TYPE_CHECKING:
    import keras


def convert(
    model: "keras.Model",
    shapes: Sequence[tuple[int, ...]],
    quantize: str | None,
    calibration: Sequence[Example],
    types: tuple[str, str],
) -> bytes:
    """Returns a TFLite file of `model`.

    Args:
        model: a built model.
        shapes: the shape of each input, batch first; all sizes are fixed at these.
        quantize: a name in `formats.FORMATS`.
        calibration: examples that ranges are taken from, none for formats without ranges.
        types: of the file's inputs and of its outputs.

    Raises:
        ConversionError: with the converter's own key line.
    """
    layers = layer_names(model)
    try:
        with tempfile.TemporaryDirectory(prefix="tfprune-") as folder, silenced() as caught:
            export(model, Path(folder), shapes)
            if calibration:
                refuse_loops(loops(Path(folder)), layers)
            converter = _converter(folder)
            formats.set_up(converter, quantize, *types)
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


def refuse_loops(found: Sequence[str], layers: Collection[str]) -> None:
    """Raises `ConversionError` where calibration would meet a loop.

    The calibrator of TensorFlow (2.17 to 2.21) ends the whole process with a segmentation fault
    there.

    Args:
        found: the paths of the loops.
        layers: the names of the model's layers, to name the one that loops.
    """
    if found:
        raise ConversionError(
            f"calibration cannot follow a loop{layer_of(found[0], layers)}: build recurrent "
            "layers with unroll=True, or use quantize='dynamic' or 'float16'"
        )


def _converter(folder: str) -> Any:
    import tensorflow as tf

    return tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=[SIGNATURE])
