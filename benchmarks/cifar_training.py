"""Fine-tuning on CIFAR-10, the same for every net that is compared."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

BATCH = 128
LOSS = "categorical_crossentropy"


def one_hot(labels: np.ndarray) -> np.ndarray:
    """(n, 10) rows."""
    return np.eye(10, dtype="float32")[labels]


def drawn(training: Sequence[np.ndarray], seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Some training images and their labels, one-hot."""
    images, labels = training
    chosen = np.random.default_rng(seed).choice(len(images), count, replace=False)
    return images[chosen], one_hot(labels[chosen])


class Crops(keras.utils.PyDataset):
    """Batches of images, mirrored at random and shifted by up to 4 pixels, and their labels."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, steps: int, seed: int) -> None:
        super().__init__()
        self._images = images
        self._labels = one_hot(labels)
        self._steps, self._seed = steps, seed

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        draw = np.random.default_rng((self._seed, index))
        chosen = draw.choice(len(self._images), BATCH, replace=False)
        batch = np.empty((BATCH, 32, 32, 3), "float32")
        shifts, mirrored = draw.integers(0, 9, (BATCH, 2)), draw.random(BATCH) < 0.5
        for place, (one, (y, x), turned) in enumerate(zip(chosen, shifts, mirrored, strict=True)):
            crop = np.pad(self._images[one], ((4, 4), (4, 4), (0, 0)))[y : y + 32, x : x + 32]
            batch[place] = crop[:, ::-1] if turned else crop
        return batch, self._labels[chosen]


def fine_tune(
    model: Any, training: Sequence[np.ndarray], steps: int, seed: int, rate: float
) -> Any:
    """Trains for so many steps: Adam, the learning rate falling to 0 by a cosine."""
    keras.utils.set_random_seed(seed)
    falling = keras.optimizers.schedules.CosineDecay(rate, steps)
    model.compile(keras.optimizers.Adam(falling), LOSS)
    model.fit(Crops(*training, steps, seed), epochs=1, verbose=0)
    return model


def accuracy(model: Any, pictures: Sequence[np.ndarray]) -> float:
    """The share of images that the model names right."""
    images, labels = pictures
    found = model.predict(images, batch_size=500, verbose=0).argmax(axis=1)
    return float((found == labels).mean())
