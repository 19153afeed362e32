"""The page's picture: what is lost with MACs and with data, and how far filters are apart."""

import os
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfprune._files import atomic_path
from tfprune.recipes.scenes import paper
from tfprune.recipes.scenes.losses import Entries, lost
from tfprune.recipes.scenes.settings import LAYERS

_BINS = 16


def draw(
    found: Mapping[str, Entries], made: Mapping[str, Any], path: str | os.PathLike[str]
) -> None:
    """Writes the picture, three panels beside each other.

    Args:
        found: what a study's nets left, by key.
        made: what `finishing.finish` returned.
        path: the file to write, .svg, .png or .pdf.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"svg.hashsalt": "tfprune"}):  # the same numbers make the same file
        figure: Any = Figure(figsize=(13, 3.6), layout="constrained")
        first, second, third = figure.subplots(1, 3)
        _lost_with_macs(first, found)
        _lost_with_data(second, found)
        _distances(third, made)
        for axes in (first, second, third):
            axes.spines[["top", "right"]].set_visible(False)
        with atomic_path(Path(path)) as temporary:
            kind = Path(path).suffix[1:]
            metadata = {"Date": None} if kind == "svg" else {}
            figure.savefig(temporary, format=kind, dpi=110, metadata=metadata)


def _lost_with_macs(axes: Any, found: Mapping[str, Entries]) -> None:
    keys = [key for key in (*LAYERS, "ours_25", "ours_50") if key in found]
    if "unpruned" not in found or not keys:
        return
    whole = statistics.mean(one["macs"] for one in found["unpruned"])
    for key in keys:
        saved = 100 * (1 - statistics.mean(one["macs"] for one in found[key]) / whole)
        points = lost(found[key], found["unpruned"])
        reach = 0.0 if points.low != points.low else points.high - points.mean
        color = "C1" if key.startswith("ours") else "C0"
        axes.errorbar(saved, points.mean, reach, fmt="o", ms=4, color=color, capsize=2, lw=0.8)
        axes.annotate(key, (saved, points.mean), xytext=(4, 4), textcoords="offset points", size=7)
    axes.axhline(0, color="0.7", lw=0.8)
    axes.set(xlabel="MACs saved, %", ylabel="points lost (95 %)", title="fine-tuned")


def _lost_with_data(axes: Any, found: Mapping[str, Entries]) -> None:
    for number, key in enumerate(("C1+C2+C3", "l1", "init")):
        shares, means = [], []
        for share in paper.SHARES:
            entries = found.get(key if share in (0, 100) else f"{key}_{share}", ())
            values = [one["before" if share == 0 else "accuracy"] for one in entries]
            if values:
                shares.append(share)
                means.append(100 * statistics.mean(values))
        label = {"C1+C2+C3": "cosine", "l1": "L1", "init": "new weights"}[key]
        if shares:
            axes.plot(shares, means, "o-", ms=4, color=f"C{number}", label=label)
    axes.set(xlabel="fine-tuning data, %", ylabel="accuracy, %", title="widths of C1+C2+C3")
    if axes.lines:
        axes.legend(frameon=False, fontsize=8)


def _distances(axes: Any, made: Mapping[str, Any]) -> None:
    layers = made.get("choosing", {}).get("nearest", {})
    for number, (layer, values) in enumerate(layers.items()):
        axes.hist(values, _BINS, range=(0, 1), histtype="step", color=f"C{number}", label=layer)
    nets = made.get("released", {}).get("nets", {})
    if "C2" in nets:  # of the released nets one whose C1 is whole
        theirs = nets["C2"]["nearest"]["C1"]
        axes.hist(
            theirs, _BINS, range=(0, 1), histtype="stepfilled", color="0.85", label="released C1"
        )
    axes.set(xlabel="distance to the nearest filter", ylabel="filters", title="unpruned")
    if layers:
        axes.legend(frameon=False, fontsize=8)
