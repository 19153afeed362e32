"""Artifacts that ship: files of other runtimes, each proven equal to the Keras model.

The names load on first use: what reads a file's metadata loads no converter, and no Keras.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tfprune.convert.accuracy import Accuracy
    from tfprune.convert.artifact import Artifact, OutputError
    from tfprune.convert.metadata import Metadata, plan_summary, read_metadata, write_metadata
    from tfprune.convert.onnx import to_onnx
    from tfprune.convert.preprocessing import (
        ImageInput,
        LogMelInput,
        Preprocessing,
        SpectrogramInput,
        WaveformInput,
    )
    from tfprune.convert.serving import to_saved_model
    from tfprune.convert.tflite import to_tflite

__all__ = [
    "Accuracy",
    "Artifact",
    "ImageInput",
    "LogMelInput",
    "Metadata",
    "OutputError",
    "Preprocessing",
    "SpectrogramInput",
    "WaveformInput",
    "plan_summary",
    "read_metadata",
    "to_onnx",
    "to_saved_model",
    "to_tflite",
    "write_metadata",
]

_HOME = {
    "Accuracy": "accuracy",
    "Artifact": "artifact",
    "ImageInput": "preprocessing",
    "LogMelInput": "preprocessing",
    "Metadata": "metadata",
    "OutputError": "artifact",
    "Preprocessing": "preprocessing",
    "SpectrogramInput": "preprocessing",
    "WaveformInput": "preprocessing",
    "plan_summary": "metadata",
    "read_metadata": "metadata",
    "to_onnx": "onnx",
    "to_saved_model": "serving",
    "to_tflite": "tflite",
    "write_metadata": "metadata",
}


def __getattr__(name: str) -> object:
    """Loads a name from the module it lives in (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module 'tfprune.convert' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"tfprune.convert.{_HOME[name]}"), name)
    globals()[name] = value
    return value
