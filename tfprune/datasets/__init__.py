"""Readers and generators of the data sets that the recipes train on."""

from tfprune.datasets.cache import ImageCache, cache_images
from tfprune.datasets.cutting import Grid, cut_photos
from tfprune.datasets.patches import Patches, read_patches
from tfprune.datasets.pipeline import spectrogram_arrays, spectrogram_dataset
from tfprune.datasets.spectrogram import spectrogram_image
from tfprune.datasets.stead import CLASSES, Catalog, read_catalog
from tfprune.datasets.synthetic import write_synthetic_stead
from tfprune.datasets.waveforms import Problem, ReadReport, iterate_waveforms

__all__ = [
    "CLASSES",
    "Catalog",
    "Grid",
    "ImageCache",
    "Patches",
    "Problem",
    "ReadReport",
    "cache_images",
    "cut_photos",
    "iterate_waveforms",
    "read_catalog",
    "read_patches",
    "spectrogram_arrays",
    "spectrogram_dataset",
    "spectrogram_image",
    "write_synthetic_stead",
]
