"""The page's picture: accuracy against filters removed, and which layers lose them."""

import os
import statistics
from pathlib import Path
from typing import Any

from tfprune._files import atomic_path
from tfprune.recipes.inspection.curves import Found, curve, entries, loops_of
from tfprune.recipes.inspection.settings import Settings


def draw(found: Found, settings: Settings, path: str | os.PathLike[str]) -> None:
    """Writes the picture: for each set and net a panel of accuracies and one of layers.

    Args:
        found: what a study's parts left.
        settings: of the study.
        path: the file to write, .svg, .png or .pdf.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(place.partition("/")[0] for place in found))
    with rc_context({"svg.hashsalt": "tfprune"}):  # the same numbers make the same file
        size = (4.6 * len(settings.nets), 5.6 * len(names))
        figure: Any = Figure(figsize=size, layout="constrained")
        heights = [3, 2] * len(names)
        panels = figure.subplots(
            2 * len(names), len(settings.nets), squeeze=False, height_ratios=heights
        )
        for number, name in enumerate(names):
            for column, net in enumerate(settings.nets):
                _panel(panels[2 * number, column], found, name, net, settings.tune_epochs)
                _layers(panels[2 * number + 1, column], found, name, net)
        with atomic_path(Path(path)) as temporary:
            kind = Path(path).suffix[1:]
            metadata = {"Date": None} if kind == "svg" else {}
            figure.savefig(temporary, format=kind, dpi=110, metadata=metadata)


def _layers(axes: Any, found: Found, name: str, net: str) -> None:
    loops = loops_of(found, name, net)
    for number, how in enumerate(loops):
        folds = entries(found, name, f"{net}/{how}")
        shares = [
            100 * statistics.mean(one["removed"][layer] for one in folds)
            for layer in folds[0]["removed"]
        ]
        places = [place + 0.8 * number / len(loops) for place in range(len(shares))]
        axes.bar(places, shares, 0.8 / len(loops), align="edge", color=f"C{number}", label=how)
    axes.set(xlabel="convolution, from the input on", ylabel="removed, %", ylim=(0, 100))
    axes.spines[["top", "right"]].set_visible(False)
    if loops:
        axes.legend(frameon=False, fontsize=7)


def _panel(axes: Any, found: Found, name: str, net: str, epochs: tuple[int, ...]) -> None:
    ways = [*(f"wu_{count}" for count in epochs), f"ours_{epochs[0]}"]
    for number, how in enumerate(sorted(ways)):
        steps = list(curve(entries(found, name, f"{net}/{how}")))
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
