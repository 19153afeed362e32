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


def get(criterion: Any, data: Any = None) -> Criterion:
    """Returns the criterion of that name, or the criterion itself.

    Args:
        criterion: a name such as "l2", or any object with `name` and `score(graph)`.
        data: what the criterion is to look at. Those that tfprune has by name look at weights
            alone, and a criterion of one's own brings its data along. Defaults to `None`.

    Raises:
        PlanError: neither a name nor a criterion, or data that nothing would look at.

    Example:
        >>> from tfprune import criteria
        >>> criteria.get("l2").name
        'l2'
    """
    if data is not None:
        raise PlanError(
            f"expected data=None, received data for the criterion {criterion!r}, which does not "
            "look at it: leave it out, or hand it to a criterion of your own"
        )
    if isinstance(criterion, str) and criterion in _BY_NAME:
        return _BY_NAME[criterion]()
    if isinstance(criterion, Criterion) and not isinstance(criterion, type):
        return criterion
    raise PlanError(
        f"expected a criterion, one of {', '.join(names())} or an object with a name and "
        f"score(graph), received {criterion!r}"
    )
