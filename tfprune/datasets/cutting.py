"""Large annotated photographs cut into labelled patches that keep the name of their photograph."""

import csv
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfprune._files import atomic_folder
from tfprune.datasets.annotations import Boxes, draw_boxes, read_boxes, read_mask
from tfprune.datasets.patches import META
from tfprune.datasets.photos import Tally, Unreadable, find_images, pillow, read_image
from tfprune.datasets.waveforms import ReadReport
from tfprune.errors import DataError

_COLUMNS = ("label", "file", "source_image", "x", "y", "size", "annotated_fraction")


@dataclass(frozen=True)
class Grid:
    """How photographs are cut.

    Attributes:
        size: pixels along a side of a patch.
        stride: pixels from a patch to the next; None for `size`, no overlap.
        threshold: a patch of which at least this share is annotated is damaged, in (0, 1].
        margin: pixels; a patch without annotation that has some within so far is left out, as is
            one with some below the threshold.
    """

    size: int = 224
    stride: int | None = None
    threshold: float = 0.05
    margin: int = 16

    def __post_init__(self) -> None:
        if self.size < 1 or self.step < 1 or self.margin < 0:
            raise DataError(
                "expected a size and a stride of at least 1 and a margin of at least 0 pixels, "
                f"received {self.size}, {self.step}, {self.margin}"
            )
        if not 0 < self.threshold <= 1:
            raise DataError(f"expected a threshold in (0, 1], received {self.threshold}")

    @property
    def step(self) -> int:
        """Pixels from a patch to the next."""
        return self.size if self.stride is None else self.stride


@dataclass(frozen=True)
class Cut:
    """One patch of a photograph.

    Attributes:
        x: pixels from the left edge.
        y: pixels from the upper edge.
        fraction: the share of its pixels that are annotated.
        damaged: its label; None where it is left out as neither.
    """

    x: int
    y: int
    fraction: float
    damaged: bool | None


def places(length: int, size: int, step: int) -> tuple[int, ...]:
    """Returns where patches begin along a side; the last one ends at the edge.

    Example:
        >>> places(500, 224, 224), places(100, 224, 224)
        ((0, 224, 276), ())
    """
    if length < size:
        return ()
    starts = list(range(0, length - size + 1, step))
    if starts[-1] + size < length:
        starts.append(length - size)
    return tuple(starts)


def cuts(mask: np.ndarray, grid: Grid) -> Iterator[Cut]:
    """Yields the patches of a photograph, row by row.

    Args:
        mask: what is annotated, (height, width) bool.
        grid: how to cut.
    """
    height, width = mask.shape
    sums = np.zeros((height + 1, width + 1), np.int64)
    sums[1:, 1:] = mask.astype(np.int64).cumsum(0).cumsum(1)

    def inside(x: int, y: int, reach: int) -> int:
        left, top = max(0, x - reach), max(0, y - reach)
        right = min(width, x + grid.size + reach)
        bottom = min(height, y + grid.size + reach)
        return int(sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left])

    for y in places(height, grid.size, grid.step):
        for x in places(width, grid.size, grid.step):
            fraction = inside(x, y, 0) / grid.size**2
            damaged = None
            if fraction >= grid.threshold:
                damaged = True
            elif not inside(x, y, grid.margin):
                damaged = False
            yield Cut(x, y, fraction, damaged)


def cut_photos(
    photos: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    masks: str | os.PathLike[str] | None = None,
    boxes: str | os.PathLike[str] | None = None,
    grid: Grid | None = None,
    classes: tuple[str, str] = ("intact", "damaged"),
) -> ReadReport:
    """Cuts photographs into a folder that `read_patches` reads, with the photograph as the group.

    Args:
        photos: a folder of photographs.
        output: a folder that is written whole or not at all, and replaced.
        masks: a folder of masks, PNG files with the names of the photographs; black is undamaged.
        boxes: a file of boxes, as `tfprune.datasets.annotations.read_boxes` reads it. Give this
            or `masks`.
        grid: how to cut. Defaults to `None`, `Grid()`.
        classes: names of undamaged and damaged patches. Defaults to `("intact", "damaged")`.

    Returns:
        How many photographs were cut, and which not and why: broken ones, masks of another size,
        photographs smaller than a patch or without annotation.

    Raises:
        DataError: not exactly one kind of annotation, or not a patch of each class.
        FileError: a folder or file is missing.
        MissingExtraError: Pillow is missing.
    """
    if (masks is None) == (boxes is None):
        raise DataError("expected either masks or boxes: where the damage is")
    grid = grid or Grid()
    root = Path(photos)
    found, known = find_images(root), None if boxes is None else read_boxes(boxes)
    tally, rows = Tally(), []
    with atomic_folder(output) as folder:
        for name in classes:
            (folder / name).mkdir()
        for path in found:
            name = path.relative_to(root).as_posix()
            try:
                rows += _cut_one(path, name, masks, known, grid, classes, folder)
            except Unreadable as error:
                tally.bad(str(error), name)
            else:
                tally.good()
        lost = [name for name in classes if not any(row[0] == name for row in rows)]
        if lost:
            raise DataError(
                f"expected patches of both classes from {root}, received none that are "
                f"{' or '.join(lost)}: {tally.report()}"
            )
        (folder / META).write_text(_csv(rows), encoding="utf-8")
    return tally.report()


def _cut_one(
    path: Path,
    name: str,
    masks: str | os.PathLike[str] | None,
    boxes: Boxes | None,
    grid: Grid,
    classes: tuple[str, str],
    folder: Path,
) -> list[tuple[object, ...]]:
    """Writes the patches of one photograph, and returns their rows of the table."""
    pixels = read_image(path)
    shape = (pixels.shape[0], pixels.shape[1])
    if min(shape) < grid.size:
        raise Unreadable("smaller than a patch")
    if masks is not None:
        mask = read_mask((Path(masks) / name).with_suffix(".png"), shape)
    elif boxes is not None and (name in boxes or path.name in boxes):
        mask = draw_boxes(boxes.get(name, boxes.get(path.name, ())), shape)
    else:
        raise Unreadable("without annotation")
    rows: list[tuple[object, ...]] = []
    stem = name.replace("/", "_").replace(".", "_")
    for one in cuts(mask, grid):
        if one.damaged is None:
            continue
        label = classes[one.damaged]
        file = f"{label}/{stem}_{one.y:05d}_{one.x:05d}.png"
        patch = pixels[one.y : one.y + grid.size, one.x : one.x + grid.size]
        pillow().fromarray(patch).save(folder / file)
        rows.append((label, file, name, one.x, one.y, grid.size, round(one.fraction, 4)))
    return rows


def _csv(rows: list[tuple[object, ...]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows(rows)
    return text.getvalue()
