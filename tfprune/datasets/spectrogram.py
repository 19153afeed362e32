"""Seismograms as pictures: the power spectral density over time, in grey levels."""

from functools import lru_cache
from typing import Literal

import numpy as np

from tfprune.errors import DataError

SAMPLING_RATE = 100.0
NFFT = 256
LEVELS = (-10.0, 25.0)
WHITE_NOISE = 10.0  # dB, near the middle of the levels

Components = Literal["Z", "ENZ"]
Reference = Literal["std", "median", "none"]


def spectrogram_image(
    waveform: np.ndarray,
    image_size: int | tuple[int, int] = 96,
    *,
    components: Components = "Z",
    reference: Reference = "std",
    levels: tuple[float, float] = LEVELS,
    nfft: int = NFFT,
    sampling_rate: float = SAMPLING_RATE,
) -> np.ndarray:
    """Draws the spectrogram of a three-component seismogram as an image.

    The recipe is the one in common use for STEAD: the power spectral density of Hann windows
    of 256 samples at 100 Hz, in decibels, clipped to [-10, 25] and drawn in grey, time to the
    right and frequency upwards. Two things are made explicit:

    * Raw counts differ by station and instrument, from tens to hundreds of thousands, and so
      would the levels. So each component has its mean removed and is divided by its standard
      deviation, times a factor that puts white noise at 10 dB, the middle of the range. In
      a window of noise everything is then mid-grey; an earthquake is bright and what came
      before it dark. `reference="median"` counts from the image's own median level instead,
      which keeps the background grey and lets strong arrivals saturate, and `"none"` from
      1 count^2/Hz, which keeps absolute amplitude.
    * Windows overlap by as much as gives one column a pixel, whatever the waveform's length
      (28 s at 96 pixels: every 27 samples); frequencies are resized by linear interpolation.

    Levels are rounded to whole numbers, as an image file would hold them.

    Args:
        waveform: raw samples, (npts, 3), or several at once, (..., npts, 3), of at least
            `nfft` samples; the last component is the vertical.
        image_size: height and width in pixels, or one number for both. Defaults to `96`.
        components: `"Z"` repeats the vertical in all three channels (grey); `"ENZ"` puts east,
            north and vertical in red, green and blue. Defaults to `"Z"`.
        reference: what levels are counted from: `"std"`, `"median"` or `"none"`. Defaults to
            `"std"`.
        levels: the decibels drawn black and white. Defaults to `(-10, 25)`.
        nfft: samples a window. Defaults to `256`.
        sampling_rate: samples a second. Defaults to `100`.

    Returns:
        Images of float32 whole numbers in 0..255, (..., height, width, 3). A component without
        a signal is black.

    Raises:
        DataError: the waveform is too short, not of three components, or not finite; or an
            argument is out of range.

    Example:
        >>> noise = np.random.default_rng(0).normal(size=(2800, 3))
        >>> spectrogram_image(noise, 64).shape
        (64, 64, 3)
    """
    _check(waveform, components, reference, levels, nfft)
    image = grey_levels(
        waveform if components == "ENZ" else waveform[..., -1:],
        image_size,
        reference=reference,
        levels=levels,
        nfft=nfft,
        sampling_rate=sampling_rate,
    )
    return np.ascontiguousarray(np.broadcast_to(image, (*image.shape[:-1], 3)))


def grey_levels(
    waveform: np.ndarray,
    image_size: int | tuple[int, int] = 96,
    *,
    reference: Reference = "std",
    levels: tuple[float, float] = LEVELS,
    nfft: int = NFFT,
    sampling_rate: float = SAMPLING_RATE,
) -> np.ndarray:
    """Draws each component as an image of its own: `spectrogram_image` before the colours.

    Args:
        waveform: finite samples, (..., npts, components).
        image_size: height and width in pixels, or one number for both. Defaults to `96`.
        reference: what levels are counted from. Defaults to `"std"`.
        levels: the decibels drawn black and white. Defaults to `(-10, 25)`.
        nfft: samples a window. Defaults to `256`.
        sampling_rate: samples a second. Defaults to `100`.

    Returns:
        Float32 whole numbers in 0..255, (..., height, width, components).
    """
    height, width = (image_size, image_size) if isinstance(image_size, int) else image_size
    if height < 1 or width < 1:
        raise DataError(f"expected an image of at least 1 x 1 pixels, received {image_size}")
    signal = np.moveaxis(np.asarray(waveform, dtype=np.float32), -1, -2)
    signal = signal - signal.mean(axis=-1, keepdims=True)
    density = power_density(signal, width, nfft=nfft, sampling_rate=sampling_rate)
    zero = _zero_level(signal, density, reference, sampling_rate)
    decibels = 10 * np.log10(np.maximum(density, _TINY) / np.maximum(zero, _TINY))
    decibels[np.broadcast_to(zero <= _TINY, decibels.shape)] = levels[0]
    low, high = levels
    scaled = (np.clip(decibels, low, high) - low) * np.float32(255 / (high - low))
    resized = _resize_upright(scaled, height)
    return np.rint(np.moveaxis(resized, -3, -1)).astype(np.float32)


def power_density(
    signal: np.ndarray,
    columns: int,
    *,
    nfft: int = NFFT,
    sampling_rate: float = SAMPLING_RATE,
) -> np.ndarray:
    """Returns the one-sided power spectral density of `columns` Hann windows.

    Scaled as Welch's method is (IEEE Trans. Audio Electroacoust. 15, 1967): its mean times
    half the sampling rate is the variance of white noise.

    Args:
        signal: samples, (..., npts), of at least `nfft`.
        columns: windows wanted, spread evenly from the first sample to the last.
        nfft: samples a window. Defaults to `256`.
        sampling_rate: samples a second. Defaults to `100`.

    Returns:
        Squared units per hertz, (..., nfft // 2 + 1, columns), from 0 Hz upwards.
    """
    starts = window_starts(signal.shape[-1], columns, nfft)
    windows = np.lib.stride_tricks.sliding_window_view(signal, nfft, axis=-1)[..., starts, :]
    taper = np.hanning(nfft + 1)[:-1].astype(np.float32)  # periodic, as for spectra it should be
    spectrum = np.fft.rfft(windows * taper, axis=-1)
    density = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    density *= np.float32(1 / (sampling_rate * np.sum(taper**2)))
    density[..., 1 : (nfft + 1) // 2] *= 2  # 0 Hz and, where there is one, Nyquist stand alone
    return np.swapaxes(density, -1, -2)


def window_starts(npts: int, columns: int, nfft: int = NFFT) -> np.ndarray:
    """Returns the first sample of each window: spread evenly over `npts` samples, (columns,)."""
    return np.linspace(0, npts - nfft, columns).round().astype(int)


def resizing_matrix(bins: int, rows: int) -> np.ndarray:
    """Returns the weights that turn frequency bins into rows, the highest first, (rows, bins)."""
    places, weights = _taps(bins, rows)
    matrix = np.zeros((rows, bins), np.float32)
    np.add.at(matrix, (np.broadcast_to(np.arange(rows), places.shape), places), weights)
    return matrix


_TINY = np.float32(1e-30)


def _zero_level(
    signal: np.ndarray, density: np.ndarray, reference: Reference, sampling_rate: float
) -> np.ndarray:
    """Returns the density that counts as 0 dB, one for each component."""
    if reference == "median":
        return np.median(density, axis=(-2, -1), keepdims=True)
    variance = signal.var(axis=-1)[..., None, None]
    if reference == "std":
        return variance * np.float32(2 / sampling_rate / 10 ** (WHITE_NOISE / 10))
    return np.where(variance > 0, np.float32(1), np.float32(0))


def _resize_upright(levels: np.ndarray, rows: int) -> np.ndarray:
    """Returns (..., rows, columns) of (..., bins, columns), the highest frequency first."""
    bins, weights = _taps(levels.shape[-2], rows)
    # A sum over the few bins a row needs. A matrix product is no faster at this size, and
    # BLAS's threads would spin against those of the training that reads the images.
    resized = weights[0][:, None] * levels[..., bins[0], :]
    for bin_, weight in zip(bins[1:], weights[1:], strict=True):
        resized += weight[:, None] * levels[..., bin_, :]
    return resized


@lru_cache(maxsize=32)
def _taps(bins: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the bins that make up each row and their weights, (taps, rows) both.

    Linear interpolation, its triangle widened where bins outnumber rows, so that none is lost.
    """
    scale = bins / rows
    reach = max(scale, 1.0)
    centre = bins - 0.5 - (np.arange(rows) + 0.5) * scale
    offsets = np.arange(int(2 * reach) + 1)
    near = np.ceil(centre - reach).astype(int) + offsets[:, None]
    weight = np.maximum(1 - np.abs(centre - near) / reach, 0) * ((near >= 0) & (near < bins))
    weight = (weight / weight.sum(axis=0)).astype(np.float32)
    return np.clip(near, 0, bins - 1), weight


def _check(
    waveform: np.ndarray,
    components: str,
    reference: str,
    levels: tuple[float, float],
    nfft: int,
) -> None:
    if waveform.ndim < 2 or waveform.shape[-1] != 3:
        raise DataError(f"expected a waveform of shape (npts, 3), received {waveform.shape}")
    if waveform.shape[-2] < nfft:
        raise DataError(f"expected at least {nfft} samples, received {waveform.shape[-2]}")
    if not np.isfinite(waveform).all():
        raise DataError("expected finite samples, received NaN or infinite ones")
    if components not in ("Z", "ENZ"):
        raise DataError(f"expected components 'Z' or 'ENZ', received {components!r}")
    if reference not in ("std", "median", "none"):
        raise DataError(f"expected a reference 'std', 'median' or 'none', received {reference!r}")
    if not levels[0] < levels[1]:
        raise DataError(f"expected ascending levels, received {levels}")
