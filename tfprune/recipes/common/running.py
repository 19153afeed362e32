"""Runs the stages of a study that are left, one after the other."""

import time
from collections.abc import Callable, Iterable
from typing import Any

import keras
from absl import logging

from tfprune.recipes.common.stages import Stages
from tfprune.training.advice import no_retracing_advice

Stage = tuple[str, Callable[[], dict[str, Any]]]


def run_all(stages: Stages, every: Iterable[Stage], seconds: float, noun: str) -> bool:
    """Runs what is not done yet, and logs how long the rest may take.

    Args:
        stages: where the stages are kept.
        every: all stages, by name, in their order.
        seconds: no further stage begins after so long.
        noun: what they are called, in the log.

    Returns:
        Whether all is done.
    """
    began = time.perf_counter()
    todo = [stage for stage in every if stages.done(stage[0]) is None]
    for number, (name, compute) in enumerate(todo):
        passed = time.perf_counter() - began
        if passed > seconds:
            return False
        if number:
            left = passed / number * (len(todo) - number)
            logging.info("%d of %d %s, about %.0f min left", number, len(todo), noun, left / 60)
        keras.backend.clear_session()
        with no_retracing_advice():
            stages.run(name, compute)
    return True
