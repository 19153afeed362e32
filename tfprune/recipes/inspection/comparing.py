"""Tables that set nets, and numbers of epochs, beside each other."""

import statistics
from collections.abc import Mapping
from typing import Any

from tfprune.recipes.common.page import markdown_table, percent
from tfprune.recipes.inspection import paper
from tfprune.recipes.inspection.curves import Found, curve, entries, kept, loops_of, mean_sd
from tfprune.recipes.inspection.settings import Settings


def nets(found: Found, timed: Mapping[str, Any], name: str, settings: Settings) -> str:
    """VGG16 against ResNet18 on a set: what they were, and the smallest nets within the rule."""
    rows = []
    for net in settings.nets:
        whole = entries(found, name, f"{net}/unpruned")
        for how in loops_of(found, name, net) if whole else ():
            loops = entries(found, name, f"{net}/{how}")
            steps = [kept(how, one) for one in loops]
            macs = [
                one["steps"][0]["macs"] / step["macs"]
                for one, step in zip(loops, steps, strict=True)
            ]
            times = timed.get(f"{name}/{net}")
            rows.append(
                [
                    net,
                    how,
                    mean_sd([one["accuracy"] for one in whole]),
                    percent(statistics.mean(step["ratio"] for step in steps)),
                    mean_sd([one["accuracy"] for one in loops]),
                    f"{statistics.mean(macs):.1f}x",
                    _faster(times, f"{net}/{how}"),
                ]
            )
    head = ["net", "loop", "unpruned, %", "filters removed", "accuracy, %", "MACs"]
    head += ["faster, float32"]
    title = "### The nets beside each other, as small as three points, or the budget, ask\n\n"
    return title + markdown_table(head, rows) if rows else ""


def _faster(times: Mapping[str, Any] | None, what: str) -> str:
    """The speed-up of the first fold's net."""
    for place, one in (times or {}).items():
        if place.endswith(what):
            return f"{one['float32']['speedup']:.1f}x"
    return "-"


def epochs(found: Found, name: str, net: str, settings: Settings) -> str:
    """What more epochs after each step change, in the folds that tried them, and what they cost."""
    tried = [
        (count, entries(found, name, f"{net}/wu_{count}")[: settings.tune_folds])
        for count in settings.tune_epochs
    ]
    tried = [(count, loops) for count, loops in tried if loops]
    if len(tried) < 2:
        return ""
    curves = [list(curve(loops)) for _, loops in tried]
    rows = [
        [percent(step[0][0]), *(mean_sd(after) for _, _, after in step)]
        for step in zip(*curves, strict=False)
    ]
    seconds = [
        statistics.mean(sum(step["tune_seconds"] for step in one["steps"]) for one in loops)
        for _, loops in tried
    ]
    rows.append(["fine-tuning, s", *(f"{one:.0f}" for one in seconds)])
    head = ["filters removed", *(f"{count} epochs, %" for count, _ in tried)]
    times = " and ".join(f"{one / seconds[0]:.1f}" for one in seconds[1:])
    return (
        f"How many epochs after each step, the first {settings.tune_folds} fold(s):\n\n"
        f"{markdown_table(head, rows)}\n\nMore epochs took {times} times as long; the paper: "
        f"{paper.TEN_EPOCHS_TIME} times with ten, {paper.ONE_EPOCH_HOURS} h with one."
    )
