"""Synthetic seismograms of stations that record local earthquakes and noise.

The stochastic method (Boore 2003, doi:10.1007/PL00012553): each phase is random noise shaped
by the source's spectrum and by an envelope in time. A source's corner frequency follows Brune
(1970, doi:10.1029/JB075i026p04997). What tells an earthquake from a burst of traffic is then
what tells them apart on real records: two arrivals, broad bands, a decaying coda.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

SAMPLING_RATE = 100.0
P_SPEED = 6.0  # km/s, the upper crust
_STRESS_DROP = 50.0  # bar
_NOISE, _EARTHQUAKE, _STATION = range(3)  # keeps the random numbers of the three apart


@dataclass(frozen=True)
class Station:
    """A place and its instrument.

    Attributes:
        code: name, as in receiver_code.
        latitude: in degrees.
        longitude: in degrees.
        elevation: in metres.
        gain: counts of background noise, standard deviation.
        offset: counts, the instrument's zero, for each component.
        slope: power of 1/f of the background's amplitude.
        swell: strength of the microseisms against the rest.
        hum: frequency of the local traffic and machines, Hz.
        bursts: how many times a minute they are heard.
        kappa: attenuation under the station, s (Anderson and Hough 1984).
        vp_vs: ratio of the wave speeds on the way.
    """

    code: str
    latitude: float
    longitude: float
    elevation: float
    gain: float
    offset: tuple[float, float, float]
    slope: float
    swell: float
    hum: float
    bursts: float
    kappa: float
    vp_vs: float


@dataclass(frozen=True)
class Record:
    """One window of three components, and what is known of it.

    Attributes:
        samples: east, north and vertical in counts, (npts, 3) float32.
        p_sample: arrival of the P wave, in samples; `None` in noise.
        s_sample: arrival of the S wave; `None` in noise.
        coda_end: sample at which the coda sinks into the noise; `None` in noise.
        magnitude: of the source; `None` in noise.
        distance: from source to station, km; `None` in noise.
        depth: of the source, km; `None` in noise.
        azimuth: from the station to the source, degrees; `None` in noise.
        snr: decibels of each component after the S arrival over before the P; `None` in noise.
    """

    samples: np.ndarray
    p_sample: int | None = None
    s_sample: int | None = None
    coda_end: int | None = None
    magnitude: float | None = None
    distance: float | None = None
    depth: float | None = None
    azimuth: float | None = None
    snr: tuple[float, float, float] | None = None


def station(number: int, seed: int) -> Station:
    """Returns a made-up station; the same for the same number and seed."""
    rng = np.random.default_rng((seed, _STATION, number))
    return Station(
        code=f"SY{number:02d}",
        latitude=float(rng.uniform(35, 40)),
        longitude=float(rng.uniform(-123, -117)),
        elevation=float(rng.uniform(0, 2000)),
        gain=float(10 ** rng.uniform(1.3, 3.0)),
        offset=tuple((rng.normal(size=3) * 10 ** rng.uniform(0, 2.5)).tolist()),
        slope=float(rng.uniform(0.3, 1.1)),
        swell=float(rng.uniform(0.5, 4.0)),
        hum=float(rng.uniform(4, 20)),
        bursts=float(rng.uniform(0, 4)),
        kappa=float(rng.uniform(0.02, 0.05)),
        vp_vs=float(rng.uniform(1.68, 1.80)),
    )


def noise(site: Station, npts: int, seed: int, number: int) -> Record:
    """Returns a window of the station's noise.

    Args:
        site: the station.
        npts: samples.
        seed: seed of the data set.
        number: number of the window in it.
    """
    rng = np.random.default_rng((seed, _NOISE, number))
    return Record(_as_counts(site, _background(site, npts, rng)))


def earthquake(site: Station, npts: int, seed: int, number: int) -> Record:
    """Returns a window with a local earthquake, its P and its S wave.

    The S wave follows the P after distance / vp (vp/vs - 1), with vp = 6 km/s. Magnitudes are
    Gutenberg-Richter's, distances those the window has room for, and of what they give the
    first source is kept that the station could have detected, as a catalogue does.

    Args:
        site: the station.
        npts: samples.
        seed: seed of the data set.
        number: number of the window in it.
    """
    rng = np.random.default_rng((seed, _EARTHQUAKE, number))
    magnitude, distance = _detectable_source(site, npts, rng)
    depth = float(distance * rng.uniform(0.15, 0.6))
    azimuth = float(rng.uniform(0, 360))
    p_sample = round(npts * rng.uniform(0.08, 0.2))
    s_sample = p_sample + round(s_minus_p(distance, site.vp_vs) * SAMPLING_RATE)
    peak = _peak(magnitude, distance)
    vertical, radial, transverse = _waves(
        site, npts, (p_sample, s_sample), magnitude, distance, depth, rng
    )
    angle = np.deg2rad(azimuth)
    east = -radial * np.sin(angle) - transverse * np.cos(angle)
    north = -radial * np.cos(angle) + transverse * np.sin(angle)
    signal = peak * np.stack([east, north, vertical])
    background = _background(site, npts, rng)
    snr = _snr(background + signal, p_sample, s_sample)
    return Record(
        _as_counts(site, background + signal),
        p_sample,
        s_sample,
        _coda_end(signal, background, s_sample),
        magnitude,
        distance,
        depth,
        azimuth,
        snr,
    )


def s_minus_p(distance: float, vp_vs: float) -> float:
    """Returns the seconds by which S follows P.

    Args:
        distance: from source to station, km.
        vp_vs: ratio of the wave speeds.

    Example:
        >>> round(s_minus_p(60.0, 1.73), 2)
        7.3
    """
    return distance / P_SPEED * (vp_vs - 1)


def corner_frequency(magnitude: float) -> float:
    """Returns Brune's corner frequency in Hz, for a stress drop of 50 bar and S at 3.5 km/s.

    Example:
        >>> corner_frequency(1.0) > corner_frequency(4.0)
        True
    """
    moment = 10 ** (1.5 * magnitude + 16.05)  # dyne cm; Hanks and Kanamori 1979
    return float(4.9e6 * 3.5 * (_STRESS_DROP / moment) ** (1 / 3))


def _detectable_source(site: Station, npts: int, rng: np.random.Generator) -> tuple[float, float]:
    """Draws a magnitude and a distance (km) that stand 6 to 1000 times above the noise."""
    window = npts / SAMPLING_RATE
    farthest = 0.5 * window * P_SPEED / (site.vp_vs - 1)  # S arrives in the first 70 %
    distance = np.exp(rng.uniform(np.log(0.08), np.log(1.0), 64)) * min(farthest, 150.0)
    magnitude = 0.5 + rng.exponential(1 / np.log(10), 64) * 2.0
    ratio = _peak(magnitude, distance) / site.gain
    heard = np.flatnonzero((ratio > 6) & (ratio < 1000) & (magnitude < 5))
    best = int(heard[0]) if heard.size else int(np.argmin(np.abs(np.log(ratio / 10))))
    return float(magnitude[best]), float(distance[best])


def _peak(magnitude: Any, distance: Any) -> Any:
    """Returns counts of ground velocity at the S wave's peak: local magnitude turned round."""
    return 10 ** (magnitude + 3.2 - 1.11 * np.log10(distance) - 0.00189 * distance)


def _waves(
    site: Station,
    npts: int,
    arrivals: tuple[int, int],
    magnitude: float,
    distance: float,
    depth: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the vertical, radial and transverse motion, S of unit peak, each (npts,)."""
    frequency = np.fft.rfftfreq(npts, 1 / SAMPLING_RATE)
    shape = _source_spectrum(frequency, magnitude, distance, site.kappa)
    white = np.fft.rfft(rng.normal(size=(6, npts)), axis=-1)
    random = np.fft.irfft(white * shape, n=npts, axis=-1)
    random /= random.std(axis=-1, keepdims=True)
    decay = 1.0 + 0.8 * max(magnitude, 0) + 0.03 * distance  # of the coda, s
    p_wave = random[:3] * _envelope(npts, arrivals[0], 0.05 + 0.002 * distance, 0.5 * decay)
    s_wave = random[3:] * _envelope(npts, arrivals[1], 0.10 + 0.004 * distance, decay)
    # Rays bend upwards through slow layers, so P arrives steeply and S nearly level.
    steep = np.cos(0.5 * np.arccos(depth / distance))
    flat = np.sqrt(1 - steep**2)
    p_size = rng.uniform(0.15, 0.5)
    split = rng.uniform(0.3, 0.7)  # of S between radial and transverse
    vertical = p_size * steep * p_wave[0] + (flat + 0.15) * 0.6 * s_wave[0]
    radial = p_size * (flat * p_wave[0] + 0.2 * p_wave[1]) + np.sqrt(split) * s_wave[1]
    transverse = p_size * 0.2 * p_wave[2] + np.sqrt(1 - split) * s_wave[2]
    largest = max(np.abs(radial).max(), np.abs(transverse).max())
    return vertical / largest, radial / largest, transverse / largest


def _source_spectrum(
    frequency: np.ndarray, magnitude: float, distance: float, kappa: float
) -> np.ndarray:
    """Returns the amplitude spectrum of ground velocity: Brune's source, then attenuation."""
    quality, speed = 400.0, 3.5
    path = np.exp(-np.pi * frequency * (distance / (quality * speed) + kappa))
    source = frequency / (1 + (frequency / corner_frequency(magnitude)) ** 2)
    instrument = frequency**2 / (frequency**2 + 0.5**2)  # a short-period seismometer
    spectrum: np.ndarray = source * path * instrument
    return spectrum


def _envelope(npts: int, arrival: int, rise: float, decay: float) -> np.ndarray:
    """Returns 0 before the arrival, then a rise and an exponential decay (times in seconds)."""
    time = np.maximum(np.arange(npts) - arrival, 0) / SAMPLING_RATE
    envelope: np.ndarray = (1 - np.exp(-time / rise)) * np.exp(-time / decay)
    return envelope


def _background(site: Station, npts: int, rng: np.random.Generator) -> np.ndarray:
    """Returns coloured noise and the bursts of machines in it, in counts, (3, npts)."""
    frequency = np.fft.rfftfreq(npts, 1 / SAMPLING_RATE)
    shape = np.maximum(frequency, 0.1) ** -site.slope
    shape += site.swell * np.exp(-(((frequency - 0.25) / 0.12) ** 2))
    shape += 0.6 * np.exp(-(((frequency - site.hum) / 1.5) ** 2)) * rng.uniform(0, 1)
    shape[0] = 0
    white = np.fft.rfft(rng.normal(size=(3, npts)), axis=-1)
    coloured = np.fft.irfft(white * shape, n=npts, axis=-1)
    coloured /= coloured.std()
    level = site.gain * 10 ** rng.normal(0, 0.1)
    for _ in range(rng.poisson(site.bursts * npts / SAMPLING_RATE / 60)):
        coloured += _burst(site, npts, rng)
    counts: np.ndarray = level * coloured
    return counts


def _burst(site: Station, npts: int, rng: np.random.Generator) -> np.ndarray:
    """Returns a passing car or a footstep: one swelling tone, no second arrival, (3, npts)."""
    time = np.arange(npts) / SAMPLING_RATE
    centre, width = rng.uniform(0, time[-1]), 10 ** rng.uniform(-0.7, 0.6)
    tone = site.hum * rng.uniform(0.7, 1.3)
    phase = rng.uniform(0, 2 * np.pi, (3, 1)) + np.cumsum(rng.normal(0, 0.15, npts))
    swell = np.exp(-0.5 * ((time - centre) / width) ** 2)
    size = 10 ** rng.uniform(-0.2, 1.0) * rng.uniform(0.3, 1.0, (3, 1))
    burst: np.ndarray = size * swell * np.sin(2 * np.pi * tone * time + phase)
    return burst


def _as_counts(site: Station, motion: np.ndarray) -> np.ndarray:
    """Returns what the digitiser writes: whole counts about its offset, (npts, 3) float32."""
    return np.ascontiguousarray(np.rint(motion.T + site.offset), dtype=np.float32)


def _snr(motion: np.ndarray, p_sample: int, s_sample: int) -> tuple[float, float, float]:
    """Returns decibels after S over before P, by the 95th percentiles, as STEAD has it."""
    second = int(SAMPLING_RATE)
    before = np.percentile(np.abs(motion[:, max(p_sample - 2 * second, 0) : p_sample]), 95, axis=1)
    after = np.percentile(np.abs(motion[:, s_sample : s_sample + 2 * second]), 95, axis=1)
    east, north, vertical = (20 * np.log10(after / before)).tolist()
    return east, north, vertical


def _coda_end(signal: np.ndarray, background: np.ndarray, s_sample: int) -> int:
    """Returns the last sample at which the running amplitude of the coda is above the noise."""
    width = int(SAMPLING_RATE)
    power = (signal**2).sum(axis=0)
    running = np.convolve(power, np.ones(width) / width, mode="same")
    above = np.flatnonzero(running > (background**2).sum(axis=0).mean())
    return max(int(above[-1]) if above.size else s_sample, s_sample + 1)
