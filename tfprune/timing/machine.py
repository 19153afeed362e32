"""The machine a measurement was taken on."""

import os
import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_FLAGS = (
    *("sse4_2", "avx", "fma", "avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8"),
    *("asimd", "neon", "asimdhp", "asimddp", "i8mm", "bf16", "sve", "sme", "v"),
)
"""What kernels of neural networks ask a processor for."""

_GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")


@dataclass(frozen=True)
class Machine:
    """What a latency depends on besides the model.

    Attributes:
        processor: its model name.
        cores: how many this process may use.
        system: operating system and architecture.
        python: Python's version.
        litert: the version of ai-edge-litert, or "none".
        flags: which of the vector instructions that kernels use the processor has.
        governor: what sets the clock's frequency, or "" where the system does not tell.
        memory_bytes: of the machine, or `None`.
    """

    processor: str
    cores: int
    system: str
    python: str
    litert: str
    flags: tuple[str, ...] = ()
    governor: str = ""
    memory_bytes: int | None = None

    def __str__(self) -> str:
        return (
            f"{self.processor}, {self.cores} cores, {self.system}, Python {self.python}, "
            f"LiteRT {self.litert}"
        )

    def details(self) -> str:
        """Returns what `str` leaves out, in one line."""
        memory = f"{self.memory_bytes / 2**30:.0f} GiB" if self.memory_bytes else ""
        governor = f"governor {self.governor}" if self.governor else ""
        return ", ".join(filter(None, [" ".join(self.flags), memory, governor]))


def describe() -> Machine:
    """Returns the description of this machine.

    Example:
        >>> describe().cores >= 1
        True
    """
    facts = read("/proc/cpuinfo")
    return Machine(
        processor=processor_in(facts) or platform.processor() or platform.machine(),
        cores=_cores(),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        litert=_version("ai-edge-litert"),
        flags=flags_in(facts),
        governor=read(_GOVERNOR).strip(),
        memory_bytes=_memory(),
    )


def read(path: str | os.PathLike[str]) -> str:
    """Returns a text of the system, or "" where it has none such."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def processor_in(facts: str) -> str:
    """Returns the processor's name in the text of `/proc/cpuinfo`, or ""."""
    return next(iter(values_of(facts, "model name", "Model", "Hardware")), "")


def flags_in(facts: str) -> tuple[str, ...]:
    """Returns the vector instructions in the text of `/proc/cpuinfo`.

    Example:
        >>> flags_in("Features : fp asimd asimddp crc32")
        ('asimd', 'asimddp')
    """
    lines = values_of(facts, "flags", "Features", "isa")
    words = set(lines[0].split()) if lines else set()
    return tuple(flag for flag in _FLAGS if flag in words)


def values_of(facts: str, *keys: str) -> list[str]:
    """Returns what stands behind `keys` in a text of `key : value` lines."""
    pairs = (line.partition(":") for line in facts.splitlines())
    return [value.strip() for key, _, value in pairs if key.strip() in keys]


def _cores() -> int:
    # A container or taskset may leave the process fewer cores than the machine has.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
