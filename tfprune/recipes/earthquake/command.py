"""`tfprune recipe earthquake`: ResNet50 on seismograms, 90 % removed by L2 (Atmaja et al. 2022)."""

import argparse

from tfprune.commands._common import Outcome, add_json, positive
from tfprune.errors import FileError

SUMMARY = "earthquake or noise: ResNet50 on spectrograms, 90 % removed by L2, retrained"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this recipe."""
    _add_data(parser.add_argument_group("data"))
    _add_study(parser.add_argument_group("training and pruning"))
    add_json(parser)


def _add_data(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--data", metavar="FILE", nargs="+", help="waveforms in STEAD's layout, .hdf5, any number"
    )
    group.add_argument("--csv", metavar="FILE", nargs="+", help="the metadata of --data, .csv")
    group.add_argument("--image_size", type=positive, help="pixels along a side (96)")
    group.add_argument(
        "--components",
        choices=("Z", "ENZ"),
        help="grey images of the vertical component (Z), or all three as colours (ENZ)",
    )
    group.add_argument("--group_by", metavar="COLUMN", help="no value of it in training and test")


def _add_study(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--weights", metavar="FILE", help="ImageNet weights of ResNet50, .npz")
    group.add_argument("--seeds", type=positive, help="repetitions, each with test stations (5)")
    group.add_argument("--epochs", type=positive, help="of the unpruned net (8)")
    group.add_argument("--retrain_epochs", type=positive, help="of every other net (30)")
    group.add_argument(
        "--output", metavar="DIR", default="earthquake", help="folder of nets and stages"
    )
    group.add_argument(
        "--minutes", type=positive, help="begin no further net after so long; call again to go on"
    )


def run(options: argparse.Namespace) -> Outcome:
    """Runs the recipe with the options that were given."""
    if (options.data is None) != (options.csv is None):
        raise FileError("expected --data and --csv together: the waveforms and their metadata")
    from tfprune.recipes.earthquake import recipe

    return recipe.run(options)
