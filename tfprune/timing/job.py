"""What is asked of a timing run."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tfprune.errors import DataError


@dataclass(frozen=True)
class Job:
    """How models are timed; what each number means stands at `tfprune.benchmark`."""

    threads: int = 1
    runs: int = 50
    warmup: int = 10
    seconds: float = 60.0
    memory: bool = True
    starts: int = 1
    batches: tuple[int, ...] = (1,)
    cores: tuple[int, ...] = ()
    energy: bool = True

    def __post_init__(self) -> None:
        for name, least in (("threads", 1), ("runs", 1), ("warmup", 0), ("starts", 1)):
            _check_whole(name, getattr(self, name), least)
        if not self.seconds > 0:
            raise DataError(f"expected seconds to be more than 0, received {self.seconds!r}")
        if not self.batches or len(set(self.batches)) < len(self.batches):
            raise DataError(f"expected batches to be different sizes, received {self.batches!r}")
        for size in self.batches:
            _check_whole("every batch", size, 1)
        for core in self.cores:
            _check_whole("every core", core, 0)

    def as_dict(self) -> dict[str, Any]:
        """Returns what JSON can hold of the job."""
        return asdict(self)

    @staticmethod
    def from_dict(given: Mapping[str, Any]) -> "Job":
        """Returns the job that `as_dict` was made of."""
        lists = {name: tuple(given[name]) for name in ("batches", "cores")}
        return Job(**{**given, **lists})


def _check_whole(name: str, value: object, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise DataError(f"expected {name} to be a whole number from {least} up, received {value!r}")
