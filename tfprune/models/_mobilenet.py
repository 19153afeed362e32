"""MobileNet: the small net of depthwise convolutions that a pruned one is held against."""

import keras

from tfprune.models.imagenet import check_classes
from tfprune.models.weights import check_image_shape


def mobilenet(
    input_shape: tuple[int, int, int] = (224, 224, 3),
    classes: int = 2,
    *,
    alpha: float = 0.25,
    head_activation: str | None = "softmax",
) -> keras.Model:
    """Builds MobileNet (Howard et al. 2017, arXiv:1704.04861) as one flat functional model.

    The layers are those of `keras.applications.MobileNet`, with new weights. At two classes, 224
    pixels and a quarter of the widths it has 219,058 parameters and 41 million MACs.

    Args:
        input_shape: height, width and 3; at least 32 x 32. Defaults to `(224, 224, 3)`.
        classes: units of the classifier. Defaults to `2`.
        alpha: share of the published widths. Defaults to `0.25`.
        head_activation: activation of the classifier. Defaults to `"softmax"`.

    Returns:
        A model from RGB images in 0..255, (batch, height, width, 3), to classes (batch, classes).

    Raises:
        ModelError: the input shape or the number of classes is impossible.
    """
    check_classes(classes)
    check_image_shape(input_shape, 32, 3)
    image = keras.Input(input_shape, name="image")
    centred = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="preprocess")(image)
    body = keras.applications.MobileNet(
        include_top=False, weights=None, alpha=alpha, input_tensor=centred
    )
    x = keras.layers.GlobalAveragePooling2D(name="avg_pool")(body.output)
    x = keras.layers.Dense(classes, activation=head_activation, name="predictions")(x)
    return keras.Model(image, x, name="mobilenet")
