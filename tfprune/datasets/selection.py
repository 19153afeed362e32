"""Numbers in a STEAD-layout CSV, where some cells are empty and some hold a list."""

from collections.abc import Iterable

import numpy as np


def numbers(cells: Iterable[str]) -> np.ndarray:
    """Returns the number in each cell, NaN where there is none, (n,) float64.

    Of a list the mean counts: STEAD's `snr_db` has one value for each component.

    Example:
        >>> numbers(["2.5", "", "[10.0 20.0 30.0]", "None"]).tolist()
        [2.5, nan, 20.0, nan]
    """
    return np.array([_number(cell) for cell in cells], dtype=np.float64)


def _number(cell: str) -> float:
    words = cell.strip().strip("[]").replace(",", " ").split()
    try:
        found = [float(word) for word in words]
    except ValueError:
        return float("nan")
    return sum(found) / len(found) if found else float("nan")
