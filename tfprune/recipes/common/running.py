"""Runs the stages of a study that are left, one after the other."""

import time
from collections.abc import Callable, Iterable
from typing import Any

import keras
from absl import logging

from tfprune.recipes.common.stages import Stages
from tfprune.training.advice import no_retracing_advice

Stage = tuple[str, Callable[[], dict[str, Any]]]
_PAUSE = 5.0  # seconds until a look at what others have made


def run_all(stages: Stages, every: Iterable[Stage], seconds: float, noun: str) -> bool:
    """Runs what is not done yet, and logs how long the rest may take.

    What other processes are at in the same folder is left to them: a group of stages, those whose
    names are alike but for the last part, is with one process at a time, and in its order, since
    stages of a group may need earlier ones.

    Args:
        stages: where the stages are kept.
        every: all stages, by name, in their order.
        seconds: no further stage begins after so long.
        noun: what they are called, in the log.

    Returns:
        Whether all is done.
    """
    began = time.perf_counter()
    todo = {name: compute for name, compute in every if stages.done(name) is None}
    count = len(todo)
    while todo:
        elsewhere: set[str] = set()
        for name in list(todo):
            passed = time.perf_counter() - began
            if passed > seconds:
                return False
            group = name.rpartition("/")[0]
            if group in elsewhere or not _made(stages, group, name, todo[name]):
                elsewhere.add(group)
                continue
            del todo[name]
            _tell(count - len(todo), count, time.perf_counter() - began, noun)
        if elsewhere:
            logging.info("%d %s are being made by another process", len(todo), noun)
            time.sleep(_PAUSE)
    return True


def _made(stages: Stages, group: str, name: str, compute: Callable[[], dict[str, Any]]) -> bool:
    """Makes a stage, unless another process works on its group."""
    if stages.done(name) is not None:
        return True
    with stages.claimed(group) as ours:
        if ours:
            keras.backend.clear_session()
            with no_retracing_advice():
                stages.run(name, compute)
        return ours


def _tell(made: int, count: int, passed: float, noun: str) -> None:
    if made < count:
        left = passed / made * (count - made) / 60
        logging.info("%d of %d %s, about %.0f min left", made, count, noun, left)
