"""Spectrogram images and labels, streamed from STEAD-layout files as `tf.data` or arrays."""

import itertools
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from tfprune._tfdata import without_autotune
from tfprune.datasets.cache import SHUFFLE_BYTES, cache_images
from tfprune.datasets.drawing import Source, coloured, make_source
from tfprune.datasets.spectrogram import Components, Reference
from tfprune.datasets.stead import Catalog
from tfprune.datasets.waveforms import Files, OnError, ReadReport
from tfprune.errors import DataError

if TYPE_CHECKING:
    import tensorflow as tf

_BLOCK = 128  # traces read one after another: a disk that must seek for each is slow


def spectrogram_dataset(
    hdf5_path: Files,
    catalog: Catalog,
    *,
    image_size: int = 96,
    batch_size: int = 32,
    shuffle: bool = False,
    seed: int = 0,
    components: Components = "Z",
    reference: Reference = "std",
    on_error: OnError = "skip",
    cache: bool | str | os.PathLike[str] = False,
) -> "tf.data.Dataset":
    """Streams spectrogram images and labels from STEAD-layout files.

    One seismogram is in memory at a time, besides two batches of images and at most 64 MiB of
    those to shuffle, so the size of the files does not matter. The dataset can be iterated again;
    with `shuffle` each pass has another order, and the passes of two datasets of one seed have
    the same orders. Blocks of 128 traces that follow one another in the catalogue are read in a
    random order, and their images mixed in the buffer: a full permutation of some thousand
    images, and as good as one of more.

    Args:
        hdf5_path: the HDF5 file, or several, as STEAD's chunks are.
        catalog: the traces wanted, with their labels.
        image_size: height and width in pixels. Defaults to `96`.
        batch_size: images a batch; the last may have fewer. Defaults to `32`.
        shuffle: whether each pass has a new random order. Defaults to `False`, the
            catalogue's order.
        seed: seed of the orders. Defaults to `0`.
        components: `"Z"` (grey) or `"ENZ"` (colour), see `spectrogram_image`. Defaults to
            `"Z"`.
        reference: what levels are counted from, see `spectrogram_image`. Defaults to `"std"`.
        on_error: `"skip"` or `"raise"`, see `iterate_waveforms`. Defaults to `"skip"`.
        cache: keeps the images, one byte a pixel: `True` in memory from the first pass on, or
            in the folder named, where they are drawn at once, see `cache_images`. Defaults to
            `False`, each pass reads the files again.

    Returns:
        A `tf.data.Dataset` of (images (batch, size, size, 3) float32 in 0..255, labels
        (batch,) int32).

    Raises:
        DataError: the catalogue is empty, or the file is missing or damaged.
    """
    import tensorflow as tf

    source = make_source(hdf5_path, catalog, image_size, components, reference, on_error)
    if batch_size < 1:
        raise DataError(f"expected a batch size of at least 1, received {batch_size}")
    if not isinstance(cache, bool):
        kept = cache_images(
            hdf5_path,
            catalog,
            cache,
            image_size=image_size,
            components=components,
            reference=reference,
            on_error=on_error,
        )
        return kept.batches(batch_size, shuffle=shuffle, seed=seed)
    signature = (
        tf.TensorSpec(source.shape, tf.uint8),
        tf.TensorSpec((), tf.int32),
    )
    passes = _passes(source, shuffle, seed, reshuffle=not cache)
    dataset = tf.data.Dataset.from_generator(passes, output_signature=signature)
    if cache:
        dataset = dataset.cache()
    if shuffle:
        buffer = max(1, min(len(catalog), SHUFFLE_BYTES // int(np.prod(source.shape))))
        dataset = dataset.shuffle(buffer, seed=seed)
    dataset = dataset.batch(batch_size)

    def colour(images: "tf.Tensor", labels: "tf.Tensor") -> "tuple[tf.Tensor, tf.Tensor]":
        grey = tf.cast(images, tf.float32)
        return tf.ensure_shape(
            tf.tile(grey, (1, 1, 1, 3 // source.shape[-1])), (None, image_size, image_size, 3)
        ), labels

    return without_autotune(dataset.map(colour).prefetch(2))


def spectrogram_arrays(
    hdf5_path: Files,
    catalog: Catalog,
    *,
    image_size: int = 96,
    components: Components = "Z",
    reference: Reference = "std",
    on_error: OnError = "skip",
) -> tuple[np.ndarray, np.ndarray, ReadReport]:
    """Reads the spectrogram images of a small catalogue into memory.

    Args:
        hdf5_path: the HDF5 file.
        catalog: the traces wanted, with their labels.
        image_size: height and width in pixels. Defaults to `96`.
        components: `"Z"` (grey) or `"ENZ"` (colour). Defaults to `"Z"`.
        reference: what levels are counted from, see `spectrogram_image`. Defaults to `"std"`.
        on_error: `"skip"` or `"raise"`, see `iterate_waveforms`. Defaults to `"skip"`.

    Returns:
        Images (n, size, size, 3) float32 in 0..255, labels (n,) int32, and what was skipped.

    Raises:
        DataError: the catalogue is empty, the file is missing or damaged, or no trace is
            usable.
    """
    source = make_source(hdf5_path, catalog, image_size, components, reference, on_error)
    images = np.empty((len(catalog), image_size, image_size, 3), dtype=np.float32)
    rows = np.empty(len(catalog), dtype=np.int64)
    read, reader = 0, source.images(np.arange(len(catalog)))
    while True:
        try:
            rows[read], image = next(reader)
        except StopIteration as end:
            return images[:read], catalog.labels[rows[:read]], end.value
        images[read] = coloured(image)
        read += 1


def _passes(
    source: Source, shuffle: bool, seed: int, *, reshuffle: bool
) -> Callable[[], Iterator[tuple[np.ndarray, np.int32]]]:
    """Returns a function that starts a new pass over the images each time it is called."""
    numbers = itertools.count() if reshuffle else itertools.repeat(0)

    def start() -> Iterator[tuple[np.ndarray, np.int32]]:
        rows = np.arange(len(source.catalog))
        if shuffle:
            rows = _in_blocks(len(rows), np.random.default_rng((seed, next(numbers))))
        return ((image, source.catalog.labels[row]) for row, image in source.images(rows))

    return start


def _in_blocks(count: int, rng: np.random.Generator) -> np.ndarray:
    """Returns the numbers up to `count`, blocks of them in a random order."""
    starts = rng.permutation(np.arange(0, count, _BLOCK))
    return np.concatenate([np.arange(s, min(s + _BLOCK, count)) for s in starts])
