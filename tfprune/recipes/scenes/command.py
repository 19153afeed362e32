"""`tfprune recipe scenes`: acoustic scenes, greedy cosine (Singh and Plumbley 2023)."""

import argparse

from tfprune.commands._common import Outcome, add_json, positive
from tfprune.errors import FileError
from tfprune.recipes.common.onednn import prefer_onednn

SUMMARY = "acoustic scenes: DCASE 2021's net, pruned by greedy cosine"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this recipe."""
    group = parser.add_argument_group("data")
    group.add_argument(
        "--data",
        metavar="DIR",
        help="sounds: a folder in TAU's layout, with a meta.csv, or a sub-folder for each class",
    )
    group.add_argument("--folds", type=positive, help="official folds to run (all)")
    group.add_argument("--sample_rate", type=positive, help="samples a second (the files')")
    group = parser.add_argument_group("training and pruning")
    group.add_argument("--seeds", type=positive, help="repetitions of each fold (3)")
    group.add_argument(
        "--rest_seeds", type=positive, help="of nets that are neither unpruned nor ours (all)"
    )
    group.add_argument("--epochs", type=positive, help="of the unpruned net (40)")
    group.add_argument("--tune_epochs", type=positive, help="of fine-tuning (12)")
    group.add_argument("--rate", type=float, help="learning rate (2e-3)")
    group.add_argument(
        "--output", metavar="DIR", default="scenes", help="folder of what is written"
    )
    group.add_argument(
        "--released",
        metavar="DIR",
        help="the nets that the authors released, as .keras: counted, converted and timed too",
    )
    group.add_argument(
        "--page", metavar="FILE.md", help="write a page of results; .json and .svg beside it"
    )
    group.add_argument(
        "--minutes", type=positive, help="begin no further net after so long; call again to go on"
    )
    group = parser.add_argument_group("listening, instead")
    group.add_argument("--classify", metavar="SOUND", help="let --model listen to this file")
    group.add_argument("--model", metavar="FILE", help="a listener_*.tflite of the study")
    add_json(parser)


def run(options: argparse.Namespace) -> Outcome:
    """Runs the recipe with the options that were given."""
    if options.classify is not None and options.model is None:
        raise FileError("--classify needs --model FILE.tflite")
    if options.classify is None and options.data is None:
        raise FileError("expected --data with sounds, or --classify with one to listen to")
    prefer_onednn()
    from tfprune.recipes.scenes import recipe

    return recipe.listen(options) if options.classify is not None else recipe.run(options)
