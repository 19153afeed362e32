"""The pictures of the demo: from files in STEAD's layout, or made up."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from absl import logging

from tfprune.datasets import read_catalog, spectrogram_arrays, write_synthetic_stead
from tfprune.recipes.earthquake.training import Images

_MOST_IN_MEMORY = 20_000


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
