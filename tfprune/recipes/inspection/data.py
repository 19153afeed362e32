"""Folds of patches: photographs on one side, and choices kept away from the test."""

from dataclasses import dataclass, field

import numpy as np

from tfprune.datasets.patches import Patches
from tfprune.datasets.splits import group_folds, group_split

Arrays = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Fold:
    """One fold.

    Attributes:
        train: images (n, size, size, 3) float32 in 0..255, and labels (n,).
        validation: the same, of other photographs: the stop rule looks at these.
        test: the same, of others again: nothing is chosen by these.
    """

    train: Arrays = field(repr=False)
    validation: Arrays = field(repr=False)
    test: Arrays = field(repr=False)

    def some(self, count: int) -> Arrays:
        """About so many training patches, evenly spaced."""
        every = max(1, len(self.train[1]) // count)
        return self.train[0][::every], self.train[1][::every]


def fold(patches: Patches, number: int, folds: int, seed: int) -> Fold:
    """Returns a fold; an eighth of its training part is for validation.

    Args:
        patches: all of them.
        number: of the fold, from 0.
        folds: how many there are.
        seed: of the cut.

    Raises:
        DataError: too few photographs.
    """
    rest, test = group_folds(patches.groups, patches.labels, folds, seed)[number]
    inner = group_split(patches.groups[rest], patches.labels[rest], 0.125, seed)
    parts = (rest[inner[0]], rest[inner[1]], test)
    train, validation, held = (
        (patches.images[rows].astype(np.float32), patches.labels[rows]) for rows in parts
    )
    return Fold(train, validation, held)
