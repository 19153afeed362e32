"""This machine."""

from collections.abc import Sequence
from dataclasses import dataclass

from tfprune.timing.gather import Entry, gather
from tfprune.timing.job import Job
from tfprune.timing.raw import RawRun


@dataclass(frozen=True)
class ThisMachine:
    """Runs models here, with any runtime."""

    name: str = "here"

    def check(self, entries: Sequence[Entry]) -> None:
        """Everything that loads here runs here."""

    def run(self, entries: Sequence[Entry], job: Job) -> RawRun:
        """Times the models."""
        return gather(entries, job)
