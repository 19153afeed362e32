"""Which channels to silence next: the lowest-scored, and those that are silent already."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from tfprune.criteria import Criterion, NaturalCriterion
from tfprune.criteria.groups import Reduction
from tfprune.errors import PlanError
from tfprune.graph import ChannelGraph, Group
from tfprune.planning.blocks import blocks_of
from tfprune.planning.limits import Limits, check_ratio
from tfprune.planning.natural import natural_kept
from tfprune.planning.planner import judged
from tfprune.planning.pruning_plan import PruningPlan
from tfprune.planning.select import (
    Kept,
    Normalizer,
    Scope,
    best,
    check_scope,
    comparable,
    normalizer_of,
    select,
)


@dataclass(frozen=True)
class Asked:
    """What is to be silent in the end, and how it is chosen.

    Attributes:
        criterion: that scores.
        ratio: the share of filters and units; None for what the criterion removes by itself.
        scope, limits, reduction: as in `tfprune.plan`.
        normalizer: None for the criterion's own.

    Raises:
        PlanError: a setting makes no sense.
    """

    criterion: Criterion
    ratio: float | None
    scope: Scope
    limits: Limits
    reduction: Reduction
    normalizer: Normalizer | None

    def __post_init__(self) -> None:
        check_scope(self.scope)
        comparable({}, self.dividing)
        if self.reduction not in get_args(Reduction):
            raise PlanError(
                f"expected group_reduction {', '.join(get_args(Reduction))}, received "
                f"{self.reduction!r}"
            )
        if self.ratio is not None:
            check_ratio(self.ratio)
        elif not isinstance(self.criterion, NaturalCriterion):
            raise PlanError(
                f"expected a ratio, received none: the criterion {self.criterion.name!r} has no "
                "ratio of its own, as 'cosine' has"
            )

    @property
    def dividing(self) -> Normalizer:
        """What scores are divided by before groups are compared."""
        return self.normalizer or normalizer_of(self.criterion)

    def as_dict(self, share: float) -> dict[str, Any]:
        """The settings as plain values, when a share of the ratio is asked for."""
        target: dict[str, Any] = {"ratio": "natural", "share": share}
        return {
            **(target if self.ratio is None else {"ratio": self.ratio * share}),
            "scope": self.scope,
            **self.limits.as_dict(),
            "reduction": self.reduction,
            "normalizer": self.dividing,
        }


def choose(
    asked: Asked,
    graph: ChannelGraph,
    groups: Sequence[Group],
    scores: Mapping[str, np.ndarray],
    share: float,
    before: Mapping[str, np.ndarray],
) -> Kept:
    """Chooses the channels that stay heard.

    Args:
        asked: what is to be silent in the end.
        graph: the traced model.
        groups: the groups that may lose channels.
        scores: see `tfprune.planning.ranking.ranked`.
        share: how much of what is asked is to be silent now, in (0, 1].
        before: of the groups that have lost channels those that stayed; no other comes back.

    Returns:
        For each group that has scores the channels that stay, ascending.
    """
    groups = judged(groups, scores, asked.criterion.name)
    ranked = {group.name: _last(scores[group.name], before.get(group.name)) for group in groups}
    if asked.ratio is None:
        chosen = _natural(asked, graph, groups, ranked, share)
    else:
        blocks = blocks_of(graph, groups) if asked.scope == "block" else ()
        ratio = asked.ratio * share
        chosen = select(asked.scope, groups, ranked, ratio, asked.limits, blocks)
    # Rounding may ask for a channel back; what is silent stays silent.
    return {name: np.intersect1d(kept, before.get(name, kept)) for name, kept in chosen.items()}


def kept_by(groups: Sequence[Group], plan: PruningPlan | None) -> Kept:
    """The channels that a plan keeps, of each group that it takes some of."""
    kept = plan.kept if plan else {}
    found = {}
    for group in groups:
        stays = np.ones(group.size, bool)
        for producer in group.producers:
            if producer.path in kept:
                stays &= np.isin(producer.positions, kept[producer.path]).all(axis=1)
        if not stays.all():
            found[group.name] = np.flatnonzero(stays)
    return found


def _last(scores: np.ndarray, kept: np.ndarray | None) -> np.ndarray:
    """The scores, those that are silent already below all others."""
    if kept is None:
        return scores
    ranked = np.full(len(scores), -np.inf)
    ranked[kept] = scores[kept]
    return ranked


def _natural(
    asked: Asked,
    graph: ChannelGraph,
    groups: Sequence[Group],
    ranked: Mapping[str, np.ndarray],
    share: float,
) -> Kept:
    """A share of what the criterion removes by itself: of each group so many, the lowest first."""
    natural = asked.criterion.natural(graph)  # type: ignore[attr-defined]
    final = natural_kept(groups, ranked, natural, asked.limits)
    found = {}
    for group in groups:
        scores, stays = ranked[group.name].copy(), final[group.name]
        alive = stays[np.isfinite(scores[stays])]
        scores[alive] = np.inf  # what it keeps goes last
        wanted = group.size - share * (group.size - len(stays))
        count = max(len(stays), asked.limits.rounded(wanted, group))
        found[group.name] = best(scores, count)
    return found
