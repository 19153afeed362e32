"""Keras models in and out of files, with errors of one line."""

import os
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

from absl import logging

from tfprune._files import atomic_path
from tfprune.errors import FileError, ModelError

if TYPE_CHECKING:
    import keras

SUFFIXES = (".keras", ".h5")


def check_suffix(path: str | os.PathLike[str]) -> None:
    """Raises `FileError` where the name does not end as a Keras model's file does."""
    if Path(path).suffix not in SUFFIXES:
        raise FileError(
            f"expected a Keras model file named *.keras or *.h5, received {path}: rename it, or "
            "save the model with model.save('model.keras')"
        )


def check_model_file(path: str | os.PathLike[str]) -> None:
    """Raises `FileError` unless `path` holds a Keras model; reads only the head of the file.

    Costs no import of Keras, so that a mistyped name is told at once.
    """
    file = Path(path)
    if not file.exists():
        raise FileError(f"expected a Keras model file, found nothing at {file}: check the path")
    if file.is_dir():
        raise FileError(
            f"expected a Keras model file, received the folder {file}: a SavedModel cannot be "
            "pruned, save the model with model.save('model.keras')"
        )
    check_suffix(file)
    if not os.access(file, os.R_OK):
        raise FileError(f"cannot read {file}: no permission")
    if file.suffix == ".keras":
        _check_keras_archive(file)
    else:
        _check_hdf5(file)


def _check_keras_archive(file: Path) -> None:
    if not zipfile.is_zipfile(file):
        raise FileError(
            f"expected a Keras model, but {file} is not a .keras archive: it is of another "
            "format, or was cut short; save or copy it again"
        )
    with zipfile.ZipFile(file) as archive:
        if "config.json" not in archive.namelist():
            raise FileError(
                f"expected a Keras model, but the archive {file} holds no config.json: save the "
                "model with model.save('model.keras')"
            )


def _check_hdf5(file: Path) -> None:
    import h5py

    if not h5py.is_hdf5(file):
        raise FileError(
            f"expected a Keras model, but {file} is not an HDF5 file: it is of another format, "
            "or was cut short; save or copy it again"
        )
    with h5py.File(file) as content:
        if "model_config" not in content.attrs:
            raise FileError(
                f"expected a whole Keras model, but {file} holds no model configuration (weights "
                "alone?): save the model with model.save('model.keras')"
            )


def load_model(path: str | os.PathLike[str], unsafe_lambda: bool = False) -> "keras.Model":
    """Loads a Keras model, without its optimizer and loss.

    Args:
        path: a `.keras` or `.h5` file.
        unsafe_lambda: run the Python code that `Lambda` layers carry in the file. Only for
            files you trust. Defaults to `False`.

    Returns:
        The model, not compiled.

    Raises:
        FileError: the file is missing, unreadable, damaged or not a Keras model.
        ModelError: the model holds a layer that cannot be loaded here.
    """
    check_model_file(path)
    import keras

    try:
        return cast(
            "keras.Model",
            keras.saving.load_model(path, compile=False, safe_mode=not unsafe_lambda),
        )
    # Keras answers a bad file with whatever its innards met: KeyError, TypeError, OSError...
    except Exception as error:
        raise _explained(path, error) from error


def _explained(path: str | os.PathLike[str], error: Exception) -> FileError | ModelError:
    text = str(error)
    if "Lambda" in text and "unsafe" in text:
        return ModelError(
            f"{path} holds a Lambda layer, which is Python code: if you trust the file, add "
            "--unsafe_lambda"
        )
    unknown = re.search(r"(?:Could not locate class|Unknown layer:) '([^']+)'", text)
    if unknown:
        return ModelError(
            f"{path} holds the class {unknown[1]!r}, which Keras does not know: import the module "
            "that registers it and call tfprune from Python"
        )
    first = " ".join(text.split())[:200]
    return FileError(f"Keras cannot load {path}, which may be damaged: {first}")


def save_model(model: "keras.Model", path: str | os.PathLike[str]) -> None:
    """Saves a Keras model, whole or not at all.

    Args:
        model: the model to save.
        path: a `.keras` or `.h5` file; one that exists is replaced.

    Raises:
        FileError: the name ends otherwise, or its folder cannot be written to.
    """
    check_suffix(path)
    # Keras warns that .h5 is old on each save; here it was asked for by name.
    with atomic_path(path) as temporary, _hushed(Path(path).suffix == ".h5"):
        model.save(temporary)


@contextmanager
def _hushed(wanted: bool) -> Iterator[None]:
    before = logging.get_verbosity()
    if wanted:
        logging.set_verbosity(min(before, logging.ERROR))
    try:
        yield
    finally:
        logging.set_verbosity(before)
