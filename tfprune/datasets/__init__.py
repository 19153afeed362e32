"""Readers and generators of the data sets that the recipes train on."""

from tfprune.datasets.cache import ImageCache, cache_images
from tfprune.datasets.clips import read_clip
from tfprune.datasets.cutting import Grid, cut_photos
from tfprune.datasets.decoding import read_sound
from tfprune.datasets.log_mels import LogMels, band_statistics, log_mels
from tfprune.datasets.mel import Mel
from tfprune.datasets.patches import Patches, read_patches
from tfprune.datasets.pipeline import spectrogram_arrays, spectrogram_dataset
from tfprune.datasets.sounds import Sounds, list_sounds
from tfprune.datasets.spectrogram import spectrogram_image
from tfprune.datasets.stead import CLASSES, Catalog, read_catalog
from tfprune.datasets.synthetic import write_synthetic_stead
from tfprune.datasets.waveforms import Problem, ReadReport, iterate_waveforms

__all__ = [
    "CLASSES",
    "Catalog",
    "Grid",
    "ImageCache",
    "LogMels",
    "Mel",
    "Patches",
    "Problem",
    "ReadReport",
    "Sounds",
    "band_statistics",
    "cache_images",
    "cut_photos",
    "iterate_waveforms",
    "list_sounds",
    "log_mels",
    "read_catalog",
    "read_clip",
    "read_patches",
    "read_sound",
    "spectrogram_arrays",
    "spectrogram_dataset",
    "spectrogram_image",
    "write_synthetic_stead",
]
