"""Labelled patches from a folder: sub-folders named after classes, or a `meta.csv`.

Layouts understood, each with or without folders `train`, `val`, `test` above the classes:

- `FOLDER/<class>/...jpg`: METU's concrete cracks (`Positive/`, `Negative/`), and any other names;
- `FOLDER/meta.csv` with the columns `file` and `label`, and if they are there `split` and
  `source_image`: what `cut_photos` writes.
"""

import csv
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tfprune.datasets.photos import Tally, Unreadable, find_images, read_image
from tfprune.datasets.waveforms import ReadReport
from tfprune.errors import DataError, FileError

META = "meta.csv"
SPLITS = frozenset({"train", "val", "valid", "validation", "test"})
_INTACT = ("no", "non", "neg", "un", "intact", "sound", "healthy", "background", "without")


@dataclass(frozen=True)
class Patches:
    """Patches in memory.

    Attributes:
        images: (n, size, size, 3) uint8, red green blue.
        labels: (n,) int64, places in `classes`.
        classes: the names, undamaged ones first.
        groups: the photograph of each patch, (n,); each patch its own where that is not known.
        report: what was read and what was not.
    """

    images: np.ndarray = field(repr=False)
    labels: np.ndarray = field(repr=False)
    classes: tuple[str, ...]
    groups: np.ndarray = field(repr=False)
    report: ReadReport

    def __len__(self) -> int:
        return len(self.labels)


class _Row(NamedTuple):
    file: str
    label: str
    group: str


def read_patches(
    folder: str | os.PathLike[str],
    size: int = 224,
    *,
    split: str | None = None,
    per_class: int | None = None,
    seed: int = 0,
) -> Patches:
    """Reads labelled patches; a broken image is counted and named, and the rest is read.

    Args:
        folder: in one of the layouts above.
        size: pixels along a side that each patch is resized to. Defaults to `224`.
        split: the part to read, as `meta.csv` or a folder names it. Defaults to `None`, all.
        per_class: patches of each class, drawn at random. Defaults to `None`, all.
        seed: of that draw. Defaults to `0`.

    Raises:
        FileError: the folder is missing.
        DataError: there are no images, only one class, or `meta.csv` lacks a column.
        MissingExtraError: Pillow is missing.

    Example:
        >>> patches = read_patches("concrete", 64, per_class=500)  # doctest: +SKIP
        >>> patches.classes  # doctest: +SKIP
        ('Negative', 'Positive')
    """
    if size < 1 or (per_class is not None and per_class < 1):
        raise DataError(f"expected size and per_class of at least 1, received {size}, {per_class}")
    root = Path(folder)
    if not root.is_dir():
        raise FileError(f"expected a folder of patches, but {root} is none")
    listed = (root / META).is_file()
    rows = tuple(_listed(root, split) if listed else _in_folders(root, split))
    if not rows:
        part = f" in its split {split!r}" if split else ""
        raise DataError(f"expected images in folders named after classes, {root} has none{part}")
    classes = order_classes({row.label for row in rows})
    if len(classes) < 2:
        raise DataError(
            f"expected at least 2 classes in {root}, received {classes[0]!r} alone: "
            "each class needs a folder of its own"
        )
    return _load(root, _drawn(rows, classes, per_class, seed), classes, size)


def order_classes(names: Sequence[str] | set[str]) -> tuple[str, ...]:
    """Returns class names with those that say "no damage" first, each part by alphabet.

    Example:
        >>> order_classes({"crack", "no_crack"}), order_classes({"Positive", "Negative"})
        (('no_crack', 'crack'), ('Negative', 'Positive'))
    """

    def damaged(name: str) -> bool:
        words = name.lower().replace("-", "_").split("_")
        return words[0] not in _INTACT and not name.lower().startswith(("neg", "uncrack"))

    return tuple(sorted(names, key=lambda name: (damaged(name), name)))


def _listed(root: Path, split: str | None) -> Iterator[_Row]:
    with open(root / META, newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        wanted = ["file", "label", *(["split"] if split else [])]
        columns = reader.fieldnames or []
        missing = [name for name in wanted if name not in columns]
        if missing:
            raise DataError(
                f"expected the columns {', '.join(wanted)} in {root / META}, "
                f"{', '.join(missing)} is missing: it has {', '.join(columns) or 'none'}"
            )
        for row in reader:
            if split is None or row["split"] == split:
                yield _Row(row["file"], row["label"], row.get("source_image") or row["file"])


def _in_folders(root: Path, split: str | None) -> Iterator[_Row]:
    inside = sorted(path.name for path in root.iterdir() if path.is_dir())
    parts = [name for name in inside if name.lower() in SPLITS]
    if split is not None:
        parts = [name for name in parts if name == split]
    tops = [root / name for name in parts] if parts or split is not None else [root]
    for top in tops:
        for folder in sorted(path for path in top.iterdir() if path.is_dir()):
            for path in find_images(folder):
                name = path.relative_to(root).as_posix()
                yield _Row(name, folder.name, name)


def _drawn(
    rows: Sequence[_Row], classes: Sequence[str], per_class: int | None, seed: int
) -> list[_Row]:
    if per_class is None:
        return list(rows)
    draw = np.random.default_rng(seed)
    chosen: list[int] = []
    for name in classes:
        places = [place for place, row in enumerate(rows) if row.label == name]
        chosen += draw.permutation(places)[:per_class].tolist()
    return [rows[place] for place in sorted(chosen)]


def _load(root: Path, rows: Sequence[_Row], classes: tuple[str, ...], size: int) -> Patches:
    tally = Tally()
    kept: list[_Row] = []
    images = np.empty((len(rows), size, size, 3), np.uint8)
    for row in rows:
        try:
            images[len(kept)] = read_image(root / row.file, size)
        except Unreadable as error:
            tally.bad(str(error), row.file)
            continue
        kept.append(row)
        tally.good()
    labels = np.array([classes.index(row.label) for row in kept], np.int64)
    lost = sorted(set(range(len(classes))) - set(labels.tolist()))
    if lost:
        raise DataError(
            f"expected a readable image of each class, {root} has none of "
            f"{', '.join(classes[place] for place in lost)}: {tally.report()}"
        )
    groups = np.array([row.group for row in kept])
    return Patches(images[: len(kept)], labels, classes, groups, tally.report())
