"""Processes that run models for this one: started, asked, and ended."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any

import tfprune
from tfprune import errors
from tfprune.errors import DataError, TfpruneError
from tfprune.timing.runtimes.protocol import BuiltIn, Host
from tfprune.timing.turns import Pace, Turn


class Worker:
    """One process of `tfprune.timing.worker`."""

    def __init__(self, host: Host) -> None:
        """Starts it; what is printed there is kept for the message, should it die.

        Raises:
            DataError: there is no such Python.
        """
        home = os.path.dirname(tfprune.__path__[0])
        environment = {**os.environ, **dict(host.environment)}
        environment["PYTHONPATH"] = os.pathsep.join(
            part for part in (home, environment.get("PYTHONPATH")) if part
        )
        self._log = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        try:
            self._process = subprocess.Popen(
                [host.python or sys.executable, "-m", "tfprune.timing.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                text=True,
                encoding="utf-8",
                env=environment,
            )
        except OSError as error:
            self._log.close()
            raise DataError(f"cannot start {host.python}: {error.strerror}") from error

    def ask(self, do: str, **arguments: Any) -> Mapping[str, Any]:
        """Sends a request and returns the answer.

        Raises:
            TfpruneError: of the class that was raised there; `DataError` where the process died.
        """
        requests, answers = self._process.stdin, self._process.stdout
        if requests is None or answers is None:
            raise DataError("the process that runs models was started without its streams")
        with suppress(BrokenPipeError):
            requests.write(json.dumps({"do": do, **arguments}) + "\n")
            requests.flush()
        line = answers.readline()
        if not line:
            raise DataError(self._obituary(arguments.get("path", "a model")))
        done: Mapping[str, Any] = json.loads(line)
        if "error" in done:
            raise again(done["error"], done["message"])
        return done

    def close(self) -> None:
        """Ends the process."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def _obituary(self, what: str) -> str:
        code = self._process.wait()
        self._log.seek(0)
        told = [line.strip() for line in self._log.read().splitlines() if line.strip()]
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        last = f": {told[-1][:300]}" if told and code >= 0 else ""
        return f"the process that ran {what} ended with {how}{last}"


def again(name: str, message: str) -> TfpruneError:
    """Returns an error of the class that was raised in another process."""
    found = getattr(errors, name, DataError)
    known = isinstance(found, type) and issubclass(found, TfpruneError)
    return found(message) if known else DataError(message)


class Workers:
    """Worker processes by what they are for: models of one runtime share one."""

    def __init__(self) -> None:
        self._found: dict[object, Worker] = {}

    def __enter__(self) -> "Workers":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for worker in self._found.values():
            worker.close()

    def of(self, runtime: BuiltIn, threads: int) -> Worker:
        """Returns the process for a runtime's models, started where there is none yet."""
        host = runtime.host(threads)
        key = (runtime.spec, host)
        if key not in self._found:
            self._found[key] = Worker(host)
        return self._found[key]


class Away:
    """A model in another process, at the table where turns are taken."""

    def __init__(self, worker: Worker, runtime: str, path: str, threads: int, batch: int) -> None:
        """Loads the model there."""
        asked = {"runtime": runtime, "path": path, "threads": threads, "batch": batch}
        told = worker.ask("open", **asked)
        self._number = told["number"]
        self._ask: Callable[..., Mapping[str, Any]] = worker.ask
        self.place = str(told["place"])

    def warm_up(self, count: int, turn: Turn) -> Pace:
        """Warms the model up."""
        told = self._ask("warm_up", number=self._number, count=count, turn=vars(turn))
        return Pace(**told)

    def play(self, pace: Pace) -> list[float]:
        """Takes a turn."""
        return list(self._ask("play", number=self._number, pace=vars(pace))["times"])

    def joules(self, seconds: float) -> float | None:
        """Returns the energy of one inference, `None` where nothing counts it."""
        told: float | None = self._ask("joules", number=self._number, seconds=seconds)["joules"]
        return told

    def close(self) -> None:
        """Lets the model go."""
        self._ask("close", number=self._number)
