"""Spectrograms inside the net: a layer that draws them, and a net that takes raw waveforms."""

from typing import Any

import keras
import numpy as np
from keras import ops

from tfprune.datasets.spectrogram import (
    LEVELS,
    NFFT,
    SAMPLING_RATE,
    WHITE_NOISE,
    resizing_matrix,
    window_starts,
)
from tfprune.errors import MissingExtraError, ModelError

_TINY = 1e-30


@keras.saving.register_keras_serializable("tfprune")
class SpectrogramImage(keras.layers.Layer):
    """Draws what `tfprune.datasets.spectrogram_image` draws, as a layer without training.

    The windows are gathered and laid end to end, so that `keras.layers.STFTSpectrogram`, which
    takes steps of whole samples, transforms just those that make one column a pixel. Levels in
    decibels, clipping, resizing and rounding follow. It converts to TFLite with built-in
    operations only; in int8 it is of no use, since powers span more than 256 steps.

    Args:
        image_size: height and width in pixels. Defaults to `96`.
        components: `"Z"` repeats the vertical in all three channels; `"ENZ"` puts east, north and
            vertical in red, green and blue. Defaults to `"Z"`.
        reference: what levels are counted from, `"std"` or `"none"`. Defaults to `"std"`.

    Input shape:
        (batch, npts, 3): raw samples, the last component vertical, at least 256 of them.

    Output shape:
        (batch, image_size, image_size, 3): whole numbers in 0..255.

    Raises:
        ModelError: an argument is none of these, or the waveform is too short.
        MissingExtraError: scipy, which makes the window, is missing.

    Example:
        >>> import numpy as np
        >>> from tfprune.datasets import spectrogram_image
        >>> waves = np.random.default_rng(0).normal(size=(1, 1000, 3)).astype("float32")
        >>> drawn = keras.ops.convert_to_numpy(SpectrogramImage(32)(waves))
        >>> bool(np.abs(drawn - spectrogram_image(waves, 32)).max() <= 1)
        True
    """

    def __init__(
        self,
        image_size: int = 96,
        components: str = "Z",
        reference: str = "std",
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if image_size < 1 or components not in ("Z", "ENZ") or reference not in ("std", "none"):
            raise ModelError(
                "expected image_size >= 1, components 'Z' or 'ENZ' and reference 'std' or 'none', "
                f"received {image_size}, {components!r} and {reference!r}"
            )
        self.image_size = image_size
        self.components = components
        self.reference = reference
        self._stft = _transform()
        self._resize = np.float32(resizing_matrix(NFFT // 2 + 1, image_size))

    def build(self, input_shape: Any) -> None:
        """Checks the waveform's shape and places the windows."""
        if len(input_shape) != 3 or input_shape[-1] != 3 or (input_shape[1] or 0) < NFFT:
            raise ModelError(
                f"expected waveforms (batch, npts, 3) of at least {NFFT} samples, received "
                f"{tuple(input_shape)}"
            )
        starts = window_starts(input_shape[1], self.image_size)
        self._places = (starts[:, None] + np.arange(NFFT)).ravel()
        self._stft.build((None, len(self._places), 1))
        super().build(input_shape)

    def call(self, waveform: Any) -> Any:
        """Draws (batch, npts, 3) samples."""
        chosen = waveform if self.components == "ENZ" else waveform[..., 2:]
        count = chosen.shape[-1]
        signal = ops.transpose(ops.cast(chosen, "float32"), (0, 2, 1))
        signal = ops.reshape(signal, (-1, signal.shape[-1]))  # components, one after another
        signal = signal - ops.mean(signal, axis=-1, keepdims=True)
        variance = ops.var(signal, axis=-1)[:, None, None]
        # Divided by its deviation first: powers of raw counts would leave float32's good range.
        spread = ops.sqrt(ops.maximum(variance, _TINY))
        scaled = signal[..., None] / spread
        density = self._stft(ops.take(scaled, self._places, axis=1)) / SAMPLING_RATE
        image = self._levels(density, variance)
        image = ops.matmul(self._resize, ops.transpose(image, (0, 2, 1)))
        image = ops.reshape(ops.round(image), (-1, count, self.image_size, self.image_size))
        image = ops.transpose(image, (0, 2, 3, 1))
        return image if count == 3 else ops.concatenate([image] * 3, axis=-1)

    def _levels(self, density: Any, variance: Any) -> Any:
        """Grey levels of (waves, columns, bins) densities, of signals of unit variance."""
        low, high = LEVELS
        decibels = 10 * ops.log10(ops.maximum(density, _TINY))
        if self.reference == "std":
            decibels = decibels - 10 * np.log10(2 / SAMPLING_RATE) + WHITE_NOISE
        else:
            decibels = decibels + 10 * ops.log10(ops.maximum(variance, _TINY))
        alive = ops.cast(variance > _TINY, "float32")  # a dead component is black
        levels = (ops.clip(decibels, low, high) - low) * (255 / (high - low))
        return levels * alive

    def compute_output_shape(self, input_shape: Any) -> Any:
        """One image a waveform."""
        return input_shape[0], self.image_size, self.image_size, 3

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return super().get_config() | {
            "image_size": self.image_size,
            "components": self.components,
            "reference": self.reference,
        }


def _transform() -> keras.layers.Layer:
    try:
        return keras.layers.STFTSpectrogram(
            "psd",
            frame_length=NFFT,
            frame_step=NFFT,
            window="hann",
            periodic=True,
            trainable=False,
        )
    except ImportError:
        raise MissingExtraError(
            "spectrograms inside a net need scipy: pip install 'tfprune[recipes]'"
        ) from None


def from_waveforms(model: keras.Model, npts: int, components: str = "Z") -> keras.Model:
    """Returns a net that takes raw waveforms: it draws them and hands them to `model`.

    Args:
        model: takes square images (batch, size, size, 3) in 0..255; it is not copied.
        npts: samples a waveform, at least 256.
        components: as in `SpectrogramImage`. Defaults to `"Z"`.

    Returns:
        A `keras.Model` from waveforms (batch, npts, 3) to what `model` returns.

    Raises:
        ModelError: the model takes no such images, or the waveform is too short.
        MissingExtraError: scipy is missing.
    """
    shape = tuple(model.inputs[0].shape)
    if len(model.inputs) != 1 or len(shape) != 4 or shape[1] != shape[2] or shape[3] != 3:
        raise ModelError(f"expected a model of square images with 3 channels, received {shape}")
    waveform = keras.Input((npts, 3), name="waveform")
    image = SpectrogramImage(shape[1], components, name="spectrogram")(waveform)
    return keras.Model(waveform, model(image), name=f"{model.name}_from_waveforms")
