"""Precision, recall, F1, ROC and confusion of a classifier's answers, by scikit-learn."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tfprune.errors import DataError
from tfprune.recipes.common.accuracy import Accuracy, accuracy_of
from tfprune.recipes.common.extras import require

_PURPOSE = "scoring answers by precision, recall and ROC"


@dataclass(frozen=True)
class Scores:
    """How good answers are.

    With two classes precision, recall and F1 are those of class 1; with more they are the plain
    means over classes, and `auc` is that of each class against the rest.

    Attributes:
        accuracy: right answers among all.
        precision: share of right ones among the answers of a class.
        recall: share of a class that was found.
        f1: harmonic mean of the two.
        auc: area under the ROC curve.
        confusion: counts, a row for each true class and a column for each answer.
    """

    accuracy: Accuracy
    precision: float
    recall: float
    f1: float
    auc: float
    confusion: tuple[tuple[int, ...], ...]

    def as_dict(self) -> dict[str, Any]:
        """The scores as plain values, for JSON."""
        return {**asdict(self), "share": self.accuracy.share, "interval": self.accuracy.interval()}

    def counted(self) -> dict[str, Accuracy]:
        """Accuracy, precision and recall of two classes as counts, which have an interval."""
        (_, false_alarms), (missed, found) = self.confusion
        return {
            "accuracy": self.accuracy,
            "precision": Accuracy(found, found + false_alarms),
            "recall": Accuracy(found, found + missed),
        }


def score(answers: np.ndarray, labels: np.ndarray) -> Scores:
    """Scores class probabilities against labels.

    Args:
        answers: (n, classes) probabilities, two classes or more.
        labels: (n,) the true classes, whole numbers; each class at least once.

    Raises:
        DataError: the shapes do not fit, or a class has no example.
        MissingExtraError: scikit-learn is missing.

    Example:
        >>> found = score(np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]), np.array([0, 1, 1]))
        >>> found.confusion, found.precision, found.recall, found.auc
        (((1, 0), (1, 1)), 1.0, 0.5, 1.0)
    """
    metrics = require("sklearn.metrics", _PURPOSE)
    classes = _check(answers, labels)
    two = classes == 2
    chosen = answers.argmax(axis=-1)
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        labels, chosen, average="binary" if two else "macro", zero_division=0
    )
    if two:
        auc = metrics.roc_auc_score(labels, answers[:, 1])
    else:
        # Rounding leaves sums a little off one, which scikit-learn refuses.
        shares = answers.astype(np.float64)
        shares /= shares.sum(axis=1, keepdims=True)
        auc = metrics.roc_auc_score(labels, shares, multi_class="ovr", labels=range(classes))
    table = metrics.confusion_matrix(labels, chosen, labels=range(classes))
    return Scores(
        accuracy_of(answers, labels),
        float(precision),
        float(recall),
        float(f1),
        float(auc),
        tuple(tuple(int(count) for count in row) for row in table),
    )


def roc(answers: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the ROC curve of class 1 of two: false alarms and finds, (points,) shares both.

    Raises:
        DataError: the shapes do not fit, or a class has no example.
        MissingExtraError: scikit-learn is missing.
    """
    metrics = require("sklearn.metrics", _PURPOSE)
    _check(answers, labels)
    alarms, finds, _ = metrics.roc_curve(labels, answers[:, 1])
    return alarms, finds


def _check(answers: np.ndarray, labels: np.ndarray) -> int:
    if answers.ndim != 2 or answers.shape[1] < 2 or len(answers) != len(labels):
        raise DataError(
            f"expected answers (n, classes) and n labels, received {answers.shape} and "
            f"{labels.shape}"
        )
    missing = set(range(answers.shape[1])) - set(labels.tolist())
    if missing:
        raise DataError(f"expected examples of every class, received none of {sorted(missing)}")
    return answers.shape[1]
