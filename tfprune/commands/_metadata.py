"""What a converted file is to say of itself, from options and from a file."""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfprune.errors import DataError, FileError

if TYPE_CHECKING:
    from tfprune.convert import Metadata


def add_metadata(parser: argparse.ArgumentParser) -> None:
    """Adds the options that describe the file; they are stored in it."""
    group = parser.add_argument_group("stored in the file")
    group.add_argument("--labels", metavar="FILE", help="the classes' names, one a line")
    group.add_argument("--license", metavar="TEXT", help="of the weights, such as Apache-2.0")
    group.add_argument("--notes", metavar="TEXT", help="what else a user should know")
    group.add_argument("--plan", metavar="FILE", help="the plan the model was pruned by")
    group.add_argument(
        "--metadata",
        metavar="FILE",
        help="JSON with any of title, labels, preprocessing, license, attribution, data, "
        "measured_on, command, notes; the options above come first",
    )


def read_metadata(options: argparse.Namespace) -> "Metadata":
    """Returns what the options say.

    Raises:
        FileError: a file is missing, unreadable, or of another format.
        DataError: it holds something else than was expected.
    """
    from tfprune.convert import Metadata, plan_summary
    from tfprune.convert.metadata import FORMAT

    described = Metadata()
    if options.metadata:
        values = _json(options.metadata)
        if not isinstance(values, dict):
            raise DataError(f"expected a JSON object in {options.metadata}, found something else")
        described = Metadata.from_dict({"format": FORMAT, **values})
    if options.plan:
        from tfprune.planning import PruningPlan

        described = replace(described, plan=plan_summary(PruningPlan.load(options.plan).as_dict()))
    given = {
        "labels": _lines(options.labels) if options.labels else None,
        "license": options.license,
        "notes": options.notes,
    }
    return replace(described, **{name: value for name, value in given.items() if value})


def _lines(path: str) -> tuple[str, ...]:
    names = tuple(line.strip() for line in _text(path).splitlines() if line.strip())
    if not names:
        raise DataError(f"expected the classes' names in {path}, one a line, found none")
    return names


def _json(path: str) -> Any:
    try:
        return json.loads(_text(path))
    except json.JSONDecodeError as error:
        raise FileError(f"expected JSON in {path}: {error}") from error


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise FileError(f"expected text in UTF-8 in {path}, found something else") from error
