"""A trained twin as an int8 TFLite file, its learned ranges kept."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tfprune._silence import silenced
from tfprune.convert import formats
from tfprune.convert.converter import refuse_loops
from tfprune.convert.keyline import explain
from tfprune.convert.samples import Example
from tfprune.convert.savedmodel import SIGNATURE, loops
from tfprune.convert.tf_keras.twin import Twin, call_twin
from tfprune.errors import ConversionError


def convert_twin(
    trained: Any,
    twin: Twin,
    shapes: Sequence[tuple[int, ...]],
    calibration: Sequence[Example],
    types: tuple[str, str],
) -> bytes:
    """Returns the file; what tfmot did not annotate is quantized from the calibration examples.

    Args:
        trained: what tfmot made of the twin.
        twin: whose names the signature takes.
        shapes: the shape of each input, batch first.
        calibration: examples.
        types: of the file's inputs and outputs.

    Raises:
        ConversionError: with the converter's own key line.
    """
    import tensorflow as tf

    layers = {layer.name for layer in trained.layers}
    try:
        with tempfile.TemporaryDirectory(prefix="tfprune-") as folder, silenced() as caught:
            _export(trained, twin, Path(folder), shapes)
            refuse_loops(loops(Path(folder)), layers)
            converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=[SIGNATURE])
            formats.set_up(converter, "int8", *types)
            converter.representative_dataset = lambda: (
                dict(zip(twin.inputs, example, strict=True)) for example in calibration
            )
            return bytes(converter.convert())
    except ConversionError:
        raise
    # TensorFlow's converter raises ConverterError, RuntimeError, ValueError and more.
    except Exception as error:
        reason = explain(f"{error}\n{caught.text}", layers)
        raise ConversionError(f"cannot convert the trained twin to TFLite: {reason}") from error


def _export(trained: Any, twin: Twin, folder: Path, shapes: Sequence[tuple[int, ...]]) -> None:
    import tensorflow as tf

    specs = {
        name: tf.TensorSpec(shape, tensor.dtype, name=name)
        for name, shape, tensor in zip(twin.inputs, shapes, trained.inputs, strict=True)
    }

    def call(**inputs: Any) -> dict[str, Any]:
        return call_twin(trained, twin.outputs, [inputs[name] for name in twin.inputs])

    # A bare module: saving the model itself would write each of its layers as a function.
    module = tf.Module()
    module.kept = list(trained.variables)
    function = tf.function(call).get_concrete_function(**specs)
    tf.saved_model.save(module, str(folder), signatures={SIGNATURE: function})
