"""Artifacts that ship: files of other runtimes, each proven equal to the Keras model."""

from tfprune.convert.artifact import Artifact
from tfprune.convert.tflite import to_tflite

__all__ = ["Artifact", "to_tflite"]
