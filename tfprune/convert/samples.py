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

_ENDLESS = 1000
"""Examples taken of data that may never end: as many prove what can be proven."""


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
    rows = itertools.islice(_examples(model, _batches(data, role), role), limit)
    return _some([example for example, _ in rows], role)


def take_labelled(
    model: "keras.Model", data: Any, outputs: Sequence[str], role: str
) -> tuple[list[Example], dict[str, np.ndarray]]:
    """Returns the examples of `data`, and the labels of each output where the batches have them.

    All examples of data that are known to end, the first 1000 of others.

    Args:
        model: whose inputs the examples are for.
        data: in the forms that `take` knows.
        outputs: the names of the model's outputs. Labels are one array for the only output, a
            tuple or list of one for each, or a dict by name.
        role: the argument's name, for messages.

    Raises:
        DataError: as `take`; or labels of another number than the inputs.
    """
    rows = itertools.islice(
        _examples(model, _batches(data, role), role, labelled=True),
        None if _ends(data) else _ENDLESS,
    )
    examples, labels = [], []
    for example, label in rows:
        examples.append(example)
        labels.append(by_output(label, outputs, role))
    _some(examples, role)
    names = [name for name in outputs if all(name in label for label in labels)]
    return examples, {name: np.concatenate([label[name] for label in labels]) for name in names}


def by_output(labels: Any, outputs: Sequence[str], role: str) -> dict[str, np.ndarray]:
    """Returns labels by the names of the outputs they are of; none for `None`.

    Raises:
        DataError: not one array for each output.
    """
    if labels is None:
        return {}
    if isinstance(labels, Mapping):
        return {str(name): np.asarray(part) for name, part in labels.items()}
    parts = list(labels) if len(outputs) > 1 and isinstance(labels, tuple | list) else [labels]
    if len(parts) != len(outputs):
        raise DataError(
            f"{role}: expected labels for the outputs {list(outputs)}, received {len(parts)} "
            "array(s): pass a dict by the outputs' names"
        )
    return {name: np.asarray(part) for name, part in zip(outputs, parts, strict=True)}


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
    # One batch of several inputs, and its labels.
    if isinstance(data, tuple) and len(data) == 2 and isinstance(data[1], np.ndarray):
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


def _ends(data: Any) -> bool:
    if isinstance(data, Mapping | tuple):
        return True
    try:
        return len(data) >= 0
    except TypeError:  # an iterator; or a tf.data.Dataset that repeats, or does not know
        return False


def _some(examples: list[Example], role: str) -> list[Example]:
    if not examples:
        raise DataError(f"expected at least one batch in {role}, received none: pass some inputs")
    return examples


def _examples(
    model: "keras.Model", batches: Iterator[Any], role: str, labelled: bool = False
) -> Iterator[tuple[Example, Any]]:
    """Yields each example, and its labels where they are asked for and there."""
    for number, batch in enumerate(batches):
        where = f"{role}, batch {number}"
        parts, labels = _parts(model, batch, where)
        arrays = [_checked(p, t, where) for p, t in zip(parts, model.inputs, strict=True)]
        if len({len(array) for array in arrays}) > 1:
            raise DataError(f"{where}: the inputs' batch sizes differ: make them equal")
        for row in range(len(arrays[0])):
            yield (
                tuple(array[row : row + 1] for array in arrays),
                _row(labels, row, len(arrays[0]), where) if labelled else None,
            )


def _row(labels: Any, row: int, rows: int, where: str) -> Any:
    """Returns the labels of one example, in the form they are in."""
    if labels is None:
        return None
    if isinstance(labels, Mapping):
        return {name: _row(part, row, rows, where) for name, part in labels.items()}
    several = isinstance(labels, tuple | list)
    if several and all(hasattr(part, "shape") and np.ndim(part) for part in labels):
        return [_row(part, row, rows, where) for part in labels]
    array = np.asarray(labels)
    if array.ndim == 0 or len(array) != rows:
        raise DataError(
            f"{where}: expected labels for {rows} examples, received an array of shape "
            f"{array.shape}"
        )
    return array[row : row + 1]


def _parts(model: "keras.Model", batch: Any, where: str) -> tuple[Sequence[Any], Any]:
    """Returns a batch's arrays in the order of the model's inputs, and its labels or `None`."""
    names, wanted = [tensor.name for tensor in model.inputs], len(model.inputs)
    # (inputs, labels) or (inputs, labels, weights), unless the parts are themselves the inputs.
    labelled, labels = isinstance(batch, (tuple, list)) and len(batch) in (2, 3), None
    if labelled and (wanted == 1 or isinstance(batch[0], (tuple, list, Mapping))):
        batch, labels = batch[0], batch[1]
    if isinstance(batch, Mapping):
        missing = [name for name in names if name not in batch]
        if missing:
            raise DataError(
                f"{where}: expected arrays named {names}, received {sorted(map(str, batch))}"
            )
        return [batch[name] for name in names], labels
    parts = batch if isinstance(batch, (tuple, list)) else [batch]
    if len(parts) != wanted:
        raise DataError(
            f"{where}: expected {wanted} array(s), for the inputs {names}, received {len(parts)}: "
            "pass a tuple with one array an input"
        )
    return parts, labels


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
