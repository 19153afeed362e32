"""Data sets of TensorFlow whose end is not waited for."""

from typing import Any

import keras
import numpy as np


def without_autotune(dataset: Any) -> Any:
    """Returns a `tf.data.Dataset` that TensorFlow does not tune while it is read.

    The tuner's thread sleeps between looks, each time twice as long, and the end of a pass waits
    until it wakes: a pass takes up to twice its time. Call this where no operation is left to
    `tf.data.AUTOTUNE`: there is nothing to tune.
    """
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)


def in_batches(arrays: Any, batch_size: int) -> Any:
    """Arrays in memory as batches in their order, as `predict` and `evaluate` take them.

    Args:
        arrays: one of (n, ...), or a tuple of such; floats become Keras's default float.
        batch_size: of all but the last.

    Returns:
        A `tf.data.Dataset`.
    """
    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensor_slices(keras.tree.map_structure(_as_keras, arrays))
    return without_autotune(dataset.batch(batch_size))


def _as_keras(array: Any) -> np.ndarray:
    array = np.asarray(array)
    floats = np.issubdtype(array.dtype, np.floating)
    return array.astype(keras.config.floatx(), copy=False) if floats else array
