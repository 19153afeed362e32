"""Takes data sets that shuffle back to the pass at which a run began.

A `tf.data.Dataset` that shuffles counts its passes, and shuffles each in another way. A run that is
taken up again would meet the first orders a second time; so each step begins by going back.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from absl import logging

from tfprune.errors import DataError, FileError

Rewind = Callable[[], None]


def rewinder(data: Mapping[str, Any], folder: Path, resumed: bool, strict: bool) -> Rewind:
    """Returns what takes every `tf.data.Dataset` among the data back.

    Args:
        data: data by name; what is no `tf.data.Dataset` is passed over.
        folder: where the places to go back to are kept.
        resumed: whether they are there already.
        strict: whether to make sure that the first batch is the same each time.

    Raises:
        DataError: it is not: the data cannot be taken back.
        FileError: the place to go back to is damaged or missing.
    """
    found = [
        _rewinder(dataset, name, folder / f"{name}-pass", resumed, strict)
        for name, dataset in data.items()
        if hasattr(dataset, "element_spec") and hasattr(dataset, "cardinality")
    ]

    def rewind() -> None:
        for each in found:
            each()

    return rewind


def _rewinder(dataset: Any, name: str, path: Path, resumed: bool, strict: bool) -> Rewind:
    rewind = _restorer(dataset, path, resumed)
    if not strict:
        return rewind
    firsts = []
    for _ in range(2):
        rewind()
        batch = keras.tree.flatten(next(iter(dataset), ()))
        firsts.append([keras.ops.convert_to_numpy(part) for part in batch])
    if not all(np.array_equal(one, other) for one, other in zip(*firsts, strict=True)):
        raise DataError(
            f"expected {name} data that begin alike each time a step begins, received a "
            f"{type(dataset).__name__} with chance that cannot be taken back: with checkpoint_dir "
            "pass a function that makes the data set, and seed what is random in it"
        )
    return rewind


def _restorer(dataset: Any, path: Path, resumed: bool) -> Rewind:
    """What takes one data set back; nothing where TensorFlow cannot write down its state."""
    import tensorflow as tf

    if not resumed:
        try:
            tf.train.Checkpoint(iterator=iter(dataset)).write(str(path))
        except (tf.errors.OpError, ValueError, TypeError) as error:
            logging.info("the state of the data set cannot be kept: %s", str(error)[:100])
            return lambda: None

    def rewind() -> None:
        try:
            tf.train.Checkpoint(iterator=iter(dataset)).read(str(path)).assert_consumed()
        except (tf.errors.OpError, AssertionError, IndexError, ValueError) as error:
            raise FileError(
                f"the checkpoint {path} is damaged or of other data ({str(error)[:100]}): nothing "
                "was deleted; begin again with another checkpoint_dir"
            ) from None

    # One that could not be written when the run began has no file.
    return rewind if path.with_name(f"{path.name}.index").exists() else lambda: None
