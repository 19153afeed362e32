"""Sounds of one rate and one length, and why others cannot be had."""

import os

import numpy as np

from tfprune.datasets.decoding import read_sound
from tfprune.datasets.photos import Unreadable
from tfprune.errors import MissingExtraError

SILENCE = 1e-4
"""The largest magnitude that counts as silence: 80 dB below full scale."""

LEAST_SECONDS = 0.1


def read_clip(path: str | os.PathLike[str], rate: int, seconds: float) -> np.ndarray:
    """Reads a sound and brings it to a rate and a length.

    Args:
        path: of the file.
        rate: samples a second; other rates are resampled (polyphase, by scipy).
        seconds: length; shorter sounds are repeated, of longer ones the first part is taken.

    Returns:
        (samples,) float32 in -1..1.

    Raises:
        Unreadable: missing, damaged, empty, silent, or shorter than a tenth of a second.
        MissingExtraError: a library is missing.
    """
    samples, own = read_sound(path)
    return fitted(samples, own, rate, seconds)


def fitted(samples: np.ndarray, own: int, rate: int, seconds: float) -> np.ndarray:
    """Brings samples of a rate of their own to another rate and length, as `read_clip` does.

    Example:
        >>> fitted(np.ones(4000, np.float32), 8000, 8000, 1.0).shape
        (8000,)
    """
    if not len(samples):
        raise Unreadable("empty")
    if not np.isfinite(samples).all():
        raise Unreadable("not finite")
    if len(samples) < LEAST_SECONDS * own:
        raise Unreadable("too short")
    if np.abs(samples).max() <= SILENCE:
        raise Unreadable("silent")
    if own != rate:
        samples = _resampled(samples, own, rate)
    return np.resize(samples, round(seconds * rate)).astype(np.float32)


def _resampled(samples: np.ndarray, own: int, rate: int) -> np.ndarray:
    try:
        from scipy.signal import resample_poly
    except ImportError as error:
        raise MissingExtraError(
            "sounds of another rate need scipy, which is not installed: "
            "pip install 'tfprune[recipes]'"
        ) from error
    common = np.gcd(own, rate)
    return resample_poly(samples, rate // common, own // common)
