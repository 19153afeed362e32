"""A scan as a picture: the record, what the net says of it, and what was detected."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tfprune._files import atomic_path
from tfprune.datasets.spectrogram import SAMPLING_RATE
from tfprune.recipes.earthquake.detector import Scan
from tfprune.report.graph_picture import check_picture

_MOST_POINTS = 20_000  # of a trace: more than a picture has pixels
_COLOUR = "#0b6e4f"


def draw(scans: Sequence[Scan], path: str | os.PathLike[str]) -> None:
    """Writes a picture, the vertical component above the probability for each segment.

    Raises:
        MissingExtraError: matplotlib is missing.
        FileError: the suffix is none of .png, .svg and .pdf, or the file cannot be written.
    """
    check_picture(path)
    from matplotlib.figure import Figure

    figure: Any = Figure(figsize=(10, 3.2 * len(scans)), layout="constrained")
    places = figure.subplots(2 * len(scans), 1, squeeze=False, height_ratios=(2, 1) * len(scans))
    for number, scan in enumerate(scans):
        record, answers = places[2 * number, 0], places[2 * number + 1, 0]
        _record(record, scan)
        _answers(answers, scan)
        for axes in (record, answers):
            axes.set_xlim(0, scan.segment.seconds)
            axes.spines[["top", "right"]].set_visible(False)
            for detection in scan.detections:
                first, last = (_after(scan, moment) for moment in (detection.start, detection.end))
                axes.axvspan(first, last, color=_COLOUR, alpha=0.12, linewidth=0)
                for onset in detection.onsets:
                    axes.axvline(_after(scan, onset), color="#c0392b", linewidth=1)
    with atomic_path(Path(path)) as temporary:
        figure.savefig(temporary, dpi=100, format=Path(path).suffix[1:])


def _record(axes: Any, scan: Scan) -> None:
    vertical = scan.segment.samples[:, 2]
    every = max(1, len(vertical) // _MOST_POINTS)
    seconds = np.arange(0, len(vertical), every) / SAMPLING_RATE
    axes.plot(seconds, vertical[::every], color="#404040", linewidth=0.5)
    axes.set_title(f"{scan.segment.station}Z", loc="left", fontsize=10)
    axes.set_ylabel("counts")
    axes.set_xticklabels([])


def _answers(axes: Any, scan: Scan) -> None:
    centres = scan.starts + scan.window / 2
    axes.step(centres, scan.probabilities, where="mid", color=_COLOUR)
    axes.set_ylim(0, 1.02)
    axes.set_ylabel("P(earthquake)")
    axes.set_xlabel(f"seconds after {str(scan.segment.start)[:22]}; windows at their centres")


def _after(scan: Scan, moment: str) -> float:
    """Seconds from the segment's start."""
    return type(scan.segment.start)(moment) - scan.segment.start
