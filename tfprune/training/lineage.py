"""Where the filters of a model that was pruned again and again stood in the original."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfprune.graph import ChannelGraph, Group
from tfprune.planning.limits import Limits, candidates
from tfprune.planning.planner import make_plan
from tfprune.planning.pruning_plan import PruningPlan

Lineage = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Origin:
    """The model that a run began with.

    Attributes:
        graph: its trace.
        groups: the groups that may lose channels.
        plan: in which nothing is removed: what the model costs.
    """

    graph: ChannelGraph
    groups: tuple[Group, ...]
    plan: PruningPlan

    @property
    def filters(self) -> int:
        """How many filters and units may go at most."""
        return sum(group.size * group.members for group in self.groups)

    def lineage(self) -> Lineage:
        """For each layer that makes channels all of its filters."""
        return {path: np.arange(count) for path, count in self.graph.filters().items()}

    def size_of(self, group: Group, lineage: Lineage) -> int:
        """How many channels a pruned model's group had in the original."""
        first = group.producers[0]
        filter_ = lineage[first.path][first.positions[0, 0]]
        for one in self.groups:
            for producer in one.producers:
                if producer.path == first.path and filter_ in producer.positions:
                    return one.size
        return group.size


def origin_of(graph: ChannelGraph, criterion: str, limits: Limits) -> Origin:
    """The beginning of a run.

    Raises:
        PlanError: nothing in the model can be pruned.
    """
    groups = candidates(graph, limits)
    whole = {group.name: np.arange(group.size) for group in groups}
    empty = make_plan(graph, graph.model.name, criterion, {}, groups, whole)
    return Origin(graph, groups, empty)


def descend(lineage: Lineage, kept: Mapping[str, Any]) -> Lineage:
    """The lineage after one more plan.

    Example:
        >>> descend({"a": np.array([0, 2, 5])}, {"a": (1, 2)})
        {'a': array([2, 5])}
    """
    return {path: old[list(kept[path])] if path in kept else old for path, old in lineage.items()}


def positions(before: Lineage, gone: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """What one step kept, numbered as in the model that it began with.

    Args:
        before: where that model's filters stood in the original.
        gone: by layer what the step removed, numbered as in the original.

    Example:
        >>> positions({"a": np.array([0, 2, 5])}, {"a": (0,)})
        {'a': (1, 2)}
    """
    return {
        path: tuple(np.flatnonzero(~np.isin(before[path], list(removed))).tolist())
        for path, removed in gone.items()
    }


def composed(origin: Origin, lineage: Lineage, settings: Mapping[str, Any]) -> PruningPlan | None:
    """The one plan that takes the original to where many have led.

    None where there is none: a grouped convolution with one filter left in each group may lose
    single ones, which in the original go together with others.
    """
    kept = {}
    for group in origin.groups:
        first = group.producers[0]
        kept[group.name] = np.flatnonzero(np.isin(first.positions[:, 0], lineage[first.path]))
    if not all(map(len, kept.values())):
        return None
    graph = origin.graph
    name, criterion = graph.model.name, origin.plan.criterion
    plan = make_plan(graph, name, criterion, settings, origin.groups, kept)
    shorter = {
        path: tuple(lineage[path].tolist())
        for path, count in graph.filters().items()
        if len(lineage[path]) < count
    }
    return plan if plan.kept == shorter else None
