"""Latency of one layer by its numbers of channels: measured at a few, interpolated between."""

import bisect
from dataclasses import dataclass

import numpy as np

from tfprune.latency.layers import Layer, Sized
from tfprune.latency.staircase import NONE, Staircase

_SPARSE = 4
"""Multiply-accumulates are the product of two widths, and linear interpolation along both is exact
for such a law: few widths will do."""

_DENSE = 2
"""For layers of one width, of which the points cost little."""

_LEAST = 4
_STAIRS = 2


@dataclass(frozen=True)
class Span:
    """The numbers of channels that a layer may come to.

    Attributes:
        least: as many cannot be removed.
        full: those of the unpruned model.
    """

    least: int
    full: int


@dataclass(frozen=True)
class Surface:
    """Milliseconds of one layer at the corners of a grid.

    Attributes:
        reads: numbers of channels read, ascending; a single one where they follow those made.
        makes: numbers of channels made, ascending.
        ms: for each of `reads` the milliseconds at each of `makes`, falling nowhere.
        stairs: how numbers of channels made round up, of layers that compute several at a time.
    """

    reads: tuple[int, ...]
    makes: tuple[int, ...]
    ms: tuple[tuple[float, ...], ...]
    stairs: Staircase

    def at(self, reads: int, makes: int) -> float:
        """Milliseconds with so many channels; those beyond the grid count as its edge."""
        # Asked thousands of times for a plan: plain numbers are quicker here than arrays.
        row, down = _between(self.reads, reads)
        column, right = _between(self.makes, self.stairs.up(makes))
        here, below = self.ms[row], self.ms[min(row + 1, len(self.ms) - 1)]
        after = min(column + 1, len(here) - 1)
        upper = here[column] + right * (here[after] - here[column])
        lower = below[column] + right * (below[after] - below[column])
        return upper + down * (lower - upper)


def _between(axis: tuple[int, ...], value: int) -> tuple[int, float]:
    """The place on an ascending axis before a value, and how far it is to the next one."""
    if value <= axis[0]:
        return 0, 0.0
    if value >= axis[-1]:
        return len(axis) - 1, 0.0
    place = bisect.bisect_right(axis, value) - 1
    return place, (value - axis[place]) / (axis[place + 1] - axis[place])


def grid(layer: Layer, reads: Span, makes: Span, stairs: Staircase) -> list[list[Sized]]:
    """The layers to time, by channels read and made."""
    if layer.paired:
        times = makes.full // reads.full if reads.full else 1
        return [[Sized(layer, width // times or 1, width) for width in _paired(makes, times)]]
    columns = _axis(makes, stairs if layer.tiled else NONE)
    return [[Sized(layer, read, made) for made in columns] for read in _axis(reads, NONE)]


def surface(points: list[list[Sized]], ms: np.ndarray, stairs: Staircase) -> Surface:
    """Interpolates between the points of `grid`.

    Args:
        points: what `grid` returned.
        ms: of each the milliseconds.
        stairs: how the channels made round up.
    """
    # Noise must not make a wider layer look faster, or the search for a plan would go astray.
    rising = np.maximum.accumulate(np.maximum.accumulate(ms, axis=0), axis=1)
    layer = points[0][0].layer
    return Surface(
        reads=tuple(row[0].reads for row in points),
        makes=tuple(point.makes for point in points[0]),
        ms=tuple(map(tuple, rising.tolist())),
        stairs=stairs if layer.tiled else NONE,
    )


def _axis(span: Span, stairs: Staircase) -> list[int]:
    """Widths from the full one down by quarters, and the first steps of the stairs."""
    if span.least >= span.full:
        return [span.full]
    found = {span.full}
    width = span.full // _SPARSE
    while width >= max(_LEAST, span.least):
        found.add(min(stairs.up(width), span.full))
        width //= _SPARSE
    first = {level for level in stairs.levels[:_STAIRS] if level <= span.full}
    return sorted(found | first) if len(found | first) > 1 else [max(1, span.least), span.full]


def _paired(span: Span, times: int) -> list[int]:
    """Widths from the full one down by halves, multiples of `times`."""
    found = [span.full]
    while span.least < span.full and found[-1] // _DENSE >= max(_LEAST, times):
        found.append(found[-1] // _DENSE // times * times)
    return sorted(found)
