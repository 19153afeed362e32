"""One trial of a study: run alike wherever it runs, and kept when it is done."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tfprune.errors import PlanError
from tfprune.training.checkpoint import check_same, read_manifest, write_manifest
from tfprune.training.grid import Settings, slug, told
from tfprune.training.seeding import seed_all

FORMAT = "tfprune.trial/1"
MANIFEST = "trial.json"


@dataclass(frozen=True)
class Outcome:
    """What became of a trial.

    Attributes:
        place: its folder, in which it is told from others.
        numbers: what it returned.
        seconds: it took.
        error: what it raised instead, or None.
    """

    place: Path
    numbers: Mapping[str, float]
    seconds: float
    error: Exception | None = None


def place_of(root: Path, settings: Settings) -> Path:
    """The folder of a trial: the same whatever other trials there are."""
    digest = hashlib.sha256(json.dumps(dict(settings)).encode()).hexdigest()[:8]
    return root / f"{slug(settings)}-{digest}"


def kept(place: Path, settings: Settings, about: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a trial found when it was run before; None where it was not.

    Raises:
        FileError: it is damaged, or was run in another way.
    """
    content = read_manifest(place / MANIFEST, FORMAT)
    if content is not None:
        check_same(place / MANIFEST, {**about, "settings": dict(settings)}, content["run"])
    return content


def keep(outcome: Outcome, settings: Settings, about: Mapping[str, Any]) -> dict[str, Any]:
    """Keeps what a trial found, and returns it as `kept` does."""
    content = {
        "format": FORMAT,
        "run": {**about, "settings": dict(settings)},
        "numbers": dict(outcome.numbers),
        "seconds": round(outcome.seconds, 3),
    }
    write_manifest(outcome.place / MANIFEST, content)
    return content


def here(trial: Callable[..., Any], settings: Settings, place: Path, seed: int) -> Outcome:
    """Runs a trial in this process."""
    begun = time.perf_counter()
    try:
        numbers = run(trial, settings, place, seed)
    except Exception as error:  # noqa: BLE001  (a trial may be anybody's, and raise anything)
        return Outcome(place, {}, time.perf_counter() - begun, error)
    return Outcome(place, numbers, time.perf_counter() - begun)


def run(trial: Callable[..., Any], settings: Settings, place: Path, seed: int) -> dict[str, float]:
    """Calls a trial in its folder, with Keras cleared and all chance seeded.

    Raises:
        PlanError: it does not return numbers by name.
    """
    place.mkdir(parents=True, exist_ok=True)
    keras.utils.clear_session()  # layers get the same names in each process
    seed_all(seed)
    found = trial(**settings, folder=place)
    if not isinstance(found, Mapping) or not found:
        raise _not_numbers(settings, found)
    return {str(name): _number(value, settings, found) for name, value in found.items()}


def _number(value: Any, settings: Settings, found: Any) -> float:
    if isinstance(value, np.generic | np.ndarray) and np.ndim(value) == 0:
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _not_numbers(settings, found)
    return value


def _not_numbers(settings: Settings, found: Any) -> PlanError:
    return PlanError(
        f"expected the trial {told(settings)} to return numbers by name, such as "
        f"{{'accuracy': 0.9}}, received {found!r}"
    )
