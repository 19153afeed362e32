"""`tfprune recipe earthquake`: ResNet50 on seismograms, 90 % removed by L2 (Atmaja et al. 2022)."""

import argparse
from dataclasses import asdict

from tfprune.commands._common import (
    Outcome,
    add_force,
    add_json,
    check_output,
    positive,
    seconds,
    share,
)
from tfprune.errors import FileError
from tfprune.report.graph_picture import check_picture

SUMMARY = "earthquake or noise: ResNet50 on spectrograms, 90 % removed by L2, retrained"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this recipe."""
    _add_data(parser.add_argument_group("data"))
    _add_study(parser.add_argument_group("training and pruning"))
    _add_detector(parser.add_argument_group("listening to a record instead"))
    add_force(parser)
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
    group.add_argument(
        "--group_by",
        metavar="COLUMN",
        help="no value of it on both sides: receiver_code (stations), source_id (earthquakes)",
    )
    for name, what in (
        ("magnitude", "of the earthquakes"),
        ("distance", "kilometres from source to station"),
        ("snr", "decibels of signal over noise"),
    ):
        group.add_argument(
            f"--{name}", type=float, nargs=2, metavar=("LEAST", "MOST"), help=f"range: {what}"
        )
    group.add_argument(
        "--per_class", type=positive, help="windows of each class, drawn at random (all)"
    )


def _add_study(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--weights", metavar="FILE", help="ImageNet weights of ResNet50, .npz")
    group.add_argument("--seeds", type=positive, help="repetitions, each with test stations (5)")
    group.add_argument("--epochs", type=positive, help="of the unpruned net (8)")
    group.add_argument("--retrain_epochs", type=positive, help="of every other net (30)")
    group.add_argument(
        "--output", metavar="DIR", default="earthquake", help="folder of nets and stages"
    )
    group.add_argument(
        "--page", metavar="FILE.md", help="write a page of results; .json and .svg beside it"
    )
    group.add_argument(
        "--minutes", type=positive, help="begin no further net after so long; call again to go on"
    )


def _add_detector(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--detect", metavar="FILE", nargs="+", help="continuous records: miniSEED, SAC and so on"
    )
    group.add_argument("--model", metavar="FILE", help="the .tflite file that listens")
    group.add_argument("--threshold", type=share, default=0.5, help="probability of a detection")
    group.add_argument(
        "--step", type=seconds, default=2.0, help="seconds from a window to the next (2)"
    )
    group.add_argument(
        "--window", type=seconds, default=28.0, help="seconds of a window, of image files (28)"
    )
    group.add_argument("--picture", metavar="FILE", help="draw record and detections too")


def run(options: argparse.Namespace) -> Outcome:
    """Runs the recipe with the options that were given."""
    if options.detect is not None:
        return _detect(options)
    if (options.data is None) != (options.csv is None):
        raise FileError("expected --data and --csv together: the waveforms and their metadata")
    from tfprune.recipes.earthquake import recipe

    return recipe.run(options)


def _detect(options: argparse.Namespace) -> Outcome:
    """Listens to a record."""
    if options.model is None:
        raise FileError(
            "--detect needs the file that listens: add --model FILE.tflite, such as tfprune demo "
            "leaves in its folder"
        )
    if options.picture is not None:
        check_picture(options.picture)
        check_output(options.picture, options.force)
    from tfprune.recipes.earthquake import detection_picture
    from tfprune.recipes.earthquake.detector import detect, table
    from tfprune.recipes.earthquake.record import read_record

    scans = detect(
        options.model,
        read_record(options.detect),
        threshold=options.threshold,
        step=options.step,
        window=options.window,
        components=options.components or "Z",
    )
    text = table(scans)
    if options.picture is not None:
        detection_picture.draw(scans, options.picture)
        text += f"\n  drew {options.picture}"
    document = {
        "model": options.model,
        "threshold": options.threshold,
        "step": options.step,
        "picture": options.picture,
        "segments": [
            {
                "station": scan.segment.station,
                "start": str(scan.segment.start),
                "seconds": scan.segment.seconds,
                "window": scan.window,
                "windows": len(scan.starts),
                "computing_seconds": scan.seconds,
                "detections": [asdict(one) for one in scan.detections],
            }
            for scan in scans
        ],
    }
    return Outcome(text, document)
