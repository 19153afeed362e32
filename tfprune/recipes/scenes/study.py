"""The whole experiment: folds, seeds and nets, each kept when it is done; resumable."""

import functools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tfprune._files import atomic_path
from tfprune.convert import to_tflite
from tfprune.costs import cost
from tfprune.models import dcase2021
from tfprune.recipes.common.accuracy import accuracy_of
from tfprune.recipes.common.answers import tflite_answers
from tfprune.recipes.common.running import Stage, run_all
from tfprune.recipes.common.stages import Stages
from tfprune.recipes.scenes.data import Clips, Fold
from tfprune.recipes.scenes.nets import Made, Net, Task, nets
from tfprune.recipes.scenes.settings import Settings
from tfprune.recipes.scenes.speed import FORMS
from tfprune.recipes.scenes.training import accuracy, train

UNPRUNED = "unpruned"
_SAMPLE = 64  # clips that int8 ranges are found from
Found = dict[str, list[dict[str, Any]]]


class Study:
    """Trains, prunes and tests nets over folds and seeds.

    Args:
        settings: what to do.
        clips: to train and test on.
        stages: where to keep what was found.
    """

    def __init__(self, settings: Settings, clips: Clips, stages: Stages) -> None:
        self.settings = settings
        self._clips, self._stages = clips, stages

    @property
    def rows(self) -> tuple[Net, ...]:
        """All nets, the unpruned one first, then by tier."""
        unpruned = Net(UNPRUNED, "unpruned", self._unpruned, 0, files=True)
        return (unpruned, *sorted(nets(), key=lambda net: net.tier))

    def run(self, seconds: float = float("inf")) -> bool:
        """Does what is left to do: first the unpruned nets and ours, then seed by seed the rest.

        Args:
            seconds: begins no further net after so long. Defaults to no limit.

        Returns:
            Whether all is done.
        """
        return run_all(self._stages, self._all(), seconds, "nets")

    def results(self) -> Found:
        """What is done, by net: an entry for each fold of the seeds whose folds are all done."""
        found: Found = {}
        for net in self.rows:
            for seed in self._seeds:
                entries = [self._done(seed, fold, net.key) for fold in self._folds]
                if None not in entries:
                    found.setdefault(net.key, []).extend(entry for entry in entries if entry)
        return found

    @property
    def _folds(self) -> range:
        return range(len(self._clips.folds))

    def _done(self, seed: int, fold: int, key: str) -> dict[str, Any] | None:
        entry = self._stages.done(_place(seed, fold, key))
        return None if entry is None else {**entry, "seed": seed, "fold": fold}

    def _all(self) -> Iterator[Stage]:
        # In this order, what is stopped early has all nets of some seeds.
        first = [(net, seed) for net in self.rows if not net.tier for seed in self._seeds]
        others = range(self.settings.repeated)
        rest = [(net, seed) for seed in others for net in self.rows if net.tier]
        for net, seed in (*first, *rest):
            for fold in self._folds:
                yield _place(seed, fold, net.key), functools.partial(self._compute, seed, fold, net)

    @property
    def _seeds(self) -> range:
        return range(self.settings.seeds)

    def load(self, seed: int, fold: int, key: str) -> Any:
        """Returns a net that is done."""
        path = self.file(seed, fold, key, ".keras")
        return keras.models.load_model(path, compile=False)

    def file(self, seed: int, fold: int, key: str, suffix: str) -> Path:
        """Where a file of a net stands; its folder is made."""
        path = self._stages.folder / f"{_place(seed, fold, key)}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _unpruned(self, task: Task) -> Made:
        keras.utils.set_random_seed(task.seed)
        shape, classes = task.fold.train[0].shape[1:], len(self._clips.sounds.classes)
        net = dcase2021(shape, classes)
        train(net, task.fold.train, self.settings.epochs, self.settings, task.seed)
        return Made(net)

    def _compute(self, seed: int, fold: int, net: Net) -> dict[str, Any]:
        part = self._clips.fold(fold, self.settings)
        load = functools.partial(self.load, seed, fold)
        began = time.perf_counter()
        made = net.make(Task(load, part, self.settings, seed))
        spent = time.perf_counter() - began
        with atomic_path(self.file(seed, fold, net.key, ".keras")) as temporary:
            made.model.save(temporary)
        costs = cost(made.model)
        found = {
            "accuracy": accuracy(made.model, part.test),
            "before": None if made.cut is None else accuracy(made.cut, part.test),
            "oracle": made.oracle,
            "kept": made.kept,
            "chosen": made.chosen,
            "parameters": costs.parameters,
            "macs": costs.macs,
            "making_seconds": round(spent, 1),
        }
        if net.files and seed == 0 and fold < self.settings.file_folds:
            found["files"] = self._files(made.model, seed, fold, net.key, part)
        return found

    def _files(self, model: Any, seed: int, fold: int, key: str, part: Fold) -> dict[str, Any]:
        """Writes TFLite files, and lets them answer the test."""
        sample, files = part.train[0][:_SAMPLE], {}
        for form, quantize in FORMS.items():
            path = self.file(seed, fold, key, f"_{form}.tflite")
            to_tflite(
                model,
                path,
                quantize,
                representative_data=[sample],
                samples=[sample[:4]],
                # How far int8 is off is what the whole test tells, not a few clips.
                tolerance=1.0 if quantize == "int8" else None,
            )
            right = accuracy_of(tflite_answers(path, part.test[0]), np.asarray(part.test[1]))
            files[form] = {"bytes": path.stat().st_size, "accuracy": right.share}
        return files


def _place(seed: int, fold: int, key: str) -> str:
    return f"seed{seed}/fold{fold}/{key}"
