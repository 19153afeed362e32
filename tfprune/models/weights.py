"""Weights of a net's body from an `.npz` of arrays named `<layer>/<variable>`."""

import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np

from tfprune.errors import FileError, ModelError

# What Caffe's nets subtract from images in 0..255, in the order red, green, blue.
CAFFE_MEAN = (123.68, 116.779, 103.939)


@dataclass(frozen=True)
class StoredWeights:
    """The arrays of an `.npz` file, by the names `<layer>/<variable>`."""

    path: Path
    arrays: Mapping[str, np.ndarray] = field(repr=False)


def read_npz(path: str | os.PathLike[str]) -> StoredWeights:
    """Reads a file of weights, before a model is built for them.

    Args:
        path: an `.npz` of arrays named `<layer>/<variable>`, such as `conv1_conv/kernel`; any
            float type.

    Raises:
        FileError: the file is missing or is not an `.npz`.
    """
    path = Path(path)
    if not path.is_file():
        raise FileError(f"expected a weights file, but {path} does not exist")
    try:
        # np.load leaves a file open that it cannot make out; so it is given an open one.
        with path.open("rb") as stream:
            stored = np.load(stream, allow_pickle=False)
            if isinstance(stored, np.lib.npyio.NpzFile):
                return StoredWeights(path, {name: stored[name] for name in stored.files})
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise FileError(f"expected an .npz file of weights, but {path} is not one") from error
    raise FileError(f"expected an .npz file of weights, but {path} holds a single array")


def set_stored(
    model: keras.Model,
    stored: StoredWeights,
    *,
    head: tuple[str, ...] = (),
) -> None:
    """Sets the weights of a new model, in place.

    Args:
        model: a model built just now.
        stored: what `read_npz` returned.
        head: layers that keep their own weights where the file lacks them or has them for
            another number of classes. Defaults to `()`, none.

    Raises:
        FileError: the file lacks a weight of the model, or holds one of another shape.
    """
    arrays = stored.arrays
    for layer in model.layers:
        names = [f"{layer.name}/{variable.name}" for variable in layer.variables]
        shapes = [tuple(variable.shape) for variable in layer.variables]
        fits = all(n in arrays and arrays[n].shape == s for n, s in zip(names, shapes, strict=True))
        if layer.name in head and not fits:
            continue
        _check(stored, names, shapes)
        values = [arrays[name].astype(np.float32) for name in names]
        if values:
            layer.set_weights(values)


def check_image_shape(input_shape: tuple[int, ...], least: int, channels: int | None) -> None:
    """Raises `ModelError` unless `input_shape` is (height, width, channels) and large enough."""
    height, width, depth = input_shape if len(input_shape) == 3 else (0, 0, 0)
    if min(height, width) < least or depth < 1 or depth != (channels or depth):
        wanted = f"(height, width, {channels or 'channels'})"
        raise ModelError(
            f"expected an input shape {wanted} of at least {least} x {least} pixels, "
            f"received {tuple(input_shape)}"
        )


def _check(stored: StoredWeights, names: list[str], shapes: list[tuple[int, ...]]) -> None:
    for name, shape in zip(names, shapes, strict=True):
        if name not in stored.arrays:
            raise FileError(
                f"expected the array {name!r} in {stored.path}: these are another net's weights"
            )
        if stored.arrays[name].shape != shape:
            raise FileError(
                f"expected {name!r} of shape {shape} in {stored.path}, received "
                f"{stored.arrays[name].shape}: these are another net's weights"
            )
