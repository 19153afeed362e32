"""Training and retraining of the earthquake nets."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tfprune._tfdata import without_autotune
from tfprune.datasets import ImageCache
from tfprune.recipes.common.answers import keras_answers
from tfprune.recipes.common.rates import warmed_cosine
from tfprune.training import distill, fit

Arrays = tuple[np.ndarray, np.ndarray]
Images = Arrays | ImageCache  # what does not fit in memory is streamed
Report = Callable[[int, float], None]


@dataclass(frozen=True)
class Training:
    """How a net is trained.

    Attributes:
        epochs: passes over the data.
        learning_rate: its peak, reached after a tenth of the steps and left along a cosine.
        batch_size: images a step.
        label_smoothing: share of the label spread over both classes.
        shift: largest shift along time, as a share of the image.
        batch_norm_momentum: of the moving statistics. Keras's .99 needs some 500 steps to forget
            the old ones; a few hundred images make ten steps an epoch.
    """

    epochs: int
    learning_rate: float
    batch_size: int = 32
    label_smoothing: float = 0.1
    shift: float = 0.2
    batch_norm_momentum: float = 0.9


def train(
    model: Any,
    images: Images,
    settings: Training,
    seed: int,
    report: Report | None = None,
    teacher: Any = None,
) -> None:
    """Trains a classifier in place and leaves it compiled.

    Args:
        model: takes (batch, size, size, 3) images, returns the probabilities of two classes.
        images: (n, size, size, 3) in 0..255 and (n,) labels 0 or 1; or both in a cache.
        settings: epochs, learning rate and so on.
        seed: of the order, the shifts and the dropout.
        report: called after each epoch with its number, from 1, and the training accuracy.
        teacher: a net whose answers count half (`tfprune.training.distill`). Defaults to `None`.
    """
    keras.utils.set_random_seed(seed)
    learner = model if teacher is None else distill(model, teacher, temperature=2.0)
    compile_for(learner, settings, len(labels_of(images)))
    callbacks = [] if report is None else [_Reporter(report)]
    batches = training_batches(images, settings, seed)
    fit(learner, batches, epochs=settings.epochs, callbacks=callbacks, verbose=0)
    if learner is not model:
        compile_for(model, settings, len(labels_of(images)))


def compile_for(model: Any, settings: Training, examples: int) -> None:
    """Compiles a classifier for training on so many examples, and sets its batch norms' pace."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = settings.batch_norm_momentum
    steps = -(-examples // settings.batch_size) * settings.epochs
    schedule = warmed_cosine(settings.learning_rate, steps)
    model.compile(
        keras.optimizers.Adam(schedule),
        keras.losses.CategoricalCrossentropy(label_smoothing=settings.label_smoothing),
        metrics=["accuracy"],
    )


def one_hot(labels: np.ndarray) -> np.ndarray:
    """Returns (n, 2) float32 of (n,) labels."""
    return np.eye(2, dtype=np.float32)[labels]


class _Reporter(keras.callbacks.Callback):
    def __init__(self, report: Report) -> None:
        super().__init__()
        self._report = report

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._report(epoch + 1, (logs or {}).get("accuracy", float("nan")))


def training_batches(images: Images, settings: Training, seed: int) -> Any:
    """Shuffled batches, each picture shifted in time by an amount of its own.

    Args:
        images: (n, size, size, 3) in 0..255 and (n,) labels 0 or 1; or both in a cache.
        settings: batch size and largest shift.
        seed: of the order and the shifts.

    Returns:
        A `tf.data.Dataset` of (images, (batch, 2) labels).
    """
    import tensorflow as tf

    shift = keras.layers.RandomTranslation(0.0, settings.shift, fill_mode="reflect", seed=seed)
    if isinstance(images, ImageCache):
        dataset = images.batches(settings.batch_size, shuffle=True, seed=seed)
    else:
        dataset = tf.data.Dataset.from_tensor_slices(images)
        dataset = dataset.shuffle(len(images[1]), seed=seed).batch(settings.batch_size)
    dataset = dataset.map(lambda x, y: (shift(x, training=True), tf.one_hot(y, 2)))
    return without_autotune(dataset.prefetch(2))


def labels_of(images: Images) -> np.ndarray:
    """The labels, (n,)."""
    return images.labels if isinstance(images, ImageCache) else images[1]


def some_of(images: Images, count: int) -> Arrays:
    """About so many images and labels, evenly spaced, in memory."""
    every = max(1, len(labels_of(images)) // count)
    if isinstance(images, ImageCache):
        return images.take(images.rows[::every]).arrays()
    return images[0][::every], images[1][::every]


def answers_of(model: Any, images: Images) -> np.ndarray:
    """A Keras model's answers to all images, (n, 2)."""
    if isinstance(images, ImageCache):
        inputs = images.batches(32).map(lambda x, y: x)
        return np.asarray(model.predict(inputs, verbose=0), np.float32)
    return keras_answers(model, images[0])
