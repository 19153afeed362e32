"""What log-mel features are made by, and the triangles that gather frequencies into bands."""

from dataclasses import dataclass

import numpy as np

from tfprune.errors import DataError

_STEP = np.log(6.4) / 27


@dataclass(frozen=True)
class Mel:
    """Settings of log-mel features: 10 log10 of the power in mel bands, in decibels.

    Frames are centred on multiples of `hop`, zeros beyond both ends; windows are Hann's; the bands
    are triangles on Slaney's mel scale, of equal area, as librosa's default is. The same words say
    it in a file's metadata (`tfprune.convert.LogMelInput`).

    Attributes:
        rate: samples a second.
        nfft: points of the Fourier transform.
        window: samples a window, `nfft` or fewer.
        hop: samples from one frame to the next.
        bands: mel bands.
        low: the lowest frequency, in hertz.
        high: the highest frequency, in hertz.
        floor: the least power, before the logarithm.

    Raises:
        DataError: a number makes no sense.

    Example:
        >>> Mel(44100, 2048, 1764, 882).frames(441000)
        500
    """

    rate: int
    nfft: int
    window: int
    hop: int
    bands: int = 40
    low: float = 0.0
    high: float = 22050.0
    floor: float = 1e-10

    def __post_init__(self) -> None:
        whole = min(self.rate, self.nfft, self.window, self.hop, self.bands) >= 1
        if not (whole and self.window <= self.nfft and 0 <= self.low < self.high <= self.rate / 2):
            raise DataError(
                "expected counts of 1 or more, a window within nfft and low < high <= rate / 2, "
                f"received {self}"
            )

    @classmethod
    def baseline(cls, rate: int) -> "Mel":
        """The features of DCASE 2021's baseline, task 1A: 40 bands, 40 ms, a frame each 20 ms.

        At its 44.1 kHz the transform has 2,048 points and the bands reach 22,050 Hz. At lower
        rates the resolution in hertz stays, and the bands end at half the rate.

        Example:
            >>> Mel.baseline(44100).nfft, Mel.baseline(22050).nfft, Mel.baseline(22050).high
            (2048, 1024, 11025.0)
        """
        window = round(0.04 * rate)
        nfft = 1 << (window - 1).bit_length()
        return cls(rate, nfft, window, round(0.02 * rate), high=min(22050.0, rate / 2))

    def frames(self, samples: int) -> int:
        """Frames of so many samples: one for each whole hop."""
        return samples // self.hop

    def matrix(self) -> np.ndarray:
        """The triangles, (bands, nfft // 2 + 1) float64: rows that gather a spectrum's powers.

        Slaney's scale is linear to 1 kHz, 15 mel there, then 27 mel for each factor of 6.4
        (Slaney 1998, Auditory Toolbox).
        """
        ends = _to_mel(np.array([self.low, self.high]))
        edges = _to_hertz(np.linspace(ends[0], ends[1], self.bands + 2))
        bins = np.linspace(0, self.rate / 2, self.nfft // 2 + 1)
        rise = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
        fall = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
        area = (2 / (edges[2:] - edges[:-2]))[:, None]
        return np.maximum(0, np.minimum(rise, fall)) * area


def _to_mel(hertz: np.ndarray) -> np.ndarray:
    above = 15 + np.log(np.maximum(hertz, 1000) / 1000) / _STEP
    return np.where(hertz < 1000, hertz * 3 / 200, above)


def _to_hertz(mel: np.ndarray) -> np.ndarray:
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * _STEP))
