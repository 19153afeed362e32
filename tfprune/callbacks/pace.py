"""When to prune: from which epoch or step, until when, how often."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

from tfprune.errors import PlanError

Unit = Literal["epoch", "step"]

_FREQUENCY: dict[str, int] = {"epoch": 1, "step": 100}


@dataclass(frozen=True)
class Pace:
    """The moments at which a schedule is looked at, counted in epochs or in steps from 0.

    Attributes:
        by: what is counted: "epoch", or "step", a batch seen by the optimizer.
        start: the first moment.
        end: the moment by which all is done; None for the end of training.
        frequency: how many epochs or steps lie between two looks; None for every epoch, or every
            hundredth step.

    Raises:
        PlanError: a setting makes no sense.
    """

    by: Unit = "epoch"
    start: int = 0
    end: int | None = None
    frequency: int | None = None

    def __post_init__(self) -> None:
        if self.by not in get_args(Unit):
            raise PlanError(f"expected by='epoch' or by='step', received by={self.by!r}")
        _check_whole("start", self.start, 0, self.by)
        if self.frequency is not None:
            _check_whole("frequency", self.frequency, 1, self.by)
        if self.end is not None:
            _check_whole("end", self.end, self.start + 1, self.by)

    def progress(self, moment: int, total: float = math.inf) -> float | None:
        """How far pruning is to be until the next look, in (0, 1]; None before its start.

        It is the progress at the end of the interval that the moment lies in, so that the last
        look asks for all.

        Args:
            moment: the epoch or step that is about to begin.
            total: epochs or steps of the training, for a pace without an end.

        Raises:
            PlanError: neither has an end.

        Example:
            >>> [Pace(start=2, end=6).progress(epoch) for epoch in range(1, 7)]
            [None, 0.25, 0.5, 0.75, 1.0, 1.0]
            >>> [Pace(frequency=2).progress(epoch, total=5) for epoch in range(5)]
            [0.4, 0.4, 0.8, 0.8, 1.0]
        """
        if moment < self.start:
            return None
        end = total if self.end is None else self.end
        if end == math.inf:
            raise PlanError(
                "expected to know how many steps the training has, received data of unknown "
                "length: pass end to the callback, or steps_per_epoch to fit"
            )
        frequency = self.frequency or _FREQUENCY[self.by]
        looks = (moment - self.start) // frequency + 1
        return min(1.0, looks * frequency / max(end - self.start, 1))


@dataclass(frozen=True)
class Steps:
    """Where an epoch lies among the steps of the training.

    Attributes:
        first: the number of its first step, from the first epoch of all.
        total: steps of the training; infinite where `fit` does not know.
        origin: the optimizer's iterations when `fit` started, where they had to be asked for.
    """

    first: int = 0
    total: float = math.inf
    origin: int | None = None

    def at(self, epoch: int, epochs: int, known: int | None, done: Callable[[], int]) -> "Steps":
        """The same at an epoch that begins.

        Args:
            epoch: its number, from 0.
            epochs: of the training.
            known: steps an epoch; None where the data set does not say before it has ended.
            done: returns the optimizer's iterations.

        Raises:
            PlanError: training goes on in a later epoch, and it is unknown how many steps went
                before.
        """
        if known:
            return Steps(epoch * known, epochs * known)
        if self.origin is not None:
            return Steps(done() - self.origin, origin=self.origin)
        if epoch:
            raise PlanError(
                f"expected to know how many steps went before epoch {epoch}, received data of "
                "unknown length: pass steps_per_epoch to fit, or count by='epoch'"
            )
        return Steps(origin=done())


def _check_whole(name: str, value: Any, least: int, by: str) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise PlanError(
            f"expected {name} to be a whole number of {by}s from {least} up, received {value!r}"
        )
