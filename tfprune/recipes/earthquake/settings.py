"""What a study of the recipe is asked to do."""

from dataclasses import asdict, dataclass
from typing import Any

from tfprune.datasets.spectrogram import Components
from tfprune.recipes.earthquake.training import Training

RATIO = 0.9  # the paper's
Range = tuple[float, float]


@dataclass(frozen=True)
class Settings:
    """All that the figures of a study depend on, beside the data.

    Attributes:
        seeds: repetitions, each with stations of its own to test on.
        image_size: pixels along a side.
        components: `"Z"`, grey images of the vertical; `"ENZ"`, all three as red, green, blue.
        group_by: the column of which no value is on both sides of a split: `"receiver_code"` for
            other stations, `"source_id"` for other earthquakes.
        magnitude: least and most of the earthquakes taken; None for any.
        distance: the same in kilometres from source to station.
        snr: the same in decibels, by the column `snr_db`.
        per_class: windows of each class, drawn at random; None for all, as many of each where
            they are more than fit in memory.
        epochs: of the unpruned net.
        retrain_epochs: of every other net.
        rate: learning rate of the unpruned net.
        retrain_rate: of every other net.
        frontier: shares removed beyond the paper's.
    """

    seeds: int = 5
    image_size: int = 96
    components: Components = "Z"
    group_by: str = "receiver_code"
    magnitude: Range | None = None
    distance: Range | None = None
    snr: Range | None = None
    per_class: int | None = None
    epochs: int = 8
    retrain_epochs: int = 30
    rate: float = 2e-4
    retrain_rate: float = 1e-3
    frontier: tuple[float, ...] = (0.95, 0.975, 0.99)

    @property
    def ranges(self) -> dict[str, Range]:
        """The ranges asked for, by STEAD's columns."""
        named = {
            "source_magnitude": self.magnitude,
            "source_distance_km": self.distance,
            "snr_db": self.snr,
        }
        return {column: limits for column, limits in named.items() if limits is not None}

    @property
    def training(self) -> Training:
        """How the unpruned net is trained."""
        return Training(self.epochs, self.rate)

    @property
    def retraining(self) -> Training:
        """How every other net is trained."""
        return Training(self.retrain_epochs, self.retrain_rate)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)
