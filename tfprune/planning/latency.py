"""Budgets in milliseconds, told by a model of what a runtime takes.

Measuring belongs to the room `tfprune.latency`, which builds, converts and times models and so
stands above this one. Planning asks only for the two answers of `LatencyModel`, and opens that
room by name when a caller wants latencies and brings no answers of his own.
"""

import importlib
import os
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from tfprune.graph import ChannelGraph, Group
from tfprune.planning.budget import Cost, counts_of, fit_steps, removals
from tfprune.planning.keep import mask_of_groups
from tfprune.planning.limits import Limits
from tfprune.planning.per_millisecond import removals_per_millisecond
from tfprune.planning.select import Kept, Scope, best

_MEASURING = "tfprune.latency"
_LOOKS = 4


@runtime_checkable
class LatencyModel(Protocol):
    """What planning asks about a model's latency on a runtime."""

    def predict(self, keep: np.ndarray) -> float:
        """Milliseconds of the model with only the channels that stay.

        Must never rise when channels go.

        Args:
            keep: (ids,) which channel ids of the traced model stay.
        """

    def refine(self, keep: np.ndarray) -> bool:
        """Looks closer at these widths; returns whether predictions changed by much."""

    def as_dict(self) -> Mapping[str, Any]:
        """What the predictions hold for, as settings of a plan."""


Table = str | os.PathLike[str] | LatencyModel | None


def open_latency(graph: ChannelGraph, table: Table, runtime: str, threads: int) -> LatencyModel:
    """The latency model of a traced model: the one given, or the measured table of a file.

    Args:
        graph: the traced model.
        table: a table's file, None for the one in the user's caches, or a latency model.
        runtime: the runtime's name.
        threads: that it uses.
    """
    if isinstance(table, LatencyModel):
        return table
    found: LatencyModel = importlib.import_module(_MEASURING).open_table(
        graph, table, runtime, threads
    )
    return found


def measured_step(table: Table, runtime: str, threads: int) -> int:
    """The multiple of `round_to="auto"`: as many filters as the runtime computes at a time."""
    path = None if isinstance(table, LatencyModel) else table
    step: int = importlib.import_module(_MEASURING).simd_step(path, runtime, threads)
    return step


def fit_latency(
    graph: ChannelGraph,
    groups: Sequence[Group],
    scores: Mapping[str, np.ndarray],
    scope: Scope,
    limits: Limits,
    latency: LatencyModel,
    limit: float,
) -> Kept:
    """Removes as little as meets a latency, then gives back what fits under it.

    By the scope "global" the channels go that are worth least for each millisecond; by the others
    as in `fit_budget`. A processor computes several filters at a time, so the last step may have
    gone well below the limit, and others may have saved nothing: what takes no time comes back
    first, then what is left up to the limit goes to the best of the removed channels.

    Args:
        graph, groups, scores, scope, limits: as in `fit_budget`.
        latency: predicts milliseconds.
        limit: milliseconds not to exceed.

    Returns:
        For each group the channels that stay, ascending.

    Raises:
        PlanError: the model is below the limit already, or the limits do not let it get there.
    """
    predict = latency.predict
    for look in range(_LOOKS):
        if scope == "global":
            steps = removals_per_millisecond(graph, groups, scores, limits, predict, limit)
        else:
            steps = removals(graph, groups, scores, scope, limits)
        kept = fit_steps(graph, groups, scores, steps, predict, limit, "latency_ms")
        reached = latency.predict(mask_of_groups(graph, groups, kept))
        for most in (reached, limit):
            kept = put_back(graph, groups, scores, kept, limits, latency.predict, most)
        mask = mask_of_groups(graph, groups, kept)
        last = look == _LOOKS - 1
        if last or (not latency.refine(mask) and latency.predict(mask) <= limit):
            break
    return kept


def put_back(
    graph: ChannelGraph,
    groups: Sequence[Group],
    scores: Mapping[str, np.ndarray],
    kept: Mapping[str, np.ndarray],
    limits: Limits,
    cost: Cost,
    limit: float,
) -> Kept:
    """Puts back as many channels as a limit allows, group by group, the best-scored first.

    Args:
        graph, groups, scores, limits, cost: as in `fit_budget`.
        kept: the channels that stay so far.
        limit: the cost not to exceed.
    """
    found = dict(kept)
    removed = [group for group in groups if len(found[group.name]) < group.size]
    # Of each group the best channel that is gone.
    removed.sort(key=lambda group: -np.sort(scores[group.name])[-len(found[group.name]) - 1])
    for group in removed:
        name, now = group.name, len(found[group.name])
        counts = [count for count in counts_of(group, limits)[::-1] if count > now]
        low, high = -1, len(counts)  # cheap enough with `low`, too dear with `high`
        while high - low > 1:
            middle = (low + high) // 2
            tried = {**found, name: best(scores[name], counts[middle])}
            dear = cost(mask_of_groups(graph, groups, tried)) > limit
            low, high = (low, middle) if dear else (middle, high)
        if low >= 0:
            found[name] = best(scores[name], counts[low])
    return found


def latency_settings(
    graph: ChannelGraph, groups: Sequence[Group], kept: Kept, latency: LatencyModel
) -> dict[str, Any]:
    """What a plan says of its latency: predicted, that of the unpruned model, and where."""
    whole = latency.predict(np.ones(len(graph.label), bool))
    return {
        "predicted_ms": latency.predict(mask_of_groups(graph, groups, kept)),
        "unpruned_ms": whole,
        **latency.as_dict(),
    }
