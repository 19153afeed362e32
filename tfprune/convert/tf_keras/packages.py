"""tf_keras and tensorflow-model-optimization, imported without leaving traces."""

import os
from typing import Any

from tfprune._silence import silenced
from tfprune.convert.extras import require


def load_tf_keras(purpose: str = "a tf_keras twin") -> Any:
    """Returns the module tf_keras.

    Raises:
        MissingExtraError: it is not installed.
    """
    with silenced():
        require(purpose, "quant", "tf_keras")
        import tf_keras
    return tf_keras


def load_tfmot(purpose: str) -> Any:
    """Returns the module tensorflow_model_optimization, the process left as it was.

    While it loads, tfmot sets TF_USE_LEGACY_KERAS=1 and touches `tf.keras`, which from then on
    would be tf_keras for everyone in the process. So `tf.keras` is made to choose first, by the
    user's own setting, and the setting is put back.

    Args:
        purpose: what needs it, for the message.

    Raises:
        MissingExtraError: tfmot or tf_keras is not installed.
    """
    import tensorflow as tf

    load_tf_keras(purpose)
    before = os.environ.get("TF_USE_LEGACY_KERAS")
    try:
        with silenced():
            _ = tf.keras.__version__
            require(purpose, "quant", "tensorflow_model_optimization")
            import tensorflow_model_optimization as tfmot
    finally:
        if before is None:
            os.environ.pop("TF_USE_LEGACY_KERAS", None)
        else:
            os.environ["TF_USE_LEGACY_KERAS"] = before
    return tfmot
