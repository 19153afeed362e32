"""What loops left, step by step and fold by fold."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Found = Mapping[str, Mapping[str, Any]]
Loops = Sequence[Mapping[str, Any]]

_NEAR = 0.02  # a step of 512 of VGG16's 4,224 filters is .12


def entries(found: Found, name: str, what: str) -> list[Mapping[str, Any]]:
    """What the folds of a set left for `net/what` (or `frozen`)."""
    return [
        entry
        for place, entry in found.items()
        if place.startswith(f"{name}/") and place[len(name) + 1 :].partition("/")[2] == what
    ]


def loops_of(found: Found, name: str, net: str) -> list[str]:
    """The loops of a net that are done, `wu_1` and the like."""
    tails = (place.split("/", 2)[2] for place in found if place.startswith(f"{name}/"))
    known = (tail.partition("/") for tail in tails)
    return sorted({what for of, _, what in known if of == net and what not in ("", "unpruned")})


def curve(loops: Loops) -> Iterator[tuple[float, list[float], list[float]]]:
    """Yields, step by step, the share removed, and each fold's accuracy before and after."""
    longest = max((len(one["steps"]) for one in loops), default=0)
    for number in range(longest):
        steps = [one["steps"][number] for one in loops if number < len(one["steps"])]
        yield (
            statistics.mean(step["ratio"] for step in steps),
            [step["before"] for step in steps],
            [step["after"] for step in steps],
        )


def at(loops: Loops, ratio: float) -> tuple[list[float], list[float]] | None:
    """Accuracies before and after, fold by fold, of the step that removes about this share."""
    for share, before, after in curve(loops):
        if abs(share - ratio) < _NEAR:
            return before, after
    return None


def kept(how: str, loop: Mapping[str, Any]) -> Mapping[str, Any]:
    """The step whose net is kept: the last within three points, or that of a latency budget."""
    steps = loop["steps"]
    return steps[-1] if how.startswith("fast") else [one for one in steps if one["within"]][-1]


def mean_sd(values: Sequence[float]) -> str:
    """Mean and standard deviation in per cent.

    Example:
        >>> mean_sd([0.98, 0.99]), mean_sd([0.98])
        ('98.5 (0.71)', '98.0')
    """
    text = f"{100 * statistics.mean(values):.1f}"
    return f"{text} ({100 * statistics.stdev(values):.2f})" if len(values) > 1 else text
