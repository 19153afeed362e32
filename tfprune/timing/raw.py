"""What a timing run brings home, before it is summed up: plain values that JSON can hold."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from tfprune.errors import DataError
from tfprune.timing.conditions import Conditions
from tfprune.timing.machine import Machine


@dataclass(frozen=True)
class Cold:
    """A model in a process of its own, from nothing to its first answer.

    Attributes:
        load_ms: milliseconds to load the model, after the imports, its file in the system's cache.
        first_ms: milliseconds of the first inference.
        peak_memory_bytes: what the model adds to the process, or `None` where not known.
        device_memory_bytes: the most it took of a GPU's memory, or `None` where there is none.
    """

    load_ms: float | None
    first_ms: float | None
    peak_memory_bytes: int | None
    device_memory_bytes: int | None = None


@dataclass(frozen=True)
class RawModel:
    """One model's timings.

    Attributes:
        place: what ran it, versions included.
        turns: by batch size, the seconds of each run, round by round.
        refused: why the model did not run at some batch size.
        cold: the first inference in a fresh process, or `None` where not measured.
        joules: of one inference at the first batch size, or `None` where not measured.
        macs: multiply-accumulates of one inference at batch 1, or `None` where not counted.
    """

    place: str
    turns: Mapping[int, list[list[float]]]
    refused: Mapping[int, str] = field(default_factory=dict)
    cold: Cold | None = None
    joules: float | None = None
    macs: int | None = None


@dataclass(frozen=True)
class RawRun:
    """All models' timings, and what the machine was and did."""

    models: tuple[RawModel, ...]
    machine: Machine
    before: Conditions
    after: Conditions

    def as_dict(self) -> dict[str, Any]:
        """Returns what JSON can hold of the run."""
        return asdict(self)

    @staticmethod
    def from_dict(given: Mapping[str, Any]) -> "RawRun":
        """Returns the run that `as_dict` was made of, after its way through JSON.

        Raises:
            DataError: something is missing or of the wrong kind.
        """
        try:
            return RawRun(
                models=tuple(_model(one) for one in given["models"]),
                machine=Machine(**{**given["machine"], "flags": tuple(given["machine"]["flags"])}),
                before=Conditions(**given["before"]),
                after=Conditions(**given["after"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"the device's answer is not of this version: {error!r}") from error


def _model(given: Mapping[str, Any]) -> RawModel:
    return RawModel(
        place=given["place"],
        turns={int(size): turns for size, turns in given["turns"].items()},
        refused={int(size): why for size, why in given["refused"].items()},
        cold=Cold(**given["cold"]) if given["cold"] else None,
        joules=given["joules"],
        macs=given["macs"],
    )
