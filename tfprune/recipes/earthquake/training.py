"""Training and retraining of the earthquake nets."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

Images = tuple[np.ndarray, np.ndarray]
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
    model: Any, images: Images, settings: Training, seed: int, report: Report | None = None
) -> None:
    """Trains a classifier in place and leaves it compiled.

    Args:
        model: takes (batch, size, size, 3) images, returns the probabilities of two classes.
        images: (n, size, size, 3) in 0..255, and (n,) labels 0 or 1.
        settings: epochs, learning rate and so on.
        seed: of the order, the shifts and the dropout.
        report: called after each epoch with its number, from 1, and the training accuracy.
    """
    keras.utils.set_random_seed(seed)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = settings.batch_norm_momentum
    steps = -(-len(images[0]) // settings.batch_size) * settings.epochs
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        decay_steps=steps - steps // 10,
        warmup_target=settings.learning_rate,
        warmup_steps=max(1, steps // 10),
    )
    model.compile(
        keras.optimizers.Adam(schedule),
        keras.losses.CategoricalCrossentropy(label_smoothing=settings.label_smoothing),
        metrics=["accuracy"],
    )
    callbacks = [] if report is None else [_Reporter(report)]
    batches = _batches(images, settings, seed)
    model.fit(batches, epochs=settings.epochs, shuffle=False, verbose=0, callbacks=callbacks)


class _Reporter(keras.callbacks.Callback):
    def __init__(self, report: Report) -> None:
        super().__init__()
        self._report = report

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._report(epoch + 1, (logs or {}).get("accuracy", float("nan")))


def _batches(images: Images, settings: Training, seed: int) -> Any:
    """Shuffled batches, each picture shifted in time by an amount of its own."""
    import tensorflow as tf

    shift = keras.layers.RandomTranslation(0.0, settings.shift, fill_mode="reflect", seed=seed)
    labels = np.eye(2, dtype=np.float32)[images[1]]
    dataset = tf.data.Dataset.from_tensor_slices((images[0], labels))
    dataset = dataset.shuffle(len(labels), seed=seed).batch(settings.batch_size)
    return dataset.map(lambda x, y: (shift(x, training=True), y)).prefetch(2)
