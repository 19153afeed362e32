"""Makes a plan: trace, score, select."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from tfprune.costs import graph_cost
from tfprune.criteria import Criterion, get
from tfprune.criteria.base import NaturalCriterion
from tfprune.criteria.groups import Reduction
from tfprune.errors import PlanError
from tfprune.graph import ChannelGraph, Group, traced
from tfprune.planning.blocks import blocks_of
from tfprune.planning.budget import Cost, fit_budget
from tfprune.planning.keep import keep_mask
from tfprune.planning.latency import (
    Table,
    fit_latency,
    latency_settings,
    measured_step,
    open_latency,
)
from tfprune.planning.limits import Limits, as_patterns, candidates
from tfprune.planning.natural import natural_kept
from tfprune.planning.pruning_plan import GroupPlan, PruningPlan
from tfprune.planning.ranking import ranked
from tfprune.planning.select import (
    Kept,
    Normalizer,
    Scope,
    check_scope,
    normalizer_of,
    select,
)
from tfprune.planning.targets import Target, one_target
from tfprune.planning.weights import check_weights

_EXCLUDED = "excluded by the settings"


def plan(
    model: Any,
    criterion: str | Criterion = "l2",
    *,
    ratio: float | None = None,
    macs: float | None = None,
    parameters: float | None = None,
    weight_bytes: float | None = None,
    latency_ms: float | None = None,
    latency_table: Table = None,
    runtime: str = "litert",
    threads: int = 1,
    scope: Scope = "layer",
    round_to: int | Literal["auto"] = 1,
    min_channels: int = 1,
    max_ratio: float | Mapping[str, float] = 1.0,
    exclude: str | Sequence[str] = (),
    include_residual: bool = True,
    include_inexact: bool = False,
    group_reduction: Reduction = "mean",
    normalizer: Normalizer | None = None,
    data: Any = None,
    loss: Any = None,
) -> PruningPlan:
    """Decides which filters and units to remove from a model; nothing is changed.

    Args:
        model: a built functional or Sequential `keras.Model`, or its `tfprune.trace`.
        criterion: the name of a criterion ("l2", "taylor"; see `tfprune.criteria`), or an object
            with `name` and `score(graph)`. Defaults to `"l2"`.
        ratio: the share of the prunable filters and units to remove, in (0, 1). Give exactly one of
            this and the next four; a criterion that has a ratio of its own ("cosine") needs none.
        macs: multiply-accumulates not to exceed: a share of the model's own in (0, 1), or a number.
            As little as possible is removed: one group's next step less would exceed it.
        parameters: the same for the numbers in all weights.
        weight_bytes: the same for their bytes.
        latency_ms: milliseconds of one inference (batch 1, float32) not to exceed on `runtime`, by
            prediction from a measured table (`tfprune.latency`). Always milliseconds, never a
            share: 0.5 is half a millisecond. Channels that cost no time, between two steps of the
            processor, stay or come back, so that layers may differ a little in their shares.
            `tfprune.latency.check` times the model of the plan.
        latency_table: the JSON file that keeps the measured times, made and added to as needed: a
            shape is timed once. Defaults to `None`: a file in the user's folder for caches. An
            object with the methods of `tfprune.planning.latency.LatencyModel` will do too.
        runtime: what runs the model: "litert", on this machine. Defaults to `"litert"`.
        threads: that the runtime uses. Defaults to `1`.
        scope: "layer" removes the same share of every group; "global" the lowest-scored channels
            wherever they are; "block" takes the same share of every block, the layers between two
            changes of resolution, and in it the lowest-scored. For `latency_ms`, "global" removes
            those with the lowest score for each millisecond that they take.
            Defaults to `"layer"`.
        round_to: each pruned group keeps a multiple of this many channels (SIMD widths such as
            8), or all of them; "auto" times a convolution on `runtime`, once, to find the multiple
            (1 to 16) at which latency jumps, and takes 8 where it cannot tell. Defaults to `1`.
        min_channels: no group keeps fewer. Defaults to `1`.
        max_ratio: no group loses a larger share; or shares by names or patterns of layers,
            `{"block1_*": 0.3}`, where layers that share channels go by the smallest.
            Defaults to `1.0`.
        exclude: names or patterns ("block1_*") of layers whose channels stay.
            Defaults to none.
        include_residual: whether residual streams get narrower too; False prunes inner widths
            only. Defaults to `True`.
        include_inexact: whether channels go that layers normalise together (LayerNormalization):
            the net then computes something else, to be fine-tuned. Defaults to `False`.
        group_reduction: how the scores of layers that share a channel combine: "mean", "sum",
            "max" or "first". Defaults to `"mean"`.
        normalizer: what each group's scores are divided by before groups are compared: their
            "mean", their "max", their "l2" norm, or "none". Defaults to the criterion's own, "mean"
            for most.
        data: for criteria that look at data: inputs and labels as arrays, a `tf.data.Dataset` of
            batches or a Keras sequence. Criteria that look at weights alone refuse it.
            Defaults to `None`.
        loss: for criteria that look at the loss: a name, a function or a `keras.losses.Loss`.
            Defaults to what the model was compiled with.

    Returns:
        The frozen `PruningPlan`: print it, save it, hand it to `tfprune.rebuild`.

    Raises:
        ModelError: the model cannot be traced, or its weights hold NaN or infinite values.
        PlanError: the target or a limit makes no sense, or cannot be met.
        DataError: the criterion's data make no sense.

    Example:
        >>> import keras, tfprune
        >>> x = keras.Input((8, 8, 3))
        >>> y = keras.layers.Conv2D(10, 3, name="conv")(x)
        >>> y = keras.layers.GlobalAveragePooling2D()(y)
        >>> model = keras.Model(x, keras.layers.Dense(2)(y))
        >>> len(tfprune.plan(model, ratio=0.7).kept["conv"])
        3
    """
    step = 1 if round_to == "auto" else round_to  # measured once all else is known to make sense
    limits = Limits(
        step, min_channels, max_ratio, as_patterns(exclude), include_residual, include_inexact
    )
    chosen = get(criterion, data, loss)
    given = {"ratio": ratio, "macs": macs, "parameters": parameters, "weight_bytes": weight_bytes}
    given["latency_ms"] = latency_ms
    untold = all(value is None for value in given.values())
    natural = chosen if untold and isinstance(chosen, NaturalCriterion) else None
    target = Target("natural", 0.0) if natural else one_target(given)
    check_scope(scope)
    graph = traced(model)
    check_weights(graph)
    groups = candidates(graph, limits)
    if round_to == "auto":
        limits = replace(limits, round_to=measured_step(latency_table, runtime, threads))
    latency = None
    if target.kind == "latency_ms":
        latency = open_latency(graph, latency_table, runtime, threads)
    scores = ranked(graph, chosen, group_reduction, normalizer)
    groups_scored = judged(groups, scores, chosen.name)
    if natural:
        kept = natural_kept(groups_scored, scores, natural.natural(graph), limits)
    elif latency:
        kept = fit_latency(graph, groups_scored, scores, scope, limits, latency, target.value)
    else:
        kept = _select(graph, groups_scored, scores, scope, limits, target)
    settings = {
        **target.as_dict(),
        **(latency_settings(graph, groups_scored, kept, latency) if latency else {}),
        "scope": scope,
        **limits.as_dict(),
        "reduction": group_reduction,
        "normalizer": normalizer or normalizer_of(chosen),
    }
    return make_plan(graph, graph.model.name, chosen.name, settings, groups, kept)


def _select(
    graph: ChannelGraph,
    groups: Sequence[Group],
    scores: Mapping[str, np.ndarray],
    scope: Scope,
    limits: Limits,
    target: Target,
) -> Kept:
    if target.kind == "ratio":
        blocks = blocks_of(graph, groups) if scope == "block" else ()
        return select(scope, groups, scores, target.value, limits, blocks)

    cost = network_cost(graph, target.kind)
    limit = target.limit(cost(np.ones(len(graph.label), bool)))
    return fit_budget(graph, groups, scores, scope, limits, cost, limit, target.kind)


def network_cost(graph: ChannelGraph, kind: str) -> Cost:
    """From (ids,) which channel ids stay to a total of the pruned model's cost."""
    return lambda keep: graph_cost(graph, keep).totals()[kind]


def judged(
    groups: Sequence[Group], scores: Mapping[str, np.ndarray], criterion: str
) -> tuple[Group, ...]:
    """The groups that a criterion has scores for.

    Raises:
        PlanError: it has none for any of them.
    """
    found = tuple(group for group in groups if group.name in scores)
    if not found:
        raise PlanError(
            f"nothing can be pruned by {criterion!r}: expected scores for at least one of "
            f"{', '.join(group.name for group in groups[:3])}, received none; choose another "
            "criterion"
        )
    return found


def make_plan(
    graph: ChannelGraph,
    model_name: str,
    criterion: str,
    settings: Mapping[str, Any],
    groups: Sequence[Group],
    kept: Mapping[str, np.ndarray],
) -> PruningPlan:
    """Writes down a selection as a plan.

    Args:
        graph: the traced model.
        model_name: the model's name.
        criterion: the criterion's name.
        settings: what was asked for.
        groups: the groups that may lose channels.
        kept: by name the channels that stay, of each of them that has scores.

    Returns:
        The plan, with the cost that it reaches.
    """
    by_layer = _kept_by_layer(graph, kept)
    before = graph_cost(graph).totals()
    after = graph_cost(graph, keep_mask(graph, by_layer)).totals()
    scored = [group for group in groups if group.name in kept]
    total = sum(group.size * group.members for group in scored)
    gone = sum((group.size - len(kept[group.name])) * group.members for group in scored)
    unscored = {group.name: f"{criterion!r} has no score for it" for group in groups}
    return PruningPlan(
        fingerprint=graph.fingerprint,
        model=model_name,
        criterion=criterion,
        settings=dict(settings),
        kept=by_layer,
        groups=tuple(_group_plan(group, kept, unscored) for group in graph.groups),
        before=before,
        after=after,
        removed=gone / total,
    )


def _kept_by_layer(
    graph: ChannelGraph, kept: Mapping[str, np.ndarray]
) -> dict[str, tuple[int, ...]]:
    """The filters and units that stay, of each layer that loses some."""
    masks: dict[str, np.ndarray] = {}
    filters = graph.filters()
    for group in graph.groups:
        if len(kept.get(group.name, ())) in (0, group.size):
            continue
        gone = np.setdiff1d(np.arange(group.size), kept[group.name])
        for producer in group.producers:
            mask = masks.setdefault(producer.path, np.ones(filters[producer.path], bool))
            mask[producer.positions[gone].ravel()] = False
    return {path: tuple(np.flatnonzero(mask).tolist()) for path, mask in masks.items()}


def _group_plan(
    group: Group, kept: Mapping[str, np.ndarray], unscored: Mapping[str, str]
) -> GroupPlan:
    """What becomes of a group; why it stays whole where it does."""
    layers = tuple(producer.path for producer in group.producers)
    if group.name in kept:
        stays, reason = len(kept[group.name]), None
    else:
        stays = group.size
        reason = unscored.get(group.name) or group.pinned or group.inexact or _EXCLUDED
    return GroupPlan(group.name, group.size, stays, layers, reason, group.inexact)
