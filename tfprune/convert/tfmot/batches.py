"""Training data of any common form, batch by batch, as a flat twin takes them."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tfprune.convert.savedmodel import output_names
from tfprune.errors import DataError

_FORMS = "pass (x, y), a tf.data.Dataset of pairs, a keras.utils.PyDataset, or a function"


@dataclass(frozen=True)
class Batch:
    """Some examples for one step of training.

    Attributes:
        inputs: in the order of the model's inputs.
        labels: in the order of the model's outputs.
        weights: of the examples, or None.
    """

    inputs: Sequence[np.ndarray]
    labels: Sequence[np.ndarray]
    weights: np.ndarray | None


class Source:
    """Training data that can be gone through epoch by epoch.

    Args:
        model: the Keras 3 model whose data they are.
        data: arrays `(x, y)` or `(x, y, sample_weight)`, which are shuffled; a `tf.data.Dataset`
            of batches or another iterable, a `keras.utils.PyDataset`, or a function that makes one
            of these.
        size: examples a batch, for arrays.
        steps: batches an epoch at most; needed for data without an end. None for all.
        seed: of the shuffling.

    Raises:
        DataError: the data have another form, hold nothing, or do not fit the model.
    """

    def __init__(self, model: Any, data: Any, size: int, steps: int | None, seed: int) -> None:
        self._model, self._data, self._size, self._steps = model, data, size, steps
        self._random = np.random.default_rng(seed)
        for name, value in (("batch_size", size), ("steps_per_epoch", steps)):
            if value is not None and value < 1:
                raise DataError(f"expected a {name} of 1 or more, received {value}")
        if isinstance(data, Iterator):
            raise DataError(
                f"expected training data for several epochs, received one pass: {_FORMS}"
            )
        endless = hasattr(data, "cardinality") and int(data.cardinality()) == -1  # tf.data's word
        if endless and steps is None:
            raise DataError("expected training data with an end: pass steps_per_epoch")
        next(self.epoch())  # what is wrong with them shows before anything long begins

    def epoch(self) -> Iterator[Batch]:
        """Yields the batches of one epoch.

        Raises:
            DataError: there are none, or one does not fit the model.
        """
        data = self._data() if _is_function(self._data) else self._data
        found = 0
        for number, item in enumerate(itertools.islice(self._items(data), self._steps)):
            found += 1
            yield _arranged(self._model, item, f"train, batch {number}")
        if isinstance(data, keras.utils.PyDataset):
            data.on_epoch_end()
        if not found:
            raise DataError(f"expected at least one batch to train on, received none: {_FORMS}")

    def _items(self, data: Any) -> Iterable[Any]:
        if isinstance(data, tuple):
            return self._shuffled(data)
        if isinstance(data, keras.utils.PyDataset):
            return (data[index] for index in range(len(data)))
        if not isinstance(data, Iterable) or isinstance(data, np.ndarray | Mapping):
            raise DataError(
                f"expected inputs and labels to train on, received {type(data).__name__}: {_FORMS}"
            )
        return data

    def _shuffled(self, arrays: tuple[Any, ...]) -> Iterator[Any]:
        counts = {len(part) for part in keras.tree.flatten(arrays)}
        if len(arrays) not in (2, 3) or len(counts) != 1:
            raise DataError(
                f"expected (x, y) or (x, y, sample_weight) with as many examples each, received a "
                f"tuple of {len(arrays)} with {sorted(counts)} examples"
            )
        order = self._random.permutation(counts.pop())
        for begin in range(0, len(order), self._size):
            chosen = order[begin : begin + self._size]
            yield keras.tree.map_structure(lambda part: np.asarray(part)[chosen], arrays)  # noqa: B023


def _is_function(data: Any) -> bool:
    return isinstance(data, Callable) and not isinstance(data, Iterable)  # type: ignore[arg-type]


def _arranged(model: Any, item: Any, where: str) -> Batch:
    if not isinstance(item, tuple | list) or len(item) not in (2, 3):
        raise DataError(f"{where}: expected inputs and labels, received {type(item).__name__}")
    inputs = _flat(item[0], [tensor.name for tensor in model.inputs], f"{where}, inputs")
    labels = _flat(item[1], output_names(model), f"{where}, labels")
    for array, tensor in zip(inputs, model.inputs, strict=True):
        shape = tuple(tensor.shape)
        fits = array.ndim == len(shape) and all(
            want in (None, got) for want, got in zip(shape[1:], array.shape[1:], strict=True)
        )
        if not fits:
            raise DataError(
                f"{where}: expected shape {shape} for input {tensor.name!r}, received {array.shape}"
            )
    if len({len(array) for array in (*inputs, *labels)}) != 1:
        raise DataError(f"{where}: inputs and labels differ in length: make them equal")
    return Batch(inputs, labels, np.asarray(item[2]) if len(item) == 3 else None)


def _flat(part: Any, names: Sequence[str], where: str) -> list[np.ndarray]:
    if isinstance(part, Mapping):
        missing = [name for name in names if name not in part]
        if missing:
            raise DataError(f"{where}: expected {list(names)}, received {sorted(map(str, part))}")
        parts = [part[name] for name in names]
    elif isinstance(part, list | tuple) and len(names) > 1:
        parts = list(part)
    else:
        parts = [part]
    if len(parts) != len(names):
        raise DataError(f"{where}: expected {len(names)} for {list(names)}, received {len(parts)}")
    return [np.asarray(one) for one in parts]
