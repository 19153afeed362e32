"""Log-mel features of a list of sounds, kept in files so that each sound is read once.

A shard holds those of 256 sounds; it is written whole or not at all, with a checksum, so that an
interrupted call goes on and a damaged shard is made anew.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tfprune._files import atomic_path
from tfprune._progress import track
from tfprune.datasets.clips import fitted
from tfprune.datasets.decoding import read_sound
from tfprune.datasets.mel import Mel
from tfprune.datasets.photos import Tally, Unreadable
from tfprune.datasets.shards import is_whole, shard_path
from tfprune.datasets.sounds import Sounds
from tfprune.datasets.waveforms import ReadReport
from tfprune.errors import DataError

SHARD = 256
_BATCH = 16


@dataclass(frozen=True)
class LogMels:
    """Features in memory.

    Attributes:
        levels: (n, bands, frames, 1) float32, decibels.
        rows: (n,) the place of each in the list of sounds; what could not be read is absent.
        report: what was read and what was not.
        resampled: sounds that had another rate.
    """

    levels: np.ndarray = field(repr=False)
    rows: np.ndarray = field(repr=False)
    report: ReadReport
    resampled: int


def log_mels(
    sounds: Sounds, folder: str | os.PathLike[str], mel: Mel, seconds: float = 10.0
) -> LogMels:
    """Makes the features of all sounds, those that are not in the folder already.

    Args:
        sounds: the list.
        folder: an existing one; each list and setting has a folder of its own in it.
        mel: the settings; sounds of other rates are resampled.
        seconds: length of each sound, see `read_clip`. Defaults to `10.0`.

    Raises:
        DataError: the folder is none, or no sound can be read.
    """
    if not Path(folder).is_dir():
        raise DataError(f"expected a folder to cache in, but {folder} is not one: make it first")
    home = Path(folder) / _key(sounds, mel, seconds)
    home.mkdir(exist_ok=True)
    count = -(-len(sounds) // SHARD)
    missing = [number for number in range(count) if not is_whole(shard_path(home, number))]
    layer = _layer(mel) if missing else None
    for number in track(missing, "features of sounds, 256 a shard"):
        _make(sounds, number, shard_path(home, number), layer, seconds)
    levels, rows, tally, resampled = [], [], Tally("sounds"), 0
    for number in range(count):
        with np.load(shard_path(home, number)) as kept:
            levels.append(kept["levels"])
            rows.append(kept["rows"])
            resampled += int(kept["resampled"])
            for _row in kept["rows"]:
                tally.good()
            for name, reason in json.loads(str(kept["bad"])):
                tally.bad(reason, name)
    if not sum(map(len, rows)):
        raise DataError(f"expected sounds that can be read in {sounds.root}: {tally.report()}")
    return LogMels(np.concatenate(levels), np.concatenate(rows), tally.report(), resampled)


def most_common_rate(sounds: Sounds, looked_at: int = 25) -> int:
    """The rate that most of the first sounds have, in samples a second.

    Raises:
        DataError: none of them can be read.
    """
    rates = []
    for name in sounds.files[:looked_at]:
        try:
            rates.append(read_sound(sounds.root / str(name))[1])
        except Unreadable:
            continue
    if not rates:
        raise DataError(f"expected sounds that can be read, none of the first {looked_at} can")
    return max(set(rates), key=lambda rate: (rates.count(rate), rate))


def band_statistics(levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each band, to be taken from what is trained on.

    Args:
        levels: (n, bands, frames, 1).

    Returns:
        Two arrays (bands, 1, 1) float32; a band that never changes has the deviation 1.

    Example:
        >>> mean, sd = band_statistics(np.array([[[1.0, 3.0]], [[1.0, 3.0]]])[..., None])
        >>> mean.ravel().tolist(), sd.ravel().tolist()
        ([2.0], [1.0])
    """
    mean = levels.mean(axis=(0, 2), keepdims=True, dtype=np.float64)[0]
    sd = levels.std(axis=(0, 2), keepdims=True, dtype=np.float64)[0]
    return mean.astype(np.float32), np.where(sd > 1e-6, sd, 1).astype(np.float32)


def _layer(mel: Mel) -> Any:
    from tfprune.models import LogMel

    return LogMel(mel)


def _make(sounds: Sounds, number: int, path: Path, layer: Any, seconds: float) -> None:
    rows: list[int] = []
    bad: list[tuple[str, str]] = []
    resampled = 0
    waves = []
    for row in range(number * SHARD, min((number + 1) * SHARD, len(sounds))):
        name = str(sounds.files[row])
        try:
            samples, rate = read_sound(sounds.root / name)
            waves.append(fitted(samples, rate, layer.mel.rate, seconds))
        except Unreadable as error:
            bad.append((name, str(error)))
            continue
        rows.append(row)
        resampled += rate != layer.mel.rate
    frames = layer.mel.frames(round(seconds * layer.mel.rate))
    levels = np.empty((len(rows), layer.mel.bands, frames, 1), np.float32)
    for start, batch in _batches(waves):
        levels[start : start + len(batch)] = layer(batch)
    with atomic_path(path) as temporary:
        np.savez(
            temporary,
            levels=levels,
            rows=np.array(rows, np.int64),
            resampled=resampled,
            bad=json.dumps(bad),
        )


def _batches(waves: list[np.ndarray]) -> Iterator[tuple[int, np.ndarray]]:
    for start in range(0, len(waves), _BATCH):
        yield start, np.stack(waves[start : start + _BATCH])


def _key(sounds: Sounds, mel: Mel, seconds: float) -> str:
    """A name that is another where a sound or a setting is."""
    sizes = []
    for name in sounds.files:
        path = sounds.root / str(name)
        sizes.append((str(name), path.stat().st_size if path.exists() else -1))
    told = json.dumps([asdict(mel), seconds, sizes])
    return hashlib.sha256(told.encode()).hexdigest()[:16]
