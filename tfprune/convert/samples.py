"""Samples to calibrate on and to compare with: taken from data of any common form, and checked."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tfprune.errors import DataError, ModelError

if TYPE_CHECKING:
    import keras

Example = tuple[np.ndarray, ...]
"""One array for each model input, in the model's order, each with a batch axis of one."""


def take(model: "keras.Model", data: Any, limit: int, role: str) -> list[Example]:
    """Returns the first `limit` examples of `data`, one batch entry each, checked.

    Args:
        model: whose inputs the examples are for.
        data: an array or a tuple of arrays (one batch), or an iterable of batches; each batch is
            an array, a tuple or list of arrays for several inputs, a dict by input name, or a
            tuple of inputs and labels, whose labels are dropped. A function that makes such an
            iterable will do.
        limit: take no more than this, however long (or endless) the data are.
        role: the argument's name, for messages.

    Raises:
        DataError: nothing in it; a wrong number of arrays, shape or type; NaN or infinity.
    """
    examples = list(itertools.islice(_examples(model, _batches(data, role), role), limit))
    if not examples:
        raise DataError(f"expected at least one batch in {role}, received none: pass some inputs")
    return examples


def draw(model: "keras.Model", count: int, seed: int) -> list[Example]:
    """Returns `count` random examples: normal, or of 0 and 1 where the input holds whole numbers.

    Raises:
        ModelError: an input has sizes that are left open, or holds neither numbers nor truths.
    """
    generator = np.random.default_rng(seed)
    for tensor in model.inputs:
        if None in tensor.shape[1:]:
            raise ModelError(
                f"input {tensor.name!r} leaves sizes open, {tuple(tensor.shape)}: pass samples "
                "of the size the file is to be made for"
            )
    return [tuple(_random(t, generator) for t in model.inputs) for _ in range(count)]


def _random(tensor: "keras.KerasTensor", generator: np.random.Generator) -> np.ndarray:
    shape, dtype = (1, *tensor.shape[1:]), str(tensor.dtype)
    if dtype.startswith("float"):
        return generator.normal(size=shape).astype(dtype)
    if dtype.startswith(("int", "uint", "bool")):
        return generator.integers(0, 2, size=shape).astype(dtype)
    raise ModelError(f"input {tensor.name!r} is of type {dtype}, which no file here can hold")


def _batches(data: Any, role: str) -> Iterator[Any]:
    if isinstance(data, Callable) and not isinstance(data, Iterable):  # type: ignore[arg-type]
        data = data()
    if isinstance(data, (np.ndarray, Mapping)):
        return iter([data])
    if isinstance(data, tuple) and data and all(isinstance(part, np.ndarray) for part in data):
        return iter([data])
    # A keras.utils.PyDataset has a length and numbered batches, but need not be iterable.
    if hasattr(data, "__getitem__") and hasattr(data, "__len__") and not isinstance(data, list):
        return (data[index] for index in range(len(data)))
    if not isinstance(data, Iterable):
        raise DataError(
            f"expected {role} to be an iterable of input batches, received "
            f"{type(data).__name__}: pass arrays, a list of batches or a tf.data.Dataset"
        )
    return iter(data)


def _examples(model: "keras.Model", batches: Iterator[Any], role: str) -> Iterator[Example]:
    for number, batch in enumerate(batches):
        where = f"{role}, batch {number}"
        parts = _parts(model, batch, where)
        arrays = [_checked(p, t, where) for p, t in zip(parts, model.inputs, strict=True)]
        if len({len(array) for array in arrays}) > 1:
            raise DataError(f"{where}: the inputs' batch sizes differ: make them equal")
        for row in range(len(arrays[0])):
            yield tuple(array[row : row + 1] for array in arrays)


def _parts(model: "keras.Model", batch: Any, where: str) -> Sequence[Any]:
    """Returns a batch's arrays in the order of the model's inputs, without labels."""
    names, wanted = [tensor.name for tensor in model.inputs], len(model.inputs)
    # (inputs, labels) or (inputs, labels, weights), unless the parts are themselves the inputs.
    labelled = isinstance(batch, (tuple, list)) and len(batch) in (2, 3)
    if labelled and (wanted == 1 or isinstance(batch[0], (tuple, list, Mapping))):
        batch = batch[0]
    if isinstance(batch, Mapping):
        missing = [name for name in names if name not in batch]
        if missing:
            raise DataError(
                f"{where}: expected arrays named {names}, received {sorted(map(str, batch))}"
            )
        return [batch[name] for name in names]
    parts = batch if isinstance(batch, (tuple, list)) else [batch]
    if len(parts) != wanted:
        raise DataError(
            f"{where}: expected {wanted} array(s), for the inputs {names}, received {len(parts)}: "
            "pass a tuple with one array an input"
        )
    return parts


def _checked(part: Any, tensor: "keras.KerasTensor", where: str) -> np.ndarray:
    array, expected = np.asarray(part), tuple(tensor.shape)
    if array.dtype.kind not in "fiub" and array.dtype.name != "bfloat16":
        raise DataError(
            f"{where}: expected numbers for input {tensor.name!r}, received {array.dtype}"
        )
    fits = len(array.shape) == len(expected) and all(
        want is None or want == got for want, got in zip(expected[1:], array.shape[1:], strict=True)
    )
    if not fits:
        raise DataError(
            f"{where}: expected shape {expected} for input {tensor.name!r} (batch first), "
            f"received {array.shape}"
        )
    array = array.astype(str(tensor.dtype))
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise DataError(
            f"{where}: input {tensor.name!r} holds NaN or infinite values: clean the data"
        )
    return array
