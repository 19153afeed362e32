"""Ours within a budget of latency: a net so many times faster, whatever filters that takes.

Where the loop removes so many filters a step, this removes so many milliseconds, by a table
measured on the runtime that the net is to be shipped on. Dense units go too: they take time.
"""

import os
import time
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

import tfprune
from tfprune.recipes.inspection.data import Fold
from tfprune.recipes.inspection.loop import Looped, Step, removed
from tfprune.recipes.inspection.settings import LIMIT, Settings
from tfprune.recipes.inspection.training import LOSS, accuracy, train

ROUNDS = 4


def fast(
    net: Any,
    fold: Fold,
    settings: Settings,
    epochs: int,
    table: str | os.PathLike[str],
    rounds: int = ROUNDS,
) -> Looped:
    """Prunes a trained net to a latency in rounds, each repaired and taught by the unpruned net.

    Args:
        net: compiled with the metric `accuracy`; it is not changed.
        fold: to train, to judge and to test on.
        settings: of the study; its `speedup` is the budget.
        epochs: of fine-tuning after each round, at least 1.
        table: the file of measured times, JSON; made where there is none.
        rounds: each makes the net faster by the same factor. Defaults to `4`.

    Returns:
        The net of the last round, which meets the budget whether or not it keeps to three points.

    Raises:
        PlanError: no plan is so much faster.
    """
    if settings.speedup is None:
        raise AssertionError("the caller asked for a speed-up")
    whole, seen = accuracy(net, fold.test), fold.some(settings.examples)
    least = accuracy(net, fold.validation) - LIMIT - 1e-6
    target, models = _predicted(net, table), [net]
    steps = [_step(net, net, (whole, whole), True, (0.0, 0.0))]
    for _ in range(rounds):
        target /= settings.speedup ** (1 / rounds)
        began = time.perf_counter()
        plan = tfprune.plan(
            models[-1], "taylor", scope="global", latency_ms=target, latency_table=table,
            data=seen, loss=LOSS,
        )  # fmt: skip
        small = tfprune.rebuild(models[-1], plan, "least_squares", seen[0])
        scored = time.perf_counter() - began
        before = accuracy(small, fold.test)
        began = time.perf_counter()
        train(small, fold.train, epochs, settings.tune_rate, settings.seed, net)
        seconds = scored, time.perf_counter() - began
        within = accuracy(small, fold.validation) >= least
        steps.append(_step(net, small, (before, accuracy(small, fold.test)), within, seconds))
        models.append(small)
    reason = f"{settings.speedup:g} times faster, by prediction"
    return Looped(models[-1], tuple(steps), removed(net, models[-1]), reason, steps[-1].after)


def _predicted(net: Any, table: str | os.PathLike[str]) -> float:
    graph = tfprune.trace(net)
    return tfprune.latency.open_table(graph, table).predict(np.ones(len(graph.label), bool))


def _step(
    net: Any,
    small: Any,
    right: tuple[float, float],
    within: bool,
    seconds: Sequence[float],
) -> Step:
    costs = tfprune.cost(small)
    return Step(
        1 - _filters(small) / _filters(net), *right, within, costs.parameters,
        costs.weight_bytes, costs.macs, round(seconds[0], 2),
        round(seconds[1], 2),
    )  # fmt: skip


def _filters(net: Any) -> int:
    return sum(layer.filters for layer in net.layers if isinstance(layer, keras.layers.Conv2D))
