"""Means over seeds with their intervals, by scipy."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tfprune.errors import DataError
from tfprune.recipes.common.extras import require


@dataclass(frozen=True)
class Spread:
    """A mean over repetitions, and the interval in which the true one lies.

    Attributes:
        mean: of the values.
        sd: their standard deviation, 0 of a single one.
        low: lower bound of the mean, by Student's t.
        high: upper bound.
        count: how many values.
    """

    mean: float
    sd: float
    low: float
    high: float
    count: int

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def spread(values: Sequence[float], confidence: float = 0.95) -> Spread:
    """Returns mean, standard deviation and t-interval of what repetitions found.

    The interval says where the mean over many more seeds would lie (Student 1908, Biometrika 6);
    it takes the repetitions for independent and about normal. One value has no interval: both
    bounds are NaN.

    Args:
        values: one a repetition; for a difference, the differences pair by pair.
        confidence: of the interval. Defaults to `0.95`.

    Raises:
        DataError: there are no values.
        MissingExtraError: scipy is missing.

    Example:
        >>> found = spread([0.94, 0.95, 0.96])
        >>> round(found.mean, 3), round(found.low, 3), round(found.high, 3)
        (0.95, 0.925, 0.975)
    """
    stats = require("scipy.stats", "an interval over seeds")
    found = np.asarray(values, dtype=np.float64)
    if not found.size:
        raise DataError("expected a value for each repetition, received none")
    mean = float(found.mean())
    if found.size == 1:
        return Spread(mean, 0.0, float("nan"), float("nan"), 1)
    sd = float(found.std(ddof=1))
    reach = float(stats.t.ppf(0.5 + confidence / 2, found.size - 1) * sd / np.sqrt(found.size))
    return Spread(mean, sd, mean - reach, mean + reach, int(found.size))
