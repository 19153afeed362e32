"""Accuracy of the Keras model and of the file made from it, on the same samples."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tfprune._wilson import wilson
from tfprune.errors import ConversionError, DataError

Outputs = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Accuracy:
    """Right answers of one output, of the file and of the Keras model.

    Attributes:
        right: how many answers of the file were right.
        keras_right: how many of the Keras model were.
        total: how many answers each gave.
        on: what samples these were, in words.
    """

    right: int
    keras_right: int
    total: int
    on: str = ""

    @property
    def share(self) -> float:
        """The file's accuracy, in 0..1."""
        return self.right / self.total

    @property
    def keras_share(self) -> float:
        """The Keras model's accuracy, in 0..1."""
        return self.keras_right / self.total

    @property
    def drop(self) -> float:
        """By how much the file is worse; negative where it is better."""
        return (self.keras_right - self.right) / self.total

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the file's accuracy (Wilson)."""
        return wilson(self.right, self.total)

    def as_dict(self) -> dict[str, Any]:
        """Returns what JSON can hold, shares and interval spelt out."""
        low, high = (round(bound, 4) for bound in self.interval)
        shares = {"accuracy": round(self.share, 4), "keras_accuracy": round(self.keras_share, 4)}
        return {**asdict(self), **shares, "low": low, "high": high}

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> "Accuracy":
        """Makes the value from what `as_dict` returned."""
        right, keras_right, total = (int(values[k]) for k in ("right", "keras_right", "total"))
        return Accuracy(right, keras_right, total, str(values["on"]))

    def __str__(self) -> str:
        low, high = self.interval
        where = f" of {self.on}" if self.on else ""
        return (
            f"accuracy {self.share:.2%} ({low:.1%} to {high:.1%}; Keras {self.keras_share:.2%}) "
            f"on {self.total:,}{where}"
        )


def measure(keras: Outputs, file: Outputs, labels: Outputs, on: str) -> dict[str, Accuracy]:
    """Returns the accuracy of each output that has labels.

    An answer is the place of the largest value along the last axis, or for an output of one value
    whether it is above its threshold (see `thresholds`).

    Args:
        keras: the Keras model's outputs, one row a sample.
        file: the file's, of the same samples.
        labels: the right answers of some or all outputs, as `check_labels` returns them.
        on: what the samples are, in words.
    """
    found, bars = {}, thresholds(keras)
    for name, truth in labels.items():
        values = keras[name]
        if values.shape[-1] == 1:
            said = [(each[..., 0] > bars[name]).astype(int) for each in (file[name], values)]
        else:
            said = [each.argmax(axis=-1) for each in (file[name], values)]
        right = [int((answer == truth).sum()) for answer in said]
        found[name] = Accuracy(right[0], right[1], truth.size, on)
    return found


def thresholds(keras: Outputs) -> dict[str, float]:
    """Returns, for each output of one value a sample, above what it says yes.

    One half, or 0 where the Keras model's answers leave 0..1, as logits do.
    """
    return {
        name: 0.5 if values.min() >= 0 and values.max() <= 1 else 0.0
        for name, values in keras.items()
        if values.size and values.ndim > 1 and values.shape[-1] == 1
    }


def check_labels(labels: Outputs, outputs: Outputs) -> dict[str, np.ndarray]:
    """Returns labels as class numbers, one for each answer, checked against the outputs.

    Args:
        labels: for some or all outputs, by name: class numbers, or one-hot rows.
        outputs: the Keras model's answers, one row a sample.

    Raises:
        DataError: an unknown output, another number of samples, or no classes.
    """
    checked = {}
    for name, given in labels.items():
        if name not in outputs:
            raise DataError(f"expected labels of the outputs {sorted(outputs)}, received {name!r}")
        checked[name] = _classes(np.asarray(given), outputs[name].shape, name)
    return checked


def _classes(given: np.ndarray, shape: tuple[int, ...], name: str) -> np.ndarray:
    count = max(shape[-1], 2)
    wanted = (
        f"expected class numbers of shape {shape[:-1]} from 0 to {count - 1}, or one-hot rows of "
        f"shape {shape}, as labels of output {name!r}, received"
    )
    if given.dtype.kind not in "fiub":
        raise DataError(f"{wanted} {given.dtype}")
    if given.shape == shape and shape[-1] > 1:
        if not ((given == 0) | (given == 1)).all() or not (given.sum(axis=-1) == 1).all():
            raise DataError(f"{wanted} rows that are not one-hot")
        return given.argmax(axis=-1)
    if given.shape == (*shape[:-1], 1):
        given = given[..., 0]
    if given.shape != shape[:-1]:
        raise DataError(f"{wanted} shape {given.shape}")
    if not (given == np.round(given)).all() or given.min() < 0 or given.max() >= count:
        raise DataError(f"{wanted} values from {given.min():g} to {given.max():g}")
    return given.astype(int)


def check_drop(accuracies: Mapping[str, Accuracy], allowed: float) -> None:
    """Raises where the file is worse than the Keras model by more than is allowed.

    Raises:
        ConversionError: naming the output and both accuracies.
    """
    for name, accuracy in accuracies.items():
        if accuracy.drop > allowed + 1e-12:
            raise ConversionError(
                f"output {name!r} of the file is right on {accuracy.share:.2%} of {accuracy.total} "
                f"answers, the Keras model on {accuracy.keras_share:.2%}: allowed is a drop of "
                f"{allowed:.2%}; no file is left. Pass more representative_data, choose another "
                "format, or allow a larger max_accuracy_drop"
            )
