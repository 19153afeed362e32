"""Runs a model on batches, forwards or backwards too, the same on every backend of Keras."""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np

from tfprune._keras import pack_inputs
from tfprune.criteria.batches import Batch
from tfprune.criteria.losses import Losses
from tfprune.errors import DataError

Step = Callable[[Batch], np.ndarray]


def forward(model: Any) -> Callable[[Batch], None]:
    """Returns a function that runs a batch through the model, in inference mode.

    What the model's layers assign to their variables on the way is there afterwards.
    """
    run = _compiled(model)

    def step(batch: Batch) -> None:
        run(pack_inputs(model, batch.inputs))

    return step


def _compiled(model: Any) -> Callable[[Any], Any]:
    if keras.backend.backend() != "tensorflow":
        return partial(model, training=False)
    import tensorflow as tf

    return tf.function(lambda inputs: model(inputs, training=False))


def answers(model: Any) -> Callable[[Batch], np.ndarray]:
    """Returns a function from a batch to the model's outputs, in inference mode, as arrays."""
    run = _compiled(model)

    def step(batch: Batch) -> Any:
        outputs = run(pack_inputs(model, batch.inputs))
        return keras.tree.map_structure(keras.ops.convert_to_numpy, outputs)

    return step


def backward(model: Any, losses: Losses) -> Step:
    """Returns a function that runs a batch forwards and backwards, in inference mode.

    Afterwards each trainable variable's gradient of the summed losses is at hand.

    Args:
        model: its trainable variables are those asked for.
        losses: from labels and outputs to one loss an example.

    Returns:
        From a batch to the (examples,) losses and the gradients, one array a trainable variable.

    Raises:
        DataError: (when a batch runs) the loss cannot be computed from such labels.
    """
    steps = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
    step = steps[keras.backend.backend()](model, losses)

    def checked(batch: Batch) -> Any:
        try:
            return step(batch)
        except Exception as error:
            _check_labels(model, losses, batch, error)
            raise

    return checked


def _check_labels(model: Any, losses: Losses, batch: Batch, error: Exception) -> None:
    """Raises `DataError` where it is the labels that the step failed by."""
    outputs = keras.tree.map_structure(
        lambda tensor: keras.ops.zeros((len(batch.real), *tensor.shape[1:])), model.output
    )
    try:
        losses(batch.labels, outputs)
    except Exception as reason:  # noqa: BLE001  (losses may be anybody's, and raise anything)
        shapes = [tuple(np.shape(one)) for one in keras.tree.flatten(batch.labels)]
        expected = [tuple(tensor.shape) for tensor in keras.tree.flatten(model.output)]
        raise DataError(
            f"expected labels that the loss can compare with outputs of shapes {expected}, "
            f"received labels of shapes {shapes}: {str(reason).splitlines()[0]}"
        ) from error


def _tensorflow(model: Any, losses: Losses) -> Any:
    import tensorflow as tf

    # Of a variable on several devices the first one's copy, which is read outside of replicas.
    copies = tf.distribute.get_strategy().experimental_local_results
    watched = [copies(variable.value)[0] for variable in model.trainable_variables]

    @tf.function
    def run(inputs: Any, labels: Any, real: Any) -> Any:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(watched)
            each = losses(labels, model(inputs, training=False)) * real
            total = tf.reduce_sum(each)
        return each, tape.gradient(total, watched, unconnected_gradients="zero")

    def step(batch: Batch) -> Any:
        each, gradients = run(pack_inputs(model, batch.inputs), batch.labels, batch.real)
        return each.numpy(), [gradient.numpy() for gradient in gradients]

    return step


def _jax(model: Any, losses: Losses) -> Any:
    import jax

    trainable = [variable.value for variable in model.trainable_variables]
    fixed = [variable.value for variable in model.non_trainable_variables]

    def total(values: Any, fixed: Any, inputs: Any, labels: Any, real: Any) -> Any:
        outputs, _ = model.stateless_call(values, fixed, inputs, training=False)
        each = losses(labels, outputs) * real
        return each.sum(), each

    run = jax.jit(jax.grad(total, has_aux=True))

    def step(batch: Batch) -> Any:
        inputs = pack_inputs(model, batch.inputs)
        gradients, each = run(trainable, fixed, inputs, batch.labels, batch.real)
        return np.asarray(each), [np.asarray(gradient) for gradient in gradients]

    return step


def _torch(model: Any, losses: Losses) -> Any:
    import torch

    watched = [variable.value for variable in model.trainable_variables]

    def step(batch: Batch) -> Any:
        outputs = model(pack_inputs(model, batch.inputs), training=False)
        real = keras.ops.convert_to_tensor(batch.real)
        each = losses(batch.labels, outputs) * real
        gradients = torch.autograd.grad(each.sum(), watched, allow_unused=True)
        found = [
            np.zeros(tuple(value.shape), "float32")
            if gradient is None
            else gradient.detach().cpu().numpy()
            for gradient, value in zip(gradients, watched, strict=True)
        ]
        return each.detach().cpu().numpy(), found

    return step
