"""The page's picture: accuracy against filters removed, before and after fine-tuning."""

import os
import statistics
from pathlib import Path
from typing import Any

from tfprune._files import atomic_path
from tfprune.recipes.inspection.page import Found, curve, entries
from tfprune.recipes.inspection.settings import Settings


def draw(found: Found, settings: Settings, path: str | os.PathLike[str]) -> None:
    """Writes the picture, a panel for each set and net.

    Args:
        found: what a study's parts left.
        settings: of the study.
        path: the file to write, .svg, .png or .pdf.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(place.partition("/")[0] for place in found))
    with rc_context({"svg.hashsalt": "tfprune"}):  # the same numbers make the same file
        size = (4.6 * len(settings.nets), 3.4 * len(names))
        figure: Any = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(len(names), len(settings.nets), squeeze=False)
        for row, name in zip(panels, names, strict=True):
            for axes, net in zip(row, settings.nets, strict=True):
                _panel(axes, found, name, net, settings.tune_epochs[0])
        with atomic_path(Path(path)) as temporary:
            kind = Path(path).suffix[1:]
            metadata = {"Date": None} if kind == "svg" else {}
            figure.savefig(temporary, format=kind, dpi=110, metadata=metadata)


def _panel(axes: Any, found: Found, name: str, net: str, epochs: int) -> None:
    for number, how in enumerate(("wu", "ours")):
        steps = list(curve(entries(found, name, f"{net}/{how}_{epochs}")))
        if not steps:
            continue
        removed = [100 * ratio for ratio, _, _ in steps]
        before = [100 * statistics.mean(values) for _, values, _ in steps]
        after = [100 * statistics.mean(values) for _, _, values in steps]
        for when, means, line in (("before", before, ":"), ("after", after, "-")):
            label = f"{how}, {when} fine-tuning"
            axes.plot(removed, means, line, marker="o", ms=3, color=f"C{number}", label=label)
    axes.set(xlabel="filters removed, %", ylabel="accuracy, %")
    axes.set_title(f"{name}, {net}", loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    if axes.lines:
        axes.legend(frameon=False, fontsize=7)
