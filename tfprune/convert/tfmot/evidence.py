"""What a file is judged by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tfprune.convert.checks import choose_labelled, common_shapes, labels_of_classes
from tfprune.convert.compare import Outputs, run_keras
from tfprune.convert.samples import Example

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Evidence:
    """Examples, and what is known of them.

    Attributes:
        examples: to compare on.
        truth: their labels as class numbers, by the names of the outputs.
        before: what the Keras model answers to them.
        calibration: examples to take ranges from.
        shapes: the shape of each input, batch first.
    """

    examples: Sequence[Example]
    truth: Mapping[str, np.ndarray]
    before: Outputs
    calibration: Sequence[Example]
    shapes: Sequence[tuple[int, ...]]


def gather(
    model: "keras.Model", samples: Any, labels: Any, calibration: Sequence[Example], seed: int
) -> Evidence:
    """Chooses the examples, and asks the model of them.

    Args:
        model: the Keras 3 model.
        samples: the user's, with or without labels; None for some of the calibration's.
        labels: the user's, of the samples; None for those that come along.
        calibration: examples to take ranges from.
        seed: of drawn examples.

    Raises:
        DataError: the samples or labels do not fit the model.
    """
    examples, given = choose_labelled(model, samples, labels, calibration, None, seed)
    shapes = common_shapes(model, [*examples, *calibration])
    before = run_keras(model, examples)
    truth = labels_of_classes(given, before, asked=labels is not None)
    return Evidence(examples, truth, before, calibration, shapes)
