"""Keras 3 models carried to tf_keras, where tfmot works, and their weights brought home."""

from tfprune.convert.tf_keras.carrier import carry
from tfprune.convert.tf_keras.home import bring_home
from tfprune.convert.tf_keras.registry import register_conversion
from tfprune.convert.tf_keras.twin import Twin

__all__ = ["Twin", "bring_home", "carry", "register_conversion"]
