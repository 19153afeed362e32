"""How much of the target is removed by when: pure functions of the progress of training.

Each takes the progress, from 0 (before the first step) to 1 (the last), and returns the share of
the final ratio that should be gone by then.
"""

import functools
from collections.abc import Callable

from tfprune.errors import PlanError

Schedule = Callable[[float], float]


def one_shot(begin: float = 0.0) -> Schedule:
    """All at once, when the progress reaches `begin`.

    Example:
        >>> [one_shot(0.5)(progress) for progress in (0.25, 0.5, 1.0)]
        [0.0, 1.0, 1.0]
    """
    _check(begin, begin)
    return functools.partial(_polynomial, begin=begin, end=begin, power=1.0)


def linear(begin: float = 0.0, end: float = 0.5) -> Schedule:
    """The same amount at each step between `begin` and `end`.

    Example:
        >>> [linear(0.0, 0.5)(progress) for progress in (0.0, 0.25, 0.5, 1.0)]
        [0.0, 0.5, 1.0, 1.0]
    """
    _check(begin, end)
    return functools.partial(_polynomial, begin=begin, end=end, power=1.0)


def polynomial(begin: float = 0.0, end: float = 0.5, power: float = 3.0) -> Schedule:
    """Much at first, less and less later: 1 - (1 - t)^power between `begin` and `end`.

    Zhu and Gupta 2017, arXiv 1710.01878, section 3, equation 1.

    Example:
        >>> [polynomial(0.0, 1.0)(progress) for progress in (0.0, 0.5, 1.0)]
        [0.0, 0.875, 1.0]
    """
    _check(begin, end)
    return functools.partial(_polynomial, begin=begin, end=end, power=power)


def _polynomial(progress: float, *, begin: float, end: float, power: float) -> float:
    if progress < begin:
        return 0.0
    if progress >= end:
        return 1.0
    return 1.0 - (1.0 - (progress - begin) / (end - begin)) ** power


def _check(begin: float, end: float) -> None:
    if not 0 <= begin <= end <= 1:
        raise PlanError(
            f"expected 0 <= begin <= end <= 1 (shares of the training), received begin={begin}, "
            f"end={end}"
        )
