"""How much of the target is removed by when: pure functions of the progress of training.

Each takes the progress, from 0 (before the first step) to 1 (the last), and returns the share of
the final ratio that should be gone by then. Any function of that form will do as a schedule.
"""

import functools
import math
from collections.abc import Callable

from tfprune.errors import PlanError

Schedule = Callable[[float], float]


def constant(share: float = 1.0) -> Schedule:
    """The same share from the first moment to the last: all of it, at once, by default.

    Args:
        share: of the final ratio, in (0, 1]. Defaults to `1.0`.

    Raises:
        PlanError: the share lies outside (0, 1].

    Example:
        >>> [constant()(progress) for progress in (0.25, 0.5, 1.0)]
        [1.0, 1.0, 1.0]
    """
    if not 0 < share <= 1:
        raise PlanError(f"expected a share of the ratio in (0, 1], received {share!r}")
    return functools.partial(_constant, share=float(share))


def one_shot(begin: float = 0.0) -> Schedule:
    """All at once, when the progress reaches `begin`.

    Args:
        begin: the progress before which nothing is removed, in [0, 1]. Defaults to `0.0`.

    Raises:
        PlanError: it lies outside [0, 1].

    Example:
        >>> [one_shot(0.5)(progress) for progress in (0.25, 0.5, 1.0)]
        [0.0, 1.0, 1.0]
    """
    return _between(begin, begin, _linear)


def linear(begin: float = 0.0, end: float = 0.5) -> Schedule:
    """The same amount at each step between `begin` and `end`.

    Args:
        begin: the progress before which nothing is removed. Defaults to `0.0`.
        end: the progress from which all is removed. Defaults to `0.5`.

    Raises:
        PlanError: not 0 <= begin <= end <= 1.

    Example:
        >>> [linear(0.0, 0.5)(progress) for progress in (0.0, 0.25, 0.5, 1.0)]
        [0.0, 0.5, 1.0, 1.0]
    """
    return _between(begin, end, _linear)


def polynomial(
    begin: float = 0.0, end: float = 0.5, power: float = 3.0, initial: float = 0.0
) -> Schedule:
    """Much at first, less and less later: 1 + (initial - 1) (1 - t)^power, t from `begin` to `end`.

    Zhu and Gupta 2017, arXiv 1710.01878, section 3, equation 1, divided by the final ratio: what
    tfmot's `PolynomialDecay` computes, with `initial` = initial_sparsity / final_sparsity.

    Args:
        begin: the progress before which nothing is removed. Defaults to `0.0`.
        end: the progress from which all is removed. Defaults to `0.5`.
        power: the exponent, above 0; 1 is linear. Defaults to `3.0`.
        initial: the share that is removed at `begin`, in [0, 1]. Defaults to `0.0`.

    Raises:
        PlanError: not 0 <= begin <= end <= 1, or a setting makes no sense.

    Example:
        >>> [polynomial(0.0, 1.0)(progress) for progress in (0.0, 0.5, 1.0)]
        [0.0, 0.875, 1.0]
        >>> polynomial(0.0, 1.0, power=2.0, initial=0.5)(0.5)
        0.875
    """
    _check_positive("power", power)
    if not 0 <= initial <= 1:
        raise PlanError(f"expected initial in [0, 1], a share of the ratio, received {initial!r}")
    shape = functools.partial(_polynomial, power=power)
    return _between(begin, end, shape, initial)


def exponential(begin: float = 0.0, end: float = 0.5, rate: float = 5.0) -> Schedule:
    """Towards the target at a speed that decays: (1 - e^(-rate t)) / (1 - e^(-rate)).

    What is still to be removed falls by the same factor in equal times, and reaches 0 at `end`.

    Args:
        begin: the progress before which nothing is removed. Defaults to `0.0`.
        end: the progress from which all is removed. Defaults to `0.5`.
        rate: how steep, above 0: at 5 half of it is removed after 0.14 of the time.
            Defaults to `5.0`.

    Raises:
        PlanError: not 0 <= begin <= end <= 1, or the rate is not above 0.

    Example:
        >>> [round(exponential(0.0, 1.0)(progress), 3) for progress in (0.0, 0.25, 0.5, 1.0)]
        [0.0, 0.718, 0.924, 1.0]
    """
    _check_positive("rate", rate)
    return _between(begin, end, functools.partial(_exponential, rate=rate))


def cosine(begin: float = 0.0, end: float = 0.5) -> Schedule:
    """Slow, fast, slow: (1 - cos(pi t)) / 2, half a wave from `begin` to `end`.

    The shape of cosine annealing (Loshchilov and Hutter 2017, arXiv 1608.03983, equation 5).

    Args:
        begin: the progress before which nothing is removed. Defaults to `0.0`.
        end: the progress from which all is removed. Defaults to `0.5`.

    Raises:
        PlanError: not 0 <= begin <= end <= 1.

    Example:
        >>> [round(cosine(0.0, 1.0)(progress), 3) for progress in (0.0, 0.25, 0.5, 1.0)]
        [0.0, 0.146, 0.5, 1.0]
    """
    return _between(begin, end, _cosine)


def _constant(progress: float, share: float) -> float:
    return share


def _between(
    begin: float, end: float, shape: Callable[[float], float], initial: float = 0.0
) -> Schedule:
    """The shape, from 0 at `begin` to 1 at `end`, after a first share at once."""
    if not 0 <= begin <= end <= 1:
        raise PlanError(
            f"expected 0 <= begin <= end <= 1 (shares of the training), received begin={begin}, "
            f"end={end}"
        )
    return functools.partial(_staged, begin=begin, end=end, shape=shape, initial=initial)


def _staged(
    progress: float, *, begin: float, end: float, shape: Callable[[float], float], initial: float
) -> float:
    if progress < begin:
        return 0.0
    if progress >= end:
        return 1.0
    return initial + (1.0 - initial) * shape((progress - begin) / (end - begin))


def _linear(time: float) -> float:
    return time


def _polynomial(time: float, power: float) -> float:
    return 1.0 - (1.0 - time) ** power


def _exponential(time: float, rate: float) -> float:
    return math.expm1(-rate * time) / math.expm1(-rate)


def _cosine(time: float) -> float:
    return (1.0 - math.cos(math.pi * time)) / 2.0


def _check_positive(name: str, value: float) -> None:
    if not 0 < value < math.inf:
        raise PlanError(f"expected {name} above 0, received {value!r}")
