"""Lists of labelled sounds, from the layouts in which such sets are published.

Layouts understood:

- TAU Urban Acoustic Scenes (2020 Mobile, development): `meta.csv` with the columns filename,
  scene_label, identifier, source_label, separated by tabs, and `evaluation_setup/` with
  `fold1_train.csv` and `fold1_evaluate.csv` (or `fold1_test.csv`);
- a CSV with the columns `file` and `label` and, if they are there, `fold`, `class_name` and a
  group (`group`, `identifier`, `source_file`, `src_file`, `freesound_clip_id`): `meta.csv` of a
  folder, or any file; ESC-50's own names (`filename`, `category`) do as well;
- `FOLDER/<class>/...wav`.
"""

import csv
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tfprune.datasets.decoding import SUFFIXES
from tfprune.errors import DataError, FileError

META = "meta.csv"
SETUP = "evaluation_setup"
NO_FOLD = -1
_FILES = ("file", "filename")
_LABELS = ("class_name", "category", "scene_label", "label")
_GROUPS = ("group", "identifier", "source_file", "src_file", "freesound_clip_id")


@dataclass(frozen=True)
class Sounds:
    """Sounds by name, none of them read yet.

    Attributes:
        root: the folder that names are relative to.
        files: the names, (n,).
        labels: (n,) int64, places in `classes`.
        classes: the names of the classes, by alphabet.
        groups: (n,) what must not be on both sides of a split: a recording, a place; each sound its
            own where that is not known.
        folds: (n,) the official fold that tests each; -1 for those that are only trained on.
        devices: (n,) what recorded each, empty where that is not known.
        cities: (n,) where, likewise.
    """

    root: Path
    files: np.ndarray = field(repr=False)
    labels: np.ndarray = field(repr=False)
    classes: tuple[str, ...]
    groups: np.ndarray = field(repr=False)
    folds: np.ndarray = field(repr=False)
    devices: np.ndarray = field(repr=False)
    cities: np.ndarray = field(repr=False)

    def __len__(self) -> int:
        return len(self.files)

    @property
    def numbers(self) -> tuple[int, ...]:
        """The official folds, ascending; empty where there are none."""
        return tuple(int(one) for one in np.unique(self.folds) if one != NO_FOLD)


@dataclass(frozen=True)
class _Row:
    file: str
    label: str
    group: str
    fold: int = NO_FOLD
    device: str = ""
    city: str = ""


def list_sounds(path: str | os.PathLike[str]) -> Sounds:
    """Lists labelled sounds in one of the layouts above.

    Args:
        path: a folder, or a CSV.

    Raises:
        FileError: it is missing.
        DataError: there are no sounds, only one class, or a column is missing.

    Example:
        >>> sounds = list_sounds("esc10/meta.csv")  # doctest: +SKIP
        >>> len(sounds), sounds.numbers  # doctest: +SKIP
        (400, (1, 2, 3, 4, 5))
    """
    given = Path(path)
    if not given.exists():
        raise FileError(f"expected a folder of sounds or a CSV, but {given} is neither")
    table = given if given.is_file() else given / META
    root = table.parent
    rows = list(_listed(table) if table.is_file() else _in_folders(root))
    if not rows:
        raise DataError(
            f"expected sounds ({', '.join(sorted(SUFFIXES))}) in {given}: listed in a {META}, or "
            "in folders named after classes"
        )
    classes = tuple(sorted({row.label for row in rows}))
    if len(classes) < 2:
        raise DataError(f"expected at least 2 classes in {given}, received {classes[0]!r} alone")
    columns = (
        np.array([row.file for row in rows]),
        np.array([classes.index(row.label) for row in rows], np.int64),
        classes,
        np.array([row.group for row in rows]),
        np.array([row.fold for row in rows], np.int64),
        np.array([row.device for row in rows]),
        np.array([row.city for row in rows]),
    )
    return Sounds(root, *columns)


def _listed(table: Path) -> Iterator[_Row]:
    setup = table.parent / SETUP
    tested = _official(setup) if setup.is_dir() else None
    for row in _read(table, (_FILES, _LABELS)):
        file, label = _first(row, _FILES), _first(row, _LABELS)
        group = _first(row, _GROUPS) or file
        city = row.get("identifier", "").rpartition("-")[0]
        device = row.get("source_label", "")
        if tested is None:
            yield _Row(file, label, group, _fold(row, table), device, city)
        elif file in tested:  # what the setup does not name is left out, as its authors did
            yield _Row(file, label, group, tested[file], device, city)


def _official(setup: Path) -> dict[str, int]:
    """The fold that tests each file named in a folder `evaluation_setup`; -1 for training."""
    tested: dict[str, int] = {}
    for path in sorted(setup.glob("fold*_train.csv")):
        for row in _read(path, (_FILES,)):
            tested.setdefault(_first(row, _FILES), NO_FOLD)
    named = {path.stem: path for path in setup.glob("fold*_*.csv")}
    for stem in sorted(named):
        number, _, part = stem.removeprefix("fold").partition("_")
        if not number.isdigit() or part not in ("evaluate", "test"):
            continue
        if part == "test" and f"fold{number}_evaluate" in named:
            continue
        for row in _read(named[stem], (_FILES,)):
            tested[_first(row, _FILES)] = int(number)
    if not tested:
        raise DataError(f"expected fold1_train.csv and fold1_evaluate.csv in {setup}, found none")
    return tested


def _read(table: Path, wanted: tuple[tuple[str, ...], ...]) -> Iterator[Mapping[str, str]]:
    """The rows of a table; it needs one column of each sort."""
    with open(table, newline="", encoding="utf-8-sig") as file:
        tabs = "\t" in file.readline()
        file.seek(0)
        reader = csv.DictReader(file, delimiter="\t" if tabs else ",", restval="")
        columns = reader.fieldnames or []
        for names in wanted:
            if not set(names) & set(columns):
                raise DataError(
                    f"expected a column {' or '.join(names)} in {table}, it has "
                    f"{', '.join(columns) or 'none'}"
                )
        yield from reader


def _first(row: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((row[name] for name in names if row.get(name)), "")


def _fold(row: Mapping[str, str], table: Path) -> int:
    text = row.get("fold", "")
    try:
        return int(text) if text else NO_FOLD
    except ValueError:
        raise DataError(
            f"expected whole numbers in the column fold of {table}, received {text!r}"
        ) from None


def _in_folders(root: Path) -> Iterator[_Row]:
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() in SUFFIXES and path.is_file():
                name = path.relative_to(root).as_posix()
                yield _Row(name, folder.name, name)
