"""Results as they are committed: files by their names, whatever folder they stood in."""

from dataclasses import replace
from pathlib import Path

from tfprune.timing.result import BenchmarkResult


def without_folders(result: BenchmarkResult) -> BenchmarkResult:
    """The result, its files named without their folders."""
    rows = [replace(row, path=Path(row.path).name) for row in result.rows]
    return replace(result, rows=tuple(rows))
