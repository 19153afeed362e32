"""A SavedModel folder loaded again and run, and what its files are."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tfprune._silence import silenced
from tfprune.convert.compare import Outputs, join_answers
from tfprune.convert.samples import Example
from tfprune.convert.savedmodel import SIGNATURE
from tfprune.errors import ConversionError


def run_saved_model(
    folder: Path, names: Sequence[str], examples: Sequence[Example], batches: Sequence[int]
) -> list[Outputs]:
    """Returns what the loaded folder answers to the examples, once for each size of batch.

    Args:
        folder: the SavedModel.
        names: of its inputs, in the order of the examples' parts.
        examples: one batch entry each.
        batches: how many examples to give at once.

    Raises:
        ConversionError: TensorFlow cannot load or run it.
    """
    import tensorflow as tf

    try:
        with silenced():
            loaded = tf.saved_model.load(str(folder))
            run = loaded.signatures[SIGNATURE]
            return [_run(run, names, examples, size) for size in batches]
    except (ValueError, TypeError, KeyError, OSError, tf.errors.OpError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ConversionError(f"TensorFlow cannot run the SavedModel: {reason}") from error


def _run(run: Any, names: Sequence[str], examples: Sequence[Example], size: int) -> Outputs:
    import tensorflow as tf

    answers = []
    for begin in range(0, len(examples), size):
        parts = zip(*examples[begin : begin + size], strict=True)
        feed = {n: tf.constant(np.concatenate(p)) for n, p in zip(names, parts, strict=True)}
        answers.append({name: value.numpy() for name, value in run(**feed).items()})
    return join_answers(answers)


def describe_folder(folder: Path) -> tuple[int, str]:
    """Returns the size of all files, and a checksum of their names and contents."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    checksum = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        checksum.update(f"{file.relative_to(folder).as_posix()} {len(content)}\n".encode())
        checksum.update(content)
    return sum(file.stat().st_size for file in files), checksum.hexdigest()
