"""What a run of pruning and fine-tuning found, step by step."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from tfprune._files import write_text
from tfprune.planning.pruning_plan import PruningPlan

FORMAT = "tfprune.iterate/1"


@dataclass(frozen=True)
class Iteration:
    """One step; the first is the unpruned model.

    Attributes:
        step: its number, 0 for the unpruned model.
        removed: by layer the filters and units that this step removed, numbered as in the
            unpruned model.
        ratio: the share of the unpruned model's prunable filters and units that is gone by now.
        before: the monitored metric on validation data before fine-tuning.
        after: the same after it.
        loss_before: the loss on validation data before fine-tuning.
        loss_after: the same after it.
        metrics: all metrics after fine-tuning, by name.
        macs: multiply-accumulates of one example.
        parameters: numbers in all weights.
        weight_bytes: their bytes.
        within: whether the stop rule is kept.
        score_seconds: scoring and choosing took.
        tune_seconds: fine-tuning took.
    """

    step: int
    removed: Mapping[str, tuple[int, ...]]
    ratio: float
    before: float
    after: float
    loss_before: float
    loss_after: float
    metrics: Mapping[str, float]
    macs: int
    parameters: int
    weight_bytes: int
    within: bool
    score_seconds: float = field(default=0.0, compare=False)
    tune_seconds: float = field(default=0.0, compare=False)

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> "Iteration":
        """Makes one of what `dataclasses.asdict` returned and JSON kept."""
        removed = {path: tuple(gone) for path, gone in values["removed"].items()}
        return Iteration(**{**values, "removed": removed})


@dataclass(frozen=True)
class IterateResult:
    """What `tfprune.iterate` found; print it for the table.

    Attributes:
        model: the smallest model within the stop rule, compiled and fine-tuned; a copy of the
            unpruned one where the first step broke the rule.
        plan: what became of the unpruned model: `tfprune.rebuild(unpruned, plan)` has the layers
            of `model`, before fine-tuning. None where no single plan leads there: a grouped
            convolution with one filter left in each group may lose single ones, which in the
            unpruned model go together with others.
        history: the steps in order, from the unpruned model on; the last may be one that broke
            the rule, and is not that of `model`.
        monitor: the metric that was watched.
        reason: why the run ended.
        filters: by layer how many filters or units the unpruned model has.
        settings: what was asked for.
    """

    model: Any
    plan: PruningPlan | None
    history: tuple[Iteration, ...]
    monitor: str
    reason: str
    filters: Mapping[str, int]
    settings: Mapping[str, Any]

    @property
    def best(self) -> Iteration:
        """The step that `model` comes from."""
        return [one for one in self.history if one.within][-1]

    def removed_per_layer(self, step: int | None = None) -> dict[str, float]:
        """By layer the share of its filters or units that was gone after a step.

        Args:
            step: the number of the step. Defaults to `None`, that of `model`.
        """
        last = self.best.step if step is None else step
        gone = dict.fromkeys(self.filters, 0)
        for one in self.history:
            if one.step <= last:
                for path, filters in one.removed.items():
                    gone[path] += len(filters)
        return {path: gone[path] / count for path, count in self.filters.items()}

    def as_dict(self) -> dict[str, Any]:
        """The result but for the model as plain values, for JSON."""
        return {
            "format": FORMAT,
            "monitor": self.monitor,
            "reason": self.reason,
            "best": self.best.step,
            "filters": dict(self.filters),
            "settings": dict(self.settings),
            "history": [asdict(one) for one in self.history],
            "plan": None if self.plan is None else self.plan.as_dict(),
        }

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the numbers and the plan as JSON, whole or not at all; the model is not in it.

        Raises:
            FileError: the file cannot be written.
        """
        write_text(path, json.dumps(self.as_dict(), indent=1) + "\n")

    def __str__(self) -> str:
        from tfprune.report.tables import render

        head = ["step", "removed", f"{self.monitor} before", "after", "loss after", "MACs"]
        head += ["parameters", "MB", "score s", "fine-tune s", ""]
        body = [[*_row(one), self._remark(one)] for one in self.history]
        return f"{render(head, body)}\nended: {self.reason}"

    def _remark(self, one: Iteration) -> str:
        if not one.within:
            return "too large a drop"
        return "<- model" if one.step == self.best.step else ""


def _row(one: Iteration) -> list[str]:
    return [
        str(one.step),
        f"{one.ratio:.1%}",
        f"{one.before:.4f}",
        f"{one.after:.4f}",
        f"{one.loss_after:.4f}",
        f"{one.macs:,}",
        f"{one.parameters:,}",
        f"{one.weight_bytes / 1e6:.2f}",
        f"{one.score_seconds:.1f}",
        f"{one.tune_seconds:.1f}",
    ]
