"""The demo's picture: what the net sees, what was removed, what it costs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from tfprune._files import atomic_path
from tfprune.planning import PruningPlan
from tfprune.recipes.earthquake.result import Row
from tfprune.recipes.earthquake.training import Arrays

_COLOURS = ("#7a7a7a", "#b0b0b0", "#0b6e4f", "#3bb273")


def draw(path: Path, files: Sequence[Row], images: Arrays, plan: PruningPlan) -> None:
    """Writes a PNG with example spectrograms, channels per group, and a bar chart a figure.

    Args:
        path: where to write.
        files: the rows of the TFLite files.
        images: test images and labels to show some of.
        plan: the plan whose groups to show.
    """
    figure: Any = Figure(figsize=(11, 6.2), layout="constrained")
    top, bottom = figure.subfigures(2, 1, height_ratios=(1, 1.25))
    left, right = top.subfigures(1, 2, width_ratios=(1.2, 1))
    _examples(left, images)
    _channels(right.subplots(), plan)
    names = [row.model.removesuffix(".tflite").replace("_", "\n") for row in files]
    panels = (
        ("milliseconds an image", [row.median_ms for row in files], True),
        ("megabytes", [(row.file_bytes or 0) / 1e6 for row in files], True),
        ("test accuracy, %", [100 * row.accuracy.share for row in files], False),
    )
    for axes, (title, values, log) in zip(bottom.subplots(1, 3), panels, strict=True):
        bars = axes.bar(names, values, color=_COLOURS[: len(names)])
        axes.bar_label(bars, fmt="%.3g")
        axes.set_title(title)
        axes.spines[["top", "right"]].set_visible(False)
        axes.margins(y=0.15)
        if log:
            axes.set_yscale("log")
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110)


def _examples(figure: Any, images: Arrays) -> None:
    """Four earthquakes above four windows of noise."""
    figure.suptitle("vertical component: earthquakes above, noise below")
    axes = figure.subplots(2, 4)
    for row, label in zip(axes, (1, 0), strict=True):
        for place, index in zip(row, np.flatnonzero(images[1] == label)[:4], strict=False):
            place.imshow(images[0][index] / 255)
        for place in row:
            place.set_axis_off()


def _channels(axes: Any, plan: PruningPlan) -> None:
    """Channels of each group before and after."""
    groups = [group for group in plan.groups if group.reason is None]
    places = np.arange(len(groups))
    axes.bar(places, [group.size for group in groups], color="#d0d0d0", label="before")
    axes.bar(places, [group.kept for group in groups], color="#0b6e4f", label="kept")
    axes.set_title("channels of each group, input to output")
    axes.set_yscale("log")
    axes.set_xticks([])
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
