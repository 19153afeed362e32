"""A table of numbers on disk that grows by a line an epoch, and outlives what writes it."""

import csv
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tfprune._files import check_writable, write_text
from tfprune.errors import FileError


class CsvLog:
    """Appends rows to a CSV file; one that is there already is continued if it is of this table.

    A line that was half written when the process died is taken off.

    Args:
        path: the file.
        columns: the names that its head must begin with.

    Raises:
        FileError: the file cannot be written, or is something else.
    """

    def __init__(self, path: str | os.PathLike[str], columns: Sequence[str]) -> None:
        self._path = Path(path)
        self._columns = tuple(columns)
        check_writable(self._path)
        self._head = self._continued() if self._path.exists() else ()

    def append(self, row: Mapping[str, Any]) -> None:
        """Writes a line; what the row lacks is left empty.

        The first row of a new file decides which columns stand behind the first ones.

        Raises:
            FileError: the row has values for which the file has no column.
        """
        if not self._head:
            more = [name for name in row if name not in self._columns]
            self._head = (*self._columns, *more)
            write_text(self._path, _line(self._head))
        unknown = [name for name in row if name not in self._head]
        if unknown:
            raise FileError(
                f"expected {self._path} to have a column '{unknown[0]}', found none: it was begun "
                "with other metrics; name another file"
            )
        with self._path.open("a", encoding="utf-8", newline="") as file:
            file.write(_line([row.get(name, "") for name in self._head]))

    def _continued(self) -> tuple[str, ...]:
        """The head of the file that is there."""
        try:
            with self._path.open(encoding="utf-8", newline="") as file:
                text = file.read()
        except (OSError, UnicodeDecodeError):
            raise self._foreign() from None
        if not text:
            return ()
        whole = text[: text.rfind("\n") + 1]
        head = tuple(next(csv.reader(io.StringIO(whole)), ()))
        if head[: len(self._columns)] != self._columns:
            raise self._foreign()
        if whole != text:
            write_text(self._path, whole)
        return head

    def _foreign(self) -> FileError:
        return FileError(
            f"expected {self._path} to be a log of the pruning of this model, found another file: "
            "name another, or move it away"
        )


def _line(values: Sequence[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue()
