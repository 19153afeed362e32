"""Training and validation data of any common form, made anew for each step where they can be."""

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from tfprune.errors import DataError
from tfprune.training.content import FOLD, content_of
from tfprune.training.workers import total


def fresh(given: Any) -> Any:
    """The data, or what a function that makes the data returns."""
    return given() if _is_function(given) else given


def _is_function(given: Any) -> bool:
    return callable(given) and not hasattr(given, "__iter__") and not hasattr(given, "__getitem__")


def check_source(given: Any, name: str, bounded: bool = False) -> Any:
    """Sees whether data can serve, before anything long begins.

    Args:
        given: arrays (x, y) or (x, y, sample_weight), a `tf.data.Dataset` of batches, a
            `keras.utils.PyDataset`, or a function that makes one of these.
        name: what to call them.
        bounded: whether the caller says how many batches of endless data to take.

    Returns:
        What can be said of the data in plain values, so that a checkpoint knows its own: of
        arrays their shapes and what they hold, of others how many batches there are.

    Raises:
        DataError: they cannot.
    """
    data = fresh(given)
    if data is None:
        raise DataError(f"expected {name} data, received None: pass (x, y) or a tf.data.Dataset")
    if isinstance(data, Iterator):
        raise DataError(
            f"expected {name} data that can be passed over again, received a "
            f"{type(data).__name__}: pass a function that makes it"
        )
    if isinstance(data, tuple):
        _check_arrays(data, name)
    elif isinstance(data, list | dict | np.ndarray):
        raise DataError(
            f"expected {name} data as a tuple (x, y), a tf.data.Dataset or a Keras sequence, "
            f"received a {type(data).__name__}"
        )
    size = batches_in(data)
    if size == 0:
        raise DataError(f"expected at least one example of {name} data, received none")
    if size is not None and size < 0 and not bounded:
        raise DataError(
            f"expected {name} data with an end, received an endless data set: use take(), or "
            "fit_options={'steps_per_epoch': ...} and score_data for training data"
        )
    # What a function makes may differ each time: it is for chance that seeds rule.
    return _described(data, size, read=not _is_function(given))


def _check_arrays(data: tuple[Any, ...], name: str) -> None:
    if len(data) not in (2, 3):
        raise DataError(
            f"expected {name} data as (x, y) or (x, y, sample_weight), received a tuple of "
            f"{len(data)}"
        )
    counts = {len(part) for part in keras.tree.flatten(data)}
    if len(counts) != 1:
        raise DataError(
            f"expected {name} arrays with as many examples each, received {sorted(counts)}"
        )
    if counts == {0}:
        raise DataError(f"expected at least one example of {name} data, received none")


def batches_in(data: Any) -> int | None:
    """How many batches there are: -1 for no end, None where that is not known."""
    if isinstance(data, keras.utils.PyDataset):
        return len(data) if data.num_batches is not None else -1
    cardinality = getattr(data, "cardinality", None)
    if cardinality is None:
        return None
    found = int(cardinality())  # tf.data: -1 for infinite, -2 for unknown
    return None if found == -2 else found


def fit_arguments(data: Any) -> dict[str, Any]:
    """The arguments of `fit` or `evaluate` that hand it the data."""
    if not isinstance(data, tuple):
        return {"x": data}
    x, y, *weights = data
    return {"x": x, "y": y, **({"sample_weight": weights[0]} if weights else {})}


def for_scoring(data: Any) -> Any:
    """The same as inputs and labels only, as criteria want them."""
    if isinstance(data, tuple):
        return keras.tree.map_structure(as_array, data[:2])
    return _pairs(data)


def _pairs(data: Any) -> Callable[[], Iterator[Any]]:
    def start() -> Iterator[Any]:
        if isinstance(data, keras.utils.PyDataset):
            items: Any = (data[index] for index in range(len(data)))
        else:
            items = iter(data)
        return (item[:2] if isinstance(item, tuple) else item for item in items)

    return start


def as_array(part: Any) -> np.ndarray:
    """An array of the backend's, or of numpy, as numpy's."""
    return np.asarray(part if isinstance(part, np.ndarray) else keras.ops.convert_to_numpy(part))


def _described(data: Any, size: int | None, read: bool) -> Any:
    if not isinstance(data, tuple):
        return {"kind": type(data).__name__, "batches": size}
    # Of all workers together, so that fewer or more may go on.
    arrays = [as_array(part) for part in keras.tree.flatten(data)]
    examples = total(len(arrays[0]))
    content = total(content_of(arrays) if read else 0) % FOLD
    return {"shapes": [[examples, *part.shape[1:]] for part in arrays], "content": f"{content:x}"}
