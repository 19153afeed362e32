"""Keras models to SavedModel folders, for TF Serving and whatever else reads them."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfprune._files import atomic_folder, check_folder
from tfprune._silence import silenced
from tfprune.convert.artifact import Artifact
from tfprune.convert.checks import (
    check_errors,
    check_limit,
    check_model,
    choose_samples,
    join_errors,
)
from tfprune.convert.compare import output_errors, run_keras
from tfprune.convert.extras import require_tensorflow
from tfprune.convert.savedmodel import export, input_names
from tfprune.convert.served import describe_folder, run_saved_model
from tfprune.errors import ConversionError, FileError

if TYPE_CHECKING:
    import keras

TOLERANCE = 1e-5
"""The largest error allowed by default: the same kernels run in Keras and in the SavedModel."""


def to_saved_model(
    model: "keras.Model",
    folder: str | os.PathLike[str],
    version: int | str | None = None,
    samples: Any = None,
    tolerance: float = TOLERANCE,
    overwrite: bool = False,
    seed: int = 0,
) -> Artifact:
    """Writes `model` as a SavedModel, loads it again and compares it with the model.

    The folder holds TensorFlow's graph and weights, no Python and no Keras. Its signature
    "serving_default" takes and returns tensors by the names of the model's inputs and outputs; the
    batch, and other sizes that the model leaves open, stay open. The folder appears whole or not
    at all, so that a server that watches it never loads half a model.

    Args:
        model: a built Functional or Sequential model with finite weights. It stays as it is.
        folder: where the SavedModel is to stand or, with `version`, where its versions do.
        version: a number of 1 or more, for the folder `folder/<version>` that TF Serving looks
            for; "next" for one more than the highest there. Defaults to `None`: no such folder.
        samples: inputs to compare on. Defaults to 8 drawn from a normal distribution.
        tolerance: the largest error allowed, relative to the output's range. Defaults to 1e-5.
        overwrite: whether a folder that stands there may be replaced. Defaults to `False`.
        seed: of the drawn samples. Defaults to 0.

    Returns:
        An `Artifact`: the folder, the size and checksum of all its files, and the error of each
        output.

    Raises:
        ModelError: the model is not built, has no static graph, or has NaN weights.
        DataError: the samples are empty, of a wrong shape, or hold NaN.
        FileError: the folder cannot be written, or exists and `overwrite` is `False`.
        ConversionError: the SavedModel computes something else, or Keras runs on another backend
            than TensorFlow.

    Example:
        >>> import keras, tempfile
        >>> model = keras.Sequential([keras.Input((4,), name="wave"), keras.layers.Dense(2)])
        >>> artifact = to_saved_model(model, tempfile.mkdtemp(), version="next")
        >>> artifact.path.name, artifact.inputs
        ('1', ('wave',))
    """
    check_limit(tolerance, "tolerance")
    check_model(model)
    target = _target(Path(folder), version, overwrite)
    require_tensorflow("a SavedModel")
    examples = choose_samples(model, samples, [], None, seed)
    expected = run_keras(model, examples)
    made = version is not None and not target.parent.exists()
    if made:
        target.parent.mkdir()
    try:
        with atomic_folder(target) as temporary:
            _write(model, temporary)
            alike = len({tuple(part.shape for part in one) for one in examples}) == 1
            batches = [1, len(examples)] if alike else [1]
            answers = run_saved_model(temporary, input_names(model), examples, batches)
            errors = join_errors(output_errors(expected, received) for received in answers)
            check_errors(errors, tolerance, "SavedModel")
            size, checksum = describe_folder(temporary)
    except BaseException:
        if made:
            target.parent.rmdir()
        raise
    return Artifact(
        path=target,
        bytes=size,
        quantize=None,
        errors=errors,
        tolerance=tolerance,
        samples=len(examples),
        inputs=input_names(model),
        sha256=checksum,
    )


def _target(folder: Path, version: int | str | None, overwrite: bool) -> Path:
    """The folder to write, for sure."""
    check_folder(folder)
    if version is None:
        target = folder
    elif version == "next":
        taken = [int(one.name) for one in folder.glob("*") if one.name.isdigit()]
        target = folder / str(max(taken, default=0) + 1)
    elif isinstance(version, int) and not isinstance(version, bool) and version > 0:
        target = folder / str(version)
    else:
        raise ConversionError(
            f"expected a version of 1 or more, or 'next', received {version!r}: TF Serving takes "
            "the highest number"
        )
    if target.exists() and any(target.iterdir()) and not overwrite:
        raise FileError(f"{target} exists: name another folder, or pass overwrite=True")
    return target


def _write(model: "keras.Model", folder: Path) -> None:
    try:
        with silenced():
            export(model, folder, [tuple(tensor.shape) for tensor in model.inputs])
    # TensorFlow raises ValueError, TypeError, AssertionError and its own op errors.
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise ConversionError(f"cannot write {model.name!r} as a SavedModel: {reason}") from error
