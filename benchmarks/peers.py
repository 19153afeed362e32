"""Asking a process of another environment, a line of JSON at a time."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

_SCRIPTS = Path(__file__).resolve().parent / "torch_side"


class TorchSide:
    """A process with Torch-Pruning that works when asked, so that both sides take turns."""

    def __init__(self, python: str, script: str, threads: int | None = None) -> None:
        environment = {**os.environ, **({"OMP_NUM_THREADS": str(threads)} if threads else {})}
        self._process = subprocess.Popen(
            [python, str(_SCRIPTS / script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def __enter__(self) -> "TorchSide":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def ask(self, **request: Any) -> dict[str, Any]:
        """Sends one request and waits for its answer."""
        return self.say(json.dumps(request))

    def say(self, line: str) -> dict[str, Any]:
        """Sends one line and waits for the answer."""
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the torch side has no pipes")
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the torch side ended with exit code {self._process.wait()}")
        return json.loads(answer)
