"""A rising curve through measured points."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Curve:
    """Linear between points that rise; in proportion to the nearest beyond them.

    Example:
        >>> curve = Curve.through([(1.0, 2.0), (3.0, 8.0)])
        >>> curve(0.5), curve(2.0), curve(6.0)
        (1.0, 5.0, 16.0)
    """

    x: np.ndarray
    y: np.ndarray

    @staticmethod
    def through(points: Iterable[tuple[float, float]]) -> "Curve":
        """The curve through points; one that lies lower than an earlier one is lifted to it."""
        x, y = np.array(sorted(points), float).T
        return Curve(x, np.maximum.accumulate(y))

    def __call__(self, x: float) -> float:
        """The height at `x`."""
        if x < self.x[0]:
            return float(self.y[0] * x / self.x[0])
        if x > self.x[-1]:
            return float(self.y[-1] * x / self.x[-1])
        return float(np.interp(x, self.x, self.y))
