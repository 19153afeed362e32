"""The energy that work takes, and the carbon dioxide that comes of it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from tfprune._meters import Meter, find_meter
from tfprune.errors import PlanError

WATTS = 250.0
"""Of an RTX 2080 Ti: the power by which Singh and Plumbley counted (ICASSP 2023)."""

KG_PER_KWH = 0.432
KG_PER_MILE = 0.398
_JOULES_PER_KWH = 3.6e6


@dataclass(frozen=True)
class Energy:
    """What a piece of work took.

    Attributes:
        seconds: of wall time.
        joules: of energy.
        kg_co2: kilograms of carbon dioxide.
        miles: as many as a car goes for that.
        method: where the joules come from: which counters, or "250 W x seconds".
        measured: whether they were measured.
    """

    seconds: float
    joules: float
    kg_co2: float
    miles: float
    method: str
    measured: bool

    def as_dict(self) -> dict[str, Any]:
        """The figures as plain values, for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        kind = "measured" if self.measured else "estimated"
        return (
            f"{self.joules / _JOULES_PER_KWH:.3g} kWh {kind} ({self.method}) in "
            f"{self.seconds:.0f} s: {self.kg_co2:.3g} kg of CO2, {self.miles:.3g} miles by car"
        )


class Account:
    """Where `accounted` leaves what the work took.

    Attributes:
        energy: known once the work is done.
    """

    energy: Energy | None = None


@contextmanager
def accounted(
    watts: float = WATTS, kg_per_kwh: float = KG_PER_KWH, meter: Meter | None = None
) -> Iterator[Account]:
    """Accounts for the energy of what runs inside.

    Measured where the machine can: by the counters of processors (RAPL), GPUs (NVML) and systems
    on a chip that the package zeus reads, if it is installed. Where there are none the power that
    was given times the time, as the authors of the acoustic-scene nets counted theirs: 250 W for
    48 hours are 12 kWh, 5.18 kg and 13 miles by car.

    Args:
        watts: what the machine takes at work, where it cannot be measured. Defaults to `250.0`.
        kg_per_kwh: kilograms of carbon dioxide for a kilowatt hour. Defaults to `0.432`.
        meter: counts joules. Defaults to `None`: zeus, if it is installed.

    Yields:
        An `Account`; its `energy` is there when the work is done, or has failed.

    Raises:
        PlanError: a number is not above 0.

    Example:
        >>> from tfprune.training import accounted
        >>> with accounted(watts=65) as account:
        ...     total = sum(range(1000))
        >>> account.energy.kg_co2 > 0
        True
    """
    for name, value in (("watts", watts), ("kg_per_kwh", kg_per_kwh)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise PlanError(f"expected {name} above 0, received {value!r}")
    meter = meter or find_meter()
    account = Account()
    if meter:
        meter.begin()
    begun = time.perf_counter()
    try:
        yield account
    finally:
        seconds = time.perf_counter() - begun
        account.energy = energy_of(seconds, meter.end() if meter else {}, watts, kg_per_kwh)


def energy_of(
    seconds: float,
    counted: dict[str, float],
    watts: float = WATTS,
    kg_per_kwh: float = KG_PER_KWH,
) -> Energy:
    """The account of so many seconds.

    Args:
        seconds: of wall time.
        counted: joules by counter; empty where none were measured.
        watts, kg_per_kwh: as in `accounted`.

    Example:
        >>> round(energy_of(48 * 3600, {}).miles, 2)  # the published 48 hours
        13.03
    """
    joules = sum(counted.values()) if counted else watts * seconds
    kg = joules / _JOULES_PER_KWH * kg_per_kwh
    return Energy(
        seconds=seconds,
        joules=joules,
        kg_co2=kg,
        miles=kg / KG_PER_MILE,
        method=", ".join(sorted(counted)) if counted else f"{watts:g} W x seconds",
        measured=bool(counted),
    )
