"""The recipe from the command's options to its outcome."""

import argparse

from tfprune.commands._common import Outcome
from tfprune.recipes.common.stages import Stages, make_folder
from tfprune.recipes.earthquake.data import windows
from tfprune.recipes.earthquake.settings import Settings
from tfprune.recipes.earthquake.study import Study

_SETTINGS = (
    *("seeds", "image_size", "components", "group_by", "magnitude", "distance", "snr"),
    *("per_class", "epochs", "retrain_epochs"),
)


def run(options: argparse.Namespace) -> Outcome:
    """Trains, prunes, tests and tells."""
    given = {name: getattr(options, name) for name in _SETTINGS}
    settings = Settings(**{name: value for name, value in given.items() if value is not None})
    folder = make_folder(options.output)
    chosen = windows(options.data, options.csv, settings, folder)
    kept = {**settings.as_dict(), "data": chosen.source, "weights": options.weights is not None}
    study = Study(settings, chosen, Stages(folder, kept), options.weights)
    limit = float("inf") if options.minutes is None else 60.0 * options.minutes
    done = study.run(limit)
    results = study.results()
    return Outcome(f"{len(results)} rows, {'done' if done else 'not done'}", {"done": done})
