"""What a Keras model or a TFLite file answers, example by example."""

import os
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from tfprune._tfdata import in_batches
from tfprune.errors import DataError, FileError


def keras_answers(model: Any, inputs: np.ndarray, batch_size: int = 32) -> np.ndarray:
    """Returns the class probabilities of a Keras model, (n, classes) float32."""
    if keras.backend.backend() == "tensorflow":
        return np.asarray(model.predict(in_batches(inputs, batch_size), verbose=0), np.float32)
    return np.asarray(model.predict(inputs, batch_size=batch_size, verbose=0), np.float32)


class Asked:
    """A TFLite file that is asked one example at a time, as a device would.

    Args:
        path: a file with one input and one output, float32 or int8.

    Attributes:
        input_shape: with a batch of one.
        output_shape: the same.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        from ai_edge_litert.interpreter import Interpreter

        try:
            self._interpreter = Interpreter(model_path=os.fspath(path))
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise FileError(f"cannot run {path}: {' '.join(str(error).split())}") from error
        entries, exits = (
            self._interpreter.get_input_details(),
            self._interpreter.get_output_details(),
        )
        if len(entries) != 1 or len(exits) != 1:
            raise DataError(
                f"expected a file with one input and one output, {path} has {len(entries)} and "
                f"{len(exits)}"
            )
        self._entry, self._exit = entries[0], exits[0]
        self.input_shape = tuple(int(size) for size in self._entry["shape"])
        self.output_shape = tuple(int(size) for size in self._exit["shape"])

    def answer(self, example: Any) -> np.ndarray:
        """Returns the answer to one example, in the units of the Keras model, float32."""
        self._interpreter.set_tensor(
            self._entry["index"], _to_device(np.asarray(example)[None], self._entry)
        )
        self._interpreter.invoke()
        return _from_device(self._interpreter.get_tensor(self._exit["index"])[0], self._exit)


def tflite_answers(path: str | os.PathLike[str], inputs: Iterable[np.ndarray]) -> np.ndarray:
    """Returns the answers of a TFLite file, int8 ones turned back into probabilities.

    Args:
        path: a file with one input and one output, float32 or int8.
        inputs: (n, ...) in the units of the Keras model, or examples one by one.

    Returns:
        (n, classes) float32.

    Raises:
        FileError: the file is damaged.
        DataError: it has several inputs or outputs.
    """
    asked = Asked(path)
    return np.stack([asked.answer(example) for example in inputs])


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
