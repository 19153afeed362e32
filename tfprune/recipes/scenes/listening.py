"""A TFLite file that takes the sound itself, and what it says of a recording."""

import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tfprune._tflite import check_file
from tfprune.convert import Metadata, WaveformInput, read_metadata, to_tflite
from tfprune.datasets.clips import fitted
from tfprune.datasets.decoding import read_sound
from tfprune.datasets.mel import Mel
from tfprune.datasets.photos import Unreadable
from tfprune.errors import DataError, FileError
from tfprune.models import LogMel
from tfprune.recipes.common.answers import Asked
from tfprune.report.tables import render

WAVEFORM = "waveform"


@dataclass(frozen=True)
class Heard:
    """What a file says of a part of a recording.

    Attributes:
        start: of the part, in seconds.
        end: likewise.
        label: the likeliest class.
        probability: its own, 0..1.
        probabilities: of all classes, by name.
        seconds: the file took.
    """

    start: float
    end: float
    label: str
    probability: float
    probabilities: dict[str, float]
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def listener(net: Any, mel: Mel, seconds: float, mean: np.ndarray, sd: np.ndarray) -> Any:
    """Puts the features before a net, so that it takes waveforms.

    Args:
        net: takes features (bands, frames, 1), each band less its mean, over its deviation.
        mel: how features are made.
        seconds: of sound that the net looks at.
        mean: of each band, in decibels, (bands, 1, 1).
        sd: likewise.

    Returns:
        A model from (batch, samples) in -1..1 to what the net says.
    """
    waveform = keras.Input((round(seconds * mel.rate),), name=WAVEFORM)
    scale = keras.layers.Normalization(axis=1, mean=mean.ravel(), variance=sd.ravel() ** 2)
    return keras.Model(waveform, net(scale(LogMel(mel)(waveform))))


def write_listener(
    model: Any, path: Path, mel: Mel, labels: tuple[str, ...], sounds: np.ndarray
) -> int:
    """Writes the file, front end and all in operations that LiteRT has; returns its bytes.

    Args:
        model: of `listener`.
        path: of the file.
        mel: how features are made.
        labels: the classes' names, kept in the file.
        sounds: (n, samples) some that the file and the model must agree on.

    Raises:
        ConversionError: they do not.
    """
    told = Metadata("acoustic scenes, from sound", labels, heard_at(mel))
    return to_tflite(model, path, samples=[sounds], tolerance=1e-3, metadata=told).bytes


def heard_at(mel: Mel) -> dict[str, WaveformInput]:
    """How sound is brought to a file: at the features' rate, a short one again and again."""
    return {WAVEFORM: WaveformInput(rate=float(mel.rate), fill="repeat")}


def classify(model: str | os.PathLike[str], sound: str | os.PathLike[str]) -> tuple[Heard, ...]:
    """Lets a file listen to a recording, part by part.

    Args:
        model: a TFLite file of `write_listener`.
        sound: any sound file; it is brought to the file's rate. The last part is repeated to
            the length that the file takes, as the training clips were.

    Returns:
        An answer for each part.

    Raises:
        FileError: one of the two is missing or damaged.
        DataError: the file takes something else, or there is nothing to hear.
    """
    asked = Asked(check_file(model))
    told = read_metadata(model)
    how = told.preprocessing.get(WAVEFORM) if told is not None else None
    if told is None or not isinstance(how, WaveformInput) or len(asked.input_shape) != 2:
        raise DataError(
            f"expected a file that takes waveforms and knows its rate and labels, {model} takes "
            f"{asked.input_shape}: the recipe writes such files with the name listener_*.tflite"
        )
    rate, samples = round(how.rate), asked.input_shape[1]
    try:
        found, own = read_sound(sound)
        whole = fitted(found, own, rate, max(len(found) / own, samples / rate))
    except Unreadable as error:
        raise FileError(f"cannot listen to {sound}: {error}") from None
    length = max(1, round(len(found) / own * rate))
    return tuple(
        _heard(
            asked, whole[start : min(start + samples, length)], start, rate, samples, told.labels
        )
        for start in range(0, length, samples)
    )


def _heard(
    asked: Asked, part: np.ndarray, start: int, rate: int, samples: int, labels: tuple[str, ...]
) -> Heard:
    began = time.perf_counter()
    answer = asked.answer(np.resize(part, samples))
    spent = time.perf_counter() - began
    by_name = {name: float(value) for name, value in zip(labels, answer, strict=True)}
    best = max(by_name, key=lambda name: by_name[name])
    end = (start + len(part)) / rate
    return Heard(start / rate, end, best, by_name[best], by_name, spent)


def table(heard: tuple[Heard, ...]) -> str:
    """Tells the answers, a part a row."""
    rows = [
        [
            f"{one.start:.1f} to {one.end:.1f} s",
            one.label,
            f"{one.probability:.2f}",
            f"{1e3 * one.seconds:.1f}",
        ]
        for one in heard
    ]
    return render(["part", "class", "probability", "ms"], rows)
