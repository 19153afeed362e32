"""Criteria against one another, at several ratios, on the same folds."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from tfprune.criteria import Criterion, get
from tfprune.criteria.registry import names
from tfprune.errors import PlanError
from tfprune.training.checkpoint import make_folder
from tfprune.training.fold_training import FoldJob, Train, check_training, part_of, trained
from tfprune.training.folds import Fold, make_folds
from tfprune.training.iterate import iterate
from tfprune.training.on_ray import running
from tfprune.training.seeding import seed_of
from tfprune.training.settings import plain
from tfprune.training.sources import check_source
from tfprune.training.study import Study, study
from tfprune.training.trials import place_of


def compare(
    build: Callable[[], Any],
    data: Any,
    folder: str | os.PathLike[str],
    *,
    criteria: Sequence[str | Criterion] = ("l2", "taylor"),
    ratios: Sequence[float] = (0.5,),
    steps: int = 1,
    splitter: Any = 5,
    groups: Any = None,
    strata: Any = None,
    train_epochs: int = 10,
    train: Train | None = None,
    seed: int = 0,
    workers: int | None = None,
    address: str | None = None,
    cpus: float = 1,
    gpus: float = 0,
    **settings: Any,
) -> Study:
    """Prunes the same trained models by each criterion to each ratio, fold by fold.

    Each fold's model is trained once; then each criterion and ratio prunes it and fine-tunes what
    is left, by `tfprune.iterate`. It is `tfprune.cross_validate` over a grid, with trials side by
    side in processes of Ray, and the same numbers: see `tfprune.training.study` for how trials run,
    are kept, and are taken up again.

    Args:
        build: returns a new model, built and compiled with a loss and metrics.
        data: as in `tfprune.cross_validate`.
        folder: where folds and trials are kept; made if needed.
        criteria: names, or objects with `name` and `score(graph)`. Defaults to
            `("l2", "taylor")`.
        ratios: shares of the filters and units to remove, each in (0, 1). Defaults to `(0.5,)`.
        steps: in how many steps to get there, each fine-tuned. Defaults to `1`, at one blow.
        splitter, groups, strata, train_epochs, train: as in `tfprune.cross_validate`.
        seed: of all chance; folds and trained models are those of `cross_validate`.
            Defaults to `0`.
        workers, address, cpus, gpus: as in `tfprune.training.study`.
        **settings: every other argument of `tfprune.iterate` (`epochs`, `monitor`, `repair`...).

    Returns:
        The `Study`, with the settings "criterion", "ratio" and "fold", and of each trial the
        monitored metric "unpruned", "before" and "after" fine-tuning, "macs" and "parameters";
        `.averaged("fold")` has means and deviations.

    Raises:
        PlanError, ModelError, DataError, FileError, MissingExtraError, WorkerError: as
            `tfprune.cross_validate` and `tfprune.training.study`.

    Example:
        >>> import keras, numpy as np, tempfile
        >>> from tfprune.training import compare
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
        >>> settings = {"splitter": Halves(), "monitor": "loss", "train_epochs": 1, "workers": 1}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     found = compare(build, (x, x[:, :1]), folder, criteria=["l1", "l2"], **settings)
        >>> [(one.settings["criterion"], one.trials) for one in found.averaged("fold")]
        [('l1', 2), ('l2', 2)]
    """
    check_training(build, train_epochs)
    scored = _by_name(criteria)
    _check(ratios, steps, settings)
    root = make_folder(folder)
    folds = make_folds(data, splitter, groups, strata, seed)
    job = FoldJob(build, data, folds[0], 0, train_epochs, train, seed, None, settings)
    about = {"train_epochs": train_epochs, "steps": steps, **plain(settings)}
    if isinstance(data, tuple):
        about["data"] = check_source(data, "training")
    run = partial(
        study, workers=workers, address=address, cpus=cpus, gpus=gpus, seed=seed, about=about
    )
    numbers = range(len(folds))
    training = Training(job, folds)
    pruning = Pruning(training, (root / "trained").absolute(), scored, steps)
    over: dict[str, Any] = {"criterion": [*scored], "ratio": [*ratios], "fold": numbers}
    with running(workers, address, cpus):  # one Ray for both
        run(training, {"fold": numbers}, root / "trained")
        return run(pruning, over, root / "pruned")


@dataclass(frozen=True)
class Training:
    """Trains the model of a fold, as a trial.

    Attributes:
        job: of the first fold, without a folder.
        folds: all of them.
    """

    job: FoldJob
    folds: tuple[Fold, ...]

    def of(self, fold: int, folder: Path) -> FoldJob:
        """The job of a fold."""
        return replace(self.job, fold=self.folds[fold], number=fold, folder=folder)

    def __call__(self, fold: int, folder: Path) -> dict[str, float]:
        """Returns how many examples the fold's model, which is kept, was trained on."""
        trained(self.of(fold, folder))
        return {"examples": len(self.folds[fold].train)}


@dataclass(frozen=True)
class Pruning:
    """Prunes and fine-tunes a fold's trained model, as a trial.

    Attributes:
        training: what trained it.
        place: where the trained ones are kept.
        criteria: by name.
        steps: in how many steps it gets to its ratio.
    """

    training: Training
    place: Path
    criteria: Mapping[str, str | Criterion]
    steps: int

    def __call__(self, criterion: str, ratio: float, fold: int, folder: Path) -> dict[str, float]:
        """Returns the monitored metric and the costs."""
        job = self.training.of(fold, place_of(self.place, {"fold": fold}))
        settings = {"max_drop": None, **job.settings}
        found = iterate(
            trained(job),
            part_of(job.data, job.fold.train),
            part_of(job.data, job.fold.test),
            self.criteria[criterion],
            step=ratio / self.steps,
            target=ratio,
            seed=seed_of(job.seed, fold),
            checkpoint_dir=folder,
            **settings,
        )
        return {
            "unpruned": found.history[0].after,
            "before": found.best.before,
            "after": found.best.after,
            "macs": found.best.macs,
            "parameters": found.best.parameters,
        }


def _by_name(criteria: Sequence[str | Criterion]) -> dict[str, str | Criterion]:
    if isinstance(criteria, str) or not len(criteria):
        raise PlanError(f"expected criteria as a list, received {criteria!r}")
    found: dict[str, str | Criterion] = {}
    for one in criteria:
        name = one if isinstance(one, str) else get(one).name
        if isinstance(one, str) and one not in names():
            raise PlanError(f"expected a criterion, one of {', '.join(names())}, received {one!r}")
        if name in found:
            raise PlanError(f"expected criteria of different names, received {name!r} twice")
        found[name] = one
    return found


def _check(ratios: Sequence[float], steps: int, settings: Mapping[str, Any]) -> None:
    for ratio in ratios:
        if isinstance(ratio, bool) or not isinstance(ratio, int | float) or not 0 < ratio < 1:
            raise PlanError(f"expected each ratio as a share between 0 and 1, received {ratio!r}")
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise PlanError(f"expected steps as a number from 1 up, received {steps!r}")
    given = sorted({"step", "step_macs", "target", "checkpoint_dir"} & set(settings))
    if given:
        raise PlanError(
            f"expected ratios, steps and folder to say what each trial removes and where it is "
            f"kept, received {', '.join(given)} as well"
        )
