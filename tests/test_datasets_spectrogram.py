"""The images: levels, orientation, and the spectra against another's."""

import numpy as np
import pytest

from tfprune.datasets.spectrogram import (
    _resize_upright,
    grey_levels,
    power_density,
    spectrogram_image,
)
from tfprune.errors import DataError

TIME = np.arange(2800) / 100


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(2800, 3)) * 700 + 5000


def test_density_is_welchs() -> None:
    rng = np.random.default_rng(1)
    white = rng.normal(size=200_000) * 3
    density = power_density(white, 2000)
    # The mean of the density times half the sampling rate is the variance.
    assert density.mean(-1)[1:-1].mean() * 50 == pytest.approx(9, rel=0.02)


def test_density_is_scipys() -> None:
    signal = pytest.importorskip("scipy.signal")
    samples = np.random.default_rng(2).normal(size=256 + 20 * 32)
    _, _, expected = signal.spectrogram(
        samples, 100, "hann", 256, 256 - 32, detrend=False, scaling="density"
    )
    np.testing.assert_allclose(power_density(samples, 21), expected, rtol=1e-4)


@pytest.mark.parametrize(("npts", "size"), [(2800, 96), (6000, 150), (256, 32), (2800, (100, 150))])
def test_shape_and_range(npts: int, size: int | tuple[int, int]) -> None:
    waveform = np.random.default_rng(3).normal(size=(npts, 3))
    image = spectrogram_image(waveform, size)
    assert image.shape == ((size, size, 3) if isinstance(size, int) else (*size, 3))
    assert image.dtype == np.float32
    assert image.min() >= 0
    assert image.max() <= 255
    np.testing.assert_array_equal(image, np.rint(image))
    np.testing.assert_array_equal(image[..., 0], image[..., 2])


def test_levels_do_not_depend_on_gain_or_offset(noise: np.ndarray) -> None:
    image = spectrogram_image(noise, 64)
    for other in (noise * 1000, noise / 1000 + 3):
        assert np.abs(spectrogram_image(other, 64) - image).max() <= 1  # of 255, by rounding
    for reference in ("median", "std"):
        near = spectrogram_image(noise * 50, 64, reference=reference)  # type: ignore[arg-type]
        assert 60 < near.mean() < 175
    raw = spectrogram_image(noise * 1000, 64, reference="none")
    assert raw.min() == 255


def test_time_goes_right_and_frequency_up(noise: np.ndarray) -> None:
    tone = np.where(TIME > 21, 30_000 * np.sin(2 * np.pi * 40 * TIME), 0)  # 40 of 50 Hz, late
    image = spectrogram_image(noise + tone[:, None], 100)[..., 0]
    row, column = np.unravel_index(np.argmax(image), image.shape)
    assert row == pytest.approx(20, abs=3)
    assert column > 70
    assert image[:, 80:].mean() > image[:, :60].mean()


def test_components(noise: np.ndarray) -> None:
    noise[:, 0] *= np.linspace(0, 1, 2800)
    colour = spectrogram_image(noise, 48, components="ENZ")
    # Sums in another order may round one level in 255 differently.
    np.testing.assert_allclose(colour[..., 2], spectrogram_image(noise, 48)[..., 0], atol=1)
    assert not np.array_equal(colour[..., 0], colour[..., 2])
    dead = spectrogram_image(noise * [0, 1, 1] + [7, 0, 0], 48, components="ENZ")
    assert dead[..., 0].max() == 0
    np.testing.assert_allclose(dead[..., 1:], colour[..., 1:], atol=1)


@pytest.mark.parametrize("reference", ["std", "median", "none"])
def test_many_at_once(noise: np.ndarray, reference: str) -> None:
    pair = np.stack([noise, noise[::-1]])
    together = grey_levels(pair, 40, reference=reference)  # type: ignore[arg-type]
    alone = grey_levels(noise, 40, reference=reference)  # type: ignore[arg-type]
    assert np.abs(together[0] - alone).max() <= 1


def test_what_cannot_be_drawn(noise: np.ndarray) -> None:
    with pytest.raises(DataError, match="at least 256 samples, received 255"):
        spectrogram_image(noise[:255])
    with pytest.raises(DataError, match=r"shape \(npts, 3\), received \(2800, 2\)"):
        spectrogram_image(noise[:, :2])
    with pytest.raises(DataError, match="1 x 1 pixels"):
        spectrogram_image(noise, 0)
    with pytest.raises(DataError, match="'Z' or 'ENZ'"):
        spectrogram_image(noise, components="N")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="'std', 'median' or 'none'"):
        spectrogram_image(noise, reference="max")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="ascending"):
        spectrogram_image(noise, levels=(25, -10))
    noise[0, 0] = np.nan
    with pytest.raises(DataError, match="finite"):
        spectrogram_image(noise)


@pytest.mark.parametrize("rows", [1, 7, 96, 128, 129, 130, 224, 400])
def test_resizing_keeps_flats_slopes_and_the_mean(rows: int) -> None:
    flat = np.full((129, 2), 7, dtype=np.float32)
    np.testing.assert_allclose(_resize_upright(flat, rows), np.full((rows, 2), 7), rtol=1e-6)
    slope = np.repeat(np.arange(129, dtype=np.float32)[:, None], 2, axis=1)
    resized = _resize_upright(slope, rows)[:, 0]
    centres = 128.5 - (np.arange(rows) + 0.5) * 129 / rows
    reach = max(129 / rows, 1)
    inside = (centres >= reach) & (centres <= 128 - reach)
    np.testing.assert_allclose(resized[inside], centres[inside], atol=0.1)  # of a bin
    assert (np.diff(resized) <= 0).all()
    assert resized.mean() == pytest.approx(64, abs=0.01)
