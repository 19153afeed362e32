"""The whole experiment: sets, folds, nets and loops, each kept when it is done; resumable."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tfprune._files import atomic_path
from tfprune.convert import to_tflite
from tfprune.datasets.patches import Patches
from tfprune.recipes.common.accuracy import accuracy_of
from tfprune.recipes.common.answers import tflite_answers
from tfprune.recipes.common.running import Stage, run_all
from tfprune.recipes.common.stages import Stages
from tfprune.recipes.inspection.data import Fold, fold
from tfprune.recipes.inspection.fast import fast
from tfprune.recipes.inspection.frozen import baselines
from tfprune.recipes.inspection.loop import Looped, loop, ours
from tfprune.recipes.inspection.settings import Settings
from tfprune.recipes.inspection.training import (
    LOSS,
    Weights,
    accuracy,
    start,
    train,
    train_head,
)

_FORMS = {"float32": None, "int8": "int8"}
Found = dict[str, dict[str, Any]]
Prune = Callable[[Any, Fold, Settings, int], Looped]


class Study:
    """Trains, prunes and tests, and keeps each result.

    Args:
        settings: what to do.
        sets: patches by the name of their set.
        stages: where to keep what was found.
        weights: by net, as `training.start` takes them.
    """

    def __init__(
        self,
        settings: Settings,
        sets: Mapping[str, Patches],
        stages: Stages,
        weights: Mapping[str, Weights],
    ) -> None:
        self.settings = settings
        self._sets, self._stages, self._weights = sets, stages, weights

    def run(self, seconds: float = float("inf")) -> bool:
        """Does what is left to do: the first fold of every net, then the other folds of the first.

        Args:
            seconds: begins nothing further after so long. Defaults to no limit.

        Returns:
            Whether all is done.
        """
        return run_all(self._stages, self._all(), seconds, "parts")

    def results(self) -> Found:
        """What is done, by its place: `set/fold/net/what`."""
        done = {place: self._stages.done(place) for place, _ in self._all()}
        return {place: entry for place, entry in done.items() if entry is not None}

    def missing(self) -> tuple[str, ...]:
        """The places of what is not done."""
        return tuple(place for place, _ in self._all() if self._stages.done(place) is None)

    def load(self, place: str) -> Any:
        """Returns the net of a part that is done."""
        return keras.models.load_model(self._file(place, ".keras"), compile=False)

    def pruned(self, found: Found) -> dict[str, list[str]]:
        """The places of the first fold's nets that are done, by set and net, the unpruned first."""
        every: dict[str, list[str]] = {}
        for place in found:
            name, number, net, *what = place.split("/")
            if number == "0" and what:
                every.setdefault(f"{name}/{net}", []).append(place)
        return {key: places for key, places in every.items() if len(places) > 1}

    def _all(self) -> Iterator[Stage]:
        """Every part, in such an order that what is stopped early has most of the page."""
        settings = self.settings
        first, *others = settings.tune_epochs
        main, *rest = settings.nets
        start, *further = settings.numbers
        yield from self._of_fold(start, settings.nets)
        for number in further:
            yield from self._of_fold(number, (main,))
        if settings.speedup is not None:
            table = self._stages.folder / "latency_table.json"
            quick = functools.partial(fast, table=table)
            yield from self._tried(quick, "fast", settings.nets, (first,))
        yield from self._tried(loop, "wu", (*rest, main), others)
        for number in further:
            yield from self._of_fold(number, rest, frozen=False)

    def _of_fold(self, number: int, nets: Sequence[str], frozen: bool = True) -> Iterator[Stage]:
        """What every fold has: classifiers, unpruned nets, the published loop, ours."""
        first = self.settings.tune_epochs[0]
        for name in self._sets:
            if frozen:
                yield f"{name}/{number}/frozen", functools.partial(self._frozen, name, number)
            for net in nets:
                unpruned = functools.partial(self._unpruned, name, number, net)
                yield f"{name}/{number}/{net}/unpruned", unpruned
                for how, prune in (("wu", loop), ("ours", ours)):
                    yield self._part(prune, how, name, number, net, first)

    def _tried(
        self, prune: Prune, how: str, nets: Sequence[str], counts: Sequence[int]
    ) -> Iterator[Stage]:
        """What only the first folds have."""
        for net in nets:
            for number in self.settings.numbers[: self.settings.tune_folds]:
                for name in self._sets:
                    for epochs in counts:
                        yield self._part(prune, how, name, number, net, epochs)

    def _part(self, prune: Prune, how: str, name: str, number: int, net: str, epochs: int) -> Stage:
        place = f"{name}/{number}/{net}/{how}_{epochs}"
        return place, functools.partial(self._looped, prune, name, number, net, epochs, place)

    def _fold(self, name: str, number: int) -> Fold:
        return fold(self._sets[name], number, self.settings.folds, self.settings.seed)

    def _start(self, name: str, net: str) -> tuple[Any, str]:
        classes = len(self._sets[name].classes)
        settings = self.settings
        return start(net, settings.image_size, classes, self._weights.get(net), settings.seed)

    def _frozen(self, name: str, number: int) -> dict[str, Any]:
        net, source = self._start(name, "vgg16")
        found = baselines(net, self._fold(name, number), self.settings.seed)
        return {"weights": source, "rows": [asdict(row) for row in found]}

    def _unpruned(self, name: str, number: int, net: str) -> dict[str, Any]:
        settings, part = self.settings, self._fold(name, number)
        model, source = self._start(name, net)
        seed = settings.seed + number
        if source != "random":
            train_head(model, part.train, seed)
        train(model, part.train, settings.epochs, settings.rate, seed)
        place = f"{name}/{number}/{net}/unpruned"
        saved = self._save(model, number, place, part)
        return {"weights": source, "accuracy": accuracy(model, part.test), **saved}

    def _looped(
        self,
        prune: Prune,
        name: str,
        number: int,
        net: str,
        epochs: int,
        place: str,
    ) -> dict[str, Any]:
        part = self._fold(name, number)
        model = self.load(f"{name}/{number}/{net}/unpruned")
        model.compile(loss=LOSS, metrics=["accuracy"])
        found = prune(model, part, self.settings, epochs)
        return {**found.as_dict(), **self._save(found.model, number, place, part)}

    def _save(self, model: Any, number: int, place: str, part: Fold) -> dict[str, Any]:
        """Saves a net, and of the first fold TFLite files that answer the test too."""
        model.compile(loss=LOSS)  # what the optimizer knows stays here
        with atomic_path(self._file(place, ".keras")) as temporary:
            model.save(temporary)
        if number:
            return {}
        sample, files = part.some(128)[0], {}
        for form, quantize in _FORMS.items():
            path = self._file(place, f"_{form}.tflite")
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
            right = accuracy_of(tflite_answers(path, part.test[0]), np.asarray(part.test[1]))
            files[form] = {"bytes": path.stat().st_size, "accuracy": right.share}
        return {"files": files}

    def _file(self, place: str, suffix: str) -> Path:
        path = self._stages.folder / f"{place}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path
