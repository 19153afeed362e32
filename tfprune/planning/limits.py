"""What a plan may do: its settings, checked before any work."""

import difflib
import fnmatch
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tfprune.errors import PlanError
from tfprune.graph import ChannelGraph, Group


@dataclass(frozen=True)
class Limits:
    """How many channels a group may lose.

    Attributes:
        round_to: kept channels of a pruned group are a multiple of it (or all of the group).
        min_channels: never fewer than this many stay in a group.
        max_ratio: at most this share of a group goes; or, by names or patterns of layers, at most
            this share of the groups that those layers belong to.
        exclude: names or patterns of layers whose channels all stay.
        include_residual: whether the width of residual streams is pruned too.
        include_inexact: whether channels go without which the others come out different.
    """

    round_to: int = 1
    min_channels: int = 1
    max_ratio: float | Mapping[str, float] = 1.0
    exclude: tuple[str, ...] = ()
    include_residual: bool = True
    include_inexact: bool = False

    def __post_init__(self) -> None:
        for name in ("round_to", "min_channels"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise PlanError(
                    f"expected {name} to be a whole number from 1 up, received {value!r}"
                )
        for cap in self._caps().values():
            if not _is_share(cap, closed=True):
                raise PlanError(f"expected max_ratio in (0, 1], received {cap!r}")

    def as_dict(self) -> dict[str, Any]:
        """The settings as plain values, for JSON."""
        caps = self.max_ratio if isinstance(self.max_ratio, float | int) else self._caps()
        return {**vars(self), "exclude": list(self.exclude), "max_ratio": caps}

    def cap(self, group: Group) -> float:
        """The largest share of a group that may go: of several that match, the smallest."""
        paths = [producer.path for producer in group.producers]
        matching = [cap for pattern, cap in self._caps().items() if fnmatch.filter(paths, pattern)]
        return float(min(matching, default=1.0))

    def least(self, group: Group, size: int | None = None) -> int:
        """The fewest channels that a group may keep.

        Args:
            group: the group.
            size: of how many. Defaults to `None`, those that it has.
        """
        size = group.size if size is None else size
        by_share = math.ceil(size * (1 - self.cap(group)) - 1e-9)
        least = max(self.min_channels, by_share, 1)
        return min(size, math.ceil(least / self.round_to) * self.round_to)

    def rounded(self, wanted: float, group: Group) -> int:
        """The number of channels to keep nearest to `wanted` that the limits allow."""
        steps = math.floor(wanted / self.round_to + 0.5)
        return min(group.size, max(self.least(group), steps * self.round_to))

    def _caps(self) -> Mapping[str, float]:
        """Caps by pattern."""
        if isinstance(self.max_ratio, Mapping):
            return dict(self.max_ratio)
        return {"*": self.max_ratio}


def as_patterns(exclude: str | Sequence[str]) -> tuple[str, ...]:
    """One name or several as a tuple."""
    return (exclude,) if isinstance(exclude, str) else tuple(exclude)


def check_ratio(ratio: Any) -> float:
    """Returns the ratio if it lies in (0, 1).

    Raises:
        PlanError: it does not.
    """
    if not _is_share(ratio, closed=False):
        raise PlanError(
            f"expected a ratio between 0 and 1, both excluded, received {ratio!r}: it is the "
            "share of filters and units to remove, so 0.9 keeps a tenth"
        )
    return float(ratio)


def _is_share(value: Any, closed: bool) -> bool:
    if isinstance(value, bool) or not hasattr(value, "__float__") or isinstance(value, str):
        return False
    number = float(value)
    return 0 < number < 1 or (closed and number == 1)


def candidates(graph: ChannelGraph, limits: Limits) -> tuple[Group, ...]:
    """The groups that may lose channels.

    Raises:
        PlanError: a name in `exclude` or `max_ratio` matches no layer, or nothing is left to prune.
    """
    excluded = _matching(graph, limits.exclude, "exclude")
    if isinstance(limits.max_ratio, Mapping):
        _matching(graph, tuple(limits.max_ratio), "max_ratio")
    found = tuple(
        group
        for group in graph.groups
        if group.prunable
        and (limits.include_residual or not group.residual)
        and (limits.include_inexact or group.exact)
        and not any(producer.path in excluded for producer in group.producers)
    )
    if not found:
        kept = {group.pinned or group.inexact for group in graph.groups}
        reasons = "; ".join(sorted(reason for reason in kept if reason))
        raise PlanError(
            f"nothing in the model can be pruned: expected at least one group of filters or units "
            f"that is neither pinned nor inexact nor excluded ({reasons or 'it makes no channels'})"
        )
    return found


def _matching(graph: ChannelGraph, patterns: Sequence[str], setting: str) -> set[str]:
    layers = list(graph.filters())
    found: set[str] = set()
    for pattern in patterns:
        matches = fnmatch.filter(layers, pattern)
        if not matches:
            known = [*graph.records]
            if pattern in known or fnmatch.filter(known, pattern):
                continue  # a layer without filters of its own: nothing to leave whole
            near = difflib.get_close_matches(pattern, layers, n=3)
            hint = f"; did you mean {', '.join(near)}?" if near else ""
            raise PlanError(f"{setting} names the layer '{pattern}', which the model lacks{hint}")
        found.update(matches)
    return found
