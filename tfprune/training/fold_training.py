"""The training of one fold's model before it is pruned, kept so that it is done once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tfprune.errors import DataError, ModelError, PlanError
from tfprune.graph import trace
from tfprune.training.checkpoint import (
    check_same,
    digest_of,
    read_arrays,
    read_manifest,
    write_arrays,
    write_manifest,
)
from tfprune.training.folds import Fold
from tfprune.training.optimizer_state import OptimizerState, read_state, write_state
from tfprune.training.saving import set_weights, state_arrays, state_from, weight_arrays
from tfprune.training.seeding import seed_all
from tfprune.training.sources import check_source, fresh
from tfprune.training.tuning import fit
from tfprune.training.workers import workers

TRAINED = "tfprune.trained/1"

Train = Callable[[Any, Any, Any], None]


@dataclass(frozen=True)
class FoldJob:
    """What the training of one fold is made of.

    Attributes:
        build: returns a new compiled model.
        data: of all folds: arrays, or a function from the numbers of examples.
        fold: who is trained on.
        number: of the fold.
        epochs: of the training.
        train: trains in another way; None for `fit`.
        seed: of all chance.
        folder: where the trained model is kept, if it is.
        settings: those of `tfprune.iterate`.
    """

    build: Callable[[], Any]
    data: Any
    fold: Fold
    number: int
    epochs: int
    train: Train | None
    seed: int
    folder: Path | None
    settings: Mapping[str, Any]


def check_training(build: Any, epochs: Any) -> None:
    """Sees whether folds can be trained, before anything is.

    Raises:
        PlanError: there is nothing that builds models, or several processes are to train one.
    """
    if not callable(build) or isinstance(build, keras.Model):
        raise PlanError(
            f"expected build as a function that returns a new compiled model, received {build!r}: "
            "each fold trains its own"
        )
    if workers().count > 1:
        raise PlanError(
            f"expected one process, received {workers().count} workers: share out whole folds by "
            "tfprune.training.compare, or call tfprune.iterate"
        )
    if isinstance(epochs, bool) or not isinstance(epochs, int) or epochs < 0:
        raise PlanError(f"expected train_epochs as a number from 0 up, received {epochs!r}")


def part_of(data: Any, numbers: np.ndarray) -> Any:
    """Some of the examples, in a form that `iterate` takes."""
    if isinstance(data, tuple):
        return keras.tree.map_structure(lambda array: np.asarray(array)[numbers], data)
    if not callable(data):
        raise DataError(
            "expected data as arrays (x, y) or as a function from the numbers of examples to "
            f"data, received a {type(data).__name__}"
        )
    return lambda: data(numbers)


def _built(job: FoldJob) -> Any:
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


def trained(job: FoldJob) -> Any:
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


def _train(job: FoldJob, model: Any) -> None:
    train, test = (fresh(part_of(job.data, part)) for part in (job.fold.train, job.fold.test))
    if job.train is not None:
        job.train(model, train, test)
    elif job.epochs:
        epoch = fit(model, train, job.epochs, job.settings.get("fit_options") or {})
        if epoch is not None:
            raise ModelError(
                f"expected a finite loss, received NaN or infinity in epoch {epoch + 1} of the "
                f"training of fold {job.number}: lower the learning rate or look at the data"
            )


def _about(job: FoldJob, model: Any) -> dict[str, Any]:
    """What tells this fold's training from others, in plain values."""
    return {
        "model": trace(model).fingerprint,
        "weights": digest_of(weight_arrays(model)),
        "optimizer": type(model.optimizer).__name__,
        "data": check_source(part_of(job.data, job.fold.train), "training"),
        "split": digest_of({"train": job.fold.train, "test": job.fold.test}),
        "fold": job.number,
        "train_epochs": job.epochs,
        "seed": job.seed,
        "carry_optimizer": bool(job.settings.get("carry_optimizer")),
    }


def _read(job: FoldJob, about: Mapping[str, Any]) -> dict[str, np.ndarray] | None:
    if job.folder is None:
        return None
    manifest = job.folder / "trained.json"
    content = read_manifest(manifest, TRAINED)
    if content is None:
        return None
    check_same(manifest, about, content["run"])
    return read_arrays(job.folder / "trained.npz", content["sha256"])


def _write(job: FoldJob, about: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    if job.folder is not None:
        digest = write_arrays(job.folder / "trained.npz", arrays)
        content = {"format": TRAINED, "run": about, "sha256": digest}
        write_manifest(job.folder / "trained.json", content)
