"""One seed for each step of a long run, so that a run taken up again goes on alike."""

import keras
import numpy as np


def seed_of(*numbers: int) -> int:
    """Makes one seed of several numbers.

    Example:
        >>> seed_of(0, 1) == seed_of(0, 1), seed_of(0, 1) == seed_of(1, 0)
        (True, False)
    """
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def seed_all(*numbers: int) -> None:
    """Seeds Python, numpy, Keras and its backend: all chance of this process."""
    keras.utils.set_random_seed(seed_of(*numbers))
