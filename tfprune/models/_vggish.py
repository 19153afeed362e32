"""A net like VGGish: the larger of the two that the audio recipe prunes."""

import keras
from keras import layers

from tfprune.errors import ModelError
from tfprune.models.imagenet import check_classes

# Filters of the convolutions between two poolings.
_BLOCKS = ((64,), (128,), (256, 256), (512, 512))
_SMALLEST = 2 ** len(_BLOCKS)


def vggish(
    input_shape: tuple[int, int, int] = (96, 64, 1),
    classes: int = 10,
    *,
    head_activation: str | None = "softmax",
) -> keras.Model:
    """Builds a net like VGGish (Hershey et al. 2017, arXiv:1609.09430) with a classifier.

    Six 3 x 3 convolutions of 64, 128, 256, 256, 512 and 512 filters, and Dense layers of 4,096
    and 128 units, as Singh and Plumbley (ICASSP 2023) prune it. At ten classes and the default
    shape it has 55,361,162 parameters, 4,499,712 of them in the convolutions.

    Args:
        input_shape: frames, mel bands and channels; at least (16, 16, 1). Defaults to
            `(96, 64, 1)`.
        classes: units of the classifier. Defaults to `10`.
        head_activation: activation of the classifier. Defaults to `"softmax"`.

    Returns:
        A model from features (batch, frames, bands, channels) to classes (batch, classes),
        with new weights.

    Raises:
        ModelError: the input shape or the number of classes is impossible.

    Example:
        >>> vggish((32, 16, 1), classes=3).output_shape
        (None, 3)
    """
    check_classes(classes)
    if len(input_shape) != 3 or min(input_shape[:2]) < _SMALLEST or input_shape[2] < 1:
        raise ModelError(
            "expected an input shape (frames, bands, channels) of at least "
            f"({_SMALLEST}, {_SMALLEST}, 1), received {tuple(input_shape)}"
        )
    features = keras.Input(input_shape, name="features")
    x = features
    for block, widths in enumerate(_BLOCKS, start=1):
        for number, filters in enumerate(widths, start=1):
            name = f"conv{block}_{number}"
            x = layers.Conv2D(filters, 3, padding="same", activation="relu", name=name)(x)
        x = layers.MaxPooling2D(name=f"pool{block}")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(4096, activation="relu", name="dense1")(x)
    x = layers.Dense(128, activation="relu", name="dense2")(x)
    x = layers.Dense(classes, activation=head_activation, name="predictions")(x)
    return keras.Model(features, x, name="vggish")
