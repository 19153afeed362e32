"""The recipe from the command's options to its outcome."""

import argparse

from tfprune.commands._common import Outcome
from tfprune.recipes.common.stages import Stages
from tfprune.recipes.earthquake import data as sources
from tfprune.recipes.earthquake.settings import Settings
from tfprune.recipes.earthquake.study import Study

_SETTINGS = ("seeds", "image_size", "components", "group_by", "epochs", "retrain_epochs")


def run(options: argparse.Namespace) -> Outcome:
    """Trains, prunes, tests and tells."""
    given = {name: getattr(options, name) for name in _SETTINGS}
    settings = Settings(**{name: value for name, value in given.items() if value is not None})
    splits, described = sources.splits(options.data, options.csv, settings)
    stages = Stages(
        options.output,
        {**settings.as_dict(), "data": described, "weights": options.weights is not None},
    )
    study = Study(settings, splits, stages, options.weights)
    limit = float("inf") if options.minutes is None else 60.0 * options.minutes
    done = study.run(limit)
    results = study.results()
    return Outcome(f"{len(results)} rows, {'done' if done else 'not done'}", {"done": done})
