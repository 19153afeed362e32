"""What the commands share: the outcome they hand back and the options they have in common."""

import argparse
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tfprune._files import check_writable
from tfprune.errors import FileError


@dataclass(frozen=True)
class Outcome:
    """What a command found: for a person to read, and for a program.

    Attributes:
        text: tables and sentences.
        document: the same as values that JSON can hold.
    """

    text: str
    document: Mapping[str, object]


def share(text: str) -> float:
    """Parses a number strictly between 0 and 1, as a ratio is."""
    value = _number(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(
            f"expected a number between 0 and 1, both excluded, received {text}; it is the share "
            "that is removed, 0.9 leaves a tenth"
        )
    return value


def budget(text: str) -> float:
    """Parses what may be left of a cost: a share between 0 and 1, or a number above 1."""
    value = _number(text)
    if not (0 < value < 1 or 1 < value < math.inf):
        raise argparse.ArgumentTypeError(
            f"expected a share between 0 and 1 or a number above 1, received {text}; it is what "
            "may be left, 0.25 keeps a quarter"
        )
    return value


def not_negative(text: str) -> float:
    """Parses a number of 0 or more."""
    value = _number(text)
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number of 0 or more, received {text}")
    return value


def milliseconds(text: str) -> float:
    """Parses a number of milliseconds."""
    value = _number(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(
            f"expected milliseconds, more than 0, received {text}; 0.5 is half a millisecond"
        )
    return value


def seconds(text: str) -> float:
    """Parses a number of seconds."""
    value = _number(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"expected seconds, more than 0, received {text}")
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def step_or_auto(text: str) -> int | Literal["auto"]:
    """Parses a whole number of 1 or more, or "auto"."""
    return "auto" if text == "auto" else positive(text)


def positive(text: str) -> int:
    """Parses a whole number of 1 or more."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of 1 or more, received {text}")
    return value


def add_model(parser: argparse.ArgumentParser) -> None:
    """Adds the model to read, and how to read it."""
    parser.add_argument("model", metavar="MODEL", help="a Keras model, .keras or .h5")
    parser.add_argument(
        "--unsafe_lambda",
        action="store_true",
        help="run the Python code inside Lambda layers; only for files you trust",
    )


def add_output(parser: argparse.ArgumentParser, what: str) -> None:
    """Adds the file to write, and leave to replace it."""
    parser.add_argument("--output", "-o", metavar="FILE", required=True, help=f"{what} to write")
    add_force(parser)


def add_force(parser: argparse.ArgumentParser) -> None:
    """Adds leave to replace files that exist."""
    parser.add_argument("--force", action="store_true", help="replace files that exist")


def add_json(parser: argparse.ArgumentParser) -> None:
    """Adds the choice of JSON."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")


def check_output(path: str | os.PathLike[str], force: bool) -> None:
    """Raises `FileError` where `path` stands already, or could not be written.

    Asked before the work starts, not after it.
    """
    if Path(path).exists() and not force:
        raise FileError(f"{path} exists: name another file, or add --force to replace it")
    check_writable(path)
