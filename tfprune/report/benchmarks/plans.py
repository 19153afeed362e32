"""Pruning plans, as the page tells them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class PlanRow:
    """A group of channels: how many there were, how many stay, and why where all do."""

    name: str
    layers: tuple[str, ...]
    size: int
    kept: int
    reason: str


@dataclass(frozen=True)
class PlanView:
    """A plan in words and rows.

    Attributes:
        model: the pruned model's name.
        asked: criterion and settings, in a line.
        removed: the share of prunable filters and units that go.
        costs: name, before, after.
        rows: one a group.
    """

    model: str
    asked: str
    removed: float
    costs: tuple[tuple[str, int, int], ...]
    rows: tuple[PlanRow, ...]


def view(plan: Mapping[str, Any]) -> PlanView:
    """Returns what `PruningPlan.as_dict` holds as the page tells it."""
    settings = ", ".join(
        f"{key} {value}" for key, value in plan["settings"].items() if value not in (None, [], ())
    )
    names = {"macs": "MACs"}
    return PlanView(
        model=plan["model"],
        asked=f"{plan['criterion']}, {settings}",
        removed=plan["removed"],
        costs=tuple(
            (names.get(name, name.replace("_", " ")), before, plan["after"][name])
            for name, before in plan["before"].items()
        ),
        rows=tuple(
            PlanRow(
                name=group["name"],
                layers=tuple(group["layers"]),
                size=group["size"],
                kept=group["kept"],
                reason=group["reason"] or "",
            )
            for group in plan["groups"]
        ),
    )
