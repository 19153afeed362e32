"""Sessions that take turns, so that a machine that slows down does so for all of them."""

import contextlib
import gc
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tfprune.timing.runtimes import Session

_WARMUP_SECONDS = 2.0
_LEAST_ROUNDS = 5

Clock = Callable[[], float]


@dataclass(frozen=True)
class Turn:
    """How long a model's turn takes.

    Attributes:
        seconds: of timed runs; a model that takes as long or longer gets one run.
        settle: seconds of untimed runs before them, for models that take less than `seconds`.
        most: timed runs, and untimed ones, at the most.
    """

    seconds: float = 0.02
    settle: float = 0.02
    most: int = 40


USUAL = Turn()


@dataclass(frozen=True)
class Pace:
    """A model's turn in numbers: `settle` untimed runs, then `runs` timed ones."""

    runs: int
    settle: int


def warm_up(session: Session, count: int, clock: Clock, turn: Turn) -> Pace:
    """Runs a model until it is warm, and sets its pace by the fastest run."""
    begin = clock()
    costs: list[float] = []
    while not costs or (len(costs) < count and clock() - begin < _WARMUP_SECONDS):
        costs.append(_time(session, clock))
    return _pace(min(costs), turn)


def _pace(cost: float, turn: Turn) -> Pace:
    if cost >= turn.seconds:
        return Pace(runs=1, settle=0)
    fitting, settling = (math.ceil(s / max(cost, 1e-9)) for s in (turn.seconds, turn.settle))
    return Pace(runs=min(fitting, turn.most), settle=min(settling, turn.most))


def take_turns(
    sessions: Sequence[Session], paces: Sequence[Pace], rounds: int, seconds: float, clock: Clock
) -> list[list[list[float]]]:
    """Returns the seconds of each run, by model and round.

    Args:
        sessions: the models, loaded and warm.
        paces: of each its pace.
        rounds: each one turn of every model.
        seconds: ends the rounds early when they have taken this long, though not before 5.
        clock: tells the time in seconds.
    """
    turns: list[list[list[float]]] = [[] for _ in sessions]
    begin = clock()
    for number in range(rounds):
        if number >= _LEAST_ROUNDS and clock() - begin >= seconds:
            break
        for session, pace, own in zip(sessions, paces, turns, strict=True):
            for _ in range(pace.settle):
                session.run()
            own.append([_time(session, clock) for _ in range(pace.runs)])
    return turns


def timed(
    sessions: Sequence[Session],
    rounds: int,
    warmup: int = 10,
    seconds: float = 60.0,
    turn: Turn = USUAL,
) -> list[list[list[float]]]:
    """Warms up all sessions, then lets them take turns; returns seconds by model, round and run."""
    with collector_off():
        paces = [warm_up(session, warmup, time.perf_counter, turn) for session in sessions]
        return take_turns(sessions, paces, rounds, seconds, time.perf_counter)


def _time(session: Session, clock: Clock) -> float:
    begin = clock()
    session.run()
    return clock() - begin


@contextlib.contextmanager
def collector_off() -> Iterator[None]:
    """Keeps Python's garbage collector, which pauses at random, out of the timed runs."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
