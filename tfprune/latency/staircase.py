"""At which widths latency jumps: a processor computes several filters at a time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

WIDTHS = tuple(range(8, 73))
"""The widths that are timed: two steps of the widest registers, and a jump after the last."""

USUAL = 8
"""The step where none can be measured: that of XNNPACK's kernels for narrow registers."""

_STEPS = (16, 8, 4, 2, 1)
_SHARE = 0.75
_CLEAR = 0.5


@dataclass(frozen=True)
class Staircase:
    """Widths up to which latency stays as it is.

    Attributes:
        step: jumps lie at multiples of it; None where the times are too noisy to tell.
        levels: the widths after which latency jumps, ascending, as far as was measured.
    """

    step: int | None
    levels: tuple[int, ...] = ()

    def up(self, width: int) -> int:
        """The largest width that takes no longer than this one.

        Example:
            >>> stairs = Staircase(16, (16, 32, 64))
            >>> [stairs.up(width) for width in (1, 16, 17, 40, 65, 97)]
            [16, 16, 32, 64, 96, 128]
        """
        if not self.levels:
            return width
        for level in self.levels:
            if width <= level:
                return level
        # Beyond what was measured the last step repeats.
        last = self.levels[-1]
        step = last - self.levels[-2] if len(self.levels) > 1 else last
        return last + -(-(width - last) // step) * step


NONE = Staircase(None)
"""Every width counts as it is."""


def find_staircase(widths: Sequence[int], times: Sequence[float]) -> Staircase:
    """Finds the step at which latency jumps.

    The step is the largest at whose multiples three quarters of all rises lie. Times that go up
    and down more than they rise tell nothing.

    Args:
        widths: numbers of filters, ascending by one.
        times: of a convolution with so many.

    Example:
        >>> widths = range(8, 41)
        >>> find_staircase(widths, [-(-width // 8) for width in widths]).step
        8
    """
    rises = np.diff(np.asarray(times, float))
    after = np.asarray(widths[:-1])
    up = rises.clip(min=0)
    if not up.sum() or rises.sum() < _CLEAR * up.sum():
        return NONE
    step = next(s for s in _STEPS if up[after % s == 0].sum() >= _SHARE * up.sum())
    if step == 1:
        return Staircase(1)
    # Of a step's multiples only some may be jumps: registers of 32 that can be used by halves.
    large = (after % step == 0) & (up >= 0.3 * up.max())
    return Staircase(step, tuple(after[large].tolist()))
