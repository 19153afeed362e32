"""Which channels stay: the best-scored of each group, or of all groups together."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np

from tfprune.errors import PlanError
from tfprune.graph import Group
from tfprune.planning.limits import Limits

Kept = dict[str, np.ndarray]
Scope = Literal["layer", "block", "global"]
Normalizer = Literal["none", "max", "mean", "l2"]

_NORMALIZERS: dict[str, Callable[[np.ndarray], float]] = {
    "none": lambda scores: 1.0,
    "max": lambda scores: float(np.abs(scores).max()),
    "mean": lambda scores: float(np.abs(scores).mean()),
    "l2": lambda scores: float(np.linalg.norm(scores)),
}


def select(
    scope: Scope,
    groups: Sequence[Group],
    scores: Mapping[str, np.ndarray],
    ratio: float,
    limits: Limits,
    blocks: Sequence[int] = (),
) -> Kept:
    """Chooses the channels that stay.

    Args:
        scope: "layer" removes the same share of every group, "global" the lowest-scored channels
            of all groups together, "block" those of each block's groups together.
        groups: the groups that may lose channels.
        scores: one score a channel for each of them, by name; for the scope "global" they must
            be comparable between groups (see `comparable`). Minus infinity goes first.
        ratio: the share of filters and units to remove.
        limits: what each group must keep.
        blocks: the block of each group, for the scope "block". Defaults to none.

    Returns:
        For each group the channels that stay, ascending; of equal scores the earlier stays.

    Raises:
        PlanError: the limits do not allow the ratio, or there is no such scope.
    """
    check_scope(scope)
    if not isinstance(limits.max_ratio, Mapping) and ratio > limits.max_ratio:
        raise PlanError(
            f"expected a ratio of at most max_ratio={limits.max_ratio}, received {ratio}: lower "
            "the one or raise the other"
        )
    if scope == "layer":
        counts = [limits.rounded(group.size * (1 - ratio), group) for group in groups]
    elif scope == "global":
        counts = _global_counts(groups, scores, ratio, limits)
    else:
        counts = _block_counts(groups, scores, ratio, limits, blocks)
    return {
        group.name: best(scores[group.name], count)
        for group, count in zip(groups, counts, strict=True)
    }


def check_scope(scope: str) -> None:
    """Raises `PlanError` for a scope that there is not."""
    if scope not in get_args(Scope):
        raise PlanError(f"expected scope 'layer', 'block' or 'global', received {scope!r}")


def normalizer_of(criterion: Any) -> Normalizer:
    """What a criterion wants its scores divided by: its `normalizer` if it has one, or "mean"."""
    return getattr(criterion, "normalizer", "mean")


def comparable(scores: Mapping[str, np.ndarray], normalizer: Normalizer = "mean") -> Kept:
    """Divides each group's scores by one number, so that groups can be compared.

    Layers of different width have weights of different size (DepGraph, arXiv 2301.12900,
    section 4.3).

    Args:
        scores: one score a channel, by group.
        normalizer: "mean" and "max" of absolute scores, "l2" for their norm, or "none".

    Raises:
        PlanError: there is no such normalizer.

    Example:
        >>> comparable({"a": np.array([1.0, 3.0])})
        {'a': array([0.5, 1.5])}
    """
    if normalizer not in _NORMALIZERS:
        raise PlanError(f"expected normalizer {', '.join(_NORMALIZERS)}, received {normalizer!r}")
    divisor = _NORMALIZERS[normalizer]
    return {name: values / (divisor(values) or 1.0) for name, values in scores.items()}


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
        limits.rounded(group.size - lost, group) for group, lost in zip(groups, gone, strict=True)
    ]


def _block_counts(
    groups: Sequence[Group],
    scores: Mapping[str, np.ndarray],
    ratio: float,
    limits: Limits,
    blocks: Sequence[int],
) -> list[int]:
    """The same within each block."""
    counts = [0] * len(groups)
    for block in sorted(set(blocks)):
        inside = [place for place, one in enumerate(blocks) if one == block]
        members = [groups[place] for place in inside]
        # A block gives what its limits allow; as by layer, that may be less than its share.
        share = min(ratio, _most(members, limits))
        found = _global_counts(members, scores, share, limits)
        for place, count in zip(inside, found, strict=True):
            counts[place] = count
    return counts


def _most(groups: Sequence[Group], limits: Limits) -> float:
    """The largest share of the filters and units that the limits let go."""
    free = sum((group.size - limits.least(group)) * group.members for group in groups)
    return free / sum(group.size * group.members for group in groups)


def _ranking(
    groups: Sequence[Group], scores: Mapping[str, np.ndarray], limits: Limits
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The order in which channels may go; and of each its group and its number of members."""
    values, owners, weights = [], [], []
    for index, group in enumerate(groups):
        free = np.sort(scores[group.name])[: group.size - limits.least(group)]
        values.append(free)
        owners.append(np.full(len(free), index))
        weights.append(np.full(len(free), group.members))
    order = np.argsort(np.concatenate(values), kind="stable")
    return order, np.concatenate(owners), np.concatenate(weights)


def best(scores: np.ndarray, count: int) -> np.ndarray:
    """The channels with the highest scores, ascending; of equals the earlier stays."""
    return np.sort(np.argsort(-scores, kind="stable")[:count])
