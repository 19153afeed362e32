"""What a criterion with a ratio of its own keeps."""

from collections.abc import Mapping, Sequence

import numpy as np

from tfprune.graph import Group
from tfprune.planning.limits import Limits
from tfprune.planning.select import Kept, best


def natural_kept(
    groups: Sequence[Group],
    scores: Mapping[str, np.ndarray],
    natural: Mapping[str, np.ndarray],
    limits: Limits,
) -> Kept:
    """Chooses the channels that stay when no target is given.

    Args:
        groups: the groups that may lose channels.
        scores: one score a channel for each of them, by name.
        natural: for each layer that the criterion judges the filters or units that it keeps.
        limits: what each group must keep.

    Returns:
        For each group the channels that stay, ascending: those that any of its layers keeps, and
        the best-scored of the others where the limits ask for more.
    """
    return {group.name: _kept(group, scores[group.name], natural, limits) for group in groups}


def _kept(
    group: Group, scores: np.ndarray, natural: Mapping[str, np.ndarray], limits: Limits
) -> np.ndarray:
    stays = np.zeros(group.size, bool)
    for producer in group.producers:
        if producer.path in natural:
            stays |= np.isin(producer.positions, natural[producer.path]).any(axis=1)
    count = int(stays.sum())
    wanted = max(count, limits.least(group))
    wanted = min(group.size, -(-wanted // limits.round_to) * limits.round_to)
    first = np.where(stays, np.inf, scores)
    return best(first, wanted)
