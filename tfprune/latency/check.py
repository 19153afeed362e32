"""What a latency plan promised, and what the model built from it takes."""

import os
from dataclasses import asdict, dataclass
from typing import Any

from tfprune.graph import traced
from tfprune.latency.opening import open_table
from tfprune.latency.timer import Timer
from tfprune.planning.keep import keep_mask
from tfprune.planning.pruning_plan import PruningPlan
from tfprune.surgery.rebuild import check_plan, rebuild
from tfprune.timing.runtimes import Runtime


@dataclass(frozen=True)
class LatencyCheck:
    """A prediction and what was measured.

    Attributes:
        predicted_ms: what the plan says, or the table where the plan says nothing.
        measured_ms: the pruned model, built, converted to float32 and timed.
        error: how far off the prediction was: positive where the model is slower.
        target_ms: what the plan was asked for; None for plans of other targets.
        slowdown: how slow the machine is now against when the table was measured; far from 1, it
            does something else beside, and the error says little.
    """

    predicted_ms: float
    measured_ms: float
    error: float
    target_ms: float | None
    slowdown: float

    def as_dict(self) -> dict[str, float | None]:
        """The figures as plain values, for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        asked = "" if self.target_ms is None else f"asked for {self.target_ms:.3g} ms, "
        return (
            f"latency: {asked}predicted {self.predicted_ms:.3g} ms, measured "
            f"{self.measured_ms:.3g} ms: {self.error:+.1%} (the machine runs at "
            f"{self.slowdown:.2f} times the latency of when the table was measured)"
        )


def check(
    model: Any,
    plan: PruningPlan,
    latency_table: str | os.PathLike[str] | None = None,
    runtime: str | Runtime = "litert",
    threads: int = 1,
    small: Any = None,
    timer: Timer | None = None,
) -> LatencyCheck:
    """Builds and times the model of a plan, and compares with the prediction.

    The table learns from what was measured: the next plan of this model is made with it.

    Args:
        model: the model that the plan was made for.
        plan: any plan, made by `latency_ms` or otherwise.
        latency_table: the table's file. Defaults to `None`: the one in the user's caches.
        runtime: as in `tfprune.plan`. Defaults to `"litert"`.
        threads: that the runtime uses. Defaults to `1`.
        small: the rebuilt model, if there is one already. Defaults to `None`.
        timer: what times, for tests. Defaults to `None`: the runtime.

    Returns:
        A `LatencyCheck`; `print` shows a line.

    Raises:
        ModelError, PlanError, FileError: as `tfprune.rebuild` and `open_table`.
        ConversionError: the pruned model cannot be converted.
    """
    graph = traced(model)
    check_plan(model, graph, plan)
    table = open_table(graph, latency_table, runtime, threads, timer)
    keep = keep_mask(graph, plan.kept)
    predicted = table.predict(keep)
    if plan.settings.get("runtime") == table.as_dict()["runtime"]:
        predicted = float(plan.settings["predicted_ms"])
    measured, slowdown = table.learn(small or rebuild(model, plan), keep)
    return LatencyCheck(
        predicted_ms=predicted,
        measured_ms=measured,
        error=measured / predicted - 1,
        target_ms=plan.settings.get("latency_ms"),
        slowdown=slowdown,
    )
