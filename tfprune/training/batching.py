"""Batches of training data of any common form, as often as they are asked for."""

import random
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np

from tfprune.training.sources import as_array, batches_in


def steps_in(data: Any, size: int) -> int | None:
    """How many batches there are in the data; None where that is not known.

    Example:
        >>> steps_in((np.zeros((5, 2)), np.zeros(5)), size=2)
        3
    """
    if isinstance(data, tuple):
        return -(-len(keras.tree.flatten(data)[0]) // size)
    found = batches_in(data)
    return None if found is None or found < 0 else found


def one_pass(
    data: Any,
    size: int,
    shuffle: bool = False,
    class_weight: Mapping[int, float] | None = None,
) -> Iterator[tuple[Any, ...]]:
    """Goes once through the data.

    Args:
        data: arrays (x, y) or (x, y, sample_weight), or what holds batches of them.
        size: examples a batch, of arrays.
        shuffle: whether arrays are passed over in an order drawn from Python's `random`, which
            `keras.utils.set_random_seed` seeds.
        class_weight: by class what its examples count. Defaults to `None`, all alike.
    """
    if isinstance(data, tuple):
        found = _of_arrays(keras.tree.map_structure(as_array, data), size, shuffle)
    elif isinstance(data, keras.utils.PyDataset):
        found = _of_sequence(data)
    else:
        found = iter(data)
    for batch in found:
        parts = batch if isinstance(batch, tuple) else (batch,)
        yield _weighted(parts, class_weight) if class_weight else parts


def endless(
    data: Any, size: int, shuffle: bool, class_weight: Mapping[int, float] | None
) -> Iterator[tuple[Any, ...]]:
    """Goes through the data again and again."""
    while True:
        yield from one_pass(data, size, shuffle, class_weight)


def _of_arrays(data: tuple[Any, ...], size: int, shuffle: bool) -> Iterator[tuple[Any, ...]]:
    order = np.arange(len(keras.tree.flatten(data)[0]))
    if shuffle:
        np.random.default_rng(random.getrandbits(32)).shuffle(order)
    for begin in range(0, len(order), size):
        chosen = order[begin : begin + size]
        yield keras.tree.map_structure(lambda array, chosen=chosen: array[chosen], data)


def _of_sequence(data: Any) -> Iterator[Any]:
    data.on_epoch_begin()
    for index in range(len(data)):
        yield data[index]
    data.on_epoch_end()


def _weighted(batch: tuple[Any, ...], class_weight: Mapping[int, float]) -> tuple[Any, ...]:
    """The batch with what each example counts, by its class and by what it counted before."""
    x, y, *weights = batch
    labels = as_array(y)
    single = labels.ndim < 2 or labels.shape[-1] == 1
    classes = labels.ravel() if single else labels.argmax(axis=-1).ravel()
    counts = np.array([class_weight.get(int(one), 1.0) for one in classes], "float32")
    return x, y, counts * as_array(weights[0]) if weights else counts
