"""A short name for what arrays of data hold, the same however many workers share them."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

SAMPLES = 64  # values looked at of each example and array
FOLD = 1 << 40  # names stay below, so that those of many workers add up exactly


def content_of(arrays: Sequence[np.ndarray]) -> int:
    """Sums up the examples, each by values spread over it.

    A sum does not depend on the order, nor on who holds which examples: those of several workers
    add up to that of one, modulo `FOLD`. It tells data apart; it is no proof against forgery.

    Args:
        arrays: inputs, labels and the like, each with as many examples.

    Returns:
        A number below `FOLD`; 0 where there are others than numbers in the arrays.

    Example:
        >>> x, y = np.arange(6.0).reshape(3, 2), np.arange(3)
        >>> whole = content_of([x, y])
        >>> whole == (content_of([x[:1], y[:1]]) + content_of([x[1:], y[1:]])) % FOLD
        True
        >>> whole == content_of([x, y[::-1]])
        False
    """
    if any(array.dtype.kind not in "biuf" for array in arrays):
        return 0
    each = np.zeros(len(arrays[0]), np.uint64)
    for array in arrays:
        for values in _sampled(array):
            each = _mixed(each ^ values)
    return int((each >> np.uint64(32)).sum()) % FOLD


def _sampled(array: np.ndarray) -> Iterator[np.ndarray]:
    """Of all examples the same few values, one after the other, as bits."""
    shape = array.shape[1:]
    size = int(np.prod(shape))
    for place in range(0, size, max(1, size // SAMPLES)):
        index: Any = (slice(None), *np.unravel_index(place, shape))
        values = array[index]
        # Equal numbers have equal bits, whatever type holds them.
        yield values.astype(np.int64 if values.dtype.kind in "biu" else np.float64).view(np.uint64)


def _mixed(values: np.ndarray) -> np.ndarray:
    """Spreads each bit over all others: the finaliser of SplitMix64 (Steele et al. 2014)."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
