"""How the inspection nets begin, and how they are trained."""

import os
from typing import Any

import keras
import numpy as np
from absl import logging

from tfprune._tfdata import without_autotune
from tfprune.errors import FileError
from tfprune.models import resnet18, vgg16
from tfprune.models.weights import read_npz, set_stored
from tfprune.recipes.common.answers import keras_answers
from tfprune.recipes.common.rates import warmed_cosine
from tfprune.recipes.inspection.data import Arrays
from tfprune.training import distill, fit

LOSS = "sparse_categorical_crossentropy"
BATCH = 32
_PIXELS = 64.0  # about the spread of pixels around the mean colour
_LEAST_AREA = 0.5

Weights = str | os.PathLike[str] | None


def start(name: str, size: int, classes: int, weights: Weights, seed: int) -> tuple[Any, str]:
    """Returns an untrained net, and where its weights come from.

    Args:
        name: `"vgg16"` or `"resnet18"`.
        size: pixels along a side.
        classes: how many.
        weights: `"imagenet"` (VGG16, fetched by Keras; where that fails, new weights and a
            warning), the path of an `.npz`, or None for new weights.
        seed: of new weights.

    Returns:
        The net, and `"imagenet"`, `"file"` or `"random"`.

    Raises:
        FileError: the file is missing or is another net's.
    """
    keras.utils.set_random_seed(seed)
    shape = (size, size, 3)
    if name == "resnet18":
        net = resnet18(shape, classes)
        if weights not in (None, "imagenet"):
            set_stored(net, read_npz(weights), head=(net.layers[-1].name,))
            return net, "file"
    else:
        if weights is not None:
            try:
                return vgg16(shape, classes, weights), (
                    "imagenet" if weights == "imagenet" else "file"
                )
            except FileError as error:
                if weights != "imagenet":
                    raise
                logging.warning("%s", error)
        net = he_normal(vgg16(shape, classes), seed)
    logging.warning("%s begins with random weights: expect less than from ImageNet's", name)
    return net, "random"


def he_normal(net: Any, seed: int) -> Any:
    """Draws a VGG's kernels anew so that it trains without batch normalisation, in place.

    He et al. 2015 (arXiv:1502.01852) keep the size of activations from layer to layer; the first
    kernel is made smaller by the spread of pixels, which are in 0..255.
    """
    first = True
    for number, layer in enumerate(net.layers):
        if not isinstance(layer, keras.layers.Conv2D | keras.layers.Dense):
            continue
        if layer is net.layers[-1]:
            continue
        kernel = keras.initializers.HeNormal(seed + number)(layer.kernel.shape)
        layer.kernel.assign(kernel / _PIXELS if first else kernel)
        first = False
    return net


def batches(images: Arrays, seed: int) -> Any:
    """Shuffled batches, each patch a random part of at least half its area, resized, flipped.

    Args:
        images: (n, size, size, 3) in 0..255 and (n,) labels.
        seed: of the order and the parts.

    Returns:
        A `tf.data.Dataset` of (images, labels).
    """
    import tensorflow as tf

    size = images[0].shape[1]

    def varied(x: Any, y: Any) -> tuple[Any, Any]:
        count = tf.shape(x)[0]
        draw = tf.random.uniform((5, count), seed=seed)
        side = tf.sqrt(_LEAST_AREA + (1 - _LEAST_AREA) * draw[0])
        top, left = draw[1] * (1 - side), draw[2] * (1 - side)
        near, far = left, left + side
        near, far = tf.where(draw[3] < 0.5, near, far), tf.where(draw[3] < 0.5, far, near)
        upper, lower = top, top + side
        boxes = tf.stack([upper, near, lower, far], axis=1)  # left after right mirrors it
        return tf.image.crop_and_resize(x, boxes, tf.range(count), (size, size)), y

    data = tf.data.Dataset.from_tensor_slices(images)
    data = data.shuffle(len(images[1]), seed=seed).batch(BATCH).map(varied)
    return without_autotune(data.prefetch(2))


def compile_for(net: Any, rate: float, steps: int) -> None:
    """Compiles a classifier: Adam, its rate reached after a tenth of the steps, left by cosine."""
    for layer in net.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.9  # Keras's .99 needs some 500 steps to forget the start
    schedule = warmed_cosine(rate, steps)
    net.compile(keras.optimizers.Adam(schedule, clipnorm=1.0), LOSS, metrics=["accuracy"])


def steps_of(images: Arrays, epochs: int) -> int:
    """Batches in so many epochs."""
    return -(-len(images[1]) // BATCH) * epochs


def train(
    net: Any, images: Arrays, epochs: int, rate: float, seed: int, teacher: Any = None
) -> None:
    """Trains a classifier in place and leaves it compiled; a teacher's answers count half."""
    keras.utils.set_random_seed(seed)
    learner = net if teacher is None else distill(net, teacher, temperature=2.0)
    compile_for(learner, rate, steps_of(images, epochs))
    fit(learner, batches(images, seed), epochs=epochs, verbose=0)
    if learner is not net:
        compile_for(net, rate, steps_of(images, epochs))


def train_head(net: Any, images: Arrays, seed: int) -> None:
    """Trains the Dense layers of a net for one epoch, the features frozen, then frees those."""
    for layer in net.layers:
        layer.trainable = isinstance(layer, keras.layers.Dense)
    train(net, images, 1, 1e-3, seed)
    for layer in net.layers:
        layer.trainable = True


def accuracy(net: Any, images: Arrays) -> float:
    """The share of right answers."""
    found = keras_answers(net, images[0], 64).argmax(axis=-1)
    return float((found == images[1]).mean())


def noise(size: int, count: int = 8) -> np.ndarray:
    """Images of noise in 0..255, to size up a net's speed by."""
    return np.random.default_rng(0).uniform(0, 255, (count, size, size, 3)).astype(np.float32)
