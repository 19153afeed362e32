"""Which channels stay: the best-scored of each group, or of all groups together."""

from collections.abc import Mapping, Sequence

import numpy as np

from tfprune.errors import PlanError
from tfprune.graph import Group
from tfprune.planning.limits import Limits

Kept = dict[str, np.ndarray]


def select_by_layer(
    groups: Sequence[Group], scores: Mapping[str, np.ndarray], ratio: float, limits: Limits
) -> Kept:
    """Removes the same share of every group.

    Args:
        groups: the groups that may lose channels.
        scores: one score a channel for each of them, by name.
        ratio: the share to remove.
        limits: what each group must keep.

    Returns:
        For each group the channels that stay, ascending.
    """
    return {
        group.name: _best(scores[group.name], limits.rounded(group.size * (1 - ratio), group.size))
        for group in groups
    }


def select_globally(
    groups: Sequence[Group], scores: Mapping[str, np.ndarray], ratio: float, limits: Limits
) -> Kept:
    """Removes the lowest-scored channels of all groups together.

    A channel counts as many filters and units as go with it. Each group's scores are divided by
    their mean first, since layers of different width have weights of different size
    (DepGraph, arXiv 2301.12900, section 4.3).

    Args:
        groups: the groups that may lose channels.
        scores: one score a channel for each of them, by name.
        ratio: the share of all their filters and units to remove.
        limits: what each group must keep.

    Returns:
        For each group the channels that stay, ascending.

    Raises:
        PlanError: the limits do not allow the ratio.
    """
    least = {group.name: limits.least(group.size) for group in groups}
    order, owner, weight = _ranking(groups, scores, least)
    total = sum(group.size * group.members for group in groups)
    removed = np.cumsum(weight[order])
    wanted = ratio * total
    if not len(removed) or removed[-1] < wanted - 1e-9:
        most = (removed[-1] if len(removed) else 0) / total
        raise PlanError(
            f"expected a ratio that the limits allow, received {ratio}: with min_channels="
            f"{limits.min_channels}, round_to={limits.round_to} and max_ratio={limits.max_ratio} "
            f"at most {most:.4f} of the filters and units can go"
        )
    count = int(np.searchsorted(removed, wanted - 1e-9)) + 1
    gone = np.bincount(owner[order[:count]], minlength=len(groups))
    return {
        group.name: _best(scores[group.name], limits.rounded(group.size - lost, group.size))
        for group, lost in zip(groups, gone, strict=True)
    }


def _ranking(
    groups: Sequence[Group], scores: Mapping[str, np.ndarray], least: Mapping[str, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The channels that may go, lowest first; and of each its group and its number of members."""
    values, owners, weights = [], [], []
    for index, group in enumerate(groups):
        relative = _relative(scores[group.name])
        free = np.sort(relative, kind="stable")[: group.size - least[group.name]]
        values.append(free)
        owners.append(np.full(len(free), index))
        weights.append(np.full(len(free), group.members))
    order = np.argsort(np.concatenate(values), kind="stable")
    return order, np.concatenate(owners), np.concatenate(weights)


def _relative(scores: np.ndarray) -> np.ndarray:
    mean = np.abs(scores).mean()
    return scores / mean if mean > 0 else scores


def _best(scores: np.ndarray, count: int) -> np.ndarray:
    """The channels with the highest scores, ascending; of equals the earlier stays."""
    return np.sort(np.argsort(-scores, kind="stable")[:count])
