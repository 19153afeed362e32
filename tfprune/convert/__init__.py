"""Artifacts that ship: files of other runtimes, each proven equal to the Keras model."""

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
