"""What a Keras model or a TFLite file answers, example by example."""

import os
from typing import Any

import numpy as np


def keras_answers(model: Any, inputs: np.ndarray, batch_size: int = 32) -> np.ndarray:
    """Returns the class probabilities of a Keras model, (n, classes) float32."""
    return np.asarray(model.predict(inputs, batch_size=batch_size, verbose=0), np.float32)


def tflite_answers(path: str | os.PathLike[str], inputs: np.ndarray) -> np.ndarray:
    """Returns those of a TFLite file, one example at a time, as a device would ask.

    Args:
        path: a file with one input and one output, float32 or int8.
        inputs: (n, ...) in the units of the Keras model.

    Returns:
        (n, classes) float32, int8 answers turned back into probabilities.
    """
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=os.fspath(path))
    interpreter.allocate_tensors()
    (entry,), (exit_,) = interpreter.get_input_details(), interpreter.get_output_details()
    answers = []
    for example in inputs:
        interpreter.set_tensor(entry["index"], _to_device(example[None], entry))
        interpreter.invoke()
        answers.append(_from_device(interpreter.get_tensor(exit_["index"])[0], exit_))
    return np.stack(answers)


def _to_device(values: np.ndarray, detail: dict[str, Any]) -> np.ndarray:
    scale, zero = detail["quantization"]
    if not scale:
        return values.astype(detail["dtype"])
    limits = np.iinfo(detail["dtype"])
    return np.clip(np.rint(values / scale) + zero, limits.min, limits.max).astype(detail["dtype"])


def _from_device(values: np.ndarray, detail: dict[str, Any]) -> np.ndarray:
    scale, zero = detail["quantization"]
    real = values.astype(np.float32)
    return (real - zero) * np.float32(scale) if scale else real.copy()
