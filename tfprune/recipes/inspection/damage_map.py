"""A TFLite file slid over a large photograph: where it sees damage, and how long it took."""

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tfprune._files import atomic_path
from tfprune.datasets.cutting import places
from tfprune.datasets.photos import Unreadable, pillow, read_image
from tfprune.errors import DataError, FileError
from tfprune.recipes.common.answers import Asked

_RED = np.array([255.0, 0.0, 0.0])


@dataclass(frozen=True)
class DamageMap:
    """What a file saw.

    Attributes:
        probability: of damage at each pixel, (height, width) float32, the mean over the patches
            that cover it.
        patches: how many were looked at.
        damaged: how many were above the threshold.
        seconds: the file took for all of them.
        pixels: the photograph, (height, width, 3) uint8.
    """

    probability: np.ndarray = field(repr=False)
    patches: int
    damaged: int
    seconds: float
    pixels: np.ndarray = field(repr=False)

    def save(self, path: str | os.PathLike[str], threshold: float = 0.5) -> None:
        """Writes the photograph, red where the probability reaches the threshold.

        Raises:
            FileError: the file cannot be written.
        """
        shown = self.pixels.astype(np.float64)
        marked = self.probability >= threshold
        shown[marked] = 0.6 * shown[marked] + 0.4 * _RED
        kind = {"jpg": "JPEG", "jpeg": "JPEG", "png": "PNG"}.get(Path(path).suffix.lower()[1:])
        if kind is None:
            raise FileError(f"expected a .png or .jpg file for the map, received {path}")
        with atomic_path(path) as temporary:
            pillow().fromarray(shown.astype(np.uint8)).save(temporary, format=kind)


def slide(
    model: str | os.PathLike[str],
    photo: str | os.PathLike[str],
    *,
    patch: int = 224,
    stride: int | None = None,
    threshold: float = 0.5,
    damage: int = 1,
) -> DamageMap:
    """Asks a file about every patch of a photograph.

    Args:
        model: a `.tflite` that takes one image (size, size, 3) in 0..255.
        photo: a large photograph.
        patch: pixels along a side of what is looked at; resized to what the file takes. It should
            show as much of the surface as the patches of the training did. Defaults to `224`.
        stride: pixels from a patch to the next. Defaults to `None`, half a patch.
        threshold: of a damaged patch, 0..1. Defaults to `0.5`.
        damage: the class that means damage. Defaults to `1`.

    Raises:
        FileError: the model or the photograph cannot be read.
        DataError: the photograph is smaller than a patch, or the model takes no images.
    """
    step = max(1, patch // 2) if stride is None else stride
    asked = Asked(model)
    shape, classes = asked.input_shape, asked.output_shape[-1]
    if len(shape) != 4 or shape[1] != shape[2] or shape[3] != 3 or not 0 <= damage < classes:
        raise DataError(
            f"expected a file from (1, size, size, 3) to more than {damage} classes, {model} is "
            f"from {shape} to {classes}"
        )
    try:
        pixels = read_image(Path(photo))
    except Unreadable as error:
        raise FileError(f"cannot read the photograph {photo}: {error}") from None
    height, width = pixels.shape[:2]
    if patch < 1 or step < 1 or min(height, width) < patch:
        raise DataError(
            f"expected patch and stride of at least 1 and a photograph of at least {patch} x "
            f"{patch} pixels, received {width} x {height} and a stride of {step}"
        )
    sums, covers = np.zeros((height, width)), np.zeros((height, width))
    images, count, damaged, spent = pillow(), 0, 0, 0.0
    for y in places(height, patch, step):
        for x in places(width, patch, step):
            area = slice(y, y + patch), slice(x, x + patch)
            small = images.fromarray(pixels[area])
            small = small.resize((shape[1], shape[1]), images.Resampling.BILINEAR)
            began = time.perf_counter()
            answer = float(asked.answer(np.asarray(small, np.float32))[damage])
            spent += time.perf_counter() - began
            sums[area] += answer
            covers[area] += 1
            count += 1
            damaged += answer >= threshold
    # A stride above the patch leaves gaps, where nothing was seen.
    seen = (sums / np.maximum(covers, 1)).astype(np.float32)
    return DamageMap(seen, count, damaged, spent, pixels)
