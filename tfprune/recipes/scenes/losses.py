"""Points lost against the unpruned net, run by run."""

from collections.abc import Mapping, Sequence
from typing import Any

from tfprune.recipes.common.spread import Spread, spread

Entries = Sequence[Mapping[str, Any]]


def lost(entries: Entries, whole: Entries) -> Spread:
    """Points of accuracy lost against another net of the same seed and fold.

    Args:
        entries: what a net's runs left, by seed and fold.
        whole: what the other's did; runs that only one of the two has do not count.

    Raises:
        DataError: they have no run in common.

    Example:
        >>> runs = [{"seed": 0, "fold": fold, "accuracy": 0.8} for fold in range(3)]
        >>> lost(runs, [{**run, "accuracy": 0.9} for run in runs]).mean.__round__(3)
        10.0
    """
    before = {(one["seed"], one["fold"]): one["accuracy"] for one in whole}
    pairs = [
        (before[one["seed"], one["fold"]], one["accuracy"])
        for one in entries
        if (one["seed"], one["fold"]) in before
    ]
    return spread([100 * (first - second) for first, second in pairs])


def told(found: Spread) -> str:
    """A mean and its interval, in points.

    Example:
        >>> told(spread([1.0, 2.0, 3.0])), told(spread([1.0]))
        ('2.0 (-0.5 to 4.5)', '1.0')
    """
    if found.low != found.low:
        return f"{found.mean:.1f}"
    return f"{found.mean:.1f} ({found.low:.1f} to {found.high:.1f})"
