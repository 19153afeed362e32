"""Long work in stages, each kept when it is done: a second run goes on where the first stopped."""

import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from absl import logging

from tfprune._files import check_writable, write_text
from tfprune.errors import FileError

_SETTINGS = "settings.json"


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

        Args:
            name: of the stage and its file; folders in it are made.
            compute: returns plain values; it may leave files of its own in `folder`. It is run
                again where it was interrupted.
        """
        known = self.done(name)
        if known is not None:
            return known
        began = time.perf_counter()
        found = compute()
        path = self.folder / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        seconds = time.perf_counter() - began
        write_text(path, json.dumps({**found, "seconds": round(seconds, 1)}) + "\n")
        logging.info("%s: done in %.0f s", name, seconds)
        return json.loads(path.read_text())

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
