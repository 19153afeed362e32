"""How often a net or a TFLite file is right, and how sure that is."""

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfprune._wilson import wilson
from tfprune.recipes.common.answers import keras_answers, tflite_answers

Examples = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Accuracy:
    """Right answers among all; any other share of things counted does as well.

    Attributes:
        right: how many were right.
        total: how many there were.
    """

    right: int
    total: int

    @property
    def share(self) -> float:
        """The accuracy, in 0..1; NaN of nothing."""
        return self.right / self.total if self.total else float("nan")

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """The score interval of the accuracy (Wilson 1927, J. Am. Stat. Assoc. 22).

        Example:
            >>> [round(bound, 3) for bound in Accuracy(95, 100).interval()]
            [0.888, 0.978]
        """
        if not self.total:
            return 0.0, 1.0
        return wilson(self.right, self.total, confidence)

    def __str__(self) -> str:
        low, high = self.interval()
        return f"{self.share:.1%} ({low:.1%} to {high:.1%})"


def accuracy_of(answers: np.ndarray, labels: np.ndarray) -> Accuracy:
    """Counts the answers, (n, classes), that are highest at the label, (n,)."""
    return Accuracy(int((answers.argmax(axis=-1) == labels).sum()), len(labels))


def keras_accuracy(model: Any, examples: Examples) -> Accuracy:
    """Counts a Keras model's right answers to (inputs, labels)."""
    return accuracy_of(keras_answers(model, examples[0]), examples[1])


def tflite_accuracy(path: str | os.PathLike[str], examples: Examples) -> Accuracy:
    """Counts a TFLite file's right answers to (inputs, labels)."""
    return accuracy_of(tflite_answers(path, examples[0]), examples[1])
