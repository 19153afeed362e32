"""The speed-up that multiply-accumulates promise, and how much of it is reached."""

from collections.abc import Sequence
from dataclasses import dataclass

SHARE = 0.7
"""Less than this share of what was promised is worth a word."""

_PROMISE = 1.2


@dataclass(frozen=True)
class Promise:
    """A model against the first of its comparison.

    Attributes:
        promised: how many times fewer multiply-accumulates; `None` where they are unknown.
        reached: how many times faster.
    """

    promised: float | None
    reached: float

    @property
    def share(self) -> float | None:
        """Of the promised speed-up the part that is reached; `None` where nothing is promised."""
        return None if self.promised is None else self.reached / self.promised

    @property
    def kept(self) -> bool:
        """Whether there is nothing to say: little was promised, or enough of it is reached."""
        if self.promised is None or self.promised < _PROMISE:
            return True
        return self.reached >= SHARE * self.promised


def promise(macs: int | None, first_macs: int | None, reached: float) -> Promise:
    """Returns the promise of a model's multiply-accumulates.

    Example:
        >>> promise(25, 100, 3.0).share
        0.75
    """
    promised = first_macs / macs if macs and first_macs else None
    return Promise(promised, reached)


def advice(
    names: Sequence[str],
    macs: Sequence[int | None],
    milliseconds: Sequence[float],
    promises: Sequence[Promise],
) -> list[str]:
    """Returns a sentence for each model that is slower than its multiply-accumulates promise.

    Where another model of the comparison has more of them and is faster all the same, it is named:
    as a rule its widths are multiples of what a register holds.
    """
    said = []
    for place, one in enumerate(promises):
        if one.kept or one.share is None or one.promised is None:
            continue
        line = (
            f"{names[place]} is {one.reached:.2f}x as fast where its MACs promise "
            f"{one.promised:.2f}x: {one.share:.0%} of it"
        )
        better = _better(place, macs, milliseconds)
        if better is None:
            line += (
                "; what does not shrink with the channels is left: moving memory, starting each "
                "operation (in eager modes above all), widths between the registers' steps "
                '(round_to="auto" mends these)'
            )
        else:
            more = (macs[better] or 0) / (macs[place] or 1) - 1
            faster = milliseconds[place] / milliseconds[better]
            line += (
                f"; {names[better]} has {more:.0%} more MACs and is {faster:.2f}x faster than it: "
                "rounded widths mend it"
            )
        said.append(line)
    return said


def _better(place: int, macs: Sequence[int | None], milliseconds: Sequence[float]) -> int | None:
    """The fastest model that has more multiply-accumulates and takes less time."""
    own = macs[place] or 0
    found = [
        other
        for other, theirs in enumerate(macs)
        if theirs is not None and theirs >= own and milliseconds[other] < milliseconds[place]
    ]
    return min(found, key=lambda other: milliseconds[other], default=None)
