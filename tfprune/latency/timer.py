"""What times layers, networks and models on a runtime."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from tfprune.errors import PlanError
from tfprune.latency.layers import Network
from tfprune.latency.network_file import network_file
from tfprune.timing.machine import describe
from tfprune.timing.runtimes import LiteRT, Runtime, Session
from tfprune.timing.statistics import summarize
from tfprune.timing.turns import Here, Turn, timed

_ROUNDS = 7
_LONG_ROUNDS = 20
_LONG_SECONDS = 3.0
# A layer of microseconds is told from its neighbour by a few milliseconds of runs.
_SHORT = Turn(seconds=0.004, settle=0.002, most=2000)
_LONG = Turn(seconds=0.05, settle=0.02, most=2000)

RUNTIMES = {"litert": LiteRT}


class Timer(Protocol):
    """Times what a latency table asks for.

    Attributes:
        place: what the times hold for: the runtime, its version, the machine, the threads.
    """

    place: str

    def layers(self, networks: Sequence[Network]) -> list[float]:
        """The milliseconds of each of some short networks, of one layer as a rule."""

    def network(self, network: Network) -> float:
        """The milliseconds of a long network."""

    def beside(self, model: Any, network: Network) -> tuple[float, float]:
        """The milliseconds of a Keras model and of a network, timed in turns."""


class RuntimeTimer:
    """Times on a runtime of this machine, in turns, with settling before each turn.

    The time of a model is the median of its calmest turn: other programs make a machine slower,
    never faster.
    """

    def __init__(self, runtime: Runtime, threads: int) -> None:
        """Takes the runtime and the threads that it may use."""
        self._runtime = runtime
        self._threads = threads
        machine = describe()
        self.place = (
            f"{runtime.name} {machine.litert}, {machine.processor}, {machine.cores} cores, "
            f"{machine.system}, {threads} {'thread' if threads == 1 else 'threads'}, float32"
        )

    def layers(self, networks: Sequence[Network]) -> list[float]:
        """The milliseconds of each of some short networks."""
        with tempfile.TemporaryDirectory(prefix="tfprune-") as folder:
            files = [Path(folder) / f"{number}.tflite" for number in range(len(networks))]
            sessions = [self._session(*pair) for pair in zip(networks, files, strict=True)]
            return [min(medians) for medians in _medians(sessions, _ROUNDS, _SHORT)]

    def network(self, network: Network) -> float:
        """The milliseconds of a long network."""
        with tempfile.TemporaryDirectory(prefix="tfprune-") as folder:
            session = self._session(network, Path(folder) / "network.tflite")
            return min(_medians([session], _LONG_ROUNDS, _LONG)[0])

    def beside(self, model: Any, network: Network) -> tuple[float, float]:
        """The milliseconds of a Keras model, converted to float32, and of a network."""
        from tfprune.convert.samples import draw
        from tfprune.convert.tflite import to_tflite

        with tempfile.TemporaryDirectory(prefix="tfprune-") as folder:
            path = Path(folder) / "model.tflite"
            sample = draw(model, 1, seed=0)[0]
            # Latency is asked for, not answers: those of an untrained net may differ by much.
            to_tflite(model, path, samples=[sample], tolerance=float("inf"))
            session = self._runtime.load(path, self._threads)
            sessions = [session, self._session(network, Path(folder) / "network.tflite")]
            first, second = _medians(sessions, _LONG_ROUNDS, _LONG)
        # What slows the machine down for a round hits both of it alike.
        return min(first), min(first) / float(np.median(np.divide(first, second)))

    def _session(self, network: Network, path: Path) -> Session:
        path.write_bytes(network_file(network))
        return self._runtime.load(path, self._threads)


def runtime_timer(runtime: str | Runtime, threads: int) -> RuntimeTimer:
    """The timer of a runtime, by its name or itself.

    Raises:
        PlanError: there is no such runtime, or the number of threads makes no sense.
    """
    if isinstance(runtime, str):
        if runtime not in RUNTIMES:
            raise PlanError(f"expected runtime {', '.join(RUNTIMES)}, received {runtime!r}")
        runtime = RUNTIMES[runtime]()
    if not isinstance(threads, int) or isinstance(threads, bool) or threads < 1:
        raise PlanError(f"expected threads to be a whole number from 1 up, received {threads!r}")
    return RuntimeTimer(runtime, threads)


def _medians(sessions: Sequence[Session], rounds: int, turn: Turn) -> list[list[float]]:
    """Of each session the median of each turn, milliseconds."""
    seats = [Here(session) for session in sessions]
    turns = timed(seats, rounds, seconds=_LONG_SECONDS, turn=turn)
    return [[1e3 * summarize(runs).median for runs in own] for own in turns]
