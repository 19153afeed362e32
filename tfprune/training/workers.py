"""Several processes that train one model, and take every decision alike."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np
from absl import logging

from tfprune.criteria import Criterion
from tfprune.errors import TfpruneError, WorkerError
from tfprune.graph import ChannelGraph

# What engines say when a process is gone: TensorFlow's collectives, Gloo, NCCL, JAX's service.
_SIGNS = (
    "collective ops is aborted",
    "connection closed by peer",
    "connection reset by peer",
    "connection refused",
    "socket closed",
    "gloo ",
    "nccl ",
    "heartbeat",
    "coordination service",
)


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

        # As bytes: JAX would make float32 of float64 on the way.
        each = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
        found = np.asarray(multihost_utils.process_allgather(each))
        return found.view(values.dtype).reshape(self.count, *values.shape).mean(axis=0)


class TensorFlowWorkers:
    """The workers of a `tf.distribute` strategy of several machines.

    Attributes:
        strategy: the strategy.
        index, count: as of all workers.
        replicas: how many devices they have, all together.
    """

    def __init__(self, strategy: Any) -> None:
        self.strategy = strategy
        resolver = strategy.cluster_resolver
        jobs = resolver.cluster_spec().as_dict()
        chiefs, others = len(jobs.get("chief", ())), len(jobs.get("worker", ()))
        behind = chiefs if resolver.task_type == "worker" else 0
        self.index = behind + int(resolver.task_id or 0)
        self.count = max(1, chiefs + others)
        self.replicas = int(strategy.num_replicas_in_sync)

    def mean(self, values: np.ndarray) -> np.ndarray:
        """The mean over all workers."""
        import tensorflow as tf

        strategy = self.strategy
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
    """The sum of what all workers say; exact up to 2 ** 52."""
    among = workers()
    return round(float(among.mean(np.asarray(number, "float64"))) * among.count)


def wait() -> None:
    """Returns when all workers have come so far."""
    total(0)


def scope_of(model: Any) -> contextlib.AbstractContextManager[Any]:
    """The scope of the strategy that a model was made in: TensorFlow's, which models remember."""
    strategy = getattr(model, "distribute_strategy", None)
    return contextlib.nullcontext() if strategy is None else strategy.scope()


@contextlib.contextmanager
def all_there(folder: Path | None) -> Iterator[None]:
    """Says clearly what happened where another worker goes away inside the block.

    The engines notice it: at once where the process died, by their heartbeats where its machine
    stopped to answer.

    Args:
        folder: where the run is kept, if it is.

    Raises:
        WorkerError: a worker is gone.
    """
    try:
        yield
    except Exception as error:
        text = str(error)
        lost = any(sign in text.lower() for sign in _SIGNS)
        if isinstance(error, TfpruneError) or not lost or workers().count == 1:
            raise
        kept = (
            "nothing of it is kept: pass checkpoint_dir"
            if folder is None
            else f"what it had done is kept in {folder}: call it again in the same way, with as "
            "many workers or fewer or more, and it goes on from there"
        )
        reason = text.strip().splitlines()[0][:200]
        told = WorkerError(f"one of {workers().count} workers was lost ({reason}); {kept}")
        logging.error("%s", told)  # at once: JAX may end this process before Python does
        raise told from error


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
