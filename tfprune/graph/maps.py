"""Channel maps: which channel id sits at each position of a tensor."""

from dataclasses import dataclass

import numpy as np

Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class Traced:
    """A tensor of the graph and the channels in it.

    Attributes:
        shape: the tensor's shape with the batch axis first; None where it is not known.
        ids: channel ids, one axis for each of `shape`; of size 1 along every axis that the
            map does not depend on (the batch axis always, a convolution's space as a rule).
    """

    shape: Shape
    ids: np.ndarray


def along(ids: np.ndarray, axis: int, rank: int) -> np.ndarray:
    """Lays a vector of ids along `axis` of a map of `rank` axes."""
    shape = [1] * rank
    shape[axis] = -1
    return ids.reshape(shape)


def varying(ids: np.ndarray) -> tuple[int, ...]:
    """The axes along which a map differs."""
    return tuple(axis for axis, size in enumerate(ids.shape) if size != 1)


def compress(ids: np.ndarray) -> np.ndarray:
    """Drops to size 1 each axis along which the map turns out not to differ."""
    for axis in varying(ids):
        first = np.take(ids, [0], axis=axis)
        if ids.shape[axis] > 1 and (ids == first).all():
            ids = first
    return ids


def expand(traced: Traced) -> np.ndarray | None:
    """The map at the tensor's full size (batch 1), or None where a size is unknown."""
    if None in traced.shape[1:]:
        return None
    return np.broadcast_to(traced.ids, (1, *traced.shape[1:]))  # type: ignore[arg-type]
