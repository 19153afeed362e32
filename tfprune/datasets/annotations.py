"""Where the damage is in a photograph: boxes from a COCO JSON or a CSV, or a mask image."""

import csv
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tfprune.datasets.photos import Unreadable, read_image
from tfprune.errors import DataError, FileError

Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels
Boxes = Mapping[str, tuple[Box, ...]]
_CSV = ("file", "x", "y", "width", "height")


def read_boxes(path: str | os.PathLike[str]) -> Boxes:
    """Reads boxes around damage, by the name of the photograph.

    Args:
        path: a `.json` in COCO's layout (`images` with `id` and `file_name`, `annotations` with
            `image_id` and `bbox`), or a `.csv` with the columns file, x, y, width, height; pixels
            from the upper left. A photograph without damage is in `images` without annotation, or
            on a row whose four numbers are empty.

    Raises:
        FileError: the file is missing or cannot be read.
        DataError: it has another layout.
    """
    source = Path(path)
    try:
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f"cannot read the boxes of {source}: {error}") from None
    found = _coco(text, source) if source.suffix.lower() == ".json" else _table(text, source)
    return {name: tuple(boxes) for name, boxes in found.items()}


def draw_boxes(boxes: tuple[Box, ...], shape: tuple[int, int]) -> np.ndarray:
    """Returns the pixels that any box covers, (height, width) bool.

    Example:
        >>> int(draw_boxes(((1, 0, 3, 2),), (4, 4)).sum())
        4
    """
    mask = np.zeros(shape, bool)
    for left, top, right, bottom in boxes:
        rows = slice(max(0, round(top)), max(0, round(bottom)))
        mask[rows, max(0, round(left)) : max(0, round(right))] = True
    return mask


def read_mask(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """Returns the pixels of a mask that are not black, (height, width) bool.

    Raises:
        Unreadable: the mask is missing, broken, or of another size than the photograph.
    """
    try:
        mask = read_image(path, mode="L")
    except Unreadable as error:
        raise Unreadable(f"mask {error}") from None
    if mask.shape != shape:
        raise Unreadable("mask of another size")
    return mask > 0


def _coco(text: str, source: Path) -> dict[str, list[Box]]:
    try:
        document: Any = json.loads(text)
        names = {image["id"]: image["file_name"] for image in document["images"]}
        found: dict[str, list[Box]] = {name: [] for name in names.values()}
        for one in document["annotations"]:
            found[names[one["image_id"]]].append(_box(one["bbox"]))
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"expected COCO's images (id, file_name) and annotations (image_id, bbox) in {source}: "
            f"{type(error).__name__} {error}"
        ) from None
    return found


def _table(text: str, source: Path) -> dict[str, list[Box]]:
    reader = csv.DictReader(text.splitlines())
    columns = reader.fieldnames or []
    missing = [name for name in _CSV if name not in columns]
    if missing:
        raise DataError(
            f"expected the columns {', '.join(_CSV)} in {source}, {', '.join(missing)} is missing: "
            f"it has {', '.join(columns) or 'none'}"
        )
    found: dict[str, list[Box]] = {}
    for number, row in enumerate(reader, 2):
        boxes = found.setdefault(row["file"], [])
        cells = [row[name] for name in _CSV[1:]]
        if any(cells):
            try:
                boxes.append(_box(cells))
            except (ValueError, TypeError):
                raise DataError(
                    f"expected four numbers in line {number} of {source}, received {cells}"
                ) from None
    return found


def _box(values: Any) -> Box:
    left, top, width, height = (float(value) for value in values)
    if not np.isfinite((left, top, width, height)).all() or width < 0 or height < 0:
        raise ValueError(f"impossible box {list(values)}")
    return left, top, left + width, top + height
