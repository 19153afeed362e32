"""`tfprune recipe inspection`: cracks and corrosion, pruned in steps by Taylor (Wu et al. 2019)."""

import argparse

from tfprune.commands._common import Outcome, add_force, add_json, check_output, positive, share
from tfprune.errors import FileError
from tfprune.recipes.common.onednn import prefer_onednn

SUMMARY = "cracks and corrosion: VGG16 and ResNet18, pruned in steps by Taylor"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this recipe."""
    _add_study(parser.add_argument_group("training and pruning"))
    _add_photos(parser.add_argument_group("cutting photographs, or a map of one, instead"))
    add_force(parser)
    add_json(parser)


def _add_study(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--data", metavar="DIR", nargs="+", help="folders of patches, a sub-folder for each class"
    )
    group.add_argument("--nets", nargs="+", metavar="NET", help="vgg16, resnet18 (both)")
    group.add_argument("--image_size", type=positive, help="pixels along a side (48)")
    group.add_argument("--folds", type=positive, help="of the cross-validation (5)")
    group.add_argument("--run_folds", type=positive, help="how many of them to run (all)")
    group.add_argument("--per_class", type=positive, help="patches of each class, at random (all)")
    group.add_argument("--epochs", type=positive, help="of the unpruned net (12)")
    group.add_argument(
        "--tune_epochs",
        type=positive,
        nargs="+",
        help="of fine-tuning after each step; further numbers are tried in --tune_folds (1)",
    )
    group.add_argument(
        "--tune_folds", type=positive, help="folds that try further --tune_epochs (1)"
    )
    group.add_argument(
        "--speedup",
        type=float,
        help="also a net within a latency budget, so many times faster (LiteRT, 1 thread, "
        "--image_size), in --tune_folds; run it on a quiet machine (none)",
    )
    group.add_argument("--step", type=positive, help="filters that a step removes (512)")
    group.add_argument("--rate", type=float, help="learning rate of the unpruned net (2e-4)")
    group.add_argument("--tune_rate", type=float, help="of fine-tuning (1e-4)")
    group.add_argument("--examples", type=positive, help="patches that rank filters (512)")
    group.add_argument("--seed", type=int, help="of all chance (0)")
    group.add_argument(
        "--vgg16_weights",
        metavar="FILE",
        default="imagenet",
        help="an .npz, imagenet (fetched; the default) or none",
    )
    group.add_argument("--resnet18_weights", metavar="FILE", default="none", help="an .npz or none")
    group.add_argument(
        "--output", metavar="DIR", default="inspection", help="folder of what is written"
    )
    group.add_argument(
        "--page", metavar="FILE.md", help="write a page of results; .json and .svg beside it"
    )
    group.add_argument(
        "--minutes", type=positive, help="begin no further part after so long; call again to go on"
    )


def _add_photos(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--photos", metavar="DIR", help="cut these into patches, into --output")
    group.add_argument("--masks", metavar="DIR", help="of --photos: PNG files of the same names")
    group.add_argument("--boxes", metavar="FILE", help="of --photos: COCO .json, or .csv")
    group.add_argument("--patch", type=positive, default=224, help="pixels of a patch (224)")
    group.add_argument("--stride", type=positive, help="from a patch to the next")
    group.add_argument(
        "--margin", type=int, default=16, help="around damage where no patch is intact (16)"
    )
    group.add_argument(
        "--threshold", type=share, help="annotated share (.05); of --map, probability (.5)"
    )
    group.add_argument("--map", metavar="PHOTO", help="slide --model over a large photograph")
    group.add_argument("--model", metavar="FILE", help="the .tflite file that looks")
    group.add_argument("--picture", metavar="FILE", help="the map to write, .png or .jpg")


def run(options: argparse.Namespace) -> Outcome:
    """Runs the recipe with the options that were given."""
    if options.map is not None:
        return _map(options)
    if options.photos is None and options.data is None:
        raise FileError(
            "expected --data with folders of patches, --photos with photographs to cut into "
            "such, or --map with a photograph to look at"
        )
    prefer_onednn()
    from tfprune.recipes.inspection import recipe

    if options.photos is not None:
        check_output(options.output, options.force)
        return recipe.cut(options)
    return recipe.run(options)


def _map(options: argparse.Namespace) -> Outcome:
    """Looks at a photograph."""
    if options.model is None or options.picture is None:
        raise FileError("--map needs --model FILE.tflite and --picture FILE.png to write")
    check_output(options.picture, options.force)
    from tfprune.recipes.inspection.damage_map import slide

    threshold = options.threshold or 0.5
    found = slide(
        options.model,
        options.map,
        patch=options.patch,
        stride=options.stride,
        threshold=threshold,
    )
    found.save(options.picture, threshold)
    text = f"{found.damaged} of {found.patches} patches damaged, {found.seconds:.2f} s"
    document = {
        "patches": found.patches,
        "damaged": found.damaged,
        "seconds": found.seconds,
        "picture": options.picture,
    }
    return Outcome(f"{text}\n  wrote {options.picture}", document)
