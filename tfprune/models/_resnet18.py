"""ResNet18: the small net of the inspection recipe."""

from typing import Any

import keras
from keras import layers

from tfprune.models.imagenet import check_classes
from tfprune.models.weights import check_image_shape

_STAGES = (64, 128, 256, 512)
_BLOCKS = 2


def resnet18(
    input_shape: tuple[int, int, int] = (224, 224, 3),
    classes: int = 2,
    *,
    head_activation: str | None = "softmax",
) -> keras.Model:
    """Builds ResNet18 (He et al. 2016, arXiv:1512.03385, table 1) as a functional model.

    Convolutions carry no bias, as a batch normalisation follows each; shortcuts that change
    shape are 1 x 1 convolutions. At two classes it has 11,187,138 parameters.

    Args:
        input_shape: height, width and channels; at least 32 x 32. Defaults to
            `(224, 224, 3)`.
        classes: units of the classifier. Defaults to `2`.
        head_activation: activation of the classifier. Defaults to `"softmax"`.

    Returns:
        A model from images (batch, height, width, channels) to classes (batch, classes), with
        new weights.

    Raises:
        ModelError: the input shape or the number of classes is impossible.
    """
    check_classes(classes)
    check_image_shape(input_shape, 32, None)
    image = keras.Input(input_shape, name="image")
    x = layers.ZeroPadding2D(3, name="conv1_pad")(image)
    x = _convolution(x, 64, 7, 2, "conv1", padding="valid")
    x = layers.Activation("relu", name="conv1_relu")(x)
    x = layers.ZeroPadding2D(1, name="pool1_pad")(x)
    x = layers.MaxPooling2D(3, strides=2, name="pool1_pool")(x)
    for stage, filters in enumerate(_STAGES):
        for block in range(_BLOCKS):
            stride = 2 if stage > 0 and block == 0 else 1
            x = _basic_block(x, filters, stride, f"conv{stage + 2}_block{block + 1}")
    x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    x = layers.Dense(classes, activation=head_activation, name="predictions")(x)
    return keras.Model(image, x, name="resnet18")


def _basic_block(x: Any, filters: int, stride: int, name: str) -> Any:
    """Adds two 3 x 3 convolutions to their own input."""
    shortcut = x
    if stride != 1 or x.shape[-1] != filters:
        shortcut = _convolution(x, filters, 1, stride, f"{name}_0")
    x = _convolution(x, filters, 3, stride, f"{name}_1")
    x = layers.Activation("relu", name=f"{name}_1_relu")(x)
    x = _convolution(x, filters, 3, 1, f"{name}_2")
    x = layers.Add(name=f"{name}_add")([shortcut, x])
    return layers.Activation("relu", name=f"{name}_out")(x)


def _convolution(
    x: Any, filters: int, size: int, stride: int, name: str, padding: str = "same"
) -> Any:
    """Adds a convolution without bias and its batch normalisation."""
    if stride == 2 and size == 3:
        # "same" would pad only the far side at stride 2, unlike the published net.
        x = layers.ZeroPadding2D(1, name=f"{name}_pad")(x)
        padding = "valid"
    x = layers.Conv2D(
        filters,
        size,
        strides=stride,
        padding=padding,
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
    return layers.BatchNormalization(epsilon=1e-5, momentum=0.9, name=f"{name}_bn")(x)
