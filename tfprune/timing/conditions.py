"""What else the machine did while models were timed, and whether it spoils the figures."""

import os
import statistics
import time
from dataclasses import dataclass

from tfprune.timing.machine import Machine, read, values_of

_DRIFT = 0.1
_OTHERS = 0.15
_STOLEN = 0.02


@dataclass(frozen=True)
class Conditions:
    """Counters of a moment; two of them tell what came between.

    Attributes:
        moment: seconds of a steady clock.
        cpus: processors of the machine, whether this process may use them or not.
        load: load average of the last minute, or `None` where the system does not tell.
        mhz: the clock's frequency, the median of the processors, or `None`.
        busy: seconds of work of all processors, or `None`.
        stolen: seconds that a virtual machine's host gave to others, or `None`.
        own: seconds of work of this process and of its ended children.
    """

    moment: float
    cpus: int
    load: float | None
    mhz: float | None
    busy: float | None
    stolen: float | None
    own: float


def observe() -> Conditions:
    """Returns the machine's counters of now.

    Example:
        >>> observe().cpus >= 1
        True
    """
    busy, stolen = _work()
    return Conditions(
        moment=time.monotonic(),
        cpus=os.cpu_count() or 1,
        load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        mhz=_frequency(),
        busy=busy,
        stolen=stolen,
        own=sum(os.times()[:4]),
    )


def disturbances(machine: Machine, before: Conditions, after: Conditions) -> tuple[str, ...]:
    """Returns what may have spoilt figures taken between two moments, a sentence each.

    Told are: more waiting programs than cores, other programs that took over 15 % of the
    machine, more than 2 % stolen by a virtual machine's host, a clock that drifted by over 10 %,
    and a governor that saves power.
    """
    found = []
    if before.load is not None and before.load > machine.cores:
        found.append(f"load average {before.load:.1f} on {machine.cores} cores before the run")
    for what, share, most in (
        ("other programs took", _others(before, after), _OTHERS),
        ("the host of this virtual machine took", _stolen(before, after), _STOLEN),
    ):
        if share is not None and share > most:
            found.append(f"{what} {share:.0%} of all cores' time during the run")
    if before.mhz and after.mhz and abs(after.mhz / before.mhz - 1) > _DRIFT:
        found.append(f"the clock went from {before.mhz:.0f} to {after.mhz:.0f} MHz")
    if machine.governor == "powersave":
        found.append("the governor is powersave: clocks follow the load, and lag behind it")
    return tuple(found)


def _others(before: Conditions, after: Conditions) -> float | None:
    if before.busy is None or after.busy is None or after.moment <= before.moment:
        return None
    theirs = (after.busy - before.busy) - (after.own - before.own)
    return max(theirs, 0.0) / (after.moment - before.moment) / after.cpus


def _stolen(before: Conditions, after: Conditions) -> float | None:
    if before.stolen is None or after.stolen is None or after.moment <= before.moment:
        return None
    return (after.stolen - before.stolen) / (after.moment - before.moment) / after.cpus


def _work() -> tuple[float | None, float | None]:
    words = read("/proc/stat").split("\n", 1)[0].split()
    if len(words) < 9 or words[0] != "cpu":
        return None, None
    # man 5 proc: user, nice, system, idle, iowait, irq, softirq, steal, in clock ticks.
    user, nice, system, _, _, irq, softirq, steal = (int(word) for word in words[1:9])
    tick = os.sysconf("SC_CLK_TCK")
    return (user + nice + system + irq + softirq) / tick, steal / tick


def _frequency() -> float | None:
    found = [float(value) for value in values_of(read("/proc/cpuinfo"), "cpu MHz")]
    if not found:
        folder = "/sys/devices/system/cpu/cpu{}/cpufreq/scaling_cur_freq"
        texts = [read(folder.format(number)) for number in range(os.cpu_count() or 1)]
        found = [int(text) / 1e3 for text in texts if text.strip().isdigit()]
    return statistics.median(found) if found else None
