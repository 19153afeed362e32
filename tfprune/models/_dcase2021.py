"""The baseline net of DCASE 2021, task 1A: the net that the audio recipe prunes."""

from typing import Any

import keras
from keras import layers

from tfprune.errors import ModelError
from tfprune.models.imagenet import check_classes


def dcase2021(
    input_shape: tuple[int, int, int] = (40, 500, 1),
    classes: int = 10,
    *,
    head_activation: str | None = "softmax",
) -> keras.Model:
    """Builds the baseline of DCASE 2021 task 1A (Martin-Morato et al. 2021, arXiv:2105.13734).

    Three 7 x 7 convolutions of 16, 16 and 32 filters and two Dense layers over log-mel bands:
    46,246 parameters and 286.64 million MACs.

    Args:
        input_shape: mel bands, frames and channels; at least (20, 500). Defaults to
            `(40, 500, 1)`.
        classes: units of the classifier. Defaults to `10`.
        head_activation: activation of the classifier. Defaults to `"softmax"`.

    Returns:
        A model from features (batch, bands, frames, channels) to classes (batch, classes),
        with new weights.

    Raises:
        ModelError: the input shape or the number of classes is impossible.

    Example:
        >>> dcase2021().count_params()
        46246
    """
    check_classes(classes)
    if len(input_shape) != 3 or input_shape[0] < 20 or input_shape[1] < 500 or input_shape[2] < 1:
        raise ModelError(
            "expected an input shape (bands, frames, channels) of at least (20, 500, 1), "
            f"received {tuple(input_shape)}"
        )
    features = keras.Input(input_shape, name="features")
    x = _convolution(features, 16, "1")
    x = _convolution(x, 16, "2")
    x = _shrink(x, (5, 5), "2")
    x = _convolution(x, 32, "3")
    x = _shrink(x, (4, 100), "3")
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(100, activation="relu", name="dense")(x)
    x = layers.Dropout(0.3, name="dense_dropout")(x)
    x = layers.Dense(classes, activation=head_activation, name="predictions")(x)
    return keras.Model(features, x, name="dcase2021")


def _convolution(x: Any, filters: int, number: str) -> Any:
    x = layers.Conv2D(filters, 7, padding="same", name=f"conv{number}")(x)
    x = layers.BatchNormalization(name=f"bn{number}")(x)
    return layers.Activation("relu", name=f"relu{number}")(x)


def _shrink(x: Any, pool: tuple[int, int], number: str) -> Any:
    x = layers.MaxPooling2D(pool, name=f"pool{number}")(x)
    return layers.Dropout(0.3, name=f"dropout{number}")(x)
