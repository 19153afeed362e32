"""`tfprune verify`: prove that a smaller model computes what the masked original does."""

import argparse

import tfprune
from tfprune._models_io import check_model_file, load_model
from tfprune.commands._common import Outcome, add_json, add_model
from tfprune.errors import ModelError

SUMMARY = "compare a smaller model with the masked original, by its plan"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command."""
    add_model(parser)
    parser.add_argument("small", metavar="SMALL", help="the smaller model, .keras or .h5")
    parser.add_argument("--plan", metavar="FILE", required=True, help="the plan it was made by")
    parser.add_argument(
        "--tolerance",
        type=float,
        default=1e-5,
        help="the largest relative error that passes (1e-5, for float32)",
    )
    add_json(parser)


def run(options: argparse.Namespace) -> Outcome:
    """Loads both models and the plan, and compares."""
    check_model_file(options.model)
    check_model_file(options.small)
    plan = tfprune.PruningPlan.load(options.plan)
    model = load_model(options.model, options.unsafe_lambda)
    small = load_model(options.small, options.unsafe_lambda)
    error = tfprune.verify(model, small, plan)
    if not error <= options.tolerance:  # written so that NaN fails too
        raise ModelError(
            f"expected {options.small} within a relative error of {options.tolerance:g} of the "
            f"masked {options.model}, received {error:.1e}: a model trained after it was pruned "
            "differs by nature, one fresh from `tfprune prune` should not"
        )
    return Outcome(
        text=f"equal to the masked original: relative error {error:.1e}",
        document={
            "model": options.model,
            "small": options.small,
            "plan": options.plan,
            "relative_error": error,
            "tolerance": options.tolerance,
        },
    )
