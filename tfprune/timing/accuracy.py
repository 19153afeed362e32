"""The accuracy that a file tells of itself."""

import statistics
from pathlib import Path

from tfprune.errors import FileError


def stored_accuracy(path: Path) -> tuple[float | None, tuple[float, float] | None]:
    """Returns the accuracy in a `.tflite` file's metadata, and its 95 % interval.

    Of several outputs it is the mean, without an interval. Files without metadata, of other
    formats, or with damaged metadata tell nothing.
    """
    if path.suffix != ".tflite":
        return None, None
    from tfprune.convert.metadata import read_metadata

    try:
        metadata = read_metadata(path)
    except FileError:
        return None, None
    found = list(metadata.accuracy.values()) if metadata else []
    if not found:
        return None, None
    interval = found[0].interval if len(found) == 1 else None
    return statistics.mean(one.share for one in found), interval
