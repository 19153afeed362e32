"""Models that take turns, so that a machine that slows down does so for all of them."""

import contextlib
import gc
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from tfprune.timing.joules import joules_of
from tfprune.timing.runtimes.protocol import Session

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


class Seat(Protocol):
    """A loaded model at the table where turns are taken, in this process or in another.

    Attributes:
        place: what runs it, for people.
    """

    place: str

    def warm_up(self, count: int, turn: Turn) -> Pace:
        """Runs the model until it is warm, and sets its pace by the fastest run."""

    def play(self, pace: Pace) -> list[float]:
        """Takes one turn and returns the seconds of each timed run."""

    def joules(self, seconds: float) -> float | None:
        """Runs for some time and returns the energy of one run, `None` where nothing counts it."""


class Here:
    """A session of this process; `place` is what runs it."""

    place = ""

    def __init__(self, session: Session, clock: Clock | None = None) -> None:
        """Takes the session, and what tells the time in seconds."""
        self._session = session
        self._clock = clock or time.perf_counter

    def warm_up(self, count: int, turn: Turn) -> Pace:
        """Runs at most `count` times, and not for longer than 2 seconds, but once at least."""
        begin = self._clock()
        costs: list[float] = []
        while not costs or (len(costs) < count and self._clock() - begin < _WARMUP_SECONDS):
            costs.append(self._time())
        return _pace(min(costs), turn)

    def play(self, pace: Pace) -> list[float]:
        """Takes one turn and returns the seconds of each timed run."""
        for _ in range(pace.settle):
            self._session.run()
        return [self._time() for _ in range(pace.runs)]

    def joules(self, seconds: float) -> float | None:
        """Runs for some time and returns the energy of one run, `None` where nothing counts it."""
        return joules_of(self._session.run, seconds)

    def _time(self) -> float:
        begin = self._clock()
        self._session.run()
        return self._clock() - begin


def _pace(cost: float, turn: Turn) -> Pace:
    if cost >= turn.seconds:
        return Pace(runs=1, settle=0)
    fitting, settling = (math.ceil(s / max(cost, 1e-9)) for s in (turn.seconds, turn.settle))
    return Pace(runs=min(fitting, turn.most), settle=min(settling, turn.most))


def take_turns(
    seats: Sequence[Seat], paces: Sequence[Pace], rounds: int, seconds: float, clock: Clock
) -> list[list[list[float]]]:
    """Returns the seconds of each run, by model and round.

    Args:
        seats: the models, loaded and warm.
        paces: of each its pace.
        rounds: each one turn of every model.
        seconds: ends the rounds early when they have taken this long, though not before 5.
        clock: tells the time in seconds.
    """
    turns: list[list[list[float]]] = [[] for _ in seats]
    begin = clock()
    for number in range(rounds):
        if number >= _LEAST_ROUNDS and clock() - begin >= seconds:
            break
        for seat, pace, own in zip(seats, paces, turns, strict=True):
            own.append(seat.play(pace))
    return turns


def timed(
    seats: Sequence[Seat],
    rounds: int,
    warmup: int = 10,
    seconds: float = 60.0,
    turn: Turn = USUAL,
) -> list[list[list[float]]]:
    """Warms up all models, then lets them take turns; returns seconds by model, round and run."""
    with collector_off():
        paces = [seat.warm_up(warmup, turn) for seat in seats]
        return take_turns(seats, paces, rounds, seconds, time.perf_counter)


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
