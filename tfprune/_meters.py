"""Counters of energy that a machine may have."""

from typing import Any, Protocol


class Meter(Protocol):
    """Counts joules between two moments."""

    def begin(self) -> None:
        """Begins to count."""

    def end(self) -> dict[str, float]:
        """The joules since then, by counter; empty where the machine has none."""


def find_meter() -> Meter | None:
    """Returns zeus's counters, or `None` where zeus is not installed."""
    try:
        from zeus.monitor import ZeusMonitor
    except ImportError:
        return None
    return Zeus(ZeusMonitor())


class Zeus:
    """The counters that the package zeus finds on this machine."""

    def __init__(self, monitor: Any) -> None:
        self._monitor = monitor

    def begin(self) -> None:
        """Opens a window."""
        self._monitor.begin_window("tfprune")

    def end(self) -> dict[str, float]:
        """Closes it; what there is no counter for is missing."""
        found = self._monitor.end_window("tfprune")
        kinds = {"GPU": found.gpu_energy, "CPU": found.cpu_energy, "DRAM": found.dram_energy}
        return {
            f"{kind} {index}": float(joules)
            for kind, by_index in kinds.items()
            for index, joules in (by_index or {}).items()
        }
