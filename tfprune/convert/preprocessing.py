"""What is done to a picture, a waveform or a sound before the model sees it, as constants.

They are stored in the file (`Metadata`), so that a device prepares its inputs as the training
did. Every kind ends with `x * scale + offset`, along the last axis where there are several.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

from tfprune.errors import DataError

Constants = float | tuple[float, ...]


@dataclass(frozen=True)
class Preprocessing:
    """Values as they are: scaled and shifted, nothing else.

    Attributes:
        scale: what values are multiplied by, one number or one for each channel.
        offset: what is added after that.
    """

    kind: ClassVar[str] = "values"
    scale: Constants = 1.0
    offset: Constants = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Returns what JSON can hold."""
        return {"kind": self.kind, **asdict(self)}


@dataclass(frozen=True)
class ImageInput(Preprocessing):
    """A picture of 8-bit levels, resized to the input's height and width (bilinear).

    Attributes:
        channels: their order, "rgb" or "bgr", or "grey" for one.
    """

    kind: ClassVar[str] = "image"
    channels: Literal["rgb", "bgr", "grey"] = "rgb"


@dataclass(frozen=True)
class WaveformInput(Preprocessing):
    """Samples over time; channels last where the input has them.

    Attributes:
        rate: samples a second.
        normalise: "none"; "standard": each window less its mean, over its standard deviation;
            "peak": less its mean, over its largest magnitude.
        fill: what follows a signal that is shorter than the input: "zeros", or "repeat" for the
            signal again and again.
    """

    kind: ClassVar[str] = "waveform"
    rate: float = 0.0
    normalise: Literal["none", "standard", "peak"] = "none"
    fill: Literal["zeros", "repeat"] = "zeros"


@dataclass(frozen=True)
class SpectrogramInput(Preprocessing):
    """A picture of a seismogram, as `tfprune.datasets.spectrogram_image` draws it.

    Attributes:
        rate: samples a second.
        nfft: samples a window.
        low: the decibels drawn black.
        high: the decibels drawn white.
        reference: what decibels are counted from: "std", "median" or "none".
        components: "Z" repeats the last channel, "ENZ" takes all three.
    """

    kind: ClassVar[str] = "spectrogram"
    rate: float = 100.0
    nfft: int = 256
    low: float = -10.0
    high: float = 25.0
    reference: Literal["std", "median", "none"] = "std"
    components: Literal["Z", "ENZ"] = "Z"


@dataclass(frozen=True)
class LogMelInput(Preprocessing):
    """Log-mel energies of a sound: 10 log10 of the power in mel bands, in decibels.

    Frames are centred on multiples of `hop`, zeros beyond both ends; windows are Hann's; the
    bands are triangles on Slaney's mel scale, of equal area, as librosa's default is.

    Attributes:
        rate: samples a second.
        nfft: points of the Fourier transform.
        window: samples a window, `nfft` or fewer.
        hop: samples from one frame to the next.
        bands: mel bands.
        low: the lowest frequency, in hertz.
        high: the highest frequency, in hertz; 0 for half the rate.
        floor: the least power, before the logarithm.
        layout: the input's axes, "time_band" or "band_time"; a last axis of 1 is added where
            the input has one.
    """

    kind: ClassVar[str] = "log_mel"
    rate: float = 22050.0
    nfft: int = 1024
    window: int = 1024
    hop: int = 441
    bands: int = 40
    low: float = 0.0
    high: float = 0.0
    floor: float = 1e-10
    layout: Literal["time_band", "band_time"] = "band_time"


_KINDS = {
    cls.kind: cls
    for cls in (Preprocessing, ImageInput, WaveformInput, SpectrogramInput, LogMelInput)
}


def from_dict(values: Mapping[str, Any]) -> Preprocessing:
    """Makes the constants from what `as_dict` returned.

    Raises:
        DataError: an unknown kind, or a setting that it does not have.

    Example:
        >>> from_dict({"kind": "image", "scale": 0.5})
        ImageInput(scale=0.5, offset=0.0, channels='rgb')
    """
    rest = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items() if k != "kind"}
    try:
        return _KINDS[values["kind"]](**rest)
    except (KeyError, TypeError) as error:
        raise DataError(
            f"expected preprocessing of a kind in {sorted(_KINDS)} with its settings, received "
            f"{dict(values)!r}"
        ) from error
