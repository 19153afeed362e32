"""Which channels stay: the best-scored of each group, or of all groups together."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from tfprune.errors import PlanError
from tfprune.graph import Group
from tfprune.planning.limits import Limits

Kept = dict[str, np.ndarray]
Scope = Literal["layer", "global"]


def select(
    scope: Scope,
    groups: Sequence[Group],
    scores: Mapping[str, np.ndarray],
    ratio: float,
    limits: Limits,
) -> Kept:
    """Chooses the channels that stay.

    Args:
        scope: "layer" removes the same share of every group, "global" the lowest-scored channels
            of all groups together.
        groups: the groups that may lose channels.
        scores: one score a channel for each of them, by name; for the scope "global" they must
            be comparable between groups (see `comparable`). Minus infinity goes first.
        ratio: the share of filters and units to remove.
        limits: what each group must keep.

    Returns:
        For each group the channels that stay, ascending; of equal scores the earlier stays.

    Raises:
        PlanError: the limits do not allow the ratio, or there is no such scope.
    """
    if ratio > limits.max_ratio:
        raise PlanError(
            f"expected a ratio of at most max_ratio={limits.max_ratio}, received {ratio}: lower "
            "the one or raise the other"
        )
    if scope == "layer":
        counts = [limits.rounded(group.size * (1 - ratio), group.size) for group in groups]
    elif scope == "global":
        counts = _global_counts(groups, scores, ratio, limits)
    else:
        raise PlanError(f"expected scope 'layer' or 'global', received {scope!r}")
    return {
        group.name: _best(scores[group.name], count)
        for group, count in zip(groups, counts, strict=True)
    }


def comparable(scores: Mapping[str, np.ndarray]) -> Kept:
    """Divides each group's scores by their mean, so that groups can be compared.

    Layers of different width have weights of different size (DepGraph, arXiv 2301.12900,
    section 4.3).

    Example:
        >>> comparable({"a": np.array([1.0, 3.0])})
        {'a': array([0.5, 1.5])}
    """
    return {name: _relative(values) for name, values in scores.items()}


def _global_counts(
    groups: Sequence[Group], scores: Mapping[str, np.ndarray], ratio: float, limits: Limits
) -> list[int]:
    """How many channels each group keeps when the lowest of all go.

    A channel counts as many filters and units as go with it.
    """
    order, owner, weight = _ranking(groups, scores, limits)
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
    last = int(np.searchsorted(removed, wanted - 1e-9))
    gone = np.bincount(owner[order[: last + 1]], minlength=len(groups))
    return [
        limits.rounded(group.size - lost, group.size)
        for group, lost in zip(groups, gone, strict=True)
    ]


def _ranking(
    groups: Sequence[Group], scores: Mapping[str, np.ndarray], limits: Limits
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The order in which channels may go; and of each its group and its number of members."""
    values, owners, weights = [], [], []
    for index, group in enumerate(groups):
        free = np.sort(scores[group.name])[: group.size - limits.least(group.size)]
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
