"""Photographs and masks from files, by Pillow; what cannot be read is counted and named."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tfprune.datasets.waveforms import Problem, ReadReport
from tfprune.errors import DataError, FileError, MissingExtraError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"})
_NAMED = 5  # broken files told by name


class Unreadable(DataError):
    """One image or sound that cannot be used; the message is the reason alone."""


def pillow() -> Any:
    """Returns the module `PIL.Image`.

    Raises:
        MissingExtraError: Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingExtraError(
            "reading photographs needs pillow, which is not installed: "
            "pip install 'tfprune[recipes]'"
        ) from error
    return Image


def find_images(folder: str | os.PathLike[str]) -> tuple[Path, ...]:
    """Returns the image files of a folder and of those in it, in the order of their names.

    Raises:
        FileError: there is no such folder.
    """
    root = Path(folder)
    if not root.is_dir():
        raise FileError(f"expected a folder of images, but {root} is none")
    return tuple(
        path
        for path in sorted(root.rglob("*"))
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
    )


def read_image(path: Path, size: int | None = None, mode: str = "RGB") -> np.ndarray:
    """Returns the pixels of an image as they are stored (a camera's turning note is not obeyed).

    Args:
        path: of the file.
        size: pixels along each side to be resized to; None for no resizing.
        mode: Pillow's; `"RGB"` gives (height, width, 3), `"L"` (height, width). Defaults to
            `"RGB"`.

    Returns:
        uint8.

    Raises:
        Unreadable: the file is missing, damaged or no image.
    """
    images = pillow()
    try:
        with images.open(path) as opened:
            image = opened.convert(mode)
    except FileNotFoundError:
        raise Unreadable("missing") from None
    # Pillow tells damage by many errors, SyntaxError (a broken PNG) among them.
    except (OSError, ValueError, SyntaxError, EOFError, images.DecompressionBombError):
        raise Unreadable("broken or no image") from None
    if size is not None:
        image = image.resize((size, size), images.Resampling.BILINEAR)
    return np.asarray(image, np.uint8)


class Tally:
    """Counts images read, or sounds, and those that were not, by reason."""

    def __init__(self, what: str = "images") -> None:
        self._what = what
        self._read = 0
        self._failed: dict[str, list[str]] = {}

    def good(self) -> None:
        """Counts an image that was read."""
        self._read += 1

    def bad(self, reason: str, name: str) -> None:
        """Counts one that was not."""
        self._failed.setdefault(reason, []).append(name)

    def report(self) -> ReadReport:
        """What became of all images so far."""
        return ReadReport(self._read, tuple(self._problems()), self._what)

    def _problems(self) -> Iterator[Problem]:
        for reason, names in self._failed.items():
            yield Problem(reason, len(names), tuple(names[:_NAMED]))
