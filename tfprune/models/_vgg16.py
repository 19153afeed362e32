"""VGG16: the net that the inspection recipe prunes."""

import keras

from tfprune.models import imagenet
from tfprune.models.weights import set_stored


def vgg16(
    input_shape: tuple[int, int, int] = (224, 224, 3),
    classes: int = 2,
    weights: imagenet.Weights = None,
    *,
    head_activation: str | None = "softmax",
    preprocess: bool = True,
) -> keras.Model:
    """Builds VGG16 with a classifier of one's own, as one flat functional model.

    The layers and their names are those of `keras.applications.VGG16` (Simonyan and Zisserman
    2015, arXiv:1409.1556): 13 convolutions, 4,224 filters, then two Dense layers of 4,096
    units. At two classes and 224 pixels it has 134,268,738 parameters.

    Args:
        input_shape: height, width and 3; at least 32 x 32. Defaults to `(224, 224, 3)`.
        classes: units of the classifier. Defaults to `2`.
        weights: `None` (new), `"imagenet"` (convolutions only, fetched by Keras), or the path
            of an `.npz` of arrays named `<layer>/<variable>`; Dense layers are new unless the
            file holds them in these shapes. Defaults to `None`.
        head_activation: activation of the classifier. Defaults to `"softmax"`.
        preprocess: whether the model subtracts ImageNet's mean colour itself, and so takes RGB
            images in 0..255 (for grey ones the order of the channels is no matter). `False`
            leaves that to `keras.applications.vgg16.preprocess_input`. Defaults to `True`.

    Returns:
        A model from images (batch, height, width, 3) to classes (batch, classes).

    Raises:
        ModelError: the input shape or the number of classes is impossible.
        FileError: the weights cannot be fetched, or the file is not one for this net.
    """
    imagenet.check_classes(classes)
    stored = imagenet.read_weights(weights)
    image, centred = imagenet.image_input(input_shape, preprocess)
    body = imagenet.convolutions(keras.applications.VGG16, centred, weights)
    x = keras.layers.Flatten(name="flatten")(body.output)
    x = keras.layers.Dense(4096, activation="relu", name="fc1")(x)
    x = keras.layers.Dense(4096, activation="relu", name="fc2")(x)
    x = keras.layers.Dense(classes, activation=head_activation, name="predictions")(x)
    model = keras.Model(image, x, name="vgg16")
    if stored is not None:
        set_stored(model, stored, head=("fc1", "fc2", "predictions"))
    if weights is not None and preprocess:
        imagenet.take_rgb(model.get_layer("block1_conv1"))
    return model
