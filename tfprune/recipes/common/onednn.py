"""Faster training on processors where TensorFlow leaves oneDNN off."""

import os


def prefer_onednn() -> None:
    """Turns oneDNN's operations on, unless the environment says otherwise already.

    TensorFlow does so itself only where a processor multiplies bytes (VNNI). Elsewhere the
    gradients of wide convolutions take ten times as long, VGG16's training four to five times. The
    variable is read when TensorFlow is loaded: call this before.
    """
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
