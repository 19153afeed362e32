"""Results kept in a file that grows run by run."""

import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tfprune import __version__
from tfprune._files import check_writable, write_text
from tfprune.errors import FileError
from tfprune.timing.result import BenchmarkResult

FORMAT = "tfprune.benchmark"
VERSION = 1


def read_runs(path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """Returns the runs in a results file, oldest first.

    Raises:
        FileError: the file is missing, damaged, of another kind, or of a newer version.
    """
    file = Path(path)
    if not file.is_file():
        raise FileError(f"expected a results file, found nothing at {file}: check the path")
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FileError(f"expected a results file, but {file} holds no JSON: {error}") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise FileError(
            f"expected a results file, but {file} lacks the mark {FORMAT!r}: `tfprune benchmark "
            "--output` writes them"
        )
    if document.get("version") != VERSION or not isinstance(document.get("runs"), list):
        raise FileError(
            f"expected version {VERSION} of a results file, but {file} is of version "
            f"{document.get('version')!r}: use the tfprune that wrote it"
        )
    for run in document["runs"]:
        _check_run(run, file)
    return list(document["runs"])


def _check_run(run: Any, file: Path) -> None:
    rows = run.get("rows") if isinstance(run, Mapping) else None
    needed = {"model", "median_ms", "bytes", "macs", "runtime"}
    if not isinstance(rows, list) or not rows or any(needed - set(row) for row in rows):
        raise FileError(f"{file} is damaged: a run lacks rows with {', '.join(sorted(needed))}")


def check_results(path: str | os.PathLike[str], append: bool, force: bool) -> None:
    """Raises `FileError` where results could not be written later, before the work starts."""
    check_writable(path)
    if append and Path(path).exists():
        read_runs(path)
    elif Path(path).exists() and not force:
        raise FileError(
            f"{path} exists: add --append to add to it, name another file, or add --force to "
            "replace it"
        )


def write_run(
    path: str | os.PathLike[str],
    result: BenchmarkResult,
    title: str = "",
    command: str = "",
    append: bool = True,
) -> None:
    """Adds a result to a results file, which is made where there is none; whole or not at all.

    Args:
        path: the file.
        result: what `tfprune.benchmark` returned.
        title: what was compared, for a heading. Defaults to `""`.
        command: what was typed. Defaults to `""`.
        append: keep the runs that are there. Defaults to `True`.

    Raises:
        FileError: the file is of another kind, or cannot be written.
    """
    known: Sequence[Any] = read_runs(path) if append and Path(path).exists() else []
    run = {
        "title": title,
        "command": command,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "tfprune": __version__,
        **result.as_dict(),
    }
    document = {"format": FORMAT, "version": VERSION, "runs": [*known, run]}
    write_text(path, json.dumps(document, indent=1) + "\n")
