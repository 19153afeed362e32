"""Seismograms of STEAD-layout HDF5 files, read one at a time."""

import contextlib
import os
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import h5py
import numpy as np
from absl import logging

from tfprune.errors import DataError

GROUP = "data"
COMPONENTS = 3
_NAMED = 5

OnError = Literal["raise", "skip"]
Files = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


@dataclass(frozen=True)
class Problem:
    """Traces or images that could not be used, for one reason.

    Attributes:
        reason: what was wrong.
        count: how many it concerned.
        names: the first few of them.
    """

    reason: str
    count: int
    names: tuple[str, ...]

    def __str__(self) -> str:
        rest = ", ..." if self.count > len(self.names) else ""
        return f"{self.count} {self.reason} ({', '.join(self.names)}{rest})"


@dataclass(frozen=True)
class ReadReport:
    """What became of the traces or images asked for.

    Attributes:
        read: those read and usable.
        problems: the others, by reason.
        what: their name in the plural.
    """

    read: int = 0
    problems: tuple[Problem, ...] = ()
    what: str = "traces"

    @property
    def skipped(self) -> int:
        """How many were left out."""
        return sum(problem.count for problem in self.problems)

    def __str__(self) -> str:
        detail = "".join(f"; {problem}" for problem in self.problems)
        return f"{self.read} {self.what} read, {self.skipped} skipped{detail}"


def as_paths(files: Files) -> tuple[Path, ...]:
    """Returns the paths of one file or several.

    Raises:
        DataError: there is none, or one is named twice.
    """
    named = [files] if isinstance(files, str | os.PathLike) else files
    paths = tuple(Path(file) for file in named)
    if not paths or len(set(paths)) < len(paths):
        raise DataError(
            f"expected one file or several different ones, received {', '.join(map(str, paths))}"
        )
    return paths


def open_waveforms(hdf5_path: str | os.PathLike[str]) -> h5py.File:
    """Opens a STEAD-layout HDF5 file for reading, and checks that it is one.

    Args:
        hdf5_path: the file; its traces lie in the group `data`.

    Returns:
        The open file, to be closed by the caller.

    Raises:
        DataError: the file is missing, is not HDF5, is cut short, or has no group `data`.
    """
    path = Path(hdf5_path)
    if not path.is_file():
        raise DataError(f"expected an HDF5 file, but {path} does not exist")
    if not h5py.is_hdf5(path):
        raise DataError(f"expected an HDF5 file, but {path} is of another kind")
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise DataError(
            f"cannot read {path}: the HDF5 file is damaged or cut short, fetch it again "
            f"({_one_line(error)})"
        ) from error
    if not isinstance(file.get(GROUP), h5py.Group):
        present = ", ".join(list(file)[:_NAMED]) or "nothing"
        file.close()
        raise DataError(f"expected the group {GROUP!r} in {path}, received {present}")
    return file


def trace_names(hdf5_path: Files) -> frozenset[str]:
    """Returns the names of all traces in the files.

    Raises:
        DataError: a file is missing, is not HDF5, is cut short, or has no group `data`.
    """
    names: set[str] = set()
    for path in as_paths(hdf5_path):
        with open_waveforms(path) as file:
            names.update(file[GROUP])
    return frozenset(names)


class _Archive:
    """Open files that are asked by trace name: the one that answered last is asked first.

    Traces are mostly asked for in the order of a catalogue, in which those of a file stand
    together.
    """

    def __init__(self, groups: Sequence[h5py.Group]) -> None:
        self._groups = list(groups)

    def get(self, name: str) -> h5py.Dataset | None:
        """Returns the trace, or `None` where no file holds it."""
        for place, group in enumerate(self._groups):
            if name in group:
                if place:
                    self._groups.insert(0, self._groups.pop(place))
                return group[name]
        return None


@contextlib.contextmanager
def _opened(paths: Sequence[Path]) -> Iterator[_Archive]:
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(open_waveforms(path)) for path in paths]
        yield _Archive([file[GROUP] for file in files])


def iterate_waveforms(
    hdf5_path: Files,
    names: Iterable[str],
    *,
    on_error: OnError = "skip",
    npts: int | None = None,
    least: int = 1,
    allow_none: bool = False,
) -> Generator[tuple[str, np.ndarray], None, ReadReport]:
    """Yields (name, waveform) for each usable trace, holding one in memory at a time.

    A trace is unusable where the file does not hold it, where it cannot be decoded, is not of
    shape (n, 3), has a sample that is NaN or infinite, or where its vertical component is
    constant (a dead channel). Unusable traces are left out, counted, and logged as one line
    at the end.

    Args:
        hdf5_path: the HDF5 file, or several, as STEAD's chunks are.
        names: the traces wanted, in this order.
        on_error: `"skip"` leaves unusable traces out, and raises at the end if none was
            usable; `"raise"` raises at the first. Defaults to `"skip"`.
        npts: samples each trace must have. Defaults to `None`, any number.
        least: fewest samples a trace may have. Defaults to `1`.
        allow_none: whether `"skip"` may leave out every trace. Defaults to `False`.

    Yields:
        The trace's name and its samples, (npts, 3) float32: east, north, vertical.

    Returns:
        A `ReadReport`, the value of `yield from`.

    Raises:
        DataError: the file is missing or damaged; or a trace is unusable, as `on_error` says.
    """
    if on_error not in ("raise", "skip"):
        raise DataError(f"expected on_error 'raise' or 'skip', received {on_error!r}")
    read, bad = 0, dict[str, Problem]()
    paths = as_paths(hdf5_path)
    where = ", ".join(map(str, paths))
    with _opened(paths) as archive:
        for name in names:
            samples, reason = _read(archive, str(name), npts, least)
            if samples is not None:
                read += 1
                yield str(name), samples
            elif on_error == "raise":
                raise DataError(f"{where}: trace {name} is {reason}")
            else:
                bad[reason] = _count(bad.get(reason, Problem(reason, 0, ())), str(name))
    report = ReadReport(read, tuple(bad[reason] for reason in sorted(bad)))
    if report.skipped and not read and not allow_none:
        raise DataError(f"expected usable traces in {where}, received none: {report}")
    if report.skipped:
        logging.warning("%s: %s", where, report)
    return report


def _read(
    archive: _Archive, name: str, npts: int | None, least: int
) -> tuple[np.ndarray | None, str]:
    """Returns the samples of a trace, or `None` and what is wrong with it."""
    try:
        dataset = archive.get(name)
        if not isinstance(dataset, h5py.Dataset):
            return None, "not in the file"
        if dataset.ndim != 2 or dataset.shape[1] != COMPONENTS or not dataset.shape[0]:
            return None, "not of shape (n, 3)"
        if npts is not None and dataset.shape[0] != npts:
            return None, f"not {npts} samples long"
        if dataset.shape[0] < least:
            return None, f"shorter than {least} samples"
        samples = np.asarray(dataset[()], dtype=np.float32)
    except (OSError, KeyError, RuntimeError, TypeError, ValueError):
        return None, "not readable"
    if not np.isfinite(samples).all():
        return None, "with NaN or infinite samples"
    if np.ptp(samples[:, -1]) == 0:
        return None, "without a signal on the vertical component"
    return samples, ""


def _count(problem: Problem, name: str) -> Problem:
    names = (*problem.names, name)[:_NAMED]
    return Problem(problem.reason, problem.count + 1, names)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
