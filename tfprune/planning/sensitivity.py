"""How much a model suffers when one group alone loses channels."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np

from tfprune._files import write_text
from tfprune._progress import track
from tfprune.cloning.assemble import assemble
from tfprune.cloning.masking import masked_weights
from tfprune.criteria import Criterion, get, group_scores
from tfprune.criteria.batches import Batch, batches
from tfprune.criteria.losses import example_losses
from tfprune.criteria.mutual_information import class_numbers
from tfprune.criteria.observing import EXAMPLES
from tfprune.criteria.running import answers
from tfprune.errors import FileError, PlanError
from tfprune.graph import ChannelGraph, Group, trace
from tfprune.planning.budget import counts_of, fit_steps, kept_after
from tfprune.planning.keep import mask_of_groups
from tfprune.planning.limits import Limits, as_patterns, candidates
from tfprune.planning.planner import judged, make_plan, network_cost
from tfprune.planning.pruning_plan import PruningPlan
from tfprune.planning.select import Kept, best
from tfprune.planning.targets import one_target
from tfprune.planning.weights import check_weights

FORMAT = "tfprune.sensitivity/1"
RATIOS = (0.25, 0.5, 0.75, 0.9)

Metric = Literal["accuracy", "loss"]


@dataclass(frozen=True)
class Sensitivity:
    """What each group alone costs the model.

    Attributes:
        fingerprint: the structure of the model that was measured.
        criterion: by which channels were chosen.
        metric: "accuracy" or "loss".
        whole: the metric of the model as it is.
        ratios: the shares of a group that were silenced.
        values: for each group, by name, the metric at each ratio.
        kept_order: for each group its channels, the best-scored first.
    """

    fingerprint: str
    criterion: str
    metric: str
    whole: float
    ratios: tuple[float, ...]
    values: Mapping[str, tuple[float, ...]]
    kept_order: Mapping[str, tuple[int, ...]]

    def damage(self, group: str) -> np.ndarray:
        """What is lost at each ratio: points of accuracy, or rise of the loss; never falling."""
        change = np.asarray(self.values[group]) - self.whole
        return np.maximum.accumulate(-change if self.metric == "accuracy" else change)

    def plan(
        self,
        model: Any,
        *,
        max_drop: float | None = None,
        macs: float | None = None,
        parameters: float | None = None,
        weight_bytes: float | None = None,
        round_to: int = 1,
        min_channels: int = 1,
        max_ratio: float | Mapping[str, float] = 1.0,
        exclude: str | Sequence[str] = (),
        include_residual: bool = True,
    ) -> PruningPlan:
        """Makes a plan in which the groups that the model can do without lose most.

        Args:
            model: the model that was measured.
            max_drop: each group alone may cost so much of the metric. Give exactly one of this and
                the next three.
            macs, parameters, weight_bytes: as in `tfprune.plan`; groups are taken down in the order
                of the damage.
            round_to, min_channels, max_ratio, exclude, include_residual: as in `tfprune.plan`.

        Raises:
            PlanError: it is another model, or the target makes no sense or cannot be met.
        """
        graph = trace(model)
        if graph.fingerprint != self.fingerprint:
            raise PlanError(
                f"expected the model whose sensitivity was measured ({self.fingerprint}), received "
                f"'{model.name}' ({graph.fingerprint}): measure this one"
            )
        limits = Limits(round_to, min_channels, max_ratio, as_patterns(exclude), include_residual)
        groups = [group for group in candidates(graph, limits) if group.name in self.values]
        scores = {group.name: self._ranks(group) for group in groups}
        damages, steps = self._steps(groups, limits)
        given = {"macs": macs, "parameters": parameters, "weight_bytes": weight_bytes}
        if max_drop is not None and not any(value is not None for value in given.values()):
            kept = kept_after(groups, scores, steps[: np.searchsorted(damages, max_drop, "right")])
            settings: dict[str, Any] = {"max_drop": max_drop}
        else:
            target = one_target({"max_drop": max_drop, **given})
            cost = network_cost(graph, target.kind)
            limit = target.limit(cost(np.ones(len(graph.label), bool)))
            kept = fit_steps(graph, groups, scores, steps, cost, limit, target.kind)
            settings = target.as_dict()
        settings |= {"scope": "sensitivity", **limits.as_dict()}
        return make_plan(graph, model.name, self.criterion, settings, groups, kept)

    def _ranks(self, group: Group) -> np.ndarray:
        """Scores that order the channels as they were when measured."""
        scores = np.empty(group.size)
        scores[list(self.kept_order[group.name])] = np.arange(group.size, 0, -1)
        return scores

    def _steps(
        self, groups: Sequence[Group], limits: Limits
    ) -> tuple[np.ndarray, list[tuple[int, int]]]:
        """All steps with the damage that they do, the least first."""
        steps, damages = [], []
        for index, group in enumerate(groups):
            ratios = np.array([0.0, *self.ratios])
            damage = np.array([0.0, *np.maximum(self.damage(group.name), 0)])
            for _, after in pairwise(counts_of(group, limits)):
                gone = 1 - after / group.size
                # Beyond what was measured nothing is known.
                known = gone <= self.ratios[-1] + 1e-9
                damages.append(np.interp(gone, ratios, damage) if known else np.inf)
                steps.append((index, after))
        order = np.argsort(damages, kind="stable")
        return np.asarray(damages)[order], [steps[place] for place in order]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes it as JSON, whole or not at all.

        Raises:
            FileError: the file cannot be written.
        """
        write_text(path, json.dumps({"format": FORMAT, **asdict(self)}, indent=1) + "\n")

    @staticmethod
    def load(path: str | os.PathLike[str]) -> "Sensitivity":
        """Reads what `save` wrote.

        Raises:
            FileError: there is no such file, or it is something else.
        """
        try:
            values = json.loads(Path(path).read_text(encoding="utf-8"))
            if values.pop("format") != FORMAT:
                raise ValueError(FORMAT)
            for name in ("values", "kept_order"):
                values[name] = {group: tuple(one) for group, one in values[name].items()}
            return Sensitivity(**{**values, "ratios": tuple(values["ratios"])})
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise FileError(
                f"expected a sensitivity of the format {FORMAT} at {path}, found none "
                f"({type(error).__name__}): make it with Sensitivity.save"
            ) from None

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draws the metric against the ratio, a line a group (.png, .svg or .pdf).

        Raises:
            MissingExtraError: matplotlib is missing.
            FileError: the file cannot be written.
        """
        from tfprune.report.sensitivity_plot import draw

        draw(self, path)

    def __str__(self) -> str:
        from tfprune.report.tables import render

        head = ["group", "whole", *(f"{ratio:.0%} gone" for ratio in self.ratios)]
        rows = [
            [name, f"{self.whole:.4g}", *(f"{value:.4g}" for value in values)]
            for name, values in self.values.items()
        ]
        return f"{self.metric} when one group loses channels by {self.criterion}\n" + render(
            head, rows
        )


def sensitivity(
    model: Any,
    data: Any,
    criterion: str | Criterion = "l2",
    *,
    ratios: Sequence[float] = RATIOS,
    metric: Metric = "accuracy",
    loss: Any = None,
    exclude: str | Sequence[str] = (),
    examples: int = EXAMPLES,
) -> Sensitivity:
    """Measures, for each group by itself, the metric against the share of it that is silenced.

    The model runs once over the data for every group and ratio (Li et al. 2017, Pruning Filters
    for Efficient ConvNets, arXiv 1608.08710, section 3.2). Use validation data, a few hundred
    examples.

    Args:
        model: a built functional or Sequential `keras.Model`, which is left as it is.
        data: inputs and labels, as for `tfprune.plan(..., data=)`; gone through many times.
        criterion: a criterion of weights, or any object with `name` and `score(graph)`.
            Defaults to `"l2"`.
        ratios: the shares to silence, ascending, in (0, 1). Defaults to `(.25, .5, .75, .9)`.
        metric: "accuracy" of one output of classes, or "loss". Defaults to `"accuracy"`.
        loss: for the metric "loss". Defaults to that which the model was compiled with.
        exclude: names or patterns of layers to leave alone. Defaults to none.
        examples: how many run at once. Defaults to `32`.

    Returns:
        A frozen `Sensitivity`: print it, save it, plot it, make a plan of it.

    Raises:
        ModelError: the model cannot be traced.
        PlanError: the ratios or the criterion make no sense.
        DataError: the data make no sense.

    Example:
        >>> import keras, numpy as np, tfprune
        >>> keras.utils.set_random_seed(0)
        >>> x = keras.Input((4,))
        >>> y = keras.layers.Dense(8, "relu", name="hidden")(x)
        >>> model = keras.Model(x, keras.layers.Dense(2, "softmax")(y))
        >>> data = np.ones((6, 4), "float32"), np.zeros(6, int)
        >>> loss = "sparse_categorical_crossentropy"
        >>> found = tfprune.sensitivity(model, data, metric="loss", loss=loss)
        >>> len(found.values["hidden"])
        4
    """
    wanted = _check_ratios(ratios)
    if metric not in ("accuracy", "loss"):
        raise PlanError(f"expected metric 'accuracy' or 'loss', received {metric!r}")
    chosen = get(criterion)
    graph = trace(model)
    check_weights(graph)
    groups = candidates(graph, Limits(exclude=as_patterns(exclude)))
    scores = group_scores(graph, chosen.score(graph))
    groups = judged(groups, scores, chosen.name)
    bench = _Bench(model, graph, data, metric, loss, examples)
    whole = bench.measure(np.ones(len(graph.label), bool))
    values = {}
    for group in track(groups, "sensitivity"):
        values[group.name] = tuple(
            bench.measure(mask_of_groups(graph, [group], _kept(group, scores, ratio)))
            for ratio in wanted
        )
    order = {g.name: tuple(np.argsort(-scores[g.name], kind="stable").tolist()) for g in groups}
    return Sensitivity(graph.fingerprint, chosen.name, metric, whole, wanted, values, order)


def _check_ratios(ratios: Sequence[float]) -> tuple[float, ...]:
    found = tuple(float(ratio) for ratio in ratios)
    if not found or found != tuple(sorted(set(found))) or not (found[0] > 0 and found[-1] < 1):
        raise PlanError(f"expected ratios in (0, 1), ascending, received {ratios!r}")
    return found


def _kept(group: Group, scores: Mapping[str, np.ndarray], ratio: float) -> Kept:
    stays = max(1, round(group.size * (1 - ratio)))
    return {group.name: best(scores[group.name], stays)}


class _Bench:
    """A clone in which channels are silenced and that runs over the data."""

    def __init__(
        self, model: Any, graph: ChannelGraph, data: Any, metric: str, loss: Any, examples: int
    ) -> None:
        self._clone = assemble(model, graph)
        self._graph = trace(self._clone)
        self._run = answers(self._clone)
        self._batches = list(batches(model, data, examples, labelled=True))
        self._judge = _right if metric == "accuracy" else _loss(model, loss)

    def measure(self, keep: np.ndarray) -> float:
        """The metric with only some channels heard."""
        changed = []
        for record in self._graph.records.values():
            weights = record.weights
            for index, value in masked_weights(record, keep).items():
                changed.append((weights[index], weights[index].numpy()))
                weights[index].assign(value)
        total = sum(float(self._judge(one, self._run(one)).sum()) for one in self._batches)
        for variable, value in changed:
            variable.assign(value)
        return total / sum(one.count for one in self._batches)


def _right(batch: Batch, outputs: Any) -> np.ndarray:
    """Which examples of a batch are classified right."""
    classes = class_numbers(batch.labels)
    if outputs.shape[-1] == 1:
        return (outputs[:, 0] > 0.5)[: batch.count] == classes[: batch.count]
    return outputs.argmax(axis=-1)[: batch.count] == classes[: batch.count]


def _loss(model: Any, loss: Any) -> Any:
    losses = example_losses(model, loss)

    def judge(batch: Batch, outputs: Any) -> np.ndarray:
        return np.asarray(losses(batch.labels, outputs))[: batch.count]

    return judge
