"""Spectrogram images and labels, streamed from a STEAD-layout file as `tf.data` or arrays."""

import hashlib
import itertools
import os
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfprune.datasets.spectrogram import (
    NFFT,
    Components,
    Reference,
    grey_levels,
    spectrogram_image,
)
from tfprune.datasets.stead import Catalog
from tfprune.datasets.waveforms import OnError, ReadReport, iterate_waveforms, open_waveforms
from tfprune.errors import DataError

if TYPE_CHECKING:
    import tensorflow as tf

# (image in bytes, label) after another, and in the end what was skipped.
Images = Generator[tuple[np.ndarray, np.int32], None, ReadReport]

_SHUFFLE_BYTES = 64 * 2**20


@dataclass(frozen=True)
class _Source:
    """What to read and how to draw it."""

    path: Path
    catalog: Catalog
    size: int
    components: Components
    reference: Reference
    on_error: OnError

    @property
    def shape(self) -> tuple[int, int, int]:
        """One channel is enough for a grey image; colour is spread at the very end."""
        return self.size, self.size, 3 if self.components == "ENZ" else 1

    def images(self, order: np.ndarray) -> Images:
        """Yields one (image in bytes, label) after another, and returns the `ReadReport`."""
        chosen = self.catalog.take(order)
        label = dict(zip(chosen.trace_names.tolist(), chosen.labels, strict=True))
        first = 0 if self.components == "ENZ" else 2
        reader = iterate_waveforms(
            self.path, chosen.trace_names, on_error=self.on_error, least=NFFT
        )
        while True:
            try:
                name, waveform = next(reader)
            except StopIteration as end:
                return end.value
            grey = grey_levels(waveform[:, first:], self.size, reference=self.reference)
            yield grey.astype(np.uint8), label[name]


def spectrogram_dataset(
    hdf5_path: str | os.PathLike[str],
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
    """Streams spectrogram images and labels from a STEAD-layout file.

    One seismogram is in memory at a time, besides two batches of images, so the size of the
    file does not matter. The dataset can be iterated again; with `shuffle` each pass has
    another order, and the passes of two datasets of one seed have the same orders.

    Args:
        hdf5_path: the HDF5 file.
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
        cache: keeps the images of the first pass, one byte a pixel: `True` in memory, or in
            files of the folder named (kept between runs; another catalogue or size makes
            others). Shuffling then draws from a buffer of 64 MiB. Defaults to `False`, each
            pass reads the file again.

    Returns:
        A `tf.data.Dataset` of (images (batch, size, size, 3) float32 in 0..255, labels
        (batch,) int32).

    Raises:
        DataError: the catalogue is empty, or the file is missing or damaged.
    """
    import tensorflow as tf

    source = _source(hdf5_path, catalog, image_size, components, reference, on_error)
    if batch_size < 1:
        raise DataError(f"expected a batch size of at least 1, received {batch_size}")
    signature = (
        tf.TensorSpec(source.shape, tf.uint8),
        tf.TensorSpec((), tf.int32),
    )
    passes = _passes(source, shuffle, seed, reshuffle=cache is False)
    dataset = tf.data.Dataset.from_generator(passes, output_signature=signature)
    if cache is not False:
        dataset = dataset.cache(_cache_file(source, cache, shuffle, seed))
        if shuffle:
            buffer = max(1, min(len(catalog), _SHUFFLE_BYTES // int(np.prod(source.shape))))
            dataset = dataset.shuffle(buffer, seed=seed)
    dataset = dataset.batch(batch_size)

    def colour(images: "tf.Tensor", labels: "tf.Tensor") -> "tuple[tf.Tensor, tf.Tensor]":
        grey = tf.cast(images, tf.float32)
        return tf.ensure_shape(
            tf.tile(grey, (1, 1, 1, 3 // source.shape[-1])), (None, image_size, image_size, 3)
        ), labels

    return dataset.map(colour).prefetch(2)


def spectrogram_arrays(
    hdf5_path: str | os.PathLike[str],
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
    source = _source(hdf5_path, catalog, image_size, components, reference, on_error)
    images = np.empty((len(catalog), image_size, image_size, 3), dtype=np.float32)
    labels = np.empty(len(catalog), dtype=np.int32)
    report = ReadReport()

    def every() -> Generator[tuple[np.ndarray, np.int32], None, None]:
        nonlocal report
        report = yield from source.images(np.arange(len(catalog)))

    for row, (image, label) in enumerate(every()):
        images[row], labels[row] = image, label
    return images[: report.read], labels[: report.read], report


def _source(
    hdf5_path: str | os.PathLike[str],
    catalog: Catalog,
    image_size: int,
    components: Components,
    reference: Reference,
    on_error: OnError,
) -> _Source:
    """Checks now what would otherwise fail inside a pipeline, far from its cause."""
    if not len(catalog):
        raise DataError("expected traces in the catalogue, received none")
    # A flat line drawn once meets whatever is wrong with how images are to be drawn.
    spectrogram_image(np.zeros((NFFT, 3)), image_size, components=components, reference=reference)
    open_waveforms(hdf5_path).close()
    return _Source(Path(hdf5_path), catalog, image_size, components, reference, on_error)


def _passes(source: _Source, shuffle: bool, seed: int, *, reshuffle: bool) -> Callable[[], Images]:
    """Returns a function that starts a new pass over the images each time it is called."""
    numbers = itertools.count() if reshuffle else itertools.repeat(0)

    def start() -> Images:
        rows = np.arange(len(source.catalog))
        if shuffle:
            rows = np.random.default_rng((seed, next(numbers))).permutation(rows)
        return source.images(rows)

    return start


def _cache_file(source: _Source, cache: Any, shuffle: bool, seed: int) -> str:
    """Returns where to cache: nowhere but memory (""), or a file named after its contents."""
    if cache is True:
        return ""
    folder = Path(cache)
    if not folder.is_dir():
        raise DataError(f"expected a folder to cache in, but {folder} is not one: make it first")
    file = source.path.resolve()
    key = hashlib.sha256()
    stat = file.stat()
    drawn = source.shape, source.reference
    for part in (file, stat.st_size, stat.st_mtime_ns, *drawn, shuffle, seed):
        key.update(f"{part}\n".encode())
    for name, label in zip(source.catalog.trace_names, source.catalog.labels, strict=True):
        key.update(f"{name} {label}\n".encode())
    return str(folder / f"{file.stem}-{key.hexdigest()[:16]}")
