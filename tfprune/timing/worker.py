"""A process that runs models for another: `python -m tfprune.timing.worker`.

It reads requests from its standard input, a JSON object a line, and answers each with one on what
was its standard output; what libraries print goes to the standard error stream meanwhile. It lives
until its input ends.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from tfprune.errors import DataError, TfpruneError
from tfprune.timing.runtimes.choice import named
from tfprune.timing.turns import Here, Pace, Turn, collector_off

STATUS = Path("/proc/self/status")


class Server:
    """The models that this process has loaded, and what can be asked of them."""

    def __init__(self) -> None:
        self._sessions: dict[int, Any] = {}

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Does what a request says; its other keys are the arguments."""
        arguments = {key: value for key, value in request.items() if key != "do"}
        done: dict[str, Any] = getattr(self, f"do_{request['do']}")(**arguments)
        return done

    def do_open(self, runtime: str, path: str, threads: int, batch: int) -> dict[str, Any]:
        """Loads a model and gives it a number."""
        chosen = named(runtime)
        chosen.prepare()
        number = len(self._sessions)
        session = self._sessions[number] = chosen.load(path, threads, batch)
        return {"number": number, "place": getattr(session, "place", chosen.name)}

    def do_close(self, number: int) -> dict[str, Any]:
        """Lets a model go; its number is not used again."""
        self._sessions[number] = None
        return {}

    def do_warm_up(self, number: int, count: int, turn: Mapping[str, Any]) -> dict[str, Any]:
        """Warms a model up and returns its pace."""
        with collector_off():
            return vars(Here(self._sessions[number]).warm_up(count, Turn(**turn)))

    def do_play(self, number: int, pace: Mapping[str, int]) -> dict[str, Any]:
        """Takes a turn."""
        with collector_off():
            return {"times": Here(self._sessions[number]).play(Pace(**pace))}

    def do_joules(self, number: int, seconds: float) -> dict[str, Any]:
        """Measures the energy of an inference, in a process that may see other devices."""
        return {"joules": Here(self._sessions[number]).joules(seconds)}

    def do_macs(self, runtime: str, path: str) -> dict[str, Any]:
        """Counts multiply-accumulates where only the runtime's libraries can."""
        return {"macs": named(runtime).macs(path)}

    def do_cold(self, runtime: str, path: str, threads: int) -> dict[str, Any]:
        """Loads and runs a model three times, in a process that has done nothing before."""
        chosen = named(runtime)
        # The runtime's own weight is no model's: it is loaded before the first reading.
        chosen.prepare()
        before = resident("VmRSS")
        session: Any = chosen.load(path, threads, 1)
        for _ in range(2):
            session.run()
        peak = resident("VmHWM")
        on_device = getattr(session, "device_memory", None)
        return {
            "load_ms": 1e3 * session.load_seconds,
            "first_ms": 1e3 * session.first_seconds,
            "peak_memory_bytes": None if None in (before, peak) else max(peak - before, 0),
            "device_memory_bytes": on_device() if on_device else None,
        }


def resident(field: str) -> Any:
    """Returns bytes of this process's memory, `None` on a system other than Linux."""
    # resource.getrusage's ru_maxrss survives exec on Linux: a child of a process that holds a
    # gigabyte would report that gigabyte. The kernel's figures here begin anew with the program.
    if not STATUS.exists():
        return None
    for line in STATUS.read_text(encoding="ascii").splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    return None


def serve(requests: IO[str], answers: IO[str]) -> None:
    """Answers requests until there are no more."""
    server = Server()
    for line in requests:
        try:
            done = server.answer(json.loads(line))
        except TfpruneError as error:
            done = {"error": type(error).__name__, "message": str(error)}
        # A model may make its runtime raise anything: the process goes on for the others.
        except Exception as error:  # noqa: BLE001
            reason = " ".join(str(error).split())[:300]
            done = {"error": DataError.__name__, "message": f"{type(error).__name__}: {reason}"}
        answers.write(json.dumps(done) + "\n")
        answers.flush()


def main() -> None:
    """Serves, with the standard output kept for answers."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    serve(sys.stdin, answers)


if __name__ == "__main__":
    main()
