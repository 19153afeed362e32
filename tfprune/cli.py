"""The command `tfprune`.

Nothing here imports Keras or TensorFlow, nor do the commands before they run, so that
`tfprune --help` answers at once.
"""

import argparse
import contextlib
import json
import logging as standard_logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from absl import app, flags, logging
from absl.flags import argparse_flags

from tfprune import __version__
from tfprune._quiet import quiet_native_logs
from tfprune.commands import benchmark, convert, demo, inspect, prune, recipe, report, verify
from tfprune.commands._common import Outcome
from tfprune.errors import TfpruneError

_COMMANDS = {
    "inspect": inspect,
    "prune": prune,
    "verify": verify,
    "convert": convert,
    "benchmark": benchmark,
    "report": report,
    "demo": demo,
    "recipe": recipe,
}


class _Parser(argparse_flags.ArgumentParser):
    """A parser whose complaint is one line, as every other error of this command."""

    def error(self, message: str) -> NoReturn:
        print(f"tfprune: error: {_one_line(message)} (see `{self.prog} --help`)", file=sys.stderr)
        raise SystemExit(2)


def build_parser() -> argparse.ArgumentParser:
    """Returns the parser of the whole command line."""
    parser = _Parser(
        prog="tfprune",
        description="Structured pruning for Keras 3: remove whole filters and units, prove it, "
        "ship it.",
        epilog="`tfprune COMMAND --help` tells the options of a command.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"tfprune {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, command in _COMMANDS.items():
        sub = commands.add_parser(
            name, help=command.SUMMARY, description=command.__doc__, allow_abbrev=False
        )
        command.add_arguments(sub)
        sub.add_argument(
            "--debug", action="store_true", help="show tracebacks and every library's logs"
        )
    return parser


def execute(options: argparse.Namespace) -> int:
    """Runs a parsed command, prints its outcome and returns the exit code."""
    try:
        # Keras prints progress to the standard output, which is the outcome's alone.
        with contextlib.redirect_stdout(sys.stderr):
            outcome = _COMMANDS[options.command].run(options)
    except KeyboardInterrupt:
        return _complain("interrupted", 130)
    # OSError: a disk that fills up, a permission that changes while the command runs.
    except (TfpruneError, OSError, MemoryError) as error:
        if options.debug:
            raise
        return _complain(str(error) or type(error).__name__, 1)
    return _print(outcome, options.json)


def main(arguments: Sequence[str]) -> int:
    """Runs one command line inside this process.

    Args:
        arguments: what follows `tfprune` on the command line.

    Returns:
        The exit code: 0 done, 1 refused or failed with one line that says why, 130 interrupted.

    Raises:
        SystemExit: with code 2 where the line cannot be parsed, with 0 after `--help`.
    """
    return execute(build_parser().parse_args(list(arguments)))


def run() -> None:
    """Runs the command line of this process: the entry point of `tfprune`."""
    app.run(_quietly, flags_parser=lambda argv: build_parser().parse_args(argv[1:]))


def _quietly(options: argparse.Namespace) -> int:
    _set_up_logging(options)
    if options.debug:
        return execute(options)
    # Level 2 keeps TensorFlow's errors; what older releases chat at that level is filtered too.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with quiet_native_logs():
        return execute(options)


class _CurrentStderr:
    """Writes to what `sys.stderr` is at the time, so that a block that catches it catches logs."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()

    def close(self) -> None:
        """Leaves the stream open, whose owner closes it."""


def _set_up_logging(options: argparse.Namespace) -> None:
    handler = logging.get_absl_handler()
    handler.python_handler.setStream(_CurrentStderr())
    handler.setFormatter(standard_logging.Formatter("tfprune: %(message)s"))
    if options.debug:
        logging.set_verbosity(logging.DEBUG)
        return
    handler.addFilter(_is_ours_or_urgent)
    standard_logging.getLogger("tensorflow").setLevel(standard_logging.ERROR)
    if flags.FLAGS["verbosity"].using_default_value:
        # These take minutes and more: they tell how far they are.
        talks = options.command in ("demo", "recipe")
        logging.set_verbosity(logging.INFO if talks else logging.WARNING)


def _is_ours_or_urgent(record: standard_logging.LogRecord) -> bool:
    ours = Path(record.pathname).is_relative_to(Path(__file__).parent)
    return ours or record.levelno >= standard_logging.WARNING


def _print(outcome: Outcome, as_json: bool) -> int:
    text = json.dumps(outcome.document, indent=2) if as_json else outcome.text
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # The reader (`| head`) has seen enough; Python must not flush again on its way out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _complain(message: str, code: int) -> int:
    print(f"tfprune: error: {_one_line(message)}", file=sys.stderr)
    return code


def _one_line(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    run()
