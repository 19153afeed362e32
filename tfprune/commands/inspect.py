"""`tfprune inspect`: which channels live or die together, and what the model costs."""

import argparse

import tfprune
from tfprune._models_io import check_model_file, load_model
from tfprune.commands._common import Outcome, add_json, add_model

SUMMARY = "show a model's groups of channels, what pins them, and its cost"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command."""
    add_model(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> Outcome:
    """Traces the model and counts its cost."""
    check_model_file(options.model)
    model = load_model(options.model, options.unsafe_lambda)
    graph, cost = tfprune.trace(model), tfprune.cost(model)
    return Outcome(
        text=f"{graph}\n\n{cost}",
        document={"model": options.model, "graph": graph.as_dict(), "cost": cost.as_dict()},
    )
