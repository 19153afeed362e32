"""Channels ranked by a criterion."""

from tfprune.criteria import Criterion, group_scores
from tfprune.criteria.groups import Reduction
from tfprune.graph import ChannelGraph
from tfprune.planning.select import Kept, Normalizer, comparable, normalizer_of


def ranked(
    graph: ChannelGraph,
    criterion: Criterion,
    reduction: Reduction = "mean",
    normalizer: Normalizer | None = None,
) -> Kept:
    """One score a channel, by group, comparable between groups.

    Args:
        graph: the traced model.
        criterion: what scores.
        reduction: how the scores of layers that share channels combine. Defaults to `"mean"`.
        normalizer: what each group's are divided by. Defaults to `None`: the criterion's own.

    Raises:
        PlanError: as `group_scores` and `comparable`.
    """
    scores = group_scores(graph, criterion.score(graph), reduction)
    return comparable(scores, normalizer or normalizer_of(criterion))
