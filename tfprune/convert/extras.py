"""Packages that only some converters need."""

import importlib

from tfprune.errors import MissingExtraError


def require(purpose: str, extra: str, *packages: str) -> None:
    """Raises `MissingExtraError` unless all the packages can be imported.

    Args:
        purpose: what needs them, such as "ONNX".
        extra: the extra of tfprune that holds them.
        packages: as they are imported.
    """
    for package in packages:
        try:
            importlib.import_module(package)
        except ImportError as error:
            raise MissingExtraError(
                f"{purpose} needs {' and '.join(packages)}, and {error.name or package} cannot be "
                f"imported: pip install 'tfprune[{extra}]'"
            ) from error


def require_tensorflow(purpose: str) -> None:
    """Raises `ConversionError` unless Keras runs on TensorFlow, which reads the model's graph."""
    import keras

    from tfprune.errors import ConversionError

    if keras.backend.backend() != "tensorflow":
        raise ConversionError(
            f"{purpose} reads the model's graph in TensorFlow, but Keras runs on "
            f"{keras.backend.backend()}: save the model and convert it in a process started with "
            "KERAS_BACKEND=tensorflow; .keras files are the same on every backend"
        )
