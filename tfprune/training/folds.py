"""Who is trained on and who is held out, fold by fold."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tfprune.criteria.mutual_information import class_numbers
from tfprune.errors import DataError, MissingExtraError, PlanError


@dataclass(frozen=True)
class Fold:
    """One division of the examples.

    Attributes:
        train: (n,) the numbers of those trained on.
        test: (m,) the numbers of those held out.
    """

    train: np.ndarray
    test: np.ndarray


def make_folds(data: Any, splitter: Any, groups: Any, strata: Any, seed: int) -> tuple[Fold, ...]:
    """Divides examples into folds.

    Args:
        data: (x, y) arrays, or a function, for which groups or strata say how many there are.
        splitter: a number of folds, or an object with scikit-learn's `split(X, y, groups)`.
        groups: (n,) what must not be on both sides of a fold, or None.
        strata: (n,) what each fold is to hold in equal shares, or None for the classes.
        seed: of the shuffle of a splitter made here.

    Raises:
        DataError: lengths differ; a splitter puts examples or groups on both sides.
        PlanError: the splitter is none.
        MissingExtraError: scikit-learn is needed and missing.
    """
    groups = None if groups is None else np.asarray(groups)
    strata = _strata(data) if strata is None else np.asarray(strata)
    count = _count(data, groups, strata)
    if isinstance(splitter, int) and not isinstance(splitter, bool):
        splitter = _splitter(splitter, groups, strata, seed)
    elif isinstance(splitter, str) or not hasattr(splitter, "split"):
        raise PlanError(
            "expected splitter as a number of folds or an object with split(X, y, groups), "
            f"received {splitter!r}"
        )
    try:
        parts = list(splitter.split(np.zeros(count), strata, groups))
    except ValueError as error:
        raise DataError(f"the splitter cannot divide the examples: {error}") from error
    found = tuple(Fold(np.asarray(train), np.asarray(test)) for train, test in parts)
    _check(found, groups)
    return found


def _strata(data: Any) -> np.ndarray | None:
    """The classes, where labels are classes."""
    if not isinstance(data, tuple) or len(keras.tree.flatten(data[1])) != 1:
        return None
    labels = np.asarray(keras.tree.flatten(data[1])[0])
    one_hot = labels.ndim == 2 and labels.shape[1] > 1
    if labels.dtype.kind in "iub" or one_hot:
        return np.asarray(class_numbers(labels))
    return None


def _count(data: Any, *arrays: np.ndarray | None) -> int:
    counts = {len(array) for array in arrays if array is not None}
    if isinstance(data, tuple):
        counts |= {len(part) for part in keras.tree.flatten(data)}
    if not counts:
        raise DataError(
            "expected groups or strata beside data that are a function, received neither: they "
            "say how many examples there are"
        )
    if len(counts) != 1:
        raise DataError(
            "expected as many examples as groups and strata, received "
            f"{', '.join(map(str, sorted(counts)))}"
        )
    return counts.pop()


def _splitter(folds: int, groups: Any, strata: Any, seed: int) -> Any:
    """The splitter of scikit-learn that keeps groups together and strata in equal shares."""
    if folds < 2:
        raise PlanError(f"expected at least two folds, received {folds}")
    try:
        from sklearn import model_selection
    except ImportError:
        raise MissingExtraError(
            "a number of folds needs scikit-learn: pip install 'tfprune[folds]', or pass a "
            "splitter of your own"
        ) from None
    if groups is not None and strata is None:
        return model_selection.GroupKFold(folds)
    if groups is not None:
        kind = model_selection.StratifiedGroupKFold
    else:
        kind = model_selection.KFold if strata is None else model_selection.StratifiedKFold
    return kind(folds, shuffle=True, random_state=seed)


def _check(folds: Sequence[Fold], groups: np.ndarray | None) -> None:
    if not folds:
        raise DataError("expected at least one fold of the splitter, received none")
    for number, fold in enumerate(folds):
        if not len(fold.train) or not len(fold.test):
            raise DataError(f"expected examples on both sides of fold {number}, received none")
        both = np.intersect1d(fold.train, fold.test)
        if len(both):
            raise DataError(
                f"expected no example on both sides of fold {number}, received {len(both)}, "
                f"number {both[0]} first"
            )
        if groups is not None:
            shared = np.intersect1d(groups[fold.train], groups[fold.test])
            if len(shared):
                raise DataError(
                    f"expected no group on both sides of fold {number}, received {shared[0]!r}: "
                    "use a splitter that keeps groups together, such as GroupKFold"
                )
