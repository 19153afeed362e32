"""A twin trained, step by step."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from absl import logging

from tfprune.convert.tf_keras.packages import load_tf_keras
from tfprune.convert.tfmot.batches import Source
from tfprune.errors import ConversionError


@dataclass(frozen=True)
class Teaching:
    """How to train."""

    losses: list[Any]
    optimizer: Any
    epochs: int
    seed: int


def fit(model: Any, source: Source, losses: list[Any], optimizer: Any, epochs: int) -> list[float]:
    """Trains a model of tf_keras in place and returns the mean loss of each epoch.

    Raises:
        ConversionError: the loss is no number any more.
    """
    model.compile(optimizer, losses if len(losses) > 1 else losses[0])
    means = []
    for epoch in range(epochs):
        seen = [
            float(
                model.train_on_batch(
                    _one_or_all(batch.inputs),
                    _one_or_all(batch.labels),
                    batch.weights,
                    return_dict=True,
                )["loss"]
            )
            for batch in source.epoch()
        ]
        means.append(float(np.mean(seen)))
        logging.info("epoch %d of %d: loss %.4g", epoch + 1, epochs, means[-1])
        if not np.isfinite(means[-1]):
            raise ConversionError(
                f"the loss is {means[-1]} after epoch {epoch + 1}: the training diverged; pass an "
                "optimizer with a smaller learning rate"
            )
    return means


def seed_everything(seed: int) -> None:
    """Seeds Python, numpy and TensorFlow as both Kerases draw from them."""
    load_tf_keras().utils.set_random_seed(seed)


def _one_or_all(parts: Any) -> Any:
    return list(parts) if len(parts) > 1 else parts[0]
