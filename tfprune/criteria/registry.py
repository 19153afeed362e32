"""Criteria by name."""

from typing import Any

from tfprune.criteria.base import Criterion
from tfprune.criteria.l1 import L1
from tfprune.criteria.l2 import L2
from tfprune.errors import PlanError

_BY_NAME: dict[str, type] = {criterion.name: criterion for criterion in (L1, L2)}


def names() -> list[str]:
    """The names that `get` knows."""
    return sorted(_BY_NAME)


def get(criterion: Any) -> Criterion:
    """Returns the criterion of that name, or the criterion itself.

    Args:
        criterion: a name such as "l2", or any object with `name` and `score(graph)`.

    Raises:
        PlanError: neither.

    Example:
        >>> from tfprune import criteria
        >>> criteria.get("l2").name
        'l2'
    """
    if isinstance(criterion, str) and criterion in _BY_NAME:
        return _BY_NAME[criterion]()
    if isinstance(criterion, Criterion) and not isinstance(criterion, type):
        return criterion
    raise PlanError(
        f"expected a criterion, one of {', '.join(names())} or an object with a name and "
        f"score(graph), received {criterion!r}"
    )
