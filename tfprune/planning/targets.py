"""How much to remove: exactly one target, checked before any work."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tfprune.errors import PlanError
from tfprune.planning.limits import check_ratio

Kind = Literal["ratio", "macs", "parameters", "weight_bytes", "latency_ms", "natural"]


@dataclass(frozen=True)
class Target:
    """What the pruned model must come down to.

    Attributes:
        kind: "ratio" is the share of filters and units to remove; "natural" what the criterion
            removes by itself; the others are costs that the pruned model must not exceed.
        value: a share in (0, 1), or for a cost also an absolute number above 1; milliseconds for
            "latency_ms", never a share.
    """

    kind: Kind
    value: float

    def as_dict(self) -> dict[str, float | str]:
        """The target as a setting of the plan."""
        return {"ratio": "natural"} if self.kind == "natural" else {self.kind: self.value}

    def limit(self, whole: float) -> float:
        """The cost not to exceed, of a model that costs `whole`."""
        return self.value * whole if self.value < 1 else self.value


def one_target(given: Mapping[str, Any]) -> Target:
    """Returns the one target that is not None.

    Raises:
        PlanError: there is none or more than one, or it makes no sense.

    Example:
        >>> one_target({"ratio": None, "macs": 0.5})
        Target(kind='macs', value=0.5)
    """
    named = {kind: value for kind, value in given.items() if value is not None}
    if len(named) != 1:
        received = ", ".join(f"{kind}={value!r}" for kind, value in named.items()) or "none"
        raise PlanError(
            f"expected exactly one target of {', '.join(given)}, received {received}: ratio is the "
            "share to remove, the others are what may be left, as a share or a number"
        )
    ((kind, value),) = named.items()
    if kind == "ratio":
        return Target("ratio", check_ratio(value))
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "latency_ms":
        if not number or not 0 < value < math.inf:
            raise PlanError(
                f"expected latency_ms in milliseconds, more than 0, received {value!r}: 0.5 is "
                "half a millisecond, not a share"
            )
        return Target("latency_ms", float(value))
    if not number or not (0 < value < 1 or value > 1):
        raise PlanError(
            f"expected {kind} as a share in (0, 1) of what the model has, or as a number above 1, "
            f"received {value!r}: 0.25 keeps a quarter"
        )
    return Target(kind, float(value))  # type: ignore[arg-type]
