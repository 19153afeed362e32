"""How sure an accuracy is."""

from math import sqrt
from statistics import NormalDist


def wilson(right: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """Returns the score interval of a share (Wilson 1927, J. Am. Stat. Assoc. 22).

    Args:
        right: how many were right.
        total: of how many, 1 or more.
        confidence: share of repetitions whose interval holds the true share. Defaults to .95.

    Returns:
        The lower and the upper bound, in 0..1.

    Example:
        >>> [round(bound, 3) for bound in wilson(95, 100)]
        [0.888, 0.978]
    """
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = right / total
    centre = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * sqrt(share * (1 - share) / total + (z / (2 * total)) ** 2)
    return max(0.0, centre - half), min(1.0, centre + half)
