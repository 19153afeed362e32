"""`tfprune benchmark`: time TFLite files against each other. Never loads TensorFlow."""

import argparse
from pathlib import Path

import tfprune
from tfprune.commands._common import Outcome, add_json, positive
from tfprune.errors import FileError

SUMMARY = "time TFLite files against each other, the first being the reference"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command."""
    parser.add_argument("models", metavar="FILE", nargs="+", help="TFLite files")
    parser.add_argument("--threads", type=positive, default=1, help="threads a run may use (1)")
    parser.add_argument("--runs", type=positive, help="rounds, each one turn of every model (50)")
    add_json(parser)


def run(options: argparse.Namespace) -> Outcome:
    """Times the files, alternating between them."""
    for path in options.models:
        if not Path(path).is_file():
            raise FileError(f"expected a TFLite file, found nothing at {path}: check the path")
    chosen = {} if options.runs is None else {"runs": options.runs}
    result = tfprune.benchmark(options.models, threads=options.threads, **chosen)
    return Outcome(text=str(result), document=result.as_dict())
