"""The models that no other beats in both accuracy and latency."""

from collections.abc import Sequence


def front(costs: Sequence[float], gains: Sequence[float]) -> list[int]:
    """Returns the places of the points that no other point beats, cheapest first.

    A point is beaten by one that costs no more and gains no less, and is better in one of the two.
    Of equal points all stay.

    Args:
        costs: the less the better: milliseconds.
        gains: the more the better: accuracy.

    Example:
        >>> front([1.0, 2.0, 3.0], [0.8, 0.7, 0.9])
        [0, 2]
    """
    order = sorted(range(len(costs)), key=lambda place: (costs[place], -gains[place]))
    kept: list[int] = []
    best = float("-inf")
    for place in order:
        equal = kept and (costs[place], gains[place]) == (costs[kept[-1]], gains[kept[-1]])
        if gains[place] > best or equal:
            kept.append(place)
            best = gains[place]
    return kept
