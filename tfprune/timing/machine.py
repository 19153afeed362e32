"""The machine a measurement was taken on."""

import os
import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


@dataclass(frozen=True)
class Machine:
    """What a latency depends on besides the model.

    Attributes:
        processor: its model name.
        cores: how many this process may use.
        system: operating system and architecture.
        python: Python's version.
        litert: the version of ai-edge-litert, or "none".
    """

    processor: str
    cores: int
    system: str
    python: str
    litert: str

    def __str__(self) -> str:
        return (
            f"{self.processor}, {self.cores} cores, {self.system}, Python {self.python}, "
            f"LiteRT {self.litert}"
        )


def describe() -> Machine:
    """Returns the description of this machine.

    Example:
        >>> describe().cores >= 1
        True
    """
    return Machine(
        processor=_processor(),
        cores=_cores(),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        litert=_version("ai-edge-litert"),
    )


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() in ("model name", "Model", "Hardware"):
                return value.strip()
    return platform.processor() or platform.machine()


def _cores() -> int:
    # A container or taskset may leave the process fewer cores than the machine has.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
