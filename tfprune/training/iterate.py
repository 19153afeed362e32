"""Prune a little, fine-tune, and again, until accuracy falls."""

import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tfprune._progress import track
from tfprune.criteria import Criterion, get
from tfprune.criteria.groups import Reduction
from tfprune.criteria.registry import looks_at_data
from tfprune.errors import DataError
from tfprune.graph import trace
from tfprune.planning.limits import Limits, as_patterns
from tfprune.planning.select import Normalizer, Scope
from tfprune.planning.weights import check_weights
from tfprune.surgery.repair import get_repairs
from tfprune.training.advice import no_retracing_advice
from tfprune.training.history import IterateResult
from tfprune.training.lineage import composed, origin_of
from tfprune.training.rewinding import Rewind, rewinder
from tfprune.training.run import Job, Stand, advance, begin
from tfprune.training.saving import Keeper
from tfprune.training.settings import Mode, Settings, make_settings
from tfprune.training.sources import check_source
from tfprune.training.tuning import compiler_of, state_at_start
from tfprune.training.workers import all_there, scope_of, workers


def iterate(
    model: Any,
    train: Any,
    validation: Any,
    criterion: str | Criterion = "taylor",
    *,
    step: float | None = None,
    step_macs: float | None = None,
    target: float | None = None,
    epochs: int = 1,
    max_drop: float | None = 0.03,
    monitor: str = "accuracy",
    mode: Mode = "auto",
    checkpoint_dir: str | os.PathLike[str] | None = None,
    compile: Callable[[Any], None] | None = None,
    callbacks: Callable[[], Sequence[Any]] | None = None,
    fit_options: Mapping[str, Any] | None = None,
    carry_optimizer: bool = False,
    rewind: bool = False,
    repair: Any = None,
    score_data: Any = None,
    loss: Any = None,
    scope: Scope = "global",
    round_to: int = 1,
    min_channels: int = 1,
    max_ratio: float | Mapping[str, float] = 1.0,
    exclude: str | Sequence[str] = (),
    include_residual: bool = True,
    include_inexact: bool = False,
    group_reduction: Reduction = "mean",
    normalizer: Normalizer | None = None,
    seed: int = 0,
) -> IterateResult:
    """Prunes and fine-tunes in turns, and returns the smallest model that is still good.

    Each step scores the channels on the training data, removes the lowest for good, compiles the
    smaller model as the first was, evaluates it, fine-tunes it, and evaluates it again. The run
    ends when a step loses too much (that step's model is not the one returned), at `target`, or
    when nothing more may go. With the defaults and `step=512` it is the loop of Wu, Singla,
    Jahanshahi and Bertino (2019), on VGG16.

    With `checkpoint_dir` a run that was killed goes on when it is called again in the same way, and
    ends as it would have: each step draws its chance from the seed and its own number, and takes a
    `tf.data.Dataset` that shuffles back to the pass at which the run began. Data with other chance
    in them (random images, a Keras sequence with a memory) must be given as a function that makes
    them.

    Seeds Python, numpy and Keras; the model itself is not changed.

    In several processes (Keras on JAX, `keras.distribution`; TensorFlow's
    `MultiWorkerMirroredStrategy`, by the steps of `tfprune.training.fit`) each is given its share
    of the data and of `batch_size`. All take the same decisions; the chief alone writes, to a
    folder that all can read. Where a worker is lost the others end with a `WorkerError`, and as
    many or fewer or more may take the run up again.

    Args:
        model: a built functional or Sequential `keras.Model`, trained, and compiled with a loss and
            metrics unless `compile` is given. A `train_step` of its own is not taken along.
        train: what to score and fine-tune on: (x, y) or (x, y, sample_weight) arrays, a
            `tf.data.Dataset` of batches, a `keras.utils.PyDataset`, or a function without arguments
            that makes one of them and is called for each step.
        validation: the same, to evaluate on.
        criterion: as in `tfprune.plan`. Defaults to `"taylor"`.
        step: what each step removes: a number of filters and units, or a share of those that the
            unpruned model may lose. Give this or the next.
        step_macs: a share of the unpruned model's multiply-accumulates.
        target: the share of the unpruned model's filters and units (with `step_macs` of its
            multiply-accumulates) to have removed in the end. Defaults to `None`, no such end.
        epochs: of each fine-tuning; 0 for none. Defaults to `1`.
        max_drop: the run ends once the monitored metric after fine-tuning is worse by more than
            this than the unpruned model's; None for no such rule. Defaults to `0.03`, three points.
        monitor: the metric, one that `evaluate` returns by name. Defaults to `"accuracy"`.
        mode: "max" if it is to be high, "min" if low; "auto" reads it off the name ("loss").
            Defaults to `"auto"`.
        checkpoint_dir: a folder to keep the last step in and to go on from; made if needed.
            Defaults to `None`.
        compile: compiles the model handed to it in place, instead of in the way of `model`.
            Defaults to `None`.
        callbacks: returns new Keras callbacks, called for each fine-tuning. Defaults to `None`.
        fit_options: further arguments of `fit` (`batch_size`, `class_weight`, `steps_per_epoch`).
            Defaults to none.
        carry_optimizer: whether momenta and the like go along, cut as the weights are, those of
            the first model's optimizer included. Defaults to `False`, a new optimizer each time.
        rewind: whether each fine-tuning begins with the learning rate of the first, a schedule at
            its beginning (Renda et al. 2020, arXiv 2003.02389, for whole nets). Otherwise it goes
            on with the rate, or along the schedule, where the last one stopped.
            Defaults to `False`.
        repair: as in `tfprune.rebuild`, from the training data. Defaults to `None`.
        score_data: what criterion and repair look at in place of `train`. Defaults to `None`.
        loss: for the criterion, as in `tfprune.plan`. Defaults to `None`.
        scope, round_to, min_channels, exclude, include_residual, include_inexact, group_reduction,
            normalizer: as in `tfprune.plan`, but that the scope is "global" unless told.
        max_ratio: no group loses a larger share of the channels that it has in the unpruned model;
            a number, or numbers by names or patterns of layers.
            Defaults to `1.0`.
        seed: of all chance. Defaults to `0`.

    Returns:
        The `IterateResult`: `.model`, `.history`, `.plan`; print it for a table.

    Raises:
        ModelError: the model cannot be traced or compiled again, the metric is not among its own,
            or the loss becomes NaN.
        PlanError: a setting makes no sense.
        DataError: the data make no sense, or there are none.
        FileError: the checkpoint is damaged, or another run's.
        WorkerError: another process of the run is gone.

    Example:
        >>> import keras, numpy as np, tfprune
        >>> from tfprune.training import iterate
        >>> keras.utils.set_random_seed(0)
        >>> model = keras.Sequential(
        ...     [keras.Input((4,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(1)]
        ... )
        >>> model.compile("adam", "mse")
        >>> x = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
        >>> data = x, x[:, :1]
        >>> result = iterate(model, data, data, step=2, target=0.75, max_drop=None, monitor="loss")
        >>> [step.ratio for step in result.history], result.model.layers[0].units
        ([0.0, 0.25, 0.5, 0.75], 2)
    """
    limits = Limits(
        round_to, min_channels, max_ratio, as_patterns(exclude), include_residual, include_inexact
    )
    settings = make_settings(
        {
            "step": step,
            "step_macs": step_macs,
            "target": target,
            "epochs": epochs,
            "max_drop": max_drop,
            "monitor": monitor,
            "scope": scope,
            "reduction": group_reduction,
            "normalizer": normalizer,
            "repair": get_repairs(repair, has_data=True, spare=True),
            "carry_optimizer": carry_optimizer,
            "rewind": rewind,
            "seed": seed,
            "fit_options": dict(fit_options or {}),
        },
        limits,
        mode,
    )
    looked_at = train if score_data is None else score_data
    with scope_of(model), all_there(None if checkpoint_dir is None else Path(checkpoint_dir)):
        data = _check_data(settings, train, validation, looked_at)
        name = get(criterion, looked_at if looks_at_data(criterion) else None, loss).name
        graph = trace(model)
        check_weights(graph)
        job = Job(
            model=model,
            origin=origin_of(graph, name, limits),
            settings=settings,
            criterion=criterion,
            loss=loss,
            train=train,
            validation=validation,
            score_data=score_data,
            data=data,
            compiler=compiler_of(model, compile),
            recompiled=compile is None,
            start=state_at_start(model, settings, compile),
            callbacks=callbacks,
        )
        return _run(job, checkpoint_dir)


def _run(job: Job, checkpoint_dir: str | os.PathLike[str] | None) -> IterateResult:
    """Goes from the beginning, or from where the run was left, to its end."""
    keeper = Keeper(checkpoint_dir, job) if checkpoint_dir is not None else None
    with tempfile.TemporaryDirectory() as spare, no_retracing_advice():
        start = keeper.load() if keeper else None
        folder = Path(spare) if keeper is None else keeper.folder
        given = {"train": job.train, "validation": job.validation, "score": job.score_data}
        rewind_data = rewinder(given, folder, start is not None, strict=keeper is not None)
        stands = track(_stands(job, start, keeper, rewind_data), "pruning and fine-tuning")
        last = deque(stands, maxlen=1).pop()  # no earlier model is held on to
    return _result(job, last)


def _check_data(settings: Settings, train: Any, validation: Any, looked_at: Any) -> dict[str, Any]:
    """What can be said of the data, by name."""
    options = settings.fit_options
    said = {
        "train": check_source(train, "training", bounded="steps_per_epoch" in options),
        "validation": check_source(validation, "validation", bounded="validation_steps" in options),
    }
    if workers().count > 1:
        for name, source in (("train", train), ("validation", validation), ("score", looked_at)):
            if not isinstance(source, tuple) and not callable(source):
                raise DataError(
                    f"expected {name} data of several workers as arrays or as a function that "
                    f"makes them, each worker its share, received a {type(source).__name__}"
                )
    return said if looked_at is train else said | {"score": check_source(looked_at, "scoring")}


def _stands(
    job: Job, stand: Stand | None, keeper: Keeper | None, rewind: Rewind
) -> Iterator[Stand]:
    """Yields where the run stands, each kept before the next begins."""
    rewind()
    stand = _kept(keeper, stand or begin(job))
    yield stand
    while stand.ended is None:
        rewind()
        stand = _kept(keeper, advance(job, stand))
        yield stand


def _kept(keeper: Keeper | None, stand: Stand) -> Stand:
    if keeper:
        keeper.save(stand)
    return stand


def _result(job: Job, stand: Stand) -> IterateResult:
    settings = job.settings.as_dict()
    return IterateResult(
        model=stand.model,
        plan=composed(job.origin, stand.lineage, settings),
        history=stand.history,
        monitor=job.settings.monitor,
        reason=stand.ended or "",
        filters=job.origin.graph.filters(),
        settings=settings,
    )
