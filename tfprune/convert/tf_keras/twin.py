"""A model of tf_keras that computes what a Keras 3 model does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfprune.convert.compare import WORTH_COMPILING, Outputs, join_answers
from tfprune.convert.samples import Example


@dataclass(frozen=True)
class Twin:
    """The same model in tf_keras, laid flat, and which of its layers stand for which.

    Attributes:
        model: takes and returns lists, in the order of the original's inputs and outputs.
        parts: for each of the original's layers with weights, by its path ("inner/conv"), the
            names of the twin's layers that hold them, in their order.
        inputs: the original's input names, as a signature spells them.
        outputs: the original's output names.
    """

    model: Any
    parts: Mapping[str, tuple[str, ...]]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def call_twin(model: Any, names: Sequence[str], inputs: Sequence[Any]) -> dict[str, Any]:
    """Returns a twin's outputs by name, or those of what tfmot made of it."""
    given = list(inputs) if len(inputs) > 1 else inputs[0]
    outputs = model(given, training=False)
    several = outputs if isinstance(outputs, list | tuple) else [outputs]
    return dict(zip(names, several, strict=True))


def run_twin(model: Any, names: Sequence[str], examples: Sequence[Example]) -> Outputs:
    """Returns what a twin answers, one example at a time."""
    import tensorflow as tf

    def call(inputs: list[Any]) -> dict[str, Any]:
        return call_twin(model, names, inputs)

    run = tf.function(call) if len(examples) > WORTH_COMPILING else call
    answers = []
    for example in examples:
        outputs = run([tf.constant(part) for part in example])
        answers.append({name: np.asarray(value) for name, value in outputs.items()})
    return join_answers(answers)
