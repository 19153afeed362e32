"""The image nets of `keras.applications` with a classifier of one's own, as flat models."""

import os
from collections.abc import Callable
from typing import Any

import keras

from tfprune.errors import FileError, ModelError
from tfprune.models import weights as stored

Weights = str | os.PathLike[str] | None


def image_input(input_shape: tuple[int, int, int], preprocess: bool) -> tuple[Any, Any]:
    """Returns a tensor of images, and with `preprocess` the same less ImageNet's mean colour."""
    stored.check_image_shape(input_shape, 32, 3)
    image = keras.Input(input_shape, name="image")
    if not preprocess:
        return image, image
    mean = [-channel for channel in stored.CAFFE_MEAN]
    return image, keras.layers.Rescaling(1.0, offset=mean, name="preprocess")(image)


def read_weights(weights: Weights) -> stored.StoredWeights | None:
    """Reads the file that `weights` names, if it names one; before the model, which takes long."""
    return None if weights is None or weights == "imagenet" else stored.read_npz(weights)


def convolutions(build: Callable[..., keras.Model], image: Any, weights: Weights) -> keras.Model:
    """Returns the convolutions of a net of `keras.applications` on top of `image`.

    Args:
        build: a constructor of `keras.applications`.
        image: the second tensor that `image_input` returned.
        weights: `"imagenet"`, or anything else for new weights.

    Raises:
        FileError: the ImageNet weights are neither stored nor can be fetched.
    """
    if weights != "imagenet":
        return build(include_top=False, weights=None, input_tensor=image)
    try:
        return build(include_top=False, weights="imagenet", input_tensor=image)
    except Exception as error:  # Keras raises a bare Exception where a download fails
        reason = " ".join(str(error).split())
        raise FileError(
            "cannot fetch the ImageNet weights: give the path of an .npz file of weights, or "
            f"weights=None ({reason})"
        ) from error


def take_rgb(first: keras.layers.Layer) -> None:
    """Turns round the input channels of the first convolution, in place.

    The published weights expect blue before green before red. Turned round, they compute the
    same from RGB images as they are.
    """
    kernel, *rest = first.get_weights()
    first.set_weights([kernel[:, :, ::-1, :], *rest])


def check_classes(classes: int) -> None:
    """Raises `ModelError` for less than one class."""
    if classes < 1:
        raise ModelError(f"expected at least 1 class, received {classes}")
