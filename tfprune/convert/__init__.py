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
    from tfprune.convert.tensorrt.engine import to_tensorrt
    from tfprune.convert.tensorrt.tftrt import TensorRTArtifact, to_tftrt
    from tfprune.convert.tflite import to_tflite
    from tfprune.convert.tfmot.clustering import Clustered, cluster
    from tfprune.convert.tfmot.qat import QuantizationAware, quantization_aware

__all__ = [
    "Accuracy",
    "Artifact",
    "Clustered",
    "ImageInput",
    "LogMelInput",
    "Metadata",
    "OutputError",
    "Preprocessing",
    "QuantizationAware",
    "SpectrogramInput",
    "TensorRTArtifact",
    "WaveformInput",
    "cluster",
    "plan_summary",
    "quantization_aware",
    "read_metadata",
    "to_onnx",
    "to_saved_model",
    "to_tensorrt",
    "to_tflite",
    "to_tftrt",
    "write_metadata",
]

_HOME = {
    "Accuracy": "accuracy",
    "Artifact": "artifact",
    "Clustered": "tfmot.clustering",
    "ImageInput": "preprocessing",
    "LogMelInput": "preprocessing",
    "Metadata": "metadata",
    "OutputError": "artifact",
    "Preprocessing": "preprocessing",
    "QuantizationAware": "tfmot.qat",
    "SpectrogramInput": "preprocessing",
    "TensorRTArtifact": "tensorrt.tftrt",
    "WaveformInput": "preprocessing",
    "cluster": "tfmot.clustering",
    "plan_summary": "metadata",
    "quantization_aware": "tfmot.qat",
    "read_metadata": "metadata",
    "to_onnx": "onnx",
    "to_saved_model": "serving",
    "to_tensorrt": "tensorrt.engine",
    "to_tflite": "tflite",
    "to_tftrt": "tensorrt.tftrt",
    "write_metadata": "metadata",
}


def __getattr__(name: str) -> object:
    """Loads a name from the module it lives in (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module 'tfprune.convert' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"tfprune.convert.{_HOME[name]}"), name)
    globals()[name] = value
    return value
