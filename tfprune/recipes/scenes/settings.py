"""What a study of the recipe is asked to do."""

from dataclasses import asdict, dataclass
from typing import Any

from tfprune.errors import DataError

SECONDS = 10.0
SHARES = (0.75, 0.5, 0.25, 0.1)
"""Of the fine-tuning data, beside all and none of it."""

LAYERS = {
    "C1": ("conv1",),
    "C2": ("conv2",),
    "C3": ("conv3",),
    "C1+C2": ("conv1", "conv2"),
    "C2+C3": ("conv2", "conv3"),
    "C1+C2+C3": ("conv1", "conv2", "conv3"),
}


@dataclass(frozen=True)
class Settings:
    """All that the figures of a study depend on, beside the data.

    Attributes:
        seeds: repetitions, each with weights and an order of its own.
        rest_seeds: how many of them all other nets than the unpruned one and ours are made for;
            None for all.
        folds: official folds that are run; None for all.
        epochs: of the unpruned net.
        tune_epochs: of fine-tuning.
        rate: learning rate, at its peak, of all training.
        crop: frames of the part of a clip that a training step sees, a multiple of 5.
        validation: share of a fold's training clips kept for choices.
        file_folds: folds whose nets are turned into TFLite files, of the first seed.
        sample_rate: samples a second; None for that of most of the first clips.
    """

    seeds: int = 3
    rest_seeds: int | None = None
    folds: int | None = None
    epochs: int = 40
    tune_epochs: int = 12
    rate: float = 2e-3
    crop: int = 125
    validation: float = 0.15
    file_folds: int = 1
    sample_rate: int | None = None

    def __post_init__(self) -> None:
        counts = self.seeds, self.epochs, self.tune_epochs, self.crop
        if min(counts) < 1 or self.crop % 5 or not 0 < self.validation < 1 or self.rate <= 0:
            raise DataError(
                "expected counts of 1 or more, a crop that is a multiple of 5 frames, a validation "
                f"share in (0, 1) and a rate above 0, received {self}"
            )

        if not 1 <= self.repeated <= self.seeds:
            raise DataError(
                f"expected rest_seeds from 1 to seeds ({self.seeds}), received {self.rest_seeds}"
            )

    @property
    def repeated(self) -> int:
        """How many seeds the nets have that are neither unpruned nor ours."""
        return self.seeds if self.rest_seeds is None else self.rest_seeds

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)
