"""Seismograms of a catalogue, drawn one after another as grey images in bytes."""

import hashlib
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfprune.datasets.spectrogram import (
    NFFT,
    Components,
    Reference,
    grey_levels,
    spectrogram_image,
)
from tfprune.datasets.stead import Catalog
from tfprune.datasets.waveforms import (
    Files,
    OnError,
    ReadReport,
    as_paths,
    iterate_waveforms,
    open_waveforms,
)
from tfprune.errors import DataError

# (row of the catalogue, image in bytes) after another, and in the end what was skipped.
Images = Generator[tuple[int, np.ndarray], None, ReadReport]


@dataclass(frozen=True)
class Source:
    """What to read and how to draw it.

    Attributes:
        paths: the HDF5 files.
        catalog: the traces wanted, with their labels.
        size: pixels along a side.
        components: `"Z"` or `"ENZ"`.
        reference: what levels are counted from.
        on_error: what becomes of unusable traces.
    """

    paths: tuple[Path, ...]
    catalog: Catalog
    size: int
    components: Components
    reference: Reference
    on_error: OnError

    @property
    def shape(self) -> tuple[int, int, int]:
        """One channel is enough for a grey image; colour is spread at the very end."""
        return self.size, self.size, 3 if self.components == "ENZ" else 1

    def images(self, order: np.ndarray, allow_none: bool = False) -> Images:
        """Yields (row, image) for the rows wanted, in their order, and returns the `ReadReport`."""
        names = self.catalog.trace_names[order]
        row = dict(zip(names.tolist(), order.tolist(), strict=True))
        first = 0 if self.components == "ENZ" else 2
        reader = iterate_waveforms(
            self.paths, names, on_error=self.on_error, least=NFFT, allow_none=allow_none
        )
        while True:
            try:
                name, waveform = next(reader)
            except StopIteration as end:
                return end.value
            grey = grey_levels(waveform[:, first:], self.size, reference=self.reference)
            yield row[name], grey.astype(np.uint8)

    def key(self) -> str:
        """A name for what is drawn, which changes with the files, the traces and the drawing."""
        digest = hashlib.sha256()
        for path in self.paths:
            stat = path.resolve().stat()
            digest.update(f"{path.resolve()}\n{stat.st_size}\n{stat.st_mtime_ns}\n".encode())
        digest.update(f"{self.shape} {self.reference}\n".encode())
        for name, label in zip(self.catalog.trace_names, self.catalog.labels, strict=True):
            digest.update(f"{name} {label}\n".encode())
        return f"{self.paths[0].stem}-{digest.hexdigest()[:16]}"


def make_source(
    files: Files,
    catalog: Catalog,
    image_size: int,
    components: Components,
    reference: Reference,
    on_error: OnError,
) -> Source:
    """Checks now what would otherwise fail inside a pipeline, far from its cause.

    Raises:
        DataError: the catalogue is empty, a file is missing or damaged, or an argument is wrong.
    """
    if not len(catalog):
        raise DataError("expected traces in the catalogue, received none")
    # A flat line drawn once meets whatever is wrong with how images are to be drawn.
    spectrogram_image(np.zeros((NFFT, 3)), image_size, components=components, reference=reference)
    paths = as_paths(files)
    for path in paths:
        open_waveforms(path).close()
    return Source(paths, catalog, image_size, components, reference, on_error)


def coloured(grey: np.ndarray) -> np.ndarray:
    """Returns (..., 3) float32 in 0..255 of bytes of one channel or three."""
    return np.repeat(grey.astype(np.float32), 3 // grey.shape[-1], axis=-1)
