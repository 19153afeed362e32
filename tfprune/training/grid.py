"""The settings of the trials of a study."""

import json
import re
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from tfprune.errors import PlanError

Plain = str | int | float | bool | None
Settings = Mapping[str, Plain]

RESERVED = "folder"


def grid(over: Mapping[str, Sequence[Plain]] | Sequence[Settings]) -> tuple[Settings, ...]:
    """The settings of each trial.

    Args:
        over: by name the values of each setting; or a list of settings.

    Raises:
        PlanError: there are none, one comes twice, or a value is not plain.

    Example:
        >>> [tuple(one.values()) for one in grid({"ratio": [0.5, 0.9], "fold": [0, 1]})]
        [(0.5, 0), (0.5, 1), (0.9, 0), (0.9, 1)]
        >>> len(grid([{"ratio": 0.5}, {"ratio": 0.9}]))
        2
    """
    if isinstance(over, Mapping):
        for name, values in over.items():
            if isinstance(values, str) or not isinstance(values, Sequence):
                raise PlanError(
                    f"expected the values of each setting as a list, received {name}={values!r}"
                )
        found = [dict(zip(over, one, strict=True)) for one in product(*over.values())]
    else:
        found = [_plain_dict(one) for one in over]
    if not found or not all(found):
        raise PlanError(f"expected at least one trial with settings, received {over!r}")
    for one in found:
        _check(one, found[0])
    different = len({told(one) for one in found})
    if different != len(found):
        raise PlanError(f"expected {len(found)} trials that differ, received {different}")
    return tuple(found)


def told(settings: Settings) -> str:
    """Settings in a line.

    Example:
        >>> told({"criterion": "l2", "ratio": 0.5})
        'criterion="l2", ratio=0.5'
    """
    return ", ".join(f"{name}={json.dumps(value)}" for name, value in settings.items())


def slug(settings: Settings) -> str:
    """Settings as the readable part of a folder's name.

    Example:
        >>> slug({"criterion": "l2", "ratio": 0.5, "note": "a/b"})
        'criterion=l2,ratio=0.5,note=a_b'
    """
    parts = (f"{name}={value}" for name, value in settings.items())
    return re.sub(r"[^\w.,=+-]", "_", ",".join(parts))[:100]


def _plain_dict(one: Any) -> dict[str, Plain]:
    if not isinstance(one, Mapping):
        raise PlanError(f"expected the settings of each trial as a dictionary, received {one!r}")
    return dict(one)


def _check(one: Settings, first: Settings) -> None:
    if list(one) != list(first):
        raise PlanError(
            f"expected the same settings in each trial, {', '.join(first)}, received "
            f"{', '.join(one)}"
        )
    for name, value in one.items():
        if not isinstance(name, str) or not name.isidentifier() or name == RESERVED:
            raise PlanError(
                f"expected settings by names of arguments other than {RESERVED!r}, which is the "
                f"trial's own folder, received {name!r}"
            )
        if not isinstance(value, str | int | float | bool | None):
            raise PlanError(
                f"expected {name} as text, a number, a truth or None, received {value!r}: look "
                "others up inside the trial, by their names"
            )
