"""One run of pruning and fine-tuning: where it stands, and the step that takes it on."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from absl import logging

from tfprune.cloning.assemble import assemble
from tfprune.criteria.registry import looks_at_data
from tfprune.graph import ChannelGraph, trace
from tfprune.planning.keep import keep_mask
from tfprune.planning.pruning_plan import PruningPlan
from tfprune.surgery.rebuild import rebuild
from tfprune.training.choosing import choose, removed_filters
from tfprune.training.history import Iteration
from tfprune.training.lineage import Lineage, Origin, descend
from tfprune.training.optimizer_state import OptimizerState, iterations_of
from tfprune.training.seeding import seed_all
from tfprune.training.settings import Settings
from tfprune.training.sources import for_scoring, fresh
from tfprune.training.tuning import (
    Callbacks,
    Compiler,
    diverged,
    evaluate,
    fine_tune,
    prepare,
    remember,
    within,
)


@dataclass(frozen=True)
class Job:
    """What a run is made of; nothing of it changes.

    Attributes:
        model: the unpruned model, as the caller gave it.
        origin: its trace and what may go.
        settings: what was asked for.
        criterion: how channels are scored.
        loss: for the criterion.
        train: training data, or what makes them.
        validation: validation data, or what makes them.
        score_data: what is scored on, where not on the training data.
        data: what can be said of these, in plain values.
        compiler: compiles each model.
        recompiled: whether it does as the unpruned model was compiled.
        start: what the unpruned model's optimizer hands to the first fine-tuning.
        callbacks: makes the callbacks of a fine-tuning.
    """

    model: Any
    origin: Origin
    settings: Settings
    criterion: Any
    loss: Any
    train: Any
    validation: Any
    score_data: Any
    data: Mapping[str, Any]
    compiler: Compiler
    recompiled: bool
    start: OptimizerState
    callbacks: Callbacks | None


@dataclass(frozen=True)
class Stand:
    """Where a run stands after a step.

    Attributes:
        model: the smallest model within the stop rule, compiled.
        lineage: where its filters stood in the unpruned model.
        state: what its optimizer hands on.
        history: the steps until now.
        ended: why the run is over; None while it goes on.
    """

    model: Any
    lineage: Lineage
    state: OptimizerState
    history: tuple[Iteration, ...]
    ended: str | None = None

    @property
    def best(self) -> int:
        """The number of the step that the model comes from."""
        return max(one.step for one in self.history if one.within)


def begin(job: Job) -> Stand:
    """Evaluates a copy of the unpruned model."""
    seed_all(job.settings.seed, 0)
    model = assemble(job.model, job.origin.graph)
    job.compiler(model)
    prepare(model, job.settings, job.start)
    metrics = evaluate(model, fresh(job.validation), job.settings)
    lineage = job.origin.lineage()
    costs = job.origin.plan.before
    first = _record(job, (0, {}, 0.0, costs), (metrics, metrics), (0.0, 0.0), True)
    return Stand(model, lineage, job.start, (first,))


def advance(job: Job, stand: Stand) -> Stand:
    """Removes one step's worth of channels and fine-tunes what is left.

    Raises:
        ModelError: the loss becomes NaN.
    """
    step = stand.history[-1].step + 1
    seed_all(job.settings.seed, step)
    begun = time.perf_counter()
    graph = trace(stand.model)
    train = fresh(job.train)
    looked_at = for_scoring(train if job.score_data is None else fresh(job.score_data))
    data = looked_at if looks_at_data(job.criterion) else None
    plan = choose(graph, job.criterion, job.settings, job.origin, stand.lineage, data, job.loss)
    if plan is None:
        return replace(stand, ended="nothing more may be removed")
    scored = time.perf_counter() - begun
    model, position = _shrunk(job, stand, graph, plan, looked_at)
    taken = iterations_of(model.optimizer)
    before = evaluate(model, fresh(job.validation), job.settings)
    begun = time.perf_counter()
    fine_tune(model, train, job.settings, job.callbacks, step)
    tuned = time.perf_counter() - begun
    after = evaluate(model, fresh(job.validation), job.settings)
    if not math.isfinite(after[job.settings.monitor]) or not math.isfinite(after.get("loss", 0)):
        raise diverged(step, "on validation data")
    lineage = descend(stand.lineage, plan.kept)
    ratio = removed_filters(job.origin, lineage) / job.origin.filters
    gone = (step, _gone(stand.lineage, lineage), ratio, plan.after)
    good = within(job.settings, stand.history[0].after, after[job.settings.monitor])
    record = _record(job, gone, (before, after), (scored, tuned), good)
    _tell(job.settings, record)
    history = (*stand.history, record)
    if not good:
        return replace(stand, history=history, ended=_too_far(job.settings, step))
    position += iterations_of(model.optimizer) - taken
    state = remember(model, job.settings, position)
    return Stand(model, lineage, state, history, _at_target(job, lineage, plan.after["macs"]))


def _shrunk(
    job: Job, stand: Stand, graph: ChannelGraph, plan: PruningPlan, data: Any
) -> tuple[Any, int]:
    """The smaller model, ready for `fit`, and where in its schedule it begins."""
    hungry = any(repair.examples for repair in job.settings.repair)
    model = rebuild(graph, plan, job.settings.repair, data if hungry else None)
    job.compiler(model)
    state = stand.state.cut(graph, keep_mask(graph, plan.kept))
    return model, prepare(model, job.settings, state)


def _too_far(settings: Settings, step: int) -> str:
    moved = "fell" if settings.mode == "max" else "rose"
    return f"{settings.monitor} {moved} by more than {settings.max_drop} in step {step}"


def _record(
    job: Job,
    gone: tuple[int, Mapping[str, tuple[int, ...]], float, Mapping[str, int]],
    metrics: tuple[Mapping[str, float], Mapping[str, float]],
    seconds: tuple[float, float],
    good: bool,
) -> Iteration:
    (before, after), monitor = metrics, job.settings.monitor
    step, removed, ratio, costs = gone
    return Iteration(
        step=step,
        removed=removed,
        ratio=ratio,
        before=before[monitor],
        after=after[monitor],
        loss_before=before.get("loss", math.nan),
        loss_after=after.get("loss", math.nan),
        metrics=dict(after),
        macs=costs["macs"],
        parameters=costs["parameters"],
        weight_bytes=costs["weight_bytes"],
        within=good,
        score_seconds=seconds[0],
        tune_seconds=seconds[1],
    )


def _gone(before: Lineage, after: Lineage) -> dict[str, tuple[int, ...]]:
    """By layer what one step removed, numbered as in the unpruned model."""
    return {
        path: tuple(np.setdiff1d(old, after[path]).tolist())
        for path, old in before.items()
        if len(old) != len(after[path])
    }


def _at_target(job: Job, lineage: Lineage, macs: int) -> str | None:
    settings = job.settings
    if settings.target is None:
        return None
    if settings.step_macs is None:
        there = removed_filters(job.origin, lineage) >= settings.target * job.origin.filters - 1e-9
    else:
        there = macs <= (1 - settings.target) * job.origin.plan.before["macs"] + 1e-9
    return f"the target of {settings.target:.1%} is reached" if there else None


def _tell(settings: Settings, one: Iteration) -> None:
    logging.info(
        "step %d: %.1f %% removed, %s %.4f, fine-tuned %.4f (%.1f s)",
        one.step,
        100 * one.ratio,
        settings.monitor,
        one.before,
        one.after,
        one.score_seconds + one.tune_seconds,
    )
