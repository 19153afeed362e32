"""Prunes and fine-tunes on several divisions of the data: what is luck, and what is not."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import keras
import numpy as np
from absl import logging

from tfprune._files import write_text
from tfprune.criteria import Criterion
from tfprune.errors import DataError, ModelError, PlanError
from tfprune.graph import trace
from tfprune.training.checkpoint import (
    check_same,
    digest_of,
    make_folder,
    read_arrays,
    read_manifest,
    write_arrays,
    write_manifest,
)
from tfprune.training.folds import Fold, make_folds
from tfprune.training.history import Iteration
from tfprune.training.iterate import iterate
from tfprune.training.optimizer_state import OptimizerState, read_state, write_state
from tfprune.training.saving import set_weights, state_arrays, state_from, weight_arrays
from tfprune.training.seeding import seed_all, seed_of
from tfprune.training.sources import fresh
from tfprune.training.tuning import fit
from tfprune.training.workers import workers

FORMAT = "tfprune.cross_validation/1"
TRAINED = "tfprune.trained/1"

Train = Callable[[Any, Any, Any], None]


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
    _check_settings(build, settings, train_epochs)
    folds = make_folds(data, splitter, groups, strata, seed)
    folder = None if checkpoint_dir is None else make_folder(checkpoint_dir)
    results = []
    for number, fold in enumerate(folds):
        place = None if folder is None else make_folder(folder / f"fold-{number:02}")
        job = _FoldJob(build, data, fold, number, train_epochs, train, seed, place, settings)
        model = _trained(job)
        found = iterate(
            model,
            _part(data, fold.train),
            _part(data, fold.test),
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


@dataclass(frozen=True)
class _FoldJob:
    """What the training of one fold is made of."""

    build: Callable[[], Any]
    data: Any
    fold: Fold
    number: int
    epochs: int
    train: Train | None
    seed: int
    folder: Path | None
    settings: Mapping[str, Any]


def _check_settings(build: Any, settings: Mapping[str, Any], epochs: Any) -> None:
    if not callable(build) or isinstance(build, keras.Model):
        raise PlanError(
            f"expected build as a function that returns a new compiled model, received {build!r}: "
            "each fold trains its own"
        )
    if workers().count > 1:
        raise PlanError(
            f"expected one process, received {workers().count} workers: share out whole trials "
            "with tfprune.training.study, or call tfprune.iterate"
        )
    if isinstance(epochs, bool) or not isinstance(epochs, int) or epochs < 0:
        raise PlanError(f"expected train_epochs as a number from 0 up, received {epochs!r}")
    if settings.get("step") is None and settings.get("step_macs") is None:
        raise PlanError("expected step or step_macs, received neither: see tfprune.iterate")


def _part(data: Any, numbers: np.ndarray) -> Any:
    """Some of the examples, in a form that `iterate` takes."""
    if isinstance(data, tuple):
        return keras.tree.map_structure(lambda array: np.asarray(array)[numbers], data)
    if not callable(data):
        raise DataError(
            "expected data as arrays (x, y) or as a function from the numbers of examples to "
            f"data, received a {type(data).__name__}"
        )
    return lambda: data(numbers)


def _built(job: _FoldJob) -> Any:
    """A new model of the fold: the same layers, names and weights each time."""
    keras.utils.clear_session()
    seed_all(job.seed, job.number)
    model = job.build()
    if not getattr(model, "compiled", False):
        raise ModelError(
            "expected build to return a compiled keras.Model, received "
            f"{type(model).__name__}, which is not compiled"
        )
    return model


def _trained(job: _FoldJob) -> Any:
    """The fold's model with trained weights, its optimizer at its beginning or as it stopped."""
    carry = bool(job.settings.get("carry_optimizer"))
    model = _built(job)
    about = _about(job, model)
    kept = _read(job, about)
    if kept is None:
        _train(job, model)
        state = read_state(model, model.optimizer) if carry else OptimizerState()
        kept = {**weight_arrays(model), **state_arrays(state)}
        _write(job, about, kept)
        model = _built(job)
        if _about(job, model) != about:
            raise ModelError(
                "expected build to return the same model each time it is called with the same "
                "seed, received two that differ: take chance from Keras or numpy, which are seeded"
            )
    set_weights(model, kept, (job.folder or Path()) / "trained.npz")
    if carry:
        write_state(
            model, model.optimizer, state_from(kept, {"learning_rate": None, "position": 0})
        )
    return model


def _train(job: _FoldJob, model: Any) -> None:
    train, test = (fresh(_part(job.data, part)) for part in (job.fold.train, job.fold.test))
    if job.train is not None:
        job.train(model, train, test)
    elif job.epochs:
        epoch = fit(model, train, job.epochs, job.settings.get("fit_options") or {})
        if epoch is not None:
            raise ModelError(
                f"expected a finite loss, received NaN or infinity in epoch {epoch + 1} of the "
                f"training of fold {job.number}: lower the learning rate or look at the data"
            )


def _about(job: _FoldJob, model: Any) -> dict[str, Any]:
    """What tells this fold's training from others, in plain values."""
    return {
        "model": trace(model).fingerprint,
        "weights": digest_of(weight_arrays(model)),
        "optimizer": type(model.optimizer).__name__,
        "split": digest_of({"train": job.fold.train, "test": job.fold.test}),
        "fold": job.number,
        "train_epochs": job.epochs,
        "seed": job.seed,
        "carry_optimizer": bool(job.settings.get("carry_optimizer")),
    }


def _read(job: _FoldJob, about: Mapping[str, Any]) -> dict[str, np.ndarray] | None:
    if job.folder is None:
        return None
    manifest = job.folder / "trained.json"
    content = read_manifest(manifest, TRAINED)
    if content is None:
        return None
    check_same(manifest, about, content["run"])
    return read_arrays(job.folder / "trained.npz", content["sha256"])


def _write(job: _FoldJob, about: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    if job.folder is not None:
        digest = write_arrays(job.folder / "trained.npz", arrays)
        content = {"format": TRAINED, "run": about, "sha256": digest}
        write_manifest(job.folder / "trained.json", content)


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
