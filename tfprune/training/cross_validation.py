"""Prunes and fine-tunes on several divisions of the data: what is luck, and what is not."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, stdev
from typing import Any

from absl import logging

from tfprune._files import write_text
from tfprune.criteria import Criterion
from tfprune.errors import PlanError
from tfprune.training.checkpoint import make_folder
from tfprune.training.fold_training import FoldJob, Train, check_training, part_of, trained
from tfprune.training.folds import make_folds
from tfprune.training.history import Iteration
from tfprune.training.iterate import iterate
from tfprune.training.seeding import seed_of

FORMAT = "tfprune.cross_validation/1"


@dataclass(frozen=True)
class FoldResult:
    """What became of one fold.

    Attributes:
        train: how many examples were trained on.
        test: how many were held out.
        history: the steps, from the unpruned model on.
        reason: why the run ended.
    """

    train: int
    test: int
    history: tuple[Iteration, ...]
    reason: str


@dataclass(frozen=True)
class Row:
    """One step over all folds; sd is that of a sample (n - 1), None of a single fold.

    Attributes:
        step: its number, 0 for the unpruned models.
        ratio: mean share of prunable filters and units that is gone.
        before_mean: of the monitored metric before fine-tuning.
        before_sd: likewise.
        after_mean: of the monitored metric after it.
        after_sd: likewise.
        macs: mean multiply-accumulates.
        folds: how many folds went so far.
    """

    step: int
    ratio: float
    before_mean: float
    before_sd: float | None
    after_mean: float
    after_sd: float | None
    macs: float
    folds: int


@dataclass(frozen=True)
class CrossValidation:
    """What `tfprune.cross_validate` found; print it for the table.

    Attributes:
        rows: one a step.
        folds: one a fold.
        monitor: the metric.
        seed: of all chance.
    """

    rows: tuple[Row, ...]
    folds: tuple[FoldResult, ...]
    monitor: str
    seed: int

    def as_dict(self) -> dict[str, Any]:
        """The result as plain values, for JSON."""
        return {"format": FORMAT, **asdict(self)}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the result as JSON, whole or not at all.

        Raises:
            FileError: the file cannot be written.
        """
        write_text(path, json.dumps(self.as_dict(), indent=1) + "\n")

    def __str__(self) -> str:
        from tfprune.report.tables import render

        head = ["step", "removed", f"{self.monitor} before", "sd", "after", "sd", "MACs", "folds"]
        body = [
            [
                str(row.step),
                f"{row.ratio:.1%}",
                f"{row.before_mean:.4f}",
                "" if row.before_sd is None else f"{row.before_sd:.4f}",
                f"{row.after_mean:.4f}",
                "" if row.after_sd is None else f"{row.after_sd:.4f}",
                f"{row.macs:,.0f}",
                str(row.folds),
            ]
            for row in self.rows
        ]
        return render(head, body)


def cross_validate(
    build: Callable[[], Any],
    data: Any,
    criterion: str | Criterion = "taylor",
    *,
    splitter: Any = 5,
    groups: Any = None,
    strata: Any = None,
    train_epochs: int = 10,
    train: Train | None = None,
    max_drop: float | None = None,
    seed: int = 0,
    checkpoint_dir: str | os.PathLike[str] | None = None,
    **settings: Any,
) -> CrossValidation:
    """Trains, prunes and fine-tunes a new model on each fold, and tells mean and deviation.

    Each fold builds a model, trains it, and hands it to `tfprune.iterate` with the held-out part
    as validation data, fine-tuned by the optimizer as `build` made it. Nothing is chosen by the
    held-out part but where a run ends, and by default (`max_drop=None`) not even that.

    With `checkpoint_dir` each trained model and each step is kept; a run that was killed goes on
    when it is called again in the same way, to the same result.

    Seeds Python, numpy and Keras, and clears Keras's global state (`keras.utils.clear_session`)
    before each model, so that layers get the same names in each.

    Args:
        build: returns a new model, built and compiled with a loss and metrics.
        data: (x, y) or (x, y, sample_weight) arrays; or a function from the numbers of examples,
            (n,), to data as `tfprune.iterate` takes them, such as a `tf.data.Dataset`.
        criterion: as in `tfprune.plan`. Defaults to `"taylor"`.
        splitter: a number of folds, made by scikit-learn, shuffled by `seed`: GroupKFold or
            StratifiedGroupKFold with `groups`, StratifiedKFold without, KFold where labels are not
            classes. Or an object with `split(X, y, groups)`. Defaults to `5`.
        groups: (n,) what must not be on both sides of a fold: stations, buildings, patients.
            Defaults to `None`.
        strata: (n,) what each fold is to have in equal shares. Defaults to `None`, the classes,
            where `data` are arrays.
        train_epochs: of the training before pruning. Defaults to `10`.
        train: trains in another way: a function of the model, the training data and the held-out
            data. Defaults to `None`: `fit` with `fit_options`.
        max_drop: as in `tfprune.iterate`, but that it is not set unless told.
        seed: of all chance. Defaults to `0`.
        checkpoint_dir: a folder to keep folds in and to go on from. Defaults to `None`.
        **settings: every other argument of `tfprune.iterate` (`step`, `target`, `epochs`...).

    Returns:
        The `CrossValidation`: `.rows`, `.folds`; print it for a table.

    Raises:
        ModelError, PlanError, DataError, FileError: as `tfprune.iterate`; a fold that shares
            examples or groups between its sides; a `build` that makes other models each time.
        MissingExtraError: a number of folds was given, and scikit-learn is missing.

    Example:
        >>> import keras, numpy as np
        >>> from tfprune.training import cross_validate
        >>> def build():
        ...     layers = [keras.Input((4,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(1)]
        ...     model = keras.Sequential(layers)
        ...     model.compile("adam", "mse")
        ...     return model
        >>> x = np.random.default_rng(0).normal(size=(12, 4)).astype("float32")
        >>> class Halves:
        ...     def split(self, x, y=None, groups=None):
        ...         yield np.arange(6), np.arange(6, 12)
        ...         yield np.arange(6, 12), np.arange(6)
        >>> settings = {"step": 4, "target": 0.5, "monitor": "loss", "train_epochs": 1}
        >>> found = cross_validate(build, (x, x[:, :1]), splitter=Halves(), **settings)
        >>> [(row.ratio, row.folds) for row in found.rows]
        [(0.0, 2), (0.5, 2)]
    """
    check_training(build, train_epochs)
    _check_settings(settings)
    folds = make_folds(data, splitter, groups, strata, seed)
    folder = None if checkpoint_dir is None else make_folder(checkpoint_dir)
    results = []
    for number, fold in enumerate(folds):
        place = None if folder is None else make_folder(folder / f"fold-{number:02}")
        job = FoldJob(build, data, fold, number, train_epochs, train, seed, place, settings)
        model = trained(job)
        found = iterate(
            model,
            part_of(data, fold.train),
            part_of(data, fold.test),
            criterion,
            max_drop=max_drop,
            seed=seed_of(seed, number),
            checkpoint_dir=place,
            **settings,
        )
        results.append(FoldResult(len(fold.train), len(fold.test), found.history, found.reason))
        logging.info("fold %d of %d: %s", number + 1, len(folds), found.reason)
    monitor = settings.get("monitor", "accuracy")
    return CrossValidation(_rows(results), tuple(results), monitor, seed)


def _check_settings(settings: Mapping[str, Any]) -> None:
    if settings.get("step") is None and settings.get("step_macs") is None:
        raise PlanError("expected step or step_macs, received neither: see tfprune.iterate")


def _rows(folds: Sequence[FoldResult]) -> tuple[Row, ...]:
    last = max(one.step for fold in folds for one in fold.history)
    return tuple(
        _row(step, [one for fold in folds for one in fold.history if one.step == step])
        for step in range(last + 1)
    )


def _row(step: int, found: Sequence[Iteration]) -> Row:
    before, after = [one.before for one in found], [one.after for one in found]
    return Row(
        step=step,
        ratio=fmean(one.ratio for one in found),
        before_mean=fmean(before),
        before_sd=stdev(before) if len(found) > 1 else None,
        after_mean=fmean(after),
        after_sd=stdev(after) if len(found) > 1 else None,
        macs=fmean(one.macs for one in found),
        folds=len(found),
    )
