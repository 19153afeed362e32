"""Artifacts that ship: files of other runtimes, each proven equal to the Keras model."""

from tfprune.convert.artifact import Artifact
from tfprune.convert.onnx import to_onnx
from tfprune.convert.serving import to_saved_model
from tfprune.convert.tflite import to_tflite

__all__ = ["Artifact", "to_onnx", "to_saved_model", "to_tflite"]
