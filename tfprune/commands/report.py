"""`tfprune report`: results of `tfprune benchmark` as a page, a table or JSON."""

import argparse
from typing import Any

from tfprune.commands._common import Outcome, add_force, add_json, check_output
from tfprune.errors import DataError

SUMMARY = "turn results of benchmarks into a page of tables and plots"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command."""
    parser.add_argument(
        "results", metavar="FILE", nargs="+", help="results that tfprune benchmark --output wrote"
    )
    parser.add_argument("--output", "-o", metavar="FILE", help="an .html page to write")
    add_force(parser)
    parser.add_argument(
        "--accuracy",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a model's accuracy, 0.93 or 93%%, or a JSON file of them; may be repeated; goes "
        "before what the file's metadata say",
    )
    parser.add_argument(
        "--plan", action="append", default=[], metavar="FILE", help="a pruning plan to tell of"
    )
    parser.add_argument("--title", default="Models, measured", help="the page's heading")
    add_json(parser)


def run(options: argparse.Namespace) -> Outcome:
    """Reads the results, writes the page where one is asked for, and returns the table."""
    from tfprune.report.benchmarks.accuracies import read_accuracies
    from tfprune.report.benchmarks.comparison import compare, unused
    from tfprune.report.benchmarks.page import check_page, write_page
    from tfprune.report.benchmarks.terminal import as_text
    from tfprune.timing.results_file import read_runs

    if options.output:
        check_output(options.output, options.force)
        check_page(options.output)
    accuracies = read_accuracies(options.accuracy)
    runs = [run for path in options.results for run in read_runs(path)]
    comparisons = [compare(run, accuracies) for run in runs]
    strangers = unused(accuracies, comparisons)
    if strangers:
        known = dict.fromkeys(line.model for one in comparisons for line in one.lines)
        raise DataError(
            f"expected accuracies of {', '.join(known)}, received one of {strangers[0]}"
        )
    plans = [_plan(path) for path in options.plan]
    text = as_text(comparisons)
    if options.output:
        write_page(options.output, comparisons, plans, options.title)
        text += f"\n  written: {options.output}"
    document = {"comparisons": [one.as_dict() for one in comparisons], "plans": plans}
    return Outcome(text=text, document=document)


def _plan(path: str) -> dict[str, Any]:
    from tfprune.planning.pruning_plan import PruningPlan

    return PruningPlan.load(path).as_dict()
