"""The file that keeps what was measured, so that it is measured once."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from absl import logging

from tfprune._files import check_writable, write_text
from tfprune.errors import FileError

FORMAT = "tfprune.latency/1"

Place = dict[str, dict[str, Any]]


def default_path() -> Path:
    """Where tables are kept unless a file is named: the user's folder for caches.

    `$XDG_CACHE_HOME/tfprune/latency.json`, or `~/.cache/tfprune/latency.json`.
    """
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "tfprune" / "latency.json"


class Store:
    """What was measured at one place, read from a file and written back to it.

    Times stand by what was timed: "layers" and "networks" in milliseconds, "models" by the shapes
    of the unpruned model: the converted model, at some widths, beside the network of its layers.
    """

    def __init__(self, path: str | os.PathLike[str] | None, place: str) -> None:
        """Reads the file, if there is one.

        Args:
            path: a JSON file, made where there is none. None takes `default_path()`, or keeps
                nothing where that cannot be written.
            place: the runtime, machine and threads that the times hold for.

        Raises:
            FileError: the file is of another kind, damaged, or cannot be written.
        """
        self._place = place
        self._path = _default() if path is None else Path(path)
        if self._path is not None:
            check_writable(self._path)
        self._new: Place = {}
        self._values: Place = self._read().get(place, {})

    def get(self, section: str, name: str) -> Any:
        """What was measured under a name; None where nothing was."""
        return self._values.get(section, {}).get(name)

    def put(self, section: str, values: Mapping[str, Any]) -> None:
        """Keeps what was measured, in the file too."""
        for known in (self._values, self._new):
            known.setdefault(section, {}).update(values)
        if self._path is None:
            return
        # Another process may have written meanwhile: only what is new here is laid over it.
        places = self._read()
        place = places.setdefault(self._place, {})
        for name, found in self._new.items():
            place.setdefault(name, {}).update(found)
        document = {"format": FORMAT, "places": places}
        write_text(self._path, json.dumps(document, indent=1, sort_keys=True) + "\n")

    def _read(self) -> dict[str, Place]:
        if self._path is None or not self._path.exists():
            return {}
        try:
            document = json.loads(self._path.read_text(encoding="utf-8"))
        except OSError as error:
            raise FileError(f"cannot read {self._path}: {error.strerror}") from error
        except ValueError:
            document = None
        if not _is_whole(document):
            raise FileError(
                f"expected a latency table ({FORMAT}) at {self._path}, found something else or a "
                "damaged one: delete it to measure anew, or name another file"
            )
        return document["places"]


def _default() -> Path | None:
    path = default_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        check_writable(path)
    except OSError as error:
        logging.warning("latencies are measured for this time only: %s", error)
        return None
    return path


def _is_whole(document: Any) -> bool:
    """Whether the values are those of a table: three sections of numbers at each place."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        return False
    places = document.get("places")
    return isinstance(places, dict) and all(
        isinstance(place, dict) and all(map(_is_section, place.items()))
        for place in places.values()
    )


def _is_section(item: tuple[str, Any]) -> bool:
    name, values = item
    if not isinstance(values, dict):
        return False
    if name in ("layers", "networks"):
        return all(_is_positive(value) for value in values.values())
    return all(isinstance(value, list) and all(map(_is_model, value)) for value in values.values())


def _is_model(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("widths"), list):
        return False
    pairs = (isinstance(pair, list) and len(pair) == 2 for pair in value["widths"])
    times = (_is_positive(value.get(name)) for name in ("model", "network"))
    return all(pairs) and all(times) and isinstance(value.get("others"), int | float)


def _is_positive(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e9
