"""What one step of a run removes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfprune.criteria import get
from tfprune.graph import ChannelGraph, Group
from tfprune.planning.budget import Step, fit_steps, kept_after, removals
from tfprune.planning.keep import mask_of_groups
from tfprune.planning.limits import Limits, candidates
from tfprune.planning.planner import judged, make_plan, network_cost
from tfprune.planning.pruning_plan import PruningPlan
from tfprune.planning.ranking import ranked
from tfprune.planning.select import Kept
from tfprune.planning.weights import check_weights
from tfprune.training.lineage import Lineage, Origin
from tfprune.training.settings import Settings
from tfprune.training.workers import agreed


def choose(
    graph: ChannelGraph,
    criterion: Any,
    settings: Settings,
    origin: Origin,
    lineage: Lineage,
    data: Any,
    loss: Any,
) -> PruningPlan | None:
    """Scores the channels of the model as it is now, and plans the next step.

    Args:
        graph: the trace of the model as it is now.
        criterion: the criterion.
        settings: how much to remove, and what must stay.
        origin: the model that the run began with, of which shares are counted.
        lineage: where the filters stood in it.
        data: what the criterion looks at, or None.
        loss: what it looks at too, or None.

    Returns:
        A plan for the model as it is now; None where nothing more can go.
    """
    check_weights(graph)
    chosen = agreed(get(criterion, data, loss))
    groups = candidates(graph, settings.limits)
    if groups and all(len(group.channels) <= settings.limits.min_channels for group in groups):
        return None  # some criteria have no scores for layers of a single channel
    scores = ranked(graph, chosen, settings.reduction, settings.normalizer)
    groups = judged(groups, scores, chosen.name)
    sizes = [origin.size_of(group, lineage) for group in groups]
    steps = _allowed(graph, groups, scores, settings, sizes)
    if not steps:
        return None
    if settings.step_macs is None:
        kept = _by_filters(groups, scores, steps, _filters_to_go(settings, origin, lineage))
    else:
        wanted = _macs_to_go(settings, origin, network_cost(graph, "macs"), graph)
        found = _by_macs(graph, groups, scores, steps, wanted)
        if found is None:
            return None
        kept = found
    asked = {"step": settings.step, "step_macs": settings.step_macs, "scope": settings.scope}
    return make_plan(graph, graph.model.name, chosen.name, asked, groups, kept)


def _allowed(
    graph: ChannelGraph,
    groups: Sequence[Group],
    scores: Mapping[str, np.ndarray],
    settings: Settings,
    sizes: Sequence[int],
) -> list[Step]:
    """The order in which groups may shrink, as far as the original's sizes let them."""
    steps = removals(graph, groups, scores, settings.scope, _without_share(settings.limits))
    pairs = zip(groups, sizes, strict=True)
    least = [settings.limits.least(group, size) for group, size in pairs]
    steps = [(index, after) for index, after in steps if after >= least[index]]
    if settings.scope == "layer":  # alike as seen from the original, whatever went before
        steps.sort(key=lambda step: 1 - step[1] / sizes[step[0]])
    return steps


def _without_share(limits: Limits) -> Limits:
    """`max_ratio` is of the original's groups, and is seen to there."""
    return Limits(**{**vars(limits), "max_ratio": 1.0})


def _filters_to_go(settings: Settings, origin: Origin, lineage: Lineage) -> float:
    step = settings.step or 0
    wanted = step if isinstance(step, int | np.integer) else step * origin.filters
    if settings.target is None:
        return float(wanted)
    return min(float(wanted), settings.target * origin.filters - removed_filters(origin, lineage))


def removed_filters(origin: Origin, lineage: Lineage) -> int:
    """How many of the original's filters and units are gone."""
    return sum(count - len(lineage[path]) for path, count in origin.graph.filters().items())


def _by_filters(
    groups: Sequence[Group], scores: Mapping[str, np.ndarray], steps: Sequence[Step], wanted: float
) -> Kept:
    """Goes the steps until as many filters and units are gone as wanted, or all that may."""
    now = {index: group.size for index, group in enumerate(groups)}
    gone, count = 0, 0
    for index, after in steps:
        if gone >= wanted - 1e-9 and count:
            break
        gone += (now[index] - after) * groups[index].members
        now[index] = after
        count += 1
    return kept_after(groups, scores, steps[:count])


def _macs_to_go(settings: Settings, origin: Origin, cost: Any, graph: ChannelGraph) -> float:
    """The multiply-accumulates not to exceed after this step."""
    whole = origin.plan.before["macs"]
    left = cost(np.ones(len(graph.label), bool)) - float(settings.step_macs or 0) * whole
    return left if settings.target is None else max(left, (1 - settings.target) * whole)


def _by_macs(
    graph: ChannelGraph,
    groups: Sequence[Group],
    scores: Mapping[str, np.ndarray],
    steps: Sequence[Step],
    limit: float,
) -> Kept | None:
    """Goes the steps until the model costs no more than the limit, or as little as it can."""
    cost = network_cost(graph, "macs")
    least = cost(mask_of_groups(graph, groups, kept_after(groups, scores, steps)))
    if least >= cost(np.ones(len(graph.label), bool)):
        return None
    return fit_steps(graph, groups, scores, steps, cost, max(limit, least), "macs")
