"""The catalogue of a STEAD-layout data set: its CSV, read once, only the columns wanted.

STEAD (Mousavi et al. 2019, doi:10.1109/ACCESS.2019.2947848) describes 1.27 million windows in
a CSV of 35 columns; the samples lie in an HDF5 file under `data/<trace_name>`. It is published
whole, and in chunks with a CSV and an HDF5 file each.
"""

import csv
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from absl import logging

from tfprune.datasets import selection, splits, waveforms
from tfprune.datasets.waveforms import Files
from tfprune.errors import DataError

CATEGORIES = {"noise": 0, "earthquake_local": 1}
CLASSES = ("noise", "earthquake")
_WANTED = ("trace_name", "trace_category", "receiver_code")


@dataclass(frozen=True)
class Catalog:
    """Rows of a STEAD-layout CSV, in columns; every method returns a new catalogue.

    Attributes:
        names: the columns kept.
        values: their values as text, one array of objects a column, all of one length.
        labels: 1 for an earthquake and 0 for noise, (n,) int32.
    """

    names: tuple[str, ...]
    values: tuple[np.ndarray, ...] = field(repr=False)
    labels: np.ndarray = field(repr=False)

    def __len__(self) -> int:
        return len(self.labels)

    def __str__(self) -> str:
        earthquakes = int(self.labels.sum())
        return f"{len(self)} traces: {earthquakes} earthquakes, {len(self) - earthquakes} noise"

    @property
    def trace_names(self) -> np.ndarray:
        """The name of each trace, (n,)."""
        return self.column("trace_name")

    def column(self, name: str) -> np.ndarray:
        """Returns the values of a column as text, (n,).

        Raises:
            DataError: the catalogue was read without that column.
        """
        if name not in self.names:
            raise DataError(
                f"expected one of the columns {', '.join(self.names)}, received {name!r}: "
                "name it in read_catalog(columns=...)"
            )
        return self.values[self.names.index(name)]

    def take(self, rows: np.ndarray | Sequence[int]) -> "Catalog":
        """Returns the rows of the given numbers, in that order."""
        index = np.asarray(rows, dtype=np.int64)
        return Catalog(self.names, tuple(v[index] for v in self.values), self.labels[index])

    def where(self, column: str, values: str | Iterable[str]) -> "Catalog":
        """Returns the rows whose `column` is one of `values`.

        Raises:
            DataError: no such column, or no such row.
        """
        wanted = {values} if isinstance(values, str) else {str(v) for v in values}
        rows = [i for i, value in enumerate(self.column(column)) if value in wanted]
        if not rows:
            present = sorted(set(self.column(column)))
            raise DataError(
                f"no trace has {column} among {sorted(wanted)}; present: {_few(present)}"
            )
        return self.take(rows)

    def between(
        self, column: str, low: float | None = None, high: float | None = None
    ) -> "Catalog":
        """Returns the noise, and the earthquakes whose number in `column` is in a range.

        Noise has no magnitude and no distance, so such a choice does not concern it. Of a list,
        as in STEAD's `snr_db`, the mean counts; an earthquake without a number is left out.

        Args:
            column: such as `"source_magnitude"`, `"source_distance_km"` or `"snr_db"`.
            low: the least. Defaults to `None`, no limit.
            high: the most. Defaults to `None`, no limit.

        Raises:
            DataError: no such column, or no earthquake is left.
        """
        found = selection.numbers(self.column(column))
        with np.errstate(invalid="ignore"):
            good = np.isfinite(found)
            good &= found >= (-np.inf if low is None else low)
            good &= found <= (np.inf if high is None else high)
        quakes = self.labels == 1
        if quakes.any() and not good[quakes].any():
            known = found[quakes & np.isfinite(found)]
            have = f"{known.min():g} to {known.max():g}" if known.size else "no numbers"
            raise DataError(
                f"no earthquake has {column} from {low} to {high}; the catalogue has {have}"
            )
        return self.take(np.flatnonzero(good | ~quakes))

    def balanced(self, per_class: int | None = None, seed: int = 0) -> "Catalog":
        """Returns as many earthquakes as noise, chosen at random, in the catalogue's order.

        Args:
            per_class: rows of each class. Defaults to `None`, as many as the rarer class has.
            seed: seed of the choice. Defaults to `0`.

        Raises:
            DataError: a class is missing, or has fewer than `per_class` rows.
        """
        self._check_two_classes()
        counts = np.bincount(self.labels, minlength=2)
        size = int(counts.min()) if per_class is None else per_class
        if not 1 <= size <= counts.min():
            raise DataError(
                f"expected 1 to {counts.min()} rows of each class, received per_class={size}"
            )
        rng = np.random.default_rng(seed)
        picks = [rng.choice(np.flatnonzero(self.labels == c), size, False) for c in (0, 1)]
        return self.take(np.sort(np.concatenate(picks)))

    def split(
        self, by: str = "receiver_code", validation: float = 0.2, seed: int = 0
    ) -> tuple["Catalog", "Catalog"]:
        """Splits into (training, validation) sharing no value of the column `by`.

        Rows without a value (noise has no `source_id`) are kept together by station instead.

        Args:
            by: the column whose values stay together: `"receiver_code"` for other stations,
                `"source_id"` for other earthquakes. Defaults to `"receiver_code"`.
            validation: share of each class wanted for validation. Defaults to `0.2`.
            seed: seed of the choice of groups. Defaults to `0`.

        Raises:
            DataError: one class only, no such column, or too few groups.
        """
        self._check_two_classes()
        pair = splits.group_split(self._groups(by), self.labels, validation, seed)
        return self.take(pair[0]), self.take(pair[1])

    def split_column(
        self, column: str = "split", train: str = "train", validation: str = "val"
    ) -> tuple["Catalog", "Catalog"]:
        """Splits into (training, validation) as the values of a column say.

        Args:
            column: the column that tells. Defaults to `"split"`.
            train: its value for training rows. Defaults to `"train"`.
            validation: its value for validation rows. Defaults to `"val"`.

        Raises:
            DataError: no such column or value, or a side with one class only.
        """
        sides = self.where(column, train), self.where(column, validation)
        for side in sides:
            side._check_two_classes()
        return sides

    def folds(
        self, by: str = "receiver_code", k: int = 5, seed: int = 0
    ) -> tuple[tuple["Catalog", "Catalog"], ...]:
        """Returns `k` pairs (training, validation) for cross validation.

        Args:
            by: the column whose values stay together. Defaults to `"receiver_code"`.
            k: number of folds. Defaults to `5`.
            seed: seed of the order in which groups are dealt out. Defaults to `0`.

        Raises:
            DataError: one class only, no such column, or too few groups.
        """
        self._check_two_classes()
        pairs = splits.group_folds(self._groups(by), self.labels, k, seed)
        return tuple((self.take(training), self.take(held)) for training, held in pairs)

    def _groups(self, by: str) -> list[str]:
        """The group of each row; one without a value is grouped with its station's others."""
        stations = self.column("receiver_code")
        return [
            value if value.strip().lower() not in ("", "nan") else f"station {station}"
            for value, station in zip(self.column(by), stations, strict=True)
        ]

    def _check_two_classes(self) -> None:
        present = set(self.labels.tolist())
        if present != {0, 1}:
            have = ", ".join(CLASSES[i] for i in sorted(present)) or "no rows"
            raise DataError(
                f"expected both earthquakes and noise, received {have} only: "
                "read a CSV that holds both classes"
            )


def read_catalog(
    csv_path: Files,
    hdf5_path: Files | None = None,
    *,
    columns: Sequence[str] = (),
) -> Catalog:
    """Reads the catalogue of a STEAD-layout data set.

    Rows are read one at a time and only the wanted columns are kept (equal values share one
    string), so STEAD's own 1.27 million rows take some 130 MB.

    Args:
        csv_path: the CSV, or several, with at least the columns trace_name, trace_category and
            receiver_code. A trace_category is `earthquake_local` or `noise`. A trace that
            several describe counts once.
        hdf5_path: the HDF5 file, or several. Where given, rows whose trace none of them holds
            are left out (STEAD's CSV covers several chunks). Defaults to `None`, all rows.
        columns: further columns to keep. Defaults to `()`.

    Returns:
        A `Catalog`, in the order of the file.

    Raises:
        DataError: the CSV is missing, is not a CSV, lacks a column or has no rows; a category
            is unknown; the HDF5 file is missing, damaged or holds none of the traces.

    Example:
        >>> import pathlib, tempfile
        >>> text = "trace_name,trace_category,receiver_code\\na_EV,earthquake_local,PFO\\n"
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "a.csv")
        ...     _ = path.write_text(text + "b_NO,noise,BJOB\\n")
        ...     print(read_catalog(path))
        2 traces: 1 earthquakes, 1 noise
    """
    names = tuple(dict.fromkeys((*_WANTED, *columns)))
    held = None if hdf5_path is None else waveforms.trace_names(hdf5_path)
    tables = waveforms.as_paths(csv_path)
    kept: list[list[str]] = [[] for _ in names]
    labels: list[int] = []
    seen: set[str] = set()
    left_out = 0
    for row in _labelled(tables, names):
        if held is not None and row[0] not in held:
            left_out += 1
            continue
        if len(tables) > 1:
            if row[0] in seen:
                continue
            seen.add(row[0])
        for column, value in zip(kept, row, strict=True):
            column.append(value)
        labels.append(CATEGORIES[row[1]])
    where = ", ".join(map(str, tables))
    if not labels:
        reason = (
            f"none of its {left_out} traces is in {hdf5_path}" if left_out else "it has no rows"
        )
        raise DataError(f"expected traces in {where}, but {reason}")
    if left_out:
        logging.warning("%s: %d traces are not in %s: left out", where, left_out, hdf5_path)
    values = tuple(np.array(column, dtype=object) for column in kept)
    return Catalog(names, values, np.array(labels, dtype=np.int32))


def _labelled(tables: Sequence[Path], names: tuple[str, ...]) -> Iterator[list[str]]:
    """Yields the wanted values of the rows of several tables, whose categories are known."""
    for table in tables:
        for line, row in _rows(table, names):
            if row[1] not in CATEGORIES:
                raise DataError(
                    f"{table}, line {line}: expected a trace_category among "
                    f"{', '.join(CATEGORIES)}, received {row[1]!r}"
                )
            yield row


def _rows(path: Path, names: tuple[str, ...]) -> Iterator[tuple[int, list[str]]]:
    """Yields the line number and the wanted values of each row of a CSV."""
    if not path.is_file():
        raise DataError(f"expected a CSV file, but {path} does not exist")
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.reader(stream, strict=True)
            header = next(reader, [])
            where = _positions(path, header, names)
            for row in reader:
                if not row:
                    continue
                if len(row) != len(header):
                    raise DataError(
                        f"{path}, line {reader.line_num}: expected {len(header)} values, "
                        f"received {len(row)}: the file may be cut short"
                    )
                yield reader.line_num, [sys.intern(row[i]) for i in where]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"expected a CSV file, but {path} is not one: {error}") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error


def _positions(path: Path, header: list[str], names: tuple[str, ...]) -> list[int]:
    absent = [name for name in names if name not in header]
    if absent:
        raise DataError(
            f"expected the column {absent[0]!r} in {path}, received the columns {_few(header)}"
        )
    return [header.index(name) for name in names]


def _few(words: Sequence[str], most: int = 40) -> str:
    """Joins words for a one-line message, leaving off what would flood it."""
    clean = [repr(word[:40])[1:-1] for word in words]
    return ", ".join(clean[:most]) + (f" and {len(clean) - most} more" if len(clean) > most else "")
