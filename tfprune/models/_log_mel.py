"""Log-mel features inside the net, so that a TFLite file takes the sound itself."""

from dataclasses import asdict
from typing import Any

import keras
import numpy as np
from keras import ops

from tfprune.datasets.mel import Mel
from tfprune.errors import ModelError


@keras.saving.register_keras_serializable("tfprune")
class LogMel(keras.layers.Layer):
    """Log-mel features of waveforms, as a layer without training.

    `keras.layers.MelSpectrogram` is close to it and is not taken: its decibels are cut at 80 below
    the loudest of the *batch*, so that an example's features depend on its neighbours; its bands
    are HTK's; and it mirrors the sound at its ends. This one agrees with librosa and with
    `tflite_models/run.py`. It converts to TFLite with built-in operations only.

    Args:
        mel: the settings, a `tfprune.datasets.Mel` or a dictionary of its fields.

    Input shape:
        (batch, samples): in -1..1, at least one window.

    Output shape:
        (batch, bands, frames, 1): decibels, a frame for each whole hop.

    Raises:
        ModelError: the waveform is too short.

    Example:
        >>> import numpy as np
        >>> from tfprune.datasets import Mel
        >>> noise = np.random.default_rng(0).normal(size=(1, 8000)).astype("float32")
        >>> LogMel(Mel.baseline(8000))(noise).shape
        TensorShape([1, 40, 50, 1])
    """

    def __init__(self, mel: Mel | dict[str, Any], **options: Any) -> None:
        super().__init__(**options)
        self.mel = mel if isinstance(mel, Mel) else Mel(**mel)
        self._bands = np.float32(self.mel.matrix().T)

    def build(self, input_shape: Any) -> None:
        """Checks the waveform's shape."""
        if len(input_shape) != 2 or (input_shape[1] or self.mel.window) < self.mel.window:
            raise ModelError(
                f"expected waveforms (batch, samples) of at least {self.mel.window} samples, "
                f"received {tuple(input_shape)}"
            )
        super().build(input_shape)

    def call(self, waveform: Any) -> Any:
        """Features of (batch, samples)."""
        mel, half = self.mel, self.mel.nfft // 2
        padded = ops.pad(waveform, ((0, 0), (half, half)))
        real, imaginary = ops.stft(padded, mel.window, mel.hop, mel.nfft, "hann", center=False)
        power = ops.matmul(real * real + imaginary * imaginary, self._bands)
        # 10 log10; only the natural logarithm is a built-in operation of TFLite.
        levels = ops.log(ops.maximum(power, mel.floor)) * np.float32(10 / np.log(10))
        levels = levels[:, : mel.frames(waveform.shape[1])]
        return ops.transpose(levels, (0, 2, 1))[..., None]

    def compute_output_shape(self, input_shape: Any) -> Any:
        """A frame for each whole hop."""
        samples = input_shape[1]
        frames = None if samples is None else self.mel.frames(samples)
        return input_shape[0], self.mel.bands, frames, 1

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return super().get_config() | {"mel": asdict(self.mel)}
