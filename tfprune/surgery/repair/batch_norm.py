"""Batch-norm statistics measured anew."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tfprune.cloning.assemble import Weights
from tfprune.graph.records import LayerRecord
from tfprune.surgery.repair.listening import Listening
from tfprune.surgery.repair.readers import host_of, steps_within
from tfprune.surgery.repair.task import Repaired, Task, replaced, value


@dataclass(frozen=True)
class BatchNorm:
    """Measures the means and variances of the pruned net's batch norms.

    EagleEye (Li et al. 2020, arXiv 2007.02491): while the net runs over the examples each batch
    norm takes the statistics of the batch, as in training; afterwards it is given those of all
    examples. They are no moving average here but the mean and variance of all that passed. All
    else runs as in inference, without dropout. Frozen batch norms are measured too; masks are not
    looked at. Among several repairs it goes last: the others aim at what the original's batch norms
    were given.

    Attributes:
        examples: how many examples to look at, at most.
    """

    examples: int = 1024
    name = "batch_norm"

    def apply(self, task: Task, weights: Weights) -> Repaired:
        """See `Repair`."""
        norms = {
            path: (record, host_of(task.graph, path))
            for path, record in task.graph.records.items()
            if type(record.operation) is keras.layers.BatchNormalization
        }
        hidden = {path: _HIDDEN for path, (_, host) in norms.items() if host is None}
        seen = [(record, host) for record, host in norms.values() if host is not None]
        pruned = Listening(task.graph, [host for _, host in seen], task.keep, weights)
        moments = [
            _Moments(pruned.layers[record.path], steps_within(task.graph.records[host].operation))
            for record, host in seen
        ]
        hosts = {host: each.hear for (_, host), each in zip(seen, moments, strict=True)}
        pruned.run(task.first(self.examples), hosts, "batch norm")
        for (record, _), each in zip(seen, moments, strict=True):
            weights = _put(task, weights, record, each)
        return Repaired(weights, hidden)


_HIDDEN = "it lies in a wrapper, where its inputs cannot be seen"


class _Moments:
    """The mean and variance of all that a batch norm is given.

    Args:
        layer: the batch norm, which is given the statistics of each batch just before it runs.
        steps: how many axes of what is heard are time.
    """

    def __init__(self, layer: Any, steps: int) -> None:
        self._layer = layer
        self._steps = steps
        self._count = 0
        self._mean: np.ndarray | float = 0.0
        self._squares: np.ndarray | float = 0.0

    def hear(self, x: np.ndarray) -> None:
        x = x.reshape(-1, *x.shape[1 + self._steps :])
        x = np.moveaxis(x, self._layer.axis, -1)
        x = x.reshape(-1, x.shape[-1]).astype(np.float64)
        mean, variance = x.mean(axis=0), x.var(axis=0)
        self._layer.moving_mean.assign(mean)
        self._layer.moving_variance.assign(variance)
        # Two samples joined (Chan et al. 1979): no large numbers are taken off each other.
        count, away = self._count + len(x), mean - self._mean
        self._squares += len(x) * variance + away**2 * self._count * len(x) / count
        self._mean += away * len(x) / count
        self._count = count

    def statistics(self) -> dict[str, np.ndarray]:
        """By name of the weight."""
        found = {"moving_mean": self._mean, "moving_variance": self._squares / self._count}
        return {name: np.asarray(value) for name, value in found.items()}


def _put(task: Task, weights: Weights, record: LayerRecord, moments: _Moments) -> Weights:
    """Puts the statistics in the places of the channels that stay."""
    for name, found in moments.statistics().items():
        variable = getattr(record.operation, name)
        index = next(i for i, weight in enumerate(record.weights) if weight is variable)
        ids = next((cut.ids for cut in record.slices if cut.weight == index), None)
        full = value(task, weights, record.path, index).copy()
        full[... if ids is None else task.keep[ids]] = found
        weights = replaced(weights, record.path, index, full)
    return weights
