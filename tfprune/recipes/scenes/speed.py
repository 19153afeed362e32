"""How large and how fast TFLite files are, on one thread, in turns."""

import os
from collections.abc import Mapping
from pathlib import Path

from tfprune.timing.benchmark import benchmark

FORMS = {"float32": None, "float16": "float16", "int8": "int8"}

Times = dict[str, dict[str, dict[str, float]]]


def time_files(paths: Mapping[tuple[str, str], Path], seconds: float) -> tuple[Times, str]:
    """Times files by net and form; the first is what the others are held against.

    Args:
        paths: of the files.
        seconds: for all of them.

    Returns:
        Bytes, median and spread in milliseconds and the speed-up of each, and the machine.
    """
    result = benchmark(list(paths.values()), threads=1, seconds=seconds, memory=False)
    rows = {os.fspath(row.path): row for row in result.rows}
    found: Times = {}
    for (key, form), path in paths.items():
        row = rows[os.fspath(path)]
        found.setdefault(key, {})[form] = {
            "bytes": path.stat().st_size,
            "median_ms": row.median_ms,
            "p10_ms": row.p10_ms,
            "p90_ms": row.p90_ms,
            "speedup": row.speedup,
            "speedup_low": row.speedup_low,
            "speedup_high": row.speedup_high,
        }
    return found, f"{result.machine}"
