"""The state of a long run in a folder, so that a killed one goes on as if nothing had happened.

A file of arrays is written first, under a name of its own; then the manifest, which names it, takes
the place of the last one. Whenever the process dies, the manifest and what it names are whole.
Nothing in the files is code: models are rebuilt from the caller's own, and only arrays are read.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tfprune._files import atomic_path
from tfprune.errors import FileError


def write_manifest(path: Path, content: Mapping[str, Any]) -> None:
    """Writes a dictionary with its checksum; once it returns, a power cut does not undo it."""
    text = json.dumps({**content, "checksum": _checksum(content)}, indent=1)
    with atomic_path(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")
        _sync(temporary)
    _sync(path.parent)


def read_manifest(path: Path, format_: str) -> dict[str, Any] | None:
    """Reads what `write_manifest` wrote; None where there is no such file.

    Raises:
        FileError: it is damaged or something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FileError(f"cannot read the checkpoint {path}: {error.strerror}") from None
    except ValueError:
        raise _damaged(path, "it is not JSON") from None
    found = content.get("format") if isinstance(content, dict) else type(content).__name__
    if found != format_:
        raise FileError(
            f"expected a checkpoint of the format {format_} at {path}, received {found!r}: it is "
            "left as it is; use another checkpoint_dir"
        )
    checksum = content.pop("checksum", None)
    if checksum != _checksum(content):
        raise _damaged(path, "its checksum is wrong")
    return content


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> str:
    """Writes arrays by name into an .npz file; returns its SHA-256."""
    stored: dict[str, Any] = {name: _storable(value) for name, value in arrays.items()}
    with atomic_path(path) as temporary:
        np.savez(temporary, **stored)
        digest = _digest(temporary)
        _sync(temporary)
    return digest


def read_arrays(path: Path, digest: str) -> dict[str, np.ndarray]:
    """Reads what `write_arrays` wrote.

    Raises:
        FileError: the file is missing, or not the one that was written.
    """
    try:
        found = _digest(path)
    except FileNotFoundError:
        raise _damaged(path, "it is missing") from None
    except OSError as error:
        raise FileError(f"cannot read the checkpoint {path}: {error.strerror}") from None
    if found != digest:
        raise _damaged(path, "its checksum is wrong")
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def check_same(path: Path, expected: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """Raises `FileError` unless a checkpoint was made by this very run.

    Args:
        path: of the manifest.
        expected: what this run is made of, as plain values.
        found: what the manifest says of its own.
    """
    expected = json.loads(json.dumps(expected))
    for key in sorted({*expected, *found}):
        if expected.get(key) != found.get(key):
            raise FileError(
                f"the checkpoint {path} was made with {key}={_short(found.get(key))}, received "
                f"{_short(expected.get(key))}: it is left as it is; use the same model, data and "
                "settings, or another checkpoint_dir"
            )


def make_folder(folder: str | os.PathLike[str]) -> Path:
    """Makes a folder for checkpoints, if it is not there.

    Raises:
        FileError: it cannot be made or written to.
    """
    path = Path(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"cannot make the folder {path}: {error.strerror}") from None
    if not os.access(path, os.W_OK):
        raise FileError(f"cannot write to the folder {path}: no permission")
    return path


def sweep(folder: Path, stem: str, named: str) -> None:
    """Removes what older steps, and writers that were killed, left in the folder.

    Args:
        folder: where.
        stem: how the names of the files of steps begin.
        named: the file that stays.
    """
    for file in [*folder.glob(f"{stem}*.npz"), *folder.glob(f".{stem}*.npz")]:
        if file.name != named:
            file.unlink(missing_ok=True)


def digest_of(arrays: Mapping[Any, np.ndarray]) -> str:
    """A short name for arrays by what they hold."""
    found = hashlib.sha256()
    for name, value in sorted(arrays.items(), key=lambda item: str(item[0])):
        found.update(f"{name} {value.dtype} {value.shape}".encode())
        found.update(np.ascontiguousarray(value).tobytes())
    return found.hexdigest()[:16]


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _checksum(content: Mapping[str, Any]) -> str:
    text = json.dumps({k: v for k, v in content.items() if k != "checksum"}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _storable(value: np.ndarray) -> np.ndarray:
    """NumPy's files know no bfloat16; float32 holds each of its values."""
    return value.astype(np.float32) if value.dtype.name == "bfloat16" else value


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _short(value: Any, most: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= most else text[: most - 3] + "..."


def _damaged(path: Path, why: str) -> FileError:
    return FileError(
        f"the checkpoint {path} is damaged ({why}): nothing was deleted; restore it, or begin "
        "again with another checkpoint_dir"
    )
