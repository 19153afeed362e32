"""The number formats of TFLite files: what each stores, needs and is allowed to be off by."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tfprune.errors import ConversionError, DataError


@dataclass(frozen=True)
class Format:
    """How a file holds numbers.

    Attributes:
        tolerance: the largest error allowed by default, relative to the output's range.
        types: what inputs and outputs may be.
        coarse: whether one sample in a hundred may be further off: rounding to 8 bits adds up to
            more than the tolerance now and then, and of thousands of samples some are met.
        calibrated: whether ranges of activations are taken from representative data.
    """

    tolerance: float
    types: tuple[str, ...] = ("float32",)
    coarse: bool = False
    calibrated: bool = False


FORMATS: Mapping[str | None, Format] = {
    None: Format(1e-4),
    "float16": Format(1e-2),
    "dynamic": Format(0.25, coarse=True),
    "int8": Format(0.25, ("float32", "int8", "uint8"), coarse=True, calibrated=True),
    "int16x8": Format(0.25, ("float32", "int16"), coarse=True, calibrated=True),
}
"""By the name that `quantize` takes.

The tolerances were measured on random and trained nets (ResNet50, MobileNets, a keyword spotter,
autoencoder, audio and image classifiers), on data like the training's and on noise: float32 at
most 2.4e-6, float16 .003, dynamic .12, int8 .19 but for one of separable convolutions on noise,
.23, int16x8 .10. Ranges taken from data 20 times too small gave .31 to .85. Of 10,000 pictures
int8 was once off by .42, of 99 in 100 by less than .25.
"""


def check(quantize: str | None, has_data: bool, input_type: str, output_type: str) -> Format:
    """Returns the format of that name.

    Raises:
        ConversionError: there is no such format, or its inputs and outputs have other types.
        DataError: it takes ranges from representative data, and there are none.
    """
    if quantize not in FORMATS:
        raise ConversionError(
            f"expected quantize to be one of {list(FORMATS)}, received {quantize!r}"
        )
    form = FORMATS[quantize]
    if form.calibrated and not has_data:
        raise DataError(
            f"quantize={quantize!r} needs representative_data to take the activations' ranges "
            "from, received none: pass some batches of real inputs"
        )
    for role, given in (("input_type", input_type), ("output_type", output_type)):
        if given not in form.types:
            fits = [name for name, other in FORMATS.items() if given in other.types]
            hint = f"; {given} goes with quantize={fits[0]!r}" if fits else ""
            raise ConversionError(
                f"expected {role} to be one of {list(form.types)} for quantize={quantize!r}, "
                f"received {given!r}{hint}"
            )
    return form


def set_up(converter: Any, quantize: str | None, input_type: str, output_type: str) -> None:
    """Tells TensorFlow's converter what to make; built-in operations only, no Flex."""
    import tensorflow as tf

    sets = {
        "int8": tf.lite.OpsSet.TFLITE_BUILTINS_INT8,
        "int16x8": tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8,
    }
    converter.target_spec.supported_ops = [sets.get(quantize or "", tf.lite.OpsSet.TFLITE_BUILTINS)]
    if quantize is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantize == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if FORMATS[quantize].calibrated:
        converter.inference_input_type = tf.as_dtype(input_type)
        converter.inference_output_type = tf.as_dtype(output_type)
