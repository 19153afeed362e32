"""Row numbers for training and validation, never sharing a group between the two.

Windows recorded by one station resemble each other; a net tested on a station it has trained
on is tested on its memory. So rows that share a group stay on one side.
"""

from collections.abc import Sequence

import numpy as np

from tfprune.errors import DataError

Pair = tuple[np.ndarray, np.ndarray]


def group_split(
    groups: Sequence[str] | np.ndarray,
    labels: np.ndarray,
    validation: float = 0.2,
    seed: int = 0,
) -> Pair:
    """Splits rows in two so that no group is on both sides and each side has every label.

    Groups are visited in a seeded random order and go to validation while that brings its
    count of each label nearer to the share asked for.

    Args:
        groups: the group of each row, (n,).
        labels: the whole-number label of each row, (n,).
        validation: share of the rows of each label wanted for validation, in (0, 1).
            Defaults to `0.2`.
        seed: seed of the order in which groups are visited. Defaults to `0`.

    Returns:
        (training rows, validation rows), both ascending.

    Raises:
        DataError: too few groups for such a split, or a share outside (0, 1).

    Example:
        >>> training, validation = group_split(list("aabbccdd"), np.arange(8) % 2, 0.25)
        >>> len(training), len(validation)
        (6, 2)
    """
    if not 0 < validation < 1:
        raise DataError(f"expected a validation share in (0, 1), received {validation}")
    names, member = _factorise(groups)
    counts = _label_counts(member, labels, len(names))
    if len(names) < 2:
        raise DataError(f"expected at least 2 groups to split, received {len(names)}")
    chosen = _fill(counts, validation, np.random.default_rng(seed))
    held = chosen[member]
    _check_labels(counts[chosen].sum(0), counts[~chosen].sum(0), len(names))
    return np.flatnonzero(~held), np.flatnonzero(held)


def group_folds(
    groups: Sequence[str] | np.ndarray,
    labels: np.ndarray,
    k: int = 5,
    seed: int = 0,
) -> tuple[Pair, ...]:
    """Cuts rows into `k` folds by group, each with about the same count of every label.

    Groups are dealt out, the largest first and equals in a seeded random order, each to the
    fold it leaves most even (the greedy rule of stratified group k-fold).

    Args:
        groups: the group of each row, (n,).
        labels: the whole-number label of each row, (n,).
        k: number of folds, at least 2. Defaults to `5`.
        seed: seed of the order among groups of one size. Defaults to `0`.

    Returns:
        `k` pairs (training rows, validation rows); each row is in validation once.

    Raises:
        DataError: fewer groups than folds, or a fold left without one of the labels.

    Example:
        >>> pairs = group_folds(list("aabbccdd"), np.arange(8) % 2, k=4)
        >>> [len(validation) for _, validation in pairs]
        [2, 2, 2, 2]
    """
    if k < 2:
        raise DataError(f"expected at least 2 folds, received k={k}")
    names, member = _factorise(groups)
    if len(names) < k:
        raise DataError(f"expected at least {k} groups for {k} folds, received {len(names)}")
    counts = _label_counts(member, labels, len(names))
    fold = _deal(counts, k, np.random.default_rng(seed))
    for number in range(k):
        inside = fold == number
        _check_labels(counts[inside].sum(0), counts[~inside].sum(0), len(names))
    row = fold[member]
    return tuple((np.flatnonzero(row != i), np.flatnonzero(row == i)) for i in range(k))


def _factorise(groups: Sequence[str] | np.ndarray) -> tuple[list[str], np.ndarray]:
    """Returns the groups in order of appearance, and the number of each row's group."""
    numbers: dict[str, int] = {}
    member = np.fromiter((numbers.setdefault(g, len(numbers)) for g in groups), dtype=np.int64)
    return list(numbers), member


def _label_counts(member: np.ndarray, labels: np.ndarray, groups: int) -> np.ndarray:
    """Returns how many rows of each label each group holds, (groups, labels)."""
    if len(member) != len(labels):
        raise DataError(f"expected a label for each of {len(member)} rows, received {len(labels)}")
    values, label = np.unique(labels, return_inverse=True)
    if len(values) < 2:
        raise DataError(
            f"expected at least 2 classes to split, received {values.tolist()}: "
            "add rows of another class"
        )
    counts = np.zeros((groups, len(values)), dtype=np.int64)
    np.add.at(counts, (member, label), 1)
    return counts


def _fill(counts: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Marks the groups that bring validation nearest to `share` of each label."""
    total = counts.sum(0)
    target = share * total

    def distance(have: np.ndarray) -> float:
        return float(np.sum(np.abs(target - have) / total))

    chosen = np.zeros(len(counts), dtype=bool)
    have = np.zeros_like(total)
    for group in rng.permutation(len(counts)):
        if distance(have + counts[group]) < distance(have):
            chosen[group] = True
            have = have + counts[group]
    if not chosen.any():  # every group is larger than the share: the nearest one then
        chosen[min(range(len(counts)), key=lambda group: distance(counts[group]))] = True
    return chosen


def _deal(counts: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """Returns the fold of each group."""
    order = rng.permutation(len(counts))
    order = order[np.argsort(-counts[order].sum(1), kind="stable")]
    weight = 1.0 / counts.sum(0)
    folds = np.zeros((k, counts.shape[1]))
    fold = np.zeros(len(counts), dtype=np.int64)
    for group in order:
        # Adding counts c to fold f changes the sum of squares by 2 f.c + c.c; only the first
        # term depends on the fold, so the emptiest in these labels is the one to take. Total
        # size breaks ties, and gives each fold at least one group.
        share = counts[group] * weight
        cost = folds @ share + 1e-9 * folds.sum(1)
        best = int(np.argmin(cost))
        fold[group] = best
        folds[best] += share
    return fold


def _check_labels(inside: np.ndarray, outside: np.ndarray, groups: int) -> None:
    if (inside == 0).any() or (outside == 0).any():
        raise DataError(
            f"expected every class on both sides, but {groups} groups are too few to split so: "
            "use fewer folds, another share, or a column with more values"
        )
