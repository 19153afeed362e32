"""Runtimes by their names, and by the files that they run."""

import os
from pathlib import Path

from tfprune.errors import DataError
from tfprune.timing.runtimes.compiled import Compiled
from tfprune.timing.runtimes.interpreter import LiteRT
from tfprune.timing.runtimes.keras_model import MODES, Keras
from tfprune.timing.runtimes.onnx_file import PROVIDERS, OnnxRuntime
from tfprune.timing.runtimes.protocol import BuiltIn
from tfprune.timing.runtimes.saved_model import SavedModel, TfTrt, has_engines

_SINGLE: dict[str, type[BuiltIn]] = {
    "litert": LiteRT,
    "litert-compiled": Compiled,
    "savedmodel": SavedModel,
    "tftrt": TfTrt,
}

NAMES = (
    *_SINGLE,
    *PROVIDERS,
    *(f"keras-{backend}-{mode}" for backend, modes in MODES.items() for mode in modes),
)
"""Every name; of a Keras name the end may be left out: `keras`, `keras-jax`."""


def named(name: str, python: str = "") -> BuiltIn:
    """Returns a runtime by its name.

    Args:
        name: one of `NAMES`; "keras" is `keras-tensorflow-graph`, "keras-jax" is `keras-jax-xla`,
            "keras-torch" is `keras-torch-eager`.
        python: the Python that runs Keras models. Defaults to `""`: this one.

    Raises:
        DataError: there is no such runtime.

    Example:
        >>> named("keras-jax").name
        'Keras on jax, xla'
    """
    if name in _SINGLE:
        return _SINGLE[name]()
    if name in PROVIDERS:
        return OnnxRuntime(name)
    family, backend, mode = [*name.split("-"), "", ""][:3]
    backend = backend or "tensorflow"
    if family == "keras" and backend in MODES:
        mode = mode or MODES[backend][0]
        if f"keras-{backend}-{mode}" in NAMES:
            return Keras(backend, mode, python)
    raise DataError(f"expected a runtime out of {', '.join(NAMES)}, received {name!r}")


def of_file(path: str | os.PathLike[str], python: str = "") -> BuiltIn:
    """Returns the usual runtime of a file or folder, by its name; LiteRT where that says nothing.

    Example:
        >>> of_file("model.onnx").spec
        'onnx'
    """
    file = Path(path)
    if file.suffix in (".keras", ".h5"):
        return named("keras", python)
    if file.suffix == ".onnx":
        return OnnxRuntime()
    if (file / "saved_model.pb").is_file():
        return TfTrt() if has_engines(file) else SavedModel()
    return LiteRT()
