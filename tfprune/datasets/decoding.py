"""Sounds from files: by tensorflow-io where its native operations load, by soundfile elsewhere."""

import functools
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np

from tfprune.datasets.photos import Unreadable
from tfprune.errors import MissingExtraError

SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".mp3"})
_BROKEN = "broken or no sound"
_HEAD = 4096


@functools.cache
def native_io() -> Any:
    """Returns `tensorflow_io.audio`, or None where it is missing or its operations do not load.

    Importing it proves nothing: from TensorFlow 2.18 on only the first native operation fails.
    """
    try:
        import tensorflow_io as tfio

        # Any operation will do that needs the library.
        tfio.audio.decode_wav(_silent_wav(), dtype="int16")
    except (ImportError, NotImplementedError, AttributeError, OSError):
        return None
    return tfio.audio


def read_sound(path: str | os.PathLike[str]) -> tuple[np.ndarray, int]:
    """Decodes a file.

    tensorflow-io and soundfile give the same samples: to the last bit of wav and flac, within
    1e-6 of ogg and mp3. What tensorflow-io refuses (a wav that ends early) or would misread (whole
    numbers of 32 bits, which it takes for fractions) is left to soundfile.

    Args:
        path: a .wav, .flac, .ogg or .mp3 file.

    Returns:
        (samples,) float32 in -1..1, the mean of the channels, and the samples a second.

    Raises:
        Unreadable: the file is missing, or damaged.
        MissingExtraError: neither library is there.

    Example:
        >>> import pathlib, tempfile
        >>> file = pathlib.Path(tempfile.mkdtemp(), "silence.wav")
        >>> _ = file.write_bytes(_silent_wav())
        >>> samples, rate = read_sound(file)
        >>> samples.tolist(), rate
        ([0.0, 0.0], 8000)
    """
    file = Path(path)
    if not file.is_file():
        raise Unreadable("missing")
    decoded = None
    if native_io() is not None and not _whole_32_bits(file):
        decoded = _by_tensorflow_io(file)
    samples, rate = decoded or _by_soundfile(file)
    return samples.mean(axis=1, dtype=np.float32), rate


def _by_tensorflow_io(file: Path) -> tuple[np.ndarray, int] | None:
    """(samples, channels) and the rate; None where it cannot read them."""
    import tensorflow as tf

    try:
        sound = native_io().AudioIOTensor(os.fspath(file))
        values = sound.to_tensor().numpy()
        rate = int(sound.rate.numpy())
    except (tf.errors.OpError, ValueError):
        return None
    if values.dtype == np.uint8:
        return (values.astype(np.float32) - 128) / 128, rate
    if values.dtype.kind == "i":
        return (values / 2.0 ** (8 * values.dtype.itemsize - 1)).astype(np.float32), rate
    return values.astype(np.float32), rate


def _by_soundfile(file: Path) -> tuple[np.ndarray, int]:
    """(samples, channels) and the rate."""
    try:
        import soundfile
    except (ImportError, OSError) as error:  # OSError: libsndfile itself is missing
        if native_io() is not None:
            raise Unreadable(_BROKEN) from None
        raise MissingExtraError(
            "reading sounds needs soundfile, which is not installed: pip install 'tfprune[recipes]'"
        ) from error
    try:
        values, rate = soundfile.read(file, dtype="float32", always_2d=True)
    except (RuntimeError, OSError):
        raise Unreadable(_BROKEN) from None
    return values, int(rate)


def _whole_32_bits(file: Path) -> bool:
    """Whether a wav file holds whole numbers of 32 bits."""
    with file.open("rb") as stream:
        head = stream.read(_HEAD)
    place = head.find(b"fmt ")
    if head[:4] != b"RIFF" or place < 0 or len(head) < place + 24:
        return False
    tag, bits = (struct.unpack_from("<H", head, place + offset)[0] for offset in (8, 22))
    if tag == 0xFFFE and len(head) >= place + 34:  # extensible: the kind stands further on
        tag = struct.unpack_from("<H", head, place + 32)[0]
    return tag == 1 and bits == 32


def _silent_wav() -> bytes:
    """A whole wav file of two samples."""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16)
    data = struct.pack("<4sI4x", b"data", 4)
    return struct.pack("<4sI4s", b"RIFF", 4 + len(form) + len(data), b"WAVE") + form + data
