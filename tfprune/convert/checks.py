"""What every converter asks before it works, and of what it made."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from absl import logging

from tfprune._files import check_writable
from tfprune.convert import compare
from tfprune.convert import samples as sampling
from tfprune.convert.accuracy import check_labels
from tfprune.convert.samples import Example
from tfprune.convert.savedmodel import output_names
from tfprune.errors import ConversionError, DataError, FileError, ModelError

if TYPE_CHECKING:
    import keras

Labels = Mapping[str, np.ndarray]

_COMPARED = 8
"""Examples compared where they come from the representative data or are drawn."""


def check_model(model: "keras.Model") -> None:
    """Raises `ModelError` unless `model` is built, of a static graph, with finite weights."""
    import keras

    if not isinstance(model, keras.Model):
        raise ModelError(f"expected a keras.Model, received {type(model).__name__}")
    # A subclassed or unbuilt model has no inputs to ask for, and says so in this way.
    if not getattr(model, "inputs", None):
        raise ModelError(
            f"expected a built Functional or Sequential model, but {model.name!r} has no defined "
            "inputs: build it from keras.Input"
        )
    for weight in model.weights:
        values = weight.numpy()
        if keras.backend.is_float_dtype(str(weight.dtype)) and not np.isfinite(values).all():
            raise ModelError(
                f"weight {weight.path!r} holds NaN or infinite values: the training diverged; "
                "go back to an earlier checkpoint"
            )


def check_target(path: Path, overwrite: bool) -> None:
    """Raises `FileError` where `path` cannot be written, or stands and may not be replaced."""
    check_writable(path)
    if path.exists() and not overwrite:
        raise FileError(f"{path} exists: name another file, or pass overwrite=True")


def choose_samples(
    model: "keras.Model", samples: Any, calibration: Sequence[Example], data: Any, seed: int
) -> Sequence[Example]:
    """Returns the examples to compare on: those given, else of the data, else drawn."""
    return choose_labelled(model, samples, None, calibration, data, seed)[0]


def choose_labelled(
    model: "keras.Model",
    samples: Any,
    labels: Any,
    calibration: Sequence[Example],
    data: Any,
    seed: int,
) -> tuple[Sequence[Example], Labels]:
    """Returns the examples to compare on, and their labels by the names of the outputs.

    Args:
        model: takes the examples.
        samples: given by the user, with or without labels; `None` for some of the data.
        labels: of the samples, where they are given apart; `None` for those that come along.
        calibration: examples taken of the representative data.
        data: the representative data.
        seed: of examples that are drawn for want of any.

    Raises:
        DataError: labels without samples, or the samples are of no use.
    """
    names = output_names(model)
    apart = sampling.by_output(labels, names, "labels")
    if samples is not None:
        examples, along = sampling.take_labelled(model, samples, names, "samples")
        return examples, apart or along
    if apart:
        raise DataError("labels are of samples: pass samples too, as many as labels")
    if calibration:
        return calibration[:_COMPARED], {}
    if data is not None:
        return sampling.take(model, data, _COMPARED, "representative_data"), {}
    return sampling.draw(model, _COMPARED, seed), {}


def labels_of_classes(given: Labels, expected: compare.Outputs, asked: bool) -> Labels:
    """Returns labels as class numbers; those that came along with samples need not be that.

    Args:
        given: by the names of the outputs.
        expected: the Keras model's answers.
        asked: whether accuracy was asked for, by labels given apart.

    Raises:
        DataError: it was asked for, and the labels name no classes.
    """
    try:
        return check_labels(given, expected)
    except DataError as error:
        if asked:
            raise
        logging.info("no accuracy is measured: %s", error)
        return {}


def common_shapes(model: "keras.Model", examples: Iterable[Example]) -> list[tuple[int, ...]]:
    """Returns the shape of each input that all examples share, or raises `DataError`."""
    found = {tuple(part.shape for part in example) for example in examples}
    if len(found) > 1:
        raise DataError(
            f"{model.name!r} leaves sizes open and the samples are of several, {sorted(found)}: "
            "a file is made for one size, pass samples of one"
        )
    return list(found.pop())


def check_limit(value: float, name: str) -> float:
    """Returns `value` if it may be a limit, 0 or more; else, for NaN too, a `ConversionError`."""
    if not value >= 0:
        raise ConversionError(f"expected a {name} of 0 or more, received {value}")
    return value


def check_errors(errors: Mapping[str, float], allowed: float, kind: str) -> None:
    """Raises `ConversionError` where an output is further off than allowed.

    Args:
        errors: the largest error of each output, relative to its range.
        allowed: the largest that may be.
        kind: what to call the file, such as "float16".
    """
    worst = max(errors, key=lambda name: errors[name])
    if not errors[worst] <= allowed:
        raise ConversionError(
            f"the {kind} file differs from the Keras model: output {worst!r} by "
            f"{errors[worst]:.3g} of its range, allowed is {allowed:g}; no file is left. Pass "
            "samples (and representative_data) of the model's real range, or a tolerance"
        )


def join_errors(several: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Returns the largest error of each output over several comparisons."""
    joined: dict[str, float] = {}
    for errors in several:
        for name, error in errors.items():
            joined[name] = max(error, joined.get(name, 0.0))
    return joined
