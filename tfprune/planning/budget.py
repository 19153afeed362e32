"""Removes channels one step after another until a cost is met."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import numpy as np

from tfprune.errors import PlanError
from tfprune.graph import ChannelGraph, Group
from tfprune.planning.blocks import blocks_of
from tfprune.planning.keep import mask_of_groups
from tfprune.planning.limits import Limits
from tfprune.planning.select import Kept, Scope, best

Cost = Callable[[np.ndarray], float]
Step = tuple[int, int]


def fit_budget(
    graph: ChannelGraph,
    groups: Sequence[Group],
    scores: Mapping[str, np.ndarray],
    scope: Scope,
    limits: Limits,
    cost: Cost,
    limit: float,
    what: str,
) -> Kept:
    """Removes as little as meets a cost: one step of one group less would exceed it.

    Args:
        graph: the traced model.
        groups: the groups that may lose channels.
        scores: one score a channel for each of them, by name, comparable between groups.
        scope: "layer" takes all groups down alike, "global" removes the lowest scores anywhere,
            "block" takes all blocks down alike and within each the lowest scores.
        limits: what each group must keep.
        cost: from (ids,) which channel ids stay to what the pruned model would cost; it never
            rises when channels go.
        limit: the cost not to exceed.
        what: the cost's name, for messages.

    Returns:
        For each group the channels that stay, ascending.

    Raises:
        PlanError: the model is below the limit already, or the limits do not let it get there.
    """
    steps = removals(graph, groups, scores, scope, limits)
    return fit_steps(graph, groups, scores, steps, cost, limit, what)


def fit_steps(
    graph: ChannelGraph,
    groups: Sequence[Group],
    scores: Mapping[str, np.ndarray],
    steps: Sequence[Step],
    cost: Cost,
    limit: float,
    what: str,
) -> Kept:
    """The same with the order of the steps given."""

    def cost_after(count: int) -> float:
        return cost(mask_of_groups(graph, groups, kept_after(groups, scores, steps[:count])))

    whole, least = cost_after(0), cost_after(len(steps))
    if whole <= limit:
        raise PlanError(
            f"expected {what} below what the model has, {_number(whole)}, received "
            f"{_number(limit)}: nothing needs to be removed"
        )
    if least > limit:
        raise PlanError(
            f"expected {what} that can be reached, received {_number(limit)}: the least is "
            f"{_number(least)}, {least / whole:.4f} of {_number(whole)}; loosen min_channels, "
            "round_to, max_ratio or exclude"
        )
    low, high = 0, len(steps)  # too dear after `low` steps, cheap enough after `high`
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if cost_after(middle) <= limit else (middle, high)
    return kept_after(groups, scores, steps[:high])


def removals(
    graph: ChannelGraph,
    groups: Sequence[Group],
    scores: Mapping[str, np.ndarray],
    scope: Scope,
    limits: Limits,
) -> list[Step]:
    """The order in which groups shrink: each step names a group and what it keeps afterwards."""
    steps, keys, weights = [], [], []
    for index, group in enumerate(groups):
        counts = counts_of(group, limits)
        ascending = np.sort(scores[group.name])
        for before, after in pairwise(counts):
            steps.append((index, after))
            # The dearest of the channels that this step removes.
            keys.append(ascending[group.size - after - 1])
            weights.append((before - after) * group.members)
    if scope == "layer":
        keys = [1 - after / groups[index].size for index, after in steps]
    elif scope == "block":
        keys = _within_blocks(blocks_of(graph, groups), steps, keys, weights)
    elif scope != "global":
        raise PlanError(f"expected scope 'layer', 'block' or 'global', received {scope!r}")
    return [steps[place] for place in np.argsort(np.asarray(keys), kind="stable")]


def counts_of(group: Group, limits: Limits) -> list[int]:
    """The numbers of channels that a group may keep, from all of them down."""
    size, least, step = group.size, limits.least(group), limits.round_to
    return [size, *(count for count in range(size - 1, least - 1, -1) if count % step == 0)]


def _within_blocks(
    blocks: Sequence[int], steps: Sequence[Step], keys: Sequence[float], weights: Sequence[int]
) -> list[float]:
    """For each step the share of its block that is gone after it, lowest scores first."""
    owner = np.array([blocks[index] for index, _ in steps], np.int64)
    gone = np.zeros(len(steps))
    for block in np.unique(owner):
        inside = np.flatnonzero(owner == block)
        order = inside[np.argsort(np.asarray(keys)[inside], kind="stable")]
        amount = np.asarray(weights)[order].cumsum()
        gone[order] = amount / amount[-1]
    return list(gone)


def kept_after(
    groups: Sequence[Group], scores: Mapping[str, np.ndarray], steps: Sequence[Step]
) -> Kept:
    """The channels that stay of each group once the steps are done."""
    counts = dict(steps)  # of each group the last
    return {
        group.name: best(scores[group.name], counts.get(index, group.size))
        for index, group in enumerate(groups)
    }


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"
