"""Files of many examples each, numbered, and whether they are whole."""

import zipfile
from pathlib import Path


def shard_path(folder: Path, number: int) -> Path:
    """The path of a shard."""
    return folder / f"{number:05d}.npz"


def is_whole(path: Path) -> bool:
    """Whether a shard is there and its checksums (CRC-32, the zip format's own) are right."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (OSError, zipfile.BadZipFile):
        return False
