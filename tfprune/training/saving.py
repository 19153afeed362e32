"""Keeps a run in a folder after each step, and takes it up again."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from tfprune._keras import to_numpy
from tfprune.cloning.assemble import assemble
from tfprune.errors import FileError
from tfprune.graph import trace
from tfprune.planning.keep import keep_mask
from tfprune.training.checkpoint import (
    check_same,
    digest_of,
    make_folder,
    read_arrays,
    read_manifest,
    sweep,
    write_arrays,
    write_manifest,
)
from tfprune.training.history import Iteration
from tfprune.training.lineage import Lineage, descend, positions
from tfprune.training.optimizer_state import OptimizerState, Place, weights_by_place, write_state
from tfprune.training.run import Job, Stand
from tfprune.training.tuning import compiled_as
from tfprune.training.workers import wait, workers

FORMAT = "tfprune.checkpoint/1"
MANIFEST = "iterate.json"
_BATCHES = ("batch_size", "validation_batch_size")


class Keeper:
    """The folder of one run.

    Args:
        folder: where; made if needed.
        job: the run.

    Raises:
        FileError: the folder cannot be made or written to.
    """

    def __init__(self, folder: str | os.PathLike[str], job: Job) -> None:
        self.folder = make_folder(folder)
        self._job = job
        self._manifest = self.folder / MANIFEST
        self._identity: dict[str, Any] | None = None
        self._files: dict[int, tuple[str, str]] = {}

    def load(self) -> Stand | None:
        """Where the run was left; None where it never began.

        Raises:
            FileError: the checkpoint is damaged, or another run's; nothing is deleted.
        """
        content = read_manifest(self._manifest, FORMAT)
        if content is None:
            return None
        check_same(self._manifest, self._run(), content["run"])
        history = tuple(Iteration.from_dict(one) for one in content["history"])
        best = max(one.step for one in history if one.within)
        model, lineage = _retraced(self._job, [one for one in history if one.step <= best])
        arrays = read_arrays(self.folder / content["file"], content["sha256"])
        self._files[best] = content["file"], content["sha256"]
        set_weights(model, arrays, self.folder / content["file"])
        self._job.compiler(model)
        state = state_from(arrays, content["state"])
        if self._job.settings.carry_optimizer:
            write_state(model, model.optimizer, state)
        return Stand(model, lineage, state, history, content["ended"])

    def save(self, stand: Stand) -> None:
        """Keeps a step; the last one is there until this one is whole.

        Of several workers the chief writes, and the others wait for it.
        """
        run = self._run()  # by all: to make models of TensorFlow takes all of its workers
        if workers().index == 0:
            self._write(stand, run)
        wait()

    def _write(self, stand: Stand, run: Mapping[str, Any]) -> None:
        best = stand.best
        if best not in self._files:
            name = f"step-{best:05}.npz"
            arrays = {**weight_arrays(stand.model), **state_arrays(stand.state)}
            self._files[best] = name, write_arrays(self.folder / name, arrays)
        name, digest = self._files[best]
        content = {
            "format": FORMAT,
            "run": run,
            "history": [asdict(one) for one in stand.history],
            "ended": stand.ended,
            "file": name,
            "sha256": digest,
            "state": state_numbers(stand.state),
        }
        write_manifest(self._manifest, content)
        sweep(self.folder, "step-", name)

    def _run(self) -> Mapping[str, Any]:
        """What tells this run from others, in plain values."""
        if self._identity is None:
            job = self._job
            settings = job.settings.as_dict()
            self._identity = {
                "model": job.origin.graph.fingerprint,
                "weights": digest_of(_values(job.model)),
                "optimizer_state": digest_of(job.start.slots),
                "criterion": job.origin.plan.criterion,
                "data": job.data,
                "compiled": _compiled(job),
                **settings,
                "fit_options": _of_all_workers(settings["fit_options"]),
            }
        return self._identity


def _of_all_workers(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of `fit` with the sizes of whole batches, of which each worker takes its share."""
    sizes = {name: options[name] for name in _BATCHES if options.get(name)}
    whole = {name: size * workers().count for name, size in sizes.items()}
    return {**options, **whole}


def _compiled(job: Job) -> Mapping[str, Any]:
    """How models are compiled."""
    if job.recompiled:
        return compiled_as(job.model)
    probe = assemble(job.model, job.origin.graph)
    job.compiler(probe)
    return compiled_as(probe)


def _values(model: Any) -> dict[Place, np.ndarray]:
    return {place: to_numpy(weight) for place, weight in weights_by_place(model).items()}


def _retraced(job: Job, history: Sequence[Iteration]) -> tuple[Any, Lineage]:
    """The model that a history leads to, with other weights, and where its filters stood."""
    graph, lineage = job.origin.graph, job.origin.lineage()
    model = assemble(job.model, graph)
    for one in history:
        if one.removed:
            kept = positions(lineage, one.removed)
            model = assemble(graph.model, graph, keep_mask(graph, kept))
            graph, lineage = trace(model), descend(lineage, kept)
    return model, lineage


def weight_arrays(model: Any) -> dict[str, np.ndarray]:
    """A model's weights by names that a file can hold."""
    return {f"weight|{path}|{index}": value for (path, index), value in _values(model).items()}


def set_weights(model: Any, arrays: Mapping[str, np.ndarray], path: Path) -> None:
    """Gives a model the weights that `weight_arrays` named.

    Raises:
        FileError: it has others.
    """
    places = weights_by_place(model)
    expected = {f"weight|{p}|{i}": tuple(weight.shape) for (p, i), weight in places.items()}
    found = {name: a.shape for name, a in arrays.items() if name.startswith("weight|")}
    if expected != found:
        wrong = sorted(
            name for name in {*expected, *found} if expected.get(name) != found.get(name)
        )
        raise FileError(
            f"the checkpoint {path} holds the weights of another model ('{wrong[0]}' is of shape "
            f"{found.get(wrong[0])}, expected {expected.get(wrong[0])}): use another checkpoint_dir"
        )
    for (layer, index), weight in places.items():
        weight.assign(arrays[f"weight|{layer}|{index}"])


def state_arrays(state: OptimizerState) -> dict[str, np.ndarray]:
    """An optimizer's arrays by names that a file can hold."""
    slots = {f"slot|{path}|{i}|{name}": value for (path, i, name), value in state.slots.items()}
    return {**slots, **{f"counter|{name}": value for name, value in state.counters.items()}}


def state_numbers(state: OptimizerState) -> dict[str, Any]:
    """What else there is of an optimizer's state, in plain values."""
    return {"learning_rate": state.learning_rate, "position": state.position}


def state_from(arrays: Mapping[str, np.ndarray], numbers: Mapping[str, Any]) -> OptimizerState:
    """The state of which the two above made arrays and numbers."""
    slots, counters = {}, {}
    for name, value in arrays.items():
        kind, _, rest = name.partition("|")
        if kind == "slot":
            path, index, slot = rest.rsplit("|", 2)
            slots[path, int(index), slot] = value
        elif kind == "counter":
            counters[rest] = value
    return OptimizerState(slots, counters, numbers["learning_rate"], numbers["position"])
