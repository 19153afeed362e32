"""The order in which channels go when what counts is the time that each saves."""

import heapq
import math
from collections.abc import Mapping, Sequence
from itertools import count

import numpy as np

from tfprune.graph import ChannelGraph, Group
from tfprune.planning.budget import Cost, Step, counts_of
from tfprune.planning.keep import mask_of_groups
from tfprune.planning.limits import Limits
from tfprune.planning.select import best

_BLOCKS = (1, 8, 16, 32)


def removals_per_millisecond(
    graph: ChannelGraph,
    groups: Sequence[Group],
    scores: Mapping[str, np.ndarray],
    limits: Limits,
    latency: Cost,
    limit: float,
) -> list[Step]:
    """Orders removals by the score that is lost for each millisecond saved, the least first.

    The knapsack of HALP (arXiv 2110.10811, section 3), taken greedily: the worth of filters
    against the time that they take. Filters go in blocks as wide as registers are, since the
    single one saves little or nothing, and the time is asked anew as other layers shrink.

    Args:
        graph: the traced model.
        groups: the groups that may lose channels.
        scores: one score a channel for each of them, by name, comparable between groups.
        limits: what each group must keep.
        latency: from (ids,) which channel ids stay to milliseconds.
        limit: milliseconds not to exceed; what goes after that is in no particular order.

    Returns:
        Steps, each the index of a group and what it keeps afterwards.
    """
    shrinking = _Shrinking(graph, groups, scores, limits, latency)
    order = count()
    heap = [(*shrinking.cheapest(index), next(order), index) for index in range(len(groups))]
    heapq.heapify(heap)
    while heap and shrinking.now > limit:
        *_, index = heapq.heappop(heap)
        # Neighbours may have shrunk meanwhile, so that it saves less than when it was asked.
        price, after = shrinking.cheapest(index)
        if price == math.inf:
            continue
        if not heap or price <= heap[0][0]:
            shrinking.take(index, after)
            price, after = shrinking.cheapest(index)
        heapq.heappush(heap, (price, after, next(order), index))
    return shrinking.steps + shrinking.rest()


class _Shrinking:
    """Groups on their way down."""

    def __init__(
        self,
        graph: ChannelGraph,
        groups: Sequence[Group],
        scores: Mapping[str, np.ndarray],
        limits: Limits,
        latency: Cost,
    ) -> None:
        self._graph, self._groups, self._scores, self._latency = graph, groups, scores, latency
        self._allowed = [counts_of(group, limits) for group in groups]
        # What a group has lost when it keeps so many; scores below zero are worth nothing.
        self._lost = [
            np.concatenate([[0], np.sort(scores[g.name]).clip(min=0).cumsum()])[::-1]
            for g in groups
        ]
        self._kept = {group.name: np.arange(group.size) for group in groups}
        self.steps: list[Step] = []
        self.now = self._ms()

    def cheapest(self, index: int) -> tuple[float, int]:
        """The least score for a millisecond that the group can give, and what it then keeps."""
        group = self._groups[index]
        here = len(self._kept[group.name])
        found = (math.inf, here)
        for after in self._options(index, here):
            saved = self.now - self._ms(index, after)
            lost = float(self._lost[index][after] - self._lost[index][here])
            if saved > 0:
                found = min(found, (lost / saved, after))
        return found

    def take(self, index: int, after: int) -> None:
        """Lets the group keep only so many."""
        self.steps.append((index, after))
        self._kept[self._groups[index].name] = best(self._scores[self._groups[index].name], after)
        self.now = self._ms()

    def rest(self) -> list[Step]:
        """What is left to take, down to the limits."""
        return [
            (index, after)
            for index, group in enumerate(self._groups)
            for after in self._allowed[index]
            if after < len(self._kept[group.name])
        ]

    def _options(self, index: int, here: int) -> set[int]:
        """Fewer channels by a sixteenth at least, ending at the steps of registers."""
        goal = here - max(1, here // 16)
        allowed = self._allowed[index]
        ends = {goal // block * block for block in _BLOCKS}
        nearest = (next((c for c in allowed if c <= max(end, allowed[-1])), here) for end in ends)
        return {after for after in nearest if after < here}

    def _ms(self, index: int | None = None, after: int = 0) -> float:
        kept = self._kept
        if index is not None:
            name = self._groups[index].name
            kept = {**kept, name: best(self._scores[name], after)}
        return self._latency(mask_of_groups(self._graph, self._groups, kept))
