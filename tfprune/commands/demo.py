"""`tfprune demo`: the whole road on seismograms, from training to the timed TFLite file."""

import argparse
from pathlib import Path

from tfprune.commands._common import Outcome, add_force, add_json, positive, share
from tfprune.errors import FileError

SUMMARY = "train, prune, retrain, convert and time a ResNet50 on earthquakes"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command."""
    parser.add_argument("--data", metavar="FILE", help="waveforms in STEAD's layout, .hdf5")
    parser.add_argument("--csv", metavar="FILE", help="the metadata of --data, .csv")
    parser.add_argument(
        "--output",
        metavar="DIR",
        default="demo",
        help="folder for models, results and picture (demo)",
    )
    add_force(parser)
    parser.add_argument("--ratio", type=share, help="share of the filters and units removed")
    parser.add_argument("--image_size", type=positive, help="pixels along a spectrogram's side")
    parser.add_argument("--epochs", type=positive, help="passes of the first training")
    parser.add_argument("--retrain_epochs", type=positive, help="passes after pruning")
    parser.add_argument("--traces", type=positive, help="synthetic seismograms, without --data")
    parser.add_argument("--seed", type=int, help="seed of data, weights and order")
    add_json(parser)


def run(options: argparse.Namespace) -> Outcome:
    """Runs the recipe with the options that were given; the recipe knows the defaults."""
    if (options.data is None) != (options.csv is None):
        raise FileError("expected --data and --csv together: the waveforms and their metadata")
    results = Path(options.output) / "results.json"
    if results.exists() and not options.force:
        raise FileError(f"{results} exists: name another --output, or add --force to replace it")
    from tfprune.recipes.earthquake import demo

    names = (
        "data",
        "csv",
        "output",
        "ratio",
        "image_size",
        "epochs",
        "retrain_epochs",
        "traces",
        "seed",
    )
    given = {name: getattr(options, name) for name in names}
    result = demo.run(**{name: value for name, value in given.items() if value is not None})
    return Outcome(text=str(result), document=result.as_dict())
