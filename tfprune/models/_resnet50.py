"""ResNet50: the net that the earthquake recipe prunes."""

import keras

from tfprune.models import imagenet
from tfprune.models.weights import set_stored


def resnet50(
    input_shape: tuple[int, int, int] = (224, 224, 3),
    classes: int = 2,
    weights: imagenet.Weights = None,
    *,
    head_activation: str | None = "softmax",
    preprocess: bool = True,
) -> keras.Model:
    """Builds ResNet50 with a classifier of one's own, as one flat functional model.

    The layers and their names are those of `keras.applications.ResNet50` (He et al. 2016,
    arXiv:1512.03385). At two classes it has 23,591,810 parameters.

    Args:
        input_shape: height, width and 3; at least 32 x 32. Defaults to `(224, 224, 3)`.
        classes: units of the classifier. Defaults to `2`.
        weights: `None` (new), `"imagenet"` (fetched by Keras), or the path of an `.npz` of
            arrays named `<layer>/<variable>`; the classifier is new unless the file holds one
            of that many classes. Defaults to `None`.
        head_activation: activation of the classifier. Defaults to `"softmax"`.
        preprocess: whether the model subtracts ImageNet's mean colour itself, and so takes RGB
            images in 0..255 (for grey ones the order of the channels is no matter). `False`
            leaves that to `keras.applications.resnet50.preprocess_input`. Defaults to `True`.

    Returns:
        A model from images (batch, height, width, 3) to classes (batch, classes).

    Raises:
        ModelError: the input shape or the number of classes is impossible.
        FileError: the weights cannot be fetched, or the file is not one for this net.
    """
    imagenet.check_classes(classes)
    stored = imagenet.read_weights(weights)
    image, centred = imagenet.image_input(input_shape, preprocess)
    body = imagenet.convolutions(keras.applications.ResNet50, centred, weights)
    x = keras.layers.GlobalAveragePooling2D(name="avg_pool")(body.output)
    x = keras.layers.Dense(classes, activation=head_activation, name="predictions")(x)
    model = keras.Model(image, x, name="resnet50")
    if stored is not None:
        set_stored(model, stored, head=("predictions",))
    if weights is not None and preprocess:
        imagenet.take_rgb(model.get_layer("conv1_conv"))
    return model
