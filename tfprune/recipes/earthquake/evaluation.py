"""How well a net or a TFLite file tells earthquakes from noise."""

import os
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from tfprune.recipes.earthquake.training import Images


@dataclass(frozen=True)
class Accuracy:
    """Right answers among all.

    Attributes:
        right: how many were right.
        total: how many there were.
    """

    right: int
    total: int

    @property
    def share(self) -> float:
        """The accuracy, in 0..1."""
        return self.right / self.total

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """The score interval of the accuracy (Wilson 1927, J. Am. Stat. Assoc. 22).

        Example:
            >>> [round(bound, 3) for bound in Accuracy(95, 100).interval()]
            [0.888, 0.978]
        """
        z = NormalDist().inv_cdf(0.5 + confidence / 2)
        n, p = self.total, self.share
        centre = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return float(max(0.0, centre - half)), float(min(1.0, centre + half))

    def __str__(self) -> str:
        low, high = self.interval()
        return f"{self.share:.1%} ({low:.1%} to {high:.1%})"


def keras_accuracy(model: Any, images: Images) -> Accuracy:
    """Counts a Keras model's right answers."""
    answers = model.predict(images[0], batch_size=32, verbose=0)
    return _count(answers, images[1])


def tflite_accuracy(path: str | os.PathLike[str], images: Images) -> Accuracy:
    """Counts a TFLite file's right answers, one image at a time, as a device would ask."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=os.fspath(path))
    interpreter.allocate_tensors()
    entry = interpreter.get_input_details()[0]["index"]
    exit_ = interpreter.get_output_details()[0]["index"]
    answers = []
    for image in images[0]:
        interpreter.set_tensor(entry, image[None])
        interpreter.invoke()
        answers.append(interpreter.get_tensor(exit_)[0].copy())
    return _count(np.stack(answers), images[1])


def _count(answers: np.ndarray, labels: np.ndarray) -> Accuracy:
    return Accuracy(int((answers.argmax(axis=-1) == labels).sum()), len(labels))
