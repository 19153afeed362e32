"""Accuracies that are given beside the results."""

import json
from collections.abc import Iterable
from pathlib import Path

from tfprune.errors import DataError, FileError


def read_accuracies(given: Iterable[str]) -> dict[str, float]:
    """Returns accuracies by model.

    Args:
        given: `NAME=VALUE`, a value in 0..1 or per cent (`93 %`, `93%`), or the path of a JSON
            file that holds `{"NAME": VALUE}`.

    Raises:
        DataError: a value is no share.
        FileError: a file is missing or holds something else.

    Example:
        >>> read_accuracies(["small.tflite=0.93", "large.tflite=95%"])
        {'small.tflite': 0.93, 'large.tflite': 0.95}
    """
    found: dict[str, float] = {}
    for one in given:
        name, sign, value = one.rpartition("=")
        found |= {name: _share(name, value)} if sign else _from_file(Path(one))
    return found


def _from_file(path: Path) -> dict[str, float]:
    if not path.is_file():
        raise FileError(
            f"expected an accuracy NAME=0.93 or a JSON file of them, found no file at {path}"
        )
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FileError(f"expected accuracies in JSON, but {path} holds none: {error}") from error
    if not isinstance(document, dict):
        raise FileError(
            f'expected {{"NAME": 0.93}} in {path}, received a {type(document).__name__}'
        )
    return {str(name): _share(str(name), str(value)) for name, value in document.items()}


def _share(name: str, text: str) -> float:
    unit = 100.0 if text.strip().endswith("%") else 1.0
    try:
        value = float(text.strip().removesuffix("%")) / unit
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise DataError(
            f"expected the accuracy of {name or 'a model'} between 0 and 1, or in per cent with "
            f"a %, received {text!r}"
        )
    return value
