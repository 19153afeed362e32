"""Programs run for a device, their output caught."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from tfprune.errors import DeviceError


@dataclass(frozen=True)
class Ran:
    """What a program left: its exit code, and what it wrote."""

    code: int
    out: str
    err: str


def run(command: Sequence[str]) -> Ran:
    """Runs a program with no standard input.

    Raises:
        DeviceError: it cannot be started.
    """
    try:
        done = subprocess.run(
            list(command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise DeviceError(f"cannot run {command[0]}: {error.strerror}") from error
    return Ran(done.returncode, done.stdout, done.stderr)
