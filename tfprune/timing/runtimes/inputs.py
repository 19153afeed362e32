"""Inputs to time models with."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike

from tfprune.errors import DataError


def noise(
    shape: Sequence[int], dtype: DTypeLike, generator: np.random.Generator, full: bool
) -> np.ndarray:
    """Returns normal noise for floats, and whole numbers otherwise.

    Dense layers and convolutions take as long whatever the values are; zeros, though, may meet
    short cuts, and denormal numbers slow paths.

    Args:
        shape: of the input, batch included.
        dtype: of the input.
        generator: draws it.
        full: whole numbers of the type's full range, as quantized inputs have; otherwise they are
            taken for indices, of which 0 and 1 are valid in any table.
    """
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return generator.normal(size=shape).astype(dtype)
    if dtype.kind not in "iub":
        raise DataError(f"expected inputs of numbers, received a model that takes {dtype}")
    limits = np.iinfo(dtype) if full and dtype.kind != "b" else None
    low, high = (limits.min, int(limits.max) + 1) if limits else (0, 2)
    return generator.integers(low, high, size=shape).astype(dtype)


def closed(shape: Sequence[object], batch: int, what: str) -> tuple[int, ...]:
    """Returns a shape with `batch` rows and no other open size.

    Raises:
        DataError: the model leaves another size open, or its batch is fixed at another.
    """
    first, *rest = [size if isinstance(size, int) and size > 0 else None for size in shape]
    if None in rest:
        raise DataError(
            f"{what} leaves sizes of its input open, {tuple(shape)}: fix them to time it"
        )
    if first not in (None, batch):
        raise DataError(f"{what} takes batches of {first} only")
    return (batch, *(size for size in rest if size is not None))
