"""The page's picture: ROC curves, and accuracy against what a net costs."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tfprune._files import atomic_path
from tfprune.recipes.earthquake.summary import Row


def draw(
    rows: Sequence[Row], latency: Mapping[str, Mapping[str, Any]], path: str | os.PathLike[str]
) -> None:
    """Writes the picture; nets without a latency are left out of the second panel.

    Args:
        rows: of the study.
        latency: figures by net, as `latency.measure` returns them.
        path: the file to write, .svg, .png or .pdf.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    # The same numbers make the same file.
    with rc_context({"svg.hashsalt": "tfprune"}):
        figure: Any = Figure(figsize=(11, 4.6), layout="constrained")
        left, right = figure.subplots(1, 2)
        colours = {row.key: f"C{number}" for number, row in enumerate(rows)}
        for row in rows:
            left.plot(*row.curve, label=row.title, color=colours[row.key], linewidth=1.3)
        left.set(xlabel="false alarms, share of noise", ylabel="found, share of earthquakes")
        left.set_title("ROC, all test windows", loc="left", fontsize=10)
        left.set_xlim(-0.01, 0.4)
        left.set_ylim(0.6, 1.01)
        left.legend(frameon=False, fontsize=7, loc="lower right")
        for row in rows:
            if row.key in latency:
                _point(right, row, latency[row.key], colours[row.key])
        right.set_xscale("log")
        right.set(xlabel="LiteRT float32, 1 thread, 224 px, ms", ylabel="accuracy, %")
        right.set_title("mean over seeds, 95 % interval", loc="left", fontsize=10)
        for axes in (left, right):
            axes.spines[["top", "right"]].set_visible(False)
        with atomic_path(Path(path)) as temporary:
            kind = Path(path).suffix[1:]
            metadata = {"Date": None} if kind == "svg" else {}
            figure.savefig(temporary, format=kind, dpi=110, metadata=metadata)


def _point(axes: Any, row: Row, figures: Mapping[str, Any], colour: str) -> None:
    mean, low, high = (100 * x for x in (row.accuracy.mean, row.accuracy.low, row.accuracy.high))
    spread = None if low != low else [[mean - low], [high - mean]]
    place = figures["float32"]["median_ms"]
    axes.errorbar(place, mean, yerr=spread, fmt="o", color=colour, capsize=3)
    axes.annotate(row.key, (place, mean), xytext=(5, 4), textcoords="offset points", fontsize=7)
