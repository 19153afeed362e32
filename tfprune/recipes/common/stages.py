"""Long work in stages, each kept when it is done: a second run goes on where the first stopped.

Several processes may work in one folder: what one of them is at, the others leave to it.
"""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from absl import logging
from filelock import FileLock, Timeout

from tfprune._files import check_writable, write_text
from tfprune.errors import FileError

_SETTINGS = "settings.json"
_LOCKS = ".locks"


class Stages:
    """A folder of what stages found, one JSON file a stage.

    The folder remembers the settings it was begun with, and refuses others, so that no table mixes
    two experiments.

    Args:
        folder: made if need be.
        settings: all that the stages depend on; plain values.

    Raises:
        FileError: the folder cannot be made, holds other settings, or is damaged.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     stages = Stages(folder, {"seed": 0})
        ...     first = stages.run("count", lambda: {"value": 1})
        ...     again = Stages(folder, {"seed": 0}).run("count", lambda: {"value": 2})
        >>> first["value"], again["value"]
        (1, 1)
    """

    def __init__(self, folder: str | os.PathLike[str], settings: Mapping[str, Any]) -> None:
        self.folder = make_folder(folder)
        wanted = json.loads(json.dumps(settings))
        kept = self._read(_SETTINGS)
        if kept is None:
            write_text(self.folder / _SETTINGS, json.dumps(wanted, indent=1) + "\n")
        elif kept != wanted:
            names = [name for name in wanted.keys() | kept if wanted.get(name) != kept.get(name)]
            raise FileError(
                f"{self.folder} holds a run with other settings ({', '.join(sorted(names))}): "
                "name another folder, or remove that one"
            )

    def run(self, name: str, compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Returns what a stage found, computed now unless an earlier run did.

        Where another process is computing it, it is waited for.

        Args:
            name: of the stage and its file; folders in it are made.
            compute: returns plain values; it may leave files of its own in `folder`. It is run
                again where it was interrupted.
        """
        known = self.done(name)
        if known is not None:
            return known
        with self._lock(f"{name}.json"):  # which another process may have made in the meantime
            known = self.done(name)
            return self._computed(name, compute) if known is None else known

    def _computed(self, name: str, compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        began = time.perf_counter()
        found = compute()
        path = self.folder / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        seconds = time.perf_counter() - began
        write_text(path, json.dumps({**found, "seconds": round(seconds, 1)}) + "\n")
        logging.info("%s: done in %.0f s", name, seconds)
        return json.loads(path.read_text())

    @contextmanager
    def claimed(self, name: str) -> Iterator[bool]:
        """Whether no other process works under a name; if so none does until the end.

        A process that dies lets go of what it claimed.
        """
        lock = self._lock(name)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    def _lock(self, name: str) -> FileLock:
        folder = self.folder / _LOCKS
        folder.mkdir(exist_ok=True)
        return FileLock(folder / f"{name.replace('/', '-')}.lock")

    def done(self, name: str) -> dict[str, Any] | None:
        """Returns what a stage found, or `None` where it has not been run."""
        return self._read(f"{name}.json")

    def _read(self, name: str) -> dict[str, Any] | None:
        path = self.folder / name
        if not path.exists():
            return None
        try:
            return json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise FileError(f"cannot read {path}: {error}; remove it to run it again") from None


def make_folder(path: str | os.PathLike[str]) -> Path:
    """Makes a folder if need be.

    Raises:
        FileError: it cannot be made or written to.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"cannot make the folder {folder}: {error.strerror}") from None
    check_writable(folder / _SETTINGS)
    return folder
