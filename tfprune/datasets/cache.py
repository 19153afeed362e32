"""Spectrograms kept in files, so that each seismogram is read and drawn once.

A cache is a folder of shards, `00000.npz` and so on: of a thousand rows of the catalogue each, the
images in bytes, their labels and their rows. A shard is written whole or not at all and carries a
checksum of each array (CRC-32, the zip format's own), so that a cache that was interrupted goes on
where it stopped and a damaged shard is drawn anew.
"""

import os
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from absl import logging

from tfprune._files import atomic_path
from tfprune._progress import track
from tfprune._tfdata import without_autotune
from tfprune.datasets.drawing import Source, coloured, make_source
from tfprune.datasets.shards import is_whole, shard_path
from tfprune.datasets.spectrogram import Components, Reference
from tfprune.datasets.stead import Catalog
from tfprune.datasets.waveforms import Files, OnError
from tfprune.errors import DataError, FileError

if TYPE_CHECKING:
    import tensorflow as tf

SHARD = 1024
SHUFFLE_BYTES = 64 * 2**20
_TELL_SECONDS = 30.0


@dataclass(frozen=True)
class ImageCache:
    """Images in shards, of which a few are in memory at a time.

    Attributes:
        folder: where the shards lie.
        shape: of an image in bytes, (size, size, 1 or 3).
        rows: the catalogue's row of each image, ascending, (n,); rows that could not be drawn are
            absent.
        labels: of each image, (n,) int32.
        shards: the number of each image's shard, (n,).
    """

    folder: Path
    shape: tuple[int, int, int]
    rows: np.ndarray = field(repr=False)
    labels: np.ndarray = field(repr=False)
    shards: np.ndarray = field(repr=False)

    def __len__(self) -> int:
        return len(self.labels)

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yields the images one by one, (size, size, 3) float32, in the catalogue's order."""
        for number in np.unique(self.shards):
            yield from coloured(self._read(int(number))[0])

    def take(self, rows: np.ndarray) -> "ImageCache":
        """Returns the images of some rows of the catalogue, in the catalogue's order."""
        chosen = np.isin(self.rows, rows)
        return replace(
            self,
            rows=self.rows[chosen],
            labels=self.labels[chosen],
            shards=self.shards[chosen],
        )

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns all images, (n, size, size, 3) float32 in 0..255, and labels, (n,) int32.

        Raises:
            FileError: a shard is damaged.
        """
        images = np.empty((len(self), *self.shape[:2], 3), np.float32)
        place = 0
        for number in np.unique(self.shards):
            grey, labels = self._read(int(number))
            images[place : place + len(labels)] = coloured(grey)
            place += len(labels)
        return images, self.labels.copy()

    def batches(
        self, batch_size: int = 32, *, shuffle: bool = False, seed: int = 0
    ) -> "tf.data.Dataset":
        """Streams the images, a few shards in memory at a time.

        Args:
            batch_size: images a batch; the last may have fewer. Defaults to `32`.
            shuffle: whether each pass has a new order: of shards, within each, and within a
                buffer of 64 MiB that holds images of several. Defaults to `False`.
            seed: of the orders. Defaults to `0`.

        Returns:
            A `tf.data.Dataset` of (images (batch, size, size, 3) float32 in 0..255, labels
            (batch,) int32). It raises where a shard is damaged.
        """
        import tensorflow as tf

        size = self.shape[0]
        signature = tf.TensorSpec((None, *self.shape), tf.uint8), tf.TensorSpec((None,), tf.int32)
        dataset = tf.data.Dataset.from_generator(
            self._pass(shuffle, seed), output_signature=signature
        )
        dataset = dataset.unbatch() if shuffle else dataset.rebatch(batch_size)
        if shuffle:
            buffer = max(1, min(len(self), SHUFFLE_BYTES // int(np.prod(self.shape))))
            dataset = dataset.shuffle(buffer, seed=seed).batch(batch_size)

        def colour(grey: "tf.Tensor", labels: "tf.Tensor") -> "tuple[tf.Tensor, tf.Tensor]":
            spread = tf.tile(tf.cast(grey, tf.float32), (1, 1, 1, 3 // self.shape[-1]))
            return tf.ensure_shape(spread, (None, size, size, 3)), labels

        dataset = dataset.map(colour).prefetch(2)
        size = tf.data.experimental.assert_cardinality(-(-len(self) // batch_size))
        return without_autotune(dataset.apply(size))

    def _pass(self, shuffle: bool, seed: int) -> Callable[[], Iterator[Any]]:
        """Returns a function that starts a pass over the shards each time it is called."""
        passes = 0

        def start() -> Iterator[Any]:
            nonlocal passes
            rng = np.random.default_rng((seed, passes))
            passes += 1
            numbers = np.unique(self.shards)
            for number in rng.permutation(numbers) if shuffle else numbers:
                grey, labels = self._read(int(number))
                order = rng.permutation(len(labels)) if shuffle else slice(None)
                yield grey[order], labels[order]

        return start

    def _read(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        path = shard_path(self.folder, number)
        try:
            with path.open("rb") as stream, np.load(stream) as shard:
                chosen = np.isin(shard["rows"], self.rows[self.shards == number])
                return shard["images"][chosen], shard["labels"][chosen]
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise FileError(
                f"cannot read {path}: it is missing or damaged; make the cache again, which draws "
                f"it anew ({' '.join(str(error).split())})"
            ) from error


def cache_images(
    hdf5_path: Files,
    catalog: Catalog,
    folder: str | os.PathLike[str],
    *,
    image_size: int = 96,
    components: Components = "Z",
    reference: Reference = "std",
    on_error: OnError = "skip",
) -> ImageCache:
    """Draws the spectrograms of a catalogue into files, those that are not there already.

    One byte a pixel: 1.27 million grey images of 96 pixels take 12 GB. One shard is in memory at a
    time. On a terminal a bar shows the time left; elsewhere a line is logged twice a minute.

    Args:
        hdf5_path: the HDF5 file, or several.
        catalog: the traces wanted, with their labels.
        folder: an existing folder; each catalogue, size and kind of drawing has a folder of its
            own in it.
        image_size: height and width in pixels. Defaults to `96`.
        components: `"Z"` (grey) or `"ENZ"` (colour). Defaults to `"Z"`.
        reference: what levels are counted from, see `spectrogram_image`. Defaults to `"std"`.
        on_error: `"skip"` or `"raise"`, see `iterate_waveforms`. Defaults to `"skip"`.

    Returns:
        An `ImageCache`.

    Raises:
        DataError: the catalogue is empty, a file is missing or damaged, or the folder is none.

    Example:
        >>> import pathlib, tempfile
        >>> from tfprune.datasets import cache_images, read_catalog, write_synthetic_stead
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     data, table = pathlib.Path(folder, "s.hdf5"), pathlib.Path(folder, "s.csv")
        ...     write_synthetic_stead(data, table, count=4, npts=1000)
        ...     cache = cache_images(data, read_catalog(table), folder, image_size=32)
        ...     print(len(cache), cache.arrays()[0].shape)
        4 (4, 32, 32, 3)
    """
    source = make_source(hdf5_path, catalog, image_size, components, reference, on_error)
    if not Path(folder).is_dir():
        raise DataError(f"expected a folder to cache in, but {folder} is not one: make it first")
    home = Path(folder) / source.key()
    home.mkdir(exist_ok=True)
    count = -(-len(catalog) // SHARD)
    missing = [number for number in range(count) if not is_whole(shard_path(home, number))]
    if missing and len(missing) < count:
        logging.info("%s: %d of %d shards are there", home, count - len(missing), count)
    began = told = time.monotonic()
    for done, number in enumerate(track(missing, "drawing spectrograms, 1,024 a shard"), 1):
        _draw(source, number, shard_path(home, number))
        now = time.monotonic()
        if now - told > _TELL_SECONDS:
            told, left = now, (now - began) / done * (len(missing) - done)
            logging.info("%d of %d shards drawn, %.0f min left", done, len(missing), left / 60)
    cache = _open(source, home, count)
    if not len(cache):
        raise DataError(f"expected usable traces in {hdf5_path}, received none: see the log")
    return cache


def _draw(source: Source, number: int, path: Path) -> None:
    rows = np.arange(number * SHARD, min((number + 1) * SHARD, len(source.catalog)))
    images = np.empty((len(rows), *source.shape), np.uint8)
    drawn = np.empty(len(rows), np.int64)
    count = 0
    for row, image in source.images(rows, allow_none=True):
        images[count], drawn[count] = image, row
        count += 1
    with atomic_path(path) as temporary:
        np.savez(
            temporary,
            images=images[:count],
            labels=source.catalog.labels[drawn[:count]],
            rows=drawn[:count],
        )


def _open(source: Source, home: Path, count: int) -> ImageCache:
    rows, labels, shards = [], [], []
    for number in range(count):
        with np.load(shard_path(home, number)) as shard:  # arrays are read one by one: no images
            rows.append(shard["rows"])
            labels.append(shard["labels"])
            shards.append(np.full(len(rows[-1]), number))
    return ImageCache(
        home, source.shape, *(np.concatenate(parts) for parts in (rows, labels, shards))
    )
