"""Steps that several processes of TensorFlow take together, where Keras 3 has no `fit`.

Under `tf.distribute.MultiWorkerMirroredStrategy` a step of Keras (`model.train_step`) runs well: it
scales the loss, and its optimizer sums the gradients of all workers. What fails is the loop around
it (keras-team/keras#20585); this is another one. Workers wait for one another in each step of
training, so all must take as many, and stop together.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

import keras
import numpy as np

from tfprune._keras import to_numpy
from tfprune.errors import DataError, PlanError
from tfprune.training.batching import endless, one_pass, steps_in
from tfprune.training.workers import TensorFlowWorkers, total

_OPTIONS = {"batch_size", "class_weight", "shuffle", "steps_per_epoch", "verbose"}
_OF_VALIDATION = {"validation_data", "validation_batch_size", "validation_steps"}
_BATCH = 32  # as in Keras


def fit(
    model: Any,
    data: Any,
    among: TensorFlowWorkers,
    epochs: int,
    callbacks: Sequence[Any],
    options: Mapping[str, Any],
) -> keras.callbacks.History:
    """Trains a model in place; see `tfprune.training.fit`."""
    _check(among, options)
    each = _steps_of_all(data, among, options)
    size = options.get("batch_size") or _BATCH
    weights, shuffle = options.get("class_weight"), options.get("shuffle", True)
    passing = endless(data, size, shuffle, weights)
    step = _together(model.train_step, among)
    watched = _callbacks(model, callbacks, among, epochs, each, options)
    model.stop_training = False
    watched.on_train_begin()
    logs: dict[str, float] = {}
    for epoch in range(epochs):
        model.reset_metrics()
        watched.on_epoch_begin(epoch)
        batches = passing if each else one_pass(data, size, shuffle, weights)
        for number, batch in enumerate(_in_step(batches, each, among)):
            watched.on_train_batch_begin(number)
            found = step(batch)
            watched.on_train_batch_end(number, {name: float(one) for name, one in found.items()})
        _share_statistics(model, among)
        logs = {**_metrics(model), **_validated(model, among, options)}
        watched.on_epoch_end(epoch, logs)
        if total(int(model.stop_training)):
            break
    watched.on_train_end(logs)
    return model.history


def evaluate(
    model: Any,
    data: Any,
    among: TensorFlowWorkers,
    batch_size: int | None = None,
    steps: int | None = None,
) -> dict[str, float]:
    """Loss and metrics over all workers' data: they meet when the sums are read, not before."""
    step = _together(model.test_step, among)
    model.reset_metrics()
    seen = 0
    for batch in islice(one_pass(data, batch_size or _BATCH), steps):
        step(batch)
        seen += 1
    if not total(seen):
        raise DataError("expected at least one example to evaluate on, received none")
    return _metrics(model)


def _check(among: TensorFlowWorkers, options: Mapping[str, Any]) -> None:
    unknown = sorted(set(options) - _OPTIONS - _OF_VALIDATION)
    if unknown:
        raise PlanError(
            f"expected options that several processes of TensorFlow know, "
            f"{', '.join(sorted(_OPTIONS | _OF_VALIDATION))}, received {', '.join(unknown)}"
        )
    if among.replicas != among.count:
        raise PlanError(
            f"expected one device in each of {among.count} workers, received {among.replicas} in "
            "all: start a process for each GPU, with CUDA_VISIBLE_DEVICES naming its own"
        )


def _steps_of_all(data: Any, among: TensorFlowWorkers, options: Mapping[str, Any]) -> int | None:
    """Steps of each epoch, of which all workers have the same number; None where none knows it."""
    mine = options.get("steps_per_epoch") or steps_in(data, options.get("batch_size") or _BATCH)
    known = -1 if mine is None else mine
    # Sum of squares and square of the sum agree just where all are equal, and all workers see it.
    if total(known) ** 2 != among.count * total(known**2):
        raise DataError(
            f"expected as many batches from each of {among.count} workers, received "
            f"{'an unknown number' if mine is None else mine} here and another elsewhere: give all "
            "as many examples, or pass steps_per_epoch"
        )
    return mine


def _together(method: Any, among: TensorFlowWorkers) -> Any:
    """A step as a function that every worker calls with its own batch."""
    import tensorflow as tf

    return tf.function(
        lambda batch: among.strategy.run(method, args=(batch,)), reduce_retracing=True
    )


def _callbacks(
    model: Any,
    callbacks: Sequence[Any],
    among: TensorFlowWorkers,
    epochs: int,
    steps: int | None,
    options: Mapping[str, Any],
) -> keras.callbacks.CallbackList:
    verbose = options.get("verbose", 1)
    verbose = 1 if verbose == "auto" else verbose
    return keras.callbacks.CallbackList(
        list(callbacks),
        add_history=True,
        add_progbar=bool(verbose) and among.index == 0,
        model=model,
        epochs=epochs,
        steps=steps,
        verbose=verbose,
    )


def _in_step(batches: Iterable[Any], steps: int | None, among: TensorFlowWorkers) -> Iterator[Any]:
    """Batches, as long as every worker has one."""
    if steps is not None:
        yield from islice(batches, steps)
        return
    for batch in chain(batches, [None]):
        if total(int(batch is not None)) < among.count:
            return
        yield batch


def _share_statistics(model: Any, among: TensorFlowWorkers) -> None:
    """Gives all workers the mean of what each has gathered of its own data (batch norm)."""
    own = [one for one in model.non_trainable_weights if "float" in str(one.dtype)]
    if not own:
        return
    values = [to_numpy(one) for one in own]
    flat = np.concatenate([value.astype("float64").ravel() for value in values])
    mean = among.mean(flat)
    ends = np.cumsum([value.size for value in values])
    for variable, value, end in zip(own, values, ends, strict=True):
        variable.assign(mean[end - value.size : end].reshape(value.shape).astype(value.dtype))


def _metrics(model: Any) -> dict[str, float]:
    """Reading the sums adds up those of all workers."""
    return {name: float(value) for name, value in model.get_metrics_result().items()}


def _validated(
    model: Any, among: TensorFlowWorkers, options: Mapping[str, Any]
) -> dict[str, float]:
    data = options.get("validation_data")
    if data is None:
        return {}
    size = options.get("validation_batch_size") or options.get("batch_size")
    found = evaluate(model, data, among, size, options.get("validation_steps"))
    return {f"val_{name}": value for name, value in found.items()}
