"""The pictures of the demo: from files in STEAD's layout, or made up."""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from absl import logging

from tfprune.datasets import Catalog, read_catalog, spectrogram_arrays, write_synthetic_stead
from tfprune.recipes.earthquake.settings import Settings
from tfprune.recipes.earthquake.training import Images

_MOST_IN_MEMORY = 20_000

Pair = tuple[Catalog, Catalog]


@dataclass(frozen=True)
class Split:
    """Pictures to train on and pictures to test on, of other stations.

    Attributes:
        train: (n, size, size, 3) images in 0..255 and (n,) labels (1: earthquake).
        test: the same for testing.
        source: where they come from, in a few words.
    """

    train: Images
    test: Images
    source: str


def synthetic(count: int, image_size: int, seed: int) -> Split:
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
) -> Split:
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


def splits(
    data: Sequence[str], csv: Sequence[str], settings: Settings
) -> tuple[tuple[Split, ...], str]:
    """Returns a split a seed, and the data in a few words.

    With two seeds or more they are the folds of a cross validation, so that each window is tested
    once; a single seed keeps a fifth for testing.
    """
    catalog = read_catalog(csv[0], data[0], columns=[settings.group_by])
    if settings.seeds == 1:
        pairs: tuple[Pair, ...] = (catalog.split(by=settings.group_by, seed=0),)
    else:
        pairs = catalog.folds(by=settings.group_by, k=settings.seeds, seed=0)
    found = []
    for pair in pairs:
        sides = [
            spectrogram_arrays(
                data[0], side, image_size=settings.image_size, components=settings.components
            )[:2]
            for side in pair
        ]
        found.append(Split(sides[0], sides[1], Path(data[0]).name))
    return tuple(found), f"{catalog}; {Path(data[0]).name}"
