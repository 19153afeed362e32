"""The whole experiment: every net, over seeds, each on stations it has not seen; resumable."""

import functools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tfprune._files import atomic_path
from tfprune.convert import to_tflite
from tfprune.costs import cost
from tfprune.datasets import ImageCache
from tfprune.models import from_waveforms, resnet50
from tfprune.recipes.common.answers import tflite_answers
from tfprune.recipes.common.running import Stage, run_all
from tfprune.recipes.common.stages import Stages
from tfprune.recipes.earthquake.data import Split, Windows
from tfprune.recipes.earthquake.nets import Made, Net, Task, nets
from tfprune.recipes.earthquake.settings import Settings
from tfprune.recipes.earthquake.training import Images, answers_of, labels_of, some_of, train

_SAMPLE = 128  # images that int8 ranges are found from


class Study:
    """Trains, prunes and tests nets over seeds, and keeps each one when it is done.

    Args:
        settings: what to do.
        windows: to train and test on.
        stages: where to keep what was found.
        weights: ImageNet weights of ResNet50, as `tfprune.models.resnet50` takes them.
    """

    def __init__(
        self,
        settings: Settings,
        windows: Windows,
        stages: Stages,
        weights: str | os.PathLike[str] | None = None,
    ) -> None:
        self.settings = settings
        self._windows = windows
        self._stages = stages
        self._weights = weights

    @property
    def rows(self) -> tuple[Net, ...]:
        """All nets, the unpruned one first."""
        unpruned = Net("unpruned", "ResNet50, unpruned", self._unpruned, small=False)
        return (unpruned, *nets(self.settings))

    def run(self, seconds: float = float("inf")) -> bool:
        """Does what is left to do, a row for all seeds before the next.

        Args:
            seconds: begins no further net after so long. Defaults to no limit.

        Returns:
            Whether all is done.
        """
        return run_all(self._stages, self._all(), seconds, "nets")

    def results(self) -> dict[str, list[dict[str, Any]]]:
        """What is done, by row: one entry a seed, for rows that are done for every seed."""
        found = {}
        for net in self.rows:
            entries = [self._stages.done(_place(s, net.key)) for s in range(self.settings.seeds)]
            if all(entry is not None for entry in entries):
                found[net.key] = [entry for entry in entries if entry is not None]
        return found

    def load(self, seed: int, key: str) -> Any:
        """Returns a net of a stage that is done."""
        return keras.models.load_model(self._file(seed, key, ".keras"), compile=False)

    def _all(self) -> Iterator[Stage]:
        for net in self.rows:
            for seed in range(self.settings.seeds):
                yield _place(seed, net.key), functools.partial(self._compute, seed, net)

    def _file(self, seed: int, key: str, suffix: str) -> Path:
        path = self._stages.folder / f"{_place(seed, key)}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _unpruned(self, task: Task) -> Made:
        keras.utils.set_random_seed(task.seed)
        size = self.settings.image_size
        net = resnet50((size, size, 3), classes=2, weights=self._weights)
        train(net, task.images, self.settings.training, task.seed)
        return Made(net)

    def _compute(self, seed: int, net: Net) -> dict[str, Any]:
        split = self._windows.split(seed)
        load = functools.partial(self.load, seed)
        made = net.make(Task(load, split.train, self.settings, seed))
        return self._tested(seed, net, made, split)

    def _tested(self, seed: int, net: Net, made: Made, split: Split[Images]) -> dict[str, Any]:
        """Saves a net and its files, and lets them answer the test."""
        made.model.compile(loss="categorical_crossentropy")  # what the optimizer knows stays here
        with atomic_path(self._file(seed, net.key, ".keras")) as temporary:
            made.model.save(temporary)
        costs = cost(made.model)
        found = {
            "seed": seed,
            "train": len(labels_of(split.train)),
            "labels": labels_of(split.test).tolist(),
            "answers": _listed(answers_of(made.model, split.test)),
            "parameters": costs.parameters,
            "macs": costs.macs,
            "oracle": made.oracle,
        }
        if made.cut is not None:
            found["cut"] = _listed(answers_of(made.cut, split.test))
        if net.small:
            found["int8"] = self._int8(seed, net.key, made.model, split)
        return found

    def _int8(self, seed: int, key: str, model: Any, split: Split[Images]) -> list[float]:
        """Writes the int8 file and asks it.

        Of the first seed the float32 file is written too, and one that takes raw waveforms; that
        is float32 only, since powers of a spectrum span more than int8 holds.
        """
        sample = some_of(split.train, _SAMPLE)[0]
        for form, quantize in (("float32", None), ("int8", "int8")):
            path = self._file(seed, key, f"_{form}.tflite")
            if quantize or seed == 0:
                # How far int8 is off is what the whole test tells, not a few images.
                tolerance = 1.0 if quantize else None
                to_tflite(
                    model,
                    path,
                    quantize,
                    representative_data=[sample],
                    samples=[sample[:4]],
                    tolerance=tolerance,
                )
        if seed == 0:
            npts = self._windows.shortest(0)
            waves = np.random.default_rng(0).normal(size=(4, npts, 3)).astype(np.float32)
            net = from_waveforms(model, npts, self.settings.components)
            to_tflite(
                net,
                self._file(seed, key, "_waveforms.tflite"),
                samples=[waves],
                tolerance=0.02,  # a level rounded the other way moves an answer a little
            )
        test = split.test if isinstance(split.test, ImageCache) else split.test[0]
        return _listed(tflite_answers(self._file(seed, key, "_int8.tflite"), test))


def _place(seed: int, key: str) -> str:
    return f"seed{seed}/{key}"


def _listed(answers: np.ndarray) -> list[float]:
    """The probabilities of an earthquake: those of noise are what is left."""
    return [round(float(value), 5) for value in answers[:, 1]]
