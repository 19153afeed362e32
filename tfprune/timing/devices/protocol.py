"""What a device is, to those who time models on it."""

from collections.abc import Sequence
from typing import Protocol

from tfprune.timing.gather import Entry
from tfprune.timing.job import Job
from tfprune.timing.raw import RawRun


class Device(Protocol):
    """Runs models somewhere."""

    @property
    def name(self) -> str:
        """Its name: "here", or an address."""

    def check(self, entries: Sequence[Entry]) -> None:
        """Raises where the models cannot run there; before anything is copied."""

    def run(self, entries: Sequence[Entry], job: Job) -> RawRun:
        """Times the models there and brings the timings home."""
