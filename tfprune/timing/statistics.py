"""What repeated timings say: robust figures, and how sure they are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Summary:
    """Figures of one sample of timings, in the unit of the timings.

    Attributes:
        median: half of the runs took less.
        p10: a tenth of the runs took less.
        p90: nine tenths of the runs took less.
        p99: 99 % of the runs took less; with fewer than 100 runs it is close to the slowest.
        spread: the interquartile range over the median; .05 is calm, .3 is a noisy machine.
    """

    median: float
    p10: float
    p90: float
    p99: float
    spread: float


@dataclass(frozen=True)
class Interval:
    """An estimate, and the bounds between which it lies with the stated confidence."""

    low: float
    middle: float
    high: float


def summarize(times: Sequence[float]) -> Summary:
    """Returns the figures of `times`; quantiles are interpolated linearly, as numpy does.

    Example:
        >>> summarize([1.0, 2.0, 3.0, 4.0, 5.0])
        Summary(median=3.0, p10=1.4, p90=4.6, p99=4.96, spread=0.666...)
    """
    places = [0.1, 0.25, 0.5, 0.75, 0.9, 0.99]
    p10, q1, median, q3, p90, p99 = (float(q) for q in np.quantile(times, places))
    return Summary(median, p10, p90, p99, (q3 - q1) / median if median else 0.0)


def ratio_interval(
    base: Sequence[float],
    other: Sequence[float],
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Returns how many times faster `other` is than `base`, from timings taken in turns.

    The estimate is the median of the ratios of the two timings of each round, so that drift of
    the machine, which hits both of a round alike, cancels. The bounds are the percentile
    bootstrap over rounds (Efron and Tibshirani, An Introduction to the Bootstrap, 1993,
    chapter 13).

    Args:
        base: one timing a round.
        other: as many, of the same rounds.
        confidence: share of repetitions that the bounds should hold. Defaults to .95.
        resamples: bootstrap samples. Defaults to 2000.
        seed: of the resampling. Defaults to 0.

    Example:
        >>> ratio_interval([2.0, 4.0, 6.0], [1.0, 2.0, 3.0])
        Interval(low=2.0, middle=2.0, high=2.0)
    """
    ratios = np.asarray(base, float) / np.asarray(other, float)
    generator = np.random.default_rng(seed)
    picks = generator.integers(0, len(ratios), size=(resamples, len(ratios)))
    tail = (1 - confidence) / 2
    low, high = np.quantile(np.median(ratios[picks], axis=1), [tail, 1 - tail])
    return Interval(float(low), float(np.median(ratios)), float(high))
