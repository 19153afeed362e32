"""Peak memory of a model, measured in a process of its own.

`python -m tfprune.timing.memory FILE THREADS` loads nothing but numpy and LiteRT, notes how much
memory that takes, runs the model and prints, as JSON, how far the peak rose above it.
"""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import tfprune
from tfprune.errors import DataError
from tfprune.timing.runtimes import LiteRT

_STATUS = Path("/proc/self/status")


def peak_memory(path: str | os.PathLike[str], threads: int = 1) -> int | None:
    """Returns the bytes that loading and running a `.tflite` file adds to a fresh process.

    The peak of resident memory while the model is loaded and run three times, less what was
    resident after the imports: weights (read from the mapped file or packed anew), activations
    and LiteRT's own working memory.

    Args:
        path: a `.tflite` file.
        threads: that LiteRT uses. Defaults to 1.

    Returns:
        Bytes, or `None` on a system that does not tell (other than Linux).

    Raises:
        DataError: the process failed.
    """
    if not _STATUS.exists():
        return None
    home = str(Path(tfprune.__path__[0]).parent)
    environment = dict(os.environ)
    environment["PYTHONPATH"] = os.pathsep.join(
        part for part in (home, environment.get("PYTHONPATH")) if part
    )
    process = subprocess.run(
        [sys.executable, "-m", "tfprune.timing.memory", os.fspath(path), str(threads)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    if process.returncode:
        reason = (process.stderr.strip().splitlines() or [f"exit code {process.returncode}"])[-1]
        raise DataError(f"cannot measure the memory of {path}: {reason}")
    return int(json.loads(process.stdout)["added"])


def measure_here(path: str, threads: int) -> int:
    """Returns the bytes that the model adds to this process, which must be a fresh one."""
    # The runtime's own weight is no model's: it is loaded before the first reading.
    importlib.import_module("ai_edge_litert.interpreter")
    before = _status("VmRSS")
    session = LiteRT().load(path, threads)
    for _ in range(3):
        session.run()
    return max(_status("VmHWM") - before, 0)


def _status(field: str) -> int:
    # resource.getrusage's ru_maxrss survives exec on Linux: a child of a process that holds a
    # gigabyte would report that gigabyte. The kernel's figures here begin anew with the program.
    for line in _STATUS.read_text(encoding="ascii").splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise DataError(f"{_STATUS} lacks {field}: this kernel does not tell memory")


if __name__ == "__main__":
    sys.stdout.write(json.dumps({"added": measure_here(sys.argv[1], int(sys.argv[2]))}))
