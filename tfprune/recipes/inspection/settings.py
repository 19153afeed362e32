"""What a study of the inspection recipe is asked to do."""

from dataclasses import asdict, dataclass
from typing import Any

from tfprune.errors import DataError

NETS = ("vgg16", "resnet18")
LIMIT = 0.03  # the paper's stop rule: three points


@dataclass(frozen=True)
class Settings:
    """All that the figures of a study depend on, beside the data.

    Attributes:
        nets: which to prune, of `NETS`.
        image_size: pixels along a side, at least 32.
        folds: of the cross-validation; photographs stay on one side.
        run_folds: how many of them are run; None for all.
        per_class: patches of each class, drawn at random; None for all.
        epochs: of the unpruned net.
        tune_epochs: of fine-tuning after each step: the first number in all folds, the others,
            to see what they change, in the first `tune_folds`.
        tune_folds: see there.
        speedup: how many times faster than unpruned, on LiteRT with one thread, a net of ours is
            to be at `image_size`, in the first `tune_folds` folds; None for no such net.
        step: filters that each step removes, 512 in the paper.
        rate: learning rate of the unpruned net.
        tune_rate: of fine-tuning.
        examples: training patches that filters are scored and repaired by.
        seed: of all chance.
    """

    nets: tuple[str, ...] = NETS
    image_size: int = 48
    folds: int = 5
    run_folds: int | None = None
    per_class: int | None = None
    epochs: int = 12
    tune_epochs: tuple[int, ...] = (1,)
    tune_folds: int = 1
    speedup: float | None = None
    step: int = 512
    rate: float = 2e-4
    tune_rate: float = 1e-4
    examples: int = 512
    seed: int = 0

    def __post_init__(self) -> None:
        unknown = sorted(set(self.nets) - set(NETS))
        if unknown or not self.nets or not self.tune_epochs:
            raise DataError(
                f"expected nets of {', '.join(NETS)} and at least one number of tune_epochs, "
                f"received {', '.join(unknown) or 'none'}"
            )
        if self.speedup is not None and self.speedup <= 1:
            raise DataError(f"expected a speedup above 1, received {self.speedup:g}")
        if self.run_folds is not None and self.run_folds > self.folds:
            raise DataError(f"expected at most {self.folds} folds to run, got {self.run_folds}")

    @property
    def numbers(self) -> range:
        """The folds that are run."""
        return range(self.folds if self.run_folds is None else self.run_folds)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)
