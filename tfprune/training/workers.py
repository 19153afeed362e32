"""Several processes that train one model, and take every decision alike."""

from typing import Any, Protocol

import keras
import numpy as np

from tfprune.criteria import Criterion
from tfprune.graph import ChannelGraph


class Workers(Protocol):
    """The processes that train together.

    Attributes:
        index: which of them this is, from 0; 0 is the chief, which alone writes files.
        count: how many there are.
    """

    index: int
    count: int

    def mean(self, values: np.ndarray) -> np.ndarray:
        """The mean over all workers, each of which must ask, in the same order."""


class Alone:
    """One process."""

    index, count = 0, 1

    def mean(self, values: np.ndarray) -> np.ndarray:
        """The values themselves."""
        return values


class JaxWorkers:
    """The processes of `keras.distribution.initialize()` on the JAX backend."""

    def __init__(self) -> None:
        import jax

        self.index, self.count = jax.process_index(), jax.process_count()

    def mean(self, values: np.ndarray) -> np.ndarray:
        """The mean over all processes."""
        from jax.experimental import multihost_utils

        return np.asarray(multihost_utils.process_allgather(values)).mean(axis=0)


class TensorFlowWorkers:
    """The workers of a `tf.distribute` strategy of several machines."""

    def __init__(self, strategy: Any) -> None:
        self._strategy = strategy
        resolver = strategy.cluster_resolver
        self.index = int(resolver.task_id or 0)
        self.count = len(resolver.cluster_spec().as_dict().get("worker", [0]))

    def mean(self, values: np.ndarray) -> np.ndarray:
        """The mean over all workers."""
        import tensorflow as tf

        strategy = self._strategy
        each = strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(values)
        )
        return np.asarray(strategy.reduce("MEAN", each, axis=None))


def workers() -> Workers:
    """The workers that this process is one of: those of the backend, or itself alone.

    On JAX: after `keras.distribution.initialize()`. On TensorFlow: inside the scope of a
    `MultiWorkerMirroredStrategy`.
    """
    backend = keras.backend.backend()
    if backend == "jax":
        found = JaxWorkers()
        return found if found.count > 1 else Alone()
    if backend == "tensorflow":
        import tensorflow as tf

        strategy = tf.distribute.get_strategy()
        if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
            return TensorFlowWorkers(strategy)
    return Alone()


def total(number: int) -> int:
    """The sum of what all workers say."""
    among = workers()
    return round(float(among.mean(np.asarray(number, "int32"))) * among.count)


def wait() -> None:
    """Returns when all workers have come so far."""
    total(0)


def agreed(criterion: Criterion) -> Criterion:
    """A criterion by which all workers find the same scores."""
    return criterion if workers().count == 1 else Shared(criterion)


class Shared:
    """A criterion whose scores are the mean of those that all workers find.

    Each worker looks at its own share of the data; all of them end with the same scores, and so
    with the same plan. Shares should be equally large: the mean does not weigh them. It is right
    for criteria that are means over examples (Taylor's, activations, output sensitivity); those of
    weights alone find the same everywhere.

    Args:
        criterion: what each worker scores with, over its own data.
        among: the workers. Defaults to `None`: those that `workers()` finds when it scores.

    Example:
        >>> import keras, tfprune
        >>> from tfprune.training import Shared
        >>> model = keras.Sequential(
        ...     [keras.Input((4,)), keras.layers.Dense(8), keras.layers.Dense(2)]
        ... )
        >>> tfprune.prune(model, Shared(tfprune.criteria.L2()), ratio=0.5).layers[0].units
        4
    """

    def __init__(self, criterion: Criterion, among: Workers | None = None) -> None:
        self._criterion = criterion
        self._among = among
        self.name = criterion.name
        # How groups are compared is part of a criterion, where it says so.
        normalizer = getattr(criterion, "normalizer", None)
        if normalizer is not None:
            self.normalizer = normalizer

    def score(self, graph: ChannelGraph) -> dict[str, np.ndarray]:
        """The mean scores of all workers."""
        found = self._criterion.score(graph)
        among = self._among or workers()
        return {path: among.mean(found[path]) for path in sorted(found)}
