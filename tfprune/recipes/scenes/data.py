"""Folds of clips: each official fold is a test, and choices are made on clips of the others."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from absl import logging

from tfprune.datasets.clips import read_clip
from tfprune.datasets.log_mels import LogMels, band_statistics, log_mels, most_common_rate
from tfprune.datasets.mel import Mel
from tfprune.datasets.sounds import Sounds, list_sounds
from tfprune.datasets.splits import group_folds, group_split
from tfprune.errors import DataError
from tfprune.recipes.scenes.settings import SECONDS, Settings

Arrays = tuple[np.ndarray, np.ndarray]
_FOLDS = 5  # where a set has no official ones


@dataclass(frozen=True)
class Fold:
    """One fold, its features scaled by what the training part says.

    Attributes:
        train: features (n, bands, frames, 1) and labels (n,).
        validation: the same, of other recordings: what is chosen is chosen by these.
        test: the same, the official fold: nothing is chosen by these.
        mean: of each band in decibels, (bands, 1, 1), of the training part.
        sd: likewise.
    """

    train: Arrays = field(repr=False)
    validation: Arrays = field(repr=False)
    test: Arrays = field(repr=False)
    mean: np.ndarray = field(repr=False)
    sd: np.ndarray = field(repr=False)

    def decibels(self, arrays: Arrays) -> np.ndarray:
        """The features as they were before they were scaled."""
        return arrays[0] * self.sd + self.mean


@dataclass(frozen=True)
class Clips:
    """All clips of a study.

    Attributes:
        sounds: the list.
        features: theirs, of those that could be read.
        mel: how features are made.
        folds: for each fold of the study the rows of `features` that test it.
        held: whether the folds are the set's own.
    """

    sounds: Sounds
    features: LogMels
    mel: Mel
    folds: tuple[np.ndarray, ...] = field(repr=False)
    held: bool

    @property
    def source(self) -> str:
        """Where they come from, in a few words."""
        kind = "official" if self.held else "grouped"
        return (
            f"{self.features.report}, {self.features.resampled} of them resampled to "
            f"{self.mel.rate} Hz; {len(self.sounds.classes)} classes, {len(self.folds)} {kind} "
            f"fold{'s' * (len(self.folds) != 1)}"
        )

    def fold(self, number: int, settings: Settings) -> Fold:
        """A fold, from 0; a part of its training clips is kept for validation."""
        labels = self.sounds.labels[self.features.rows]
        groups = self.sounds.groups[self.features.rows]
        test = self.folds[number]
        rest = np.setdiff1d(np.arange(len(labels)), test)
        inner = group_split(groups[rest], labels[rest], settings.validation, seed=number)
        train, validation = rest[inner[0]], rest[inner[1]]
        mean, sd = band_statistics(self.features.levels[train])
        parts = [
            (((self.features.levels[rows] - mean) / sd).astype(np.float32), labels[rows])
            for rows in (train, validation, test)
        ]
        return Fold(parts[0], parts[1], parts[2], mean, sd)

    def waves(self, number: int) -> list[np.ndarray]:
        """The sounds that test a fold, from 0, as long as the features were made of."""
        sounds = self.sounds
        paths = [sounds.root / sounds.files[row] for row in self.features.rows[self.folds[number]]]
        return [read_clip(path, self.mel.rate, SECONDS) for path in paths]


def read_clips(path: str, folder: Path, settings: Settings) -> Clips:
    """Reads a set and makes its features.

    Args:
        path: a folder or CSV, as `tfprune.datasets.list_sounds` takes it.
        folder: for the features; made if need be.
        settings: of the study.

    Raises:
        DataError: too few sounds, or too few folds.
    """
    sounds = list_sounds(path)
    mel = Mel.baseline(settings.sample_rate or most_common_rate(sounds))
    cache = folder / "features"
    cache.mkdir(parents=True, exist_ok=True)
    features = log_mels(sounds, cache, mel, SECONDS)
    if features.report.skipped:
        logging.warning("%s", features.report)
    folds, labels = sounds.folds[features.rows], sounds.labels[features.rows]
    if sounds.numbers:
        tests = [np.flatnonzero(folds == number) for number in sounds.numbers]
    else:
        groups = sounds.groups[features.rows]
        tests = [test for _, test in group_folds(groups, labels, _FOLDS, 0)]
    wanted = len(tests) if settings.folds is None else settings.folds
    if wanted > len(tests):
        raise DataError(f"expected at most {len(tests)} folds to run, received {wanted}")
    return Clips(sounds, features, mel, tuple(tests[:wanted]), bool(sounds.numbers))
