"""`tfprune recipe NAME`: a published system, end to end. One sub-command a recipe."""

import argparse

from tfprune.commands._common import Outcome
from tfprune.recipes.earthquake import command as earthquake
from tfprune.recipes.inspection import command as inspection
from tfprune.recipes.scenes import command as scenes

SUMMARY = "reproduce a published system on its data, end to end"

# A recipe's `command` module gives SUMMARY, add_arguments and run, and loads Keras in `run` alone.
RECIPES = {"earthquake": earthquake, "inspection": inspection, "scenes": scenes}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds a sub-command for each recipe."""
    recipes = parser.add_subparsers(dest="recipe", metavar="NAME", required=True)
    for name, recipe in RECIPES.items():
        sub = recipes.add_parser(
            name, help=recipe.SUMMARY, description=recipe.__doc__, allow_abbrev=False
        )
        recipe.add_arguments(sub)
        # Without SUPPRESS the inner parser's default would undo a --debug before the name.
        sub.add_argument(
            "--debug",
            action="store_true",
            default=argparse.SUPPRESS,
            help="show tracebacks and every library's logs",
        )


def run(options: argparse.Namespace) -> Outcome:
    """Runs the recipe that was named."""
    return RECIPES[options.recipe].run(options)
