"""Training and evaluation, whatever devices and processes share the work."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from tfprune._tfdata import in_batches
from tfprune.errors import DataError
from tfprune.training import lockstep
from tfprune.training.releasing import release_when_dropped
from tfprune.training.sources import fit_arguments
from tfprune.training.workers import TensorFlowWorkers, scope_of, workers


def fit(
    model: Any, data: Any, *, epochs: int = 1, callbacks: Sequence[Any] = (), **options: Any
) -> keras.callbacks.History:
    """Trains a model in place as `model.fit` does, several processes of TensorFlow included.

    `model.fit` itself serves one process, several devices of one, and several processes on JAX.
    Under `tf.distribute.MultiWorkerMirroredStrategy`, where Keras 3 has no `fit`, this takes the
    steps: each worker brings its share of the data and of `batch_size`, gradients are summed, and
    the means of batch norm are those of all workers after each epoch. Callbacks run on every
    worker; what they log of an epoch is of all, of a batch of one. Workers stop together, at the
    end of an epoch. One device a process: on a machine with several GPUs start a process for each.

    On TensorFlow the weights' and the optimizer's memory is given back once nobody holds the model
    any more, which it is not after `model.fit` (see `tfprune.training.releasing`).

    Args:
        model: compiled; made in the scope of the strategy, if there is one.
        data: (x, y) or (x, y, sample_weight) arrays, a `tf.data.Dataset` of batches, or a
            `keras.utils.PyDataset`; of several workers each its own share, in as many batches.
        epochs: how often to go through the data. Defaults to `1`.
        callbacks: Keras callbacks, `FilterPruning` among them. Defaults to none.
        **options: other arguments of `model.fit`; with several processes of TensorFlow
            batch_size, shuffle, class_weight, steps_per_epoch, validation_data,
            validation_batch_size, validation_steps, verbose.

    Returns:
        Keras's `History`, as of `model.fit`.

    Raises:
        DataError: workers have not the same number of batches.
        PlanError: an option is not known there, or a worker has several devices.

    Example:
        >>> import keras, numpy as np
        >>> from tfprune.training import evaluate, fit
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        >>> model.compile("adam", "mse")
        >>> data = np.ones((8, 4), "float32"), np.ones((8, 1), "float32")
        >>> len(fit(model, data, epochs=3, batch_size=4, verbose=0).history["loss"])
        3
        >>> sorted(evaluate(model, data))
        ['loss']
    """
    # Keras warns where it is to shuffle a data set of batches, which is its default.
    order = {} if isinstance(data, tuple | keras.utils.PyDataset) else {"shuffle": False}
    options = {**order, **options}
    with scope_of(model):
        among = workers()
        try:
            if isinstance(among, TensorFlowWorkers):
                return lockstep.fit(model, data, among, epochs, callbacks, options)
            kwargs = fit_arguments(data)
            return model.fit(**kwargs, epochs=epochs, callbacks=list(callbacks), **options)
        finally:
            release_when_dropped(model)


def evaluate(
    model: Any, data: Any, *, batch_size: int | None = None, steps: int | None = None
) -> dict[str, float]:
    """The loss and metrics of a model by name, over the data of all workers.

    Args:
        model: compiled.
        data: as in `fit`; shares need not be equally large.
        batch_size: of arrays. Defaults to `None`, 32.
        steps: batches to look at. Defaults to `None`, all.

    Raises:
        DataError: there are none.
    """
    with scope_of(model):
        among = workers()
        if isinstance(among, TensorFlowWorkers):
            return lockstep.evaluate(model, data, among, batch_size, steps)
        kwargs: dict[str, Any] = {}
        if _plain(data):
            data = in_batches(data, batch_size or 32)
        elif isinstance(data, tuple):
            kwargs["batch_size"] = batch_size
        if steps is not None:
            kwargs["steps"] = steps
        found = model.evaluate(**fit_arguments(data), verbose=0, return_dict=True, **kwargs)
    if not found:
        raise DataError("expected at least one example to evaluate on, received none")
    return {name: float(value) for name, value in found.items()}


def _plain(data: Any) -> bool:
    """Whether data are a tuple of arrays that TensorFlow is to go through."""
    arrays = isinstance(data, tuple) and all(isinstance(part, np.ndarray) for part in data)
    return arrays and keras.backend.backend() == "tensorflow"
