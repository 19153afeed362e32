"""The pictures to train and test on: from files in STEAD's layout, or made up."""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
from absl import logging

from tfprune.datasets import (
    Catalog,
    cache_images,
    iterate_waveforms,
    read_catalog,
    spectrogram_arrays,
    write_synthetic_stead,
)
from tfprune.datasets.spectrogram import NFFT
from tfprune.recipes.earthquake.settings import Settings
from tfprune.recipes.earthquake.training import Arrays, Images

_MOST_IN_MEMORY = 20_000
_SYNTHETIC = 600
_LOOKED_AT = 100  # windows, for their length

Pair = tuple[Catalog, Catalog]
Kind = TypeVar("Kind", bound=Images, covariant=True)


@dataclass(frozen=True)
class Split(Generic[Kind]):
    """Pictures to train on and pictures to test on, of other stations.

    Attributes:
        train: (n, size, size, 3) images in 0..255 and (n,) labels (1: earthquake); or both in a
            cache, where they are too many for memory.
        test: the same for testing.
        source: where they come from, in a few words.
    """

    train: Kind
    test: Kind
    source: str


@dataclass(frozen=True)
class Windows:
    """The windows of a study: drawn once into files, and taken from there for each seed.

    Attributes:
        paths: the HDF5 files.
        catalog: all windows.
        pairs: for each seed the windows to train on and to test on.
        cache: the folder of the drawn images.
        settings: of the study.
        source: where they come from, in a few words.
    """

    paths: tuple[Path, ...]
    catalog: Catalog
    pairs: tuple[Pair, ...]
    cache: Path
    settings: Settings
    source: str

    def shortest(self, seed: int) -> int:
        """Samples of the shortest of the first windows to train on."""
        names = self.pairs[seed][0].trace_names[:_LOOKED_AT]
        return min(len(waves) for _, waves in iterate_waveforms(self.paths, names, least=NFFT))

    def split(self, seed: int) -> Split[Images]:
        """Draws what is not drawn yet, and returns the pictures of a seed."""
        self.cache.mkdir(parents=True, exist_ok=True)
        every = cache_images(
            self.paths,
            self.catalog,
            self.cache,
            image_size=self.settings.image_size,
            components=self.settings.components,
        )
        names = self.catalog.trace_names
        train, test = (
            every.take(np.flatnonzero(np.isin(names, side.trace_names)))
            for side in self.pairs[seed]
        )
        if len(every) > _MOST_IN_MEMORY:
            return Split(train, test, self.source)
        return Split(train.arrays(), test.arrays(), self.source)


def synthetic(count: int, image_size: int, seed: int) -> Split[Arrays]:
    """Makes up seismograms and draws them."""
    with tempfile.TemporaryDirectory() as folder:
        data, csv = Path(folder) / "synthetic.hdf5", Path(folder) / "synthetic.csv"
        write_synthetic_stead(data, csv, count=count, seed=seed)
        split = from_files(data, csv, image_size, seed, most=count)
    return Split(split.train, split.test, f"{count} synthetic seismograms, seed {seed}")


def from_files(
    data: str | os.PathLike[str],
    csv: str | os.PathLike[str],
    image_size: int,
    seed: int,
    most: int = _MOST_IN_MEMORY,
) -> Split[Arrays]:
    """Draws the seismograms of a file in STEAD's layout, a fifth of the stations for testing.

    Args:
        data: the HDF5 file.
        csv: its metadata.
        image_size: pixels along a side.
        seed: of the choice of stations and, of larger files, of traces.
        most: traces at most, as many of each class; they are held in memory.
            Defaults to `20000`.

    Raises:
        DataError: a file is missing or damaged, or holds one class only.
    """
    catalog = read_catalog(csv, data)
    if len(catalog) > most:
        catalog = catalog.balanced(most // 2, seed=seed)
    images = []
    for part in catalog.split(by="receiver_code", validation=0.2, seed=seed):
        x, y, report = spectrogram_arrays(data, part, image_size=image_size)
        if report.skipped:
            logging.warning("%s", report)
        images.append((x, y))
    return Split(images[0], images[1], f"{len(catalog)} seismograms of {Path(data).name}")


def windows(
    data: Sequence[str] | None, csv: Sequence[str] | None, settings: Settings, folder: Path
) -> Windows:
    """Chooses the windows of a study.

    With two seeds or more its splits are the folds of a cross validation, so that each window is
    tested once; a single seed keeps a fifth for testing.

    Args:
        data: HDF5 files in STEAD's layout; None for made-up seismograms, which are left in the
            folder.
        csv: their metadata.
        settings: of the study.
        folder: for the images.

    Raises:
        DataError: a file is missing or damaged, or too few windows are left.
    """
    if data is None or csv is None:
        data, csv = _made_up(folder)
    wanted = [settings.group_by, *settings.ranges]
    catalog = read_catalog(csv, data, columns=wanted)
    for column, (low, high) in settings.ranges.items():
        catalog = catalog.between(column, low, high)
    if settings.per_class is not None:
        catalog = catalog.balanced(settings.per_class)
    elif len(catalog) > _MOST_IN_MEMORY:
        logging.warning(
            "%s: %d of each class are taken; --per_class takes more", catalog, _MOST_IN_MEMORY // 2
        )
        catalog = catalog.balanced(min(_MOST_IN_MEMORY // 2, _rarer(catalog)))
    if settings.seeds == 1:
        pairs: tuple[Pair, ...] = (catalog.split(by=settings.group_by, seed=0),)
    else:
        pairs = catalog.folds(by=settings.group_by, k=settings.seeds, seed=0)
    names = ", ".join(Path(path).name for path in data)
    source = f"{catalog}; {names}"
    return Windows(tuple(map(Path, data)), catalog, pairs, folder / "images", settings, source)


def _rarer(catalog: Catalog) -> int:
    quakes = int(catalog.labels.sum())
    return min(quakes, len(catalog) - quakes)


def _made_up(folder: Path) -> tuple[list[str], list[str]]:
    data, csv = folder / "synthetic.hdf5", folder / "synthetic.csv"
    if not (data.exists() and csv.exists()):
        write_synthetic_stead(data, csv, count=_SYNTHETIC)
    return [str(data)], [str(csv)]
