"""The page of results: each of the paper's tables, with what was measured beside it."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from tfprune.recipes.common.page import markdown_table, percent
from tfprune.recipes.inspection import comparing, goals, paper
from tfprune.recipes.inspection.curves import Found, curve, entries, loops_of, mean_sd
from tfprune.recipes.inspection.frozen import PATCHES
from tfprune.recipes.inspection.settings import Settings
from tfprune.recipes.inspection.speed import speed

_NAMED = 4  # parts that are missing
_WHOSE = {
    "wu": "the published loop",
    "ours": "repaired and taught",
    "fast": "ours within a budget of latency",
}


def write_page(
    found: Found,
    timed: Mapping[str, Any],
    settings: Settings,
    missing: Sequence[str] = (),
    picture: str | None = None,
) -> str:
    """Returns the page in Markdown.

    Args:
        found: what a study's parts left, by `set/fold/net/what`.
        timed: what `recipes.common.latency.measure` returned, by `set/net`.
        settings: of the study.
        missing: places of what is left to do. Defaults to `()`, nothing.
        picture: the picture's file name. Defaults to `None`.
    """
    parts = [
        "# Cracks and corrosion, pruned in steps by Taylor",
        _about(found, settings, missing),
        goals.table(found, timed, settings),
        goals.why(found, settings),
    ]
    if picture is not None:
        parts.append(f"![Accuracy against filters removed]({picture})")
    for name in _names(found):
        parts += [f"## {name}", "### Without pruning: frozen features", _frozen(found, name)]
        parts.append(comparing.nets(found, timed, name, settings))
        for net in settings.nets:
            for how in loops_of(found, name, net):
                parts += [f"### {net}, {_said(how)}", _steps(found, name, net, how)]
            parts.append(comparing.epochs(found, name, net, settings))
            parts += [_files(found, name, net), speed(timed.get(f"{name}/{net}"), name, net)]
            parts += [_layers(found, name, net)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _about(found: Found, settings: Settings, missing: Sequence[str]) -> str:
    weights = {
        place.split("/")[2]: entry["weights"]
        for place, entry in found.items()
        if place.endswith("/unpruned")
    }
    begins = ", ".join(f"{net} begins with {source} weights" for net, source in weights.items())
    every = "all patches" if settings.per_class is None else f"{settings.per_class} of each class"
    return (
        f"{settings.image_size} px (the paper: 224), {every}, {len(settings.numbers)} of "
        f"{settings.folds} folds by photograph, {settings.epochs} epochs unpruned, "
        f"{settings.step} filters a step"
        + (f"; {begins} (the paper's: ImageNet's)." if begins else ".")
        + _left(missing)
    )


def _left(missing: Sequence[str]) -> str:
    if not missing:
        return ""
    named = ", ".join(missing[:_NAMED]) + (", ..." if len(missing) > _NAMED else "")
    return f" **{len(missing)} part{'s' * (len(missing) > 1)} not done yet: {named}.**"


def _names(found: Found) -> list[str]:
    return list(dict.fromkeys(place.partition("/")[0] for place in found))


def _said(how: str) -> str:
    kind, _, epochs = how.partition("_")
    whose = _WHOSE[kind]
    return f"{whose}, {epochs} epoch{'s' * (epochs != '1')} a step"


def _steps(found: Found, name: str, net: str, how: str) -> str:
    loops = entries(found, name, f"{net}/{how}")
    head = ["filters removed", "folds", "before, % (sd)", "after, % (sd)", "paper before", "after"]
    rows = []
    for ratio, before, after in curve(loops):
        known = paper.five_fold(name, ratio) if net == "vgg16" else None
        told = [f"{known[0]} ({known[2]})", f"{known[1]} ({known[3]})"] if known else ["-", "-"]
        rows.append([percent(ratio), len(after), mean_sd(before), mean_sd(after), *told])
    tuning = statistics.mean(sum(s["tune_seconds"] for s in one["steps"]) for one in loops)
    scoring = statistics.mean(sum(s["score_seconds"] for s in one["steps"]) for one in loops)
    kept = [one["accuracy"] for one in loops]
    which = "last net"
    if not how.startswith("fast"):
        which = "smallest net within three points on validation patches"
    return (
        f"{markdown_table(head, rows)}\n\nThe {which}: {mean_sd(kept)} %. Ranking took "
        f"{scoring:.0f} s, fine-tuning {tuning:.0f} s a fold."
    )


def _frozen(found: Found, name: str) -> str:
    folds = entries(found, name, "frozen")
    if not folds:
        return ""
    head = ["classifier", "accuracy, %", "MB", f"s for {PATCHES:,}", "paper", "MB", "s, server"]
    rows = []
    for number, row in enumerate(folds[0]["rows"]):
        same = [one["rows"][number] for one in folds]
        known = paper.FROZEN[row["name"]]
        rows.append(
            [
                row["name"],
                mean_sd([one["accuracy"] for one in same]),
                f"{statistics.mean(one['classifier_bytes'] for one in same) / 1e6:.3f}",
                f"{statistics.mean(one['seconds'] for one in same):.1f}",
                *(f"{100 * known[0]:.1f}", f"{known[1]:g}", f"{known[2]:g}"),
            ]
        )
    return (
        "512 features, VGG16's last maps averaged over space (the paper: 4,096, of its first Dense "
        f"layer); weights: {folds[0]['weights']}.\n\n{markdown_table(head, rows)}"
    )


def _files(found: Found, name: str, net: str) -> str:
    every = {
        how: files
        for how in ("unpruned", *loops_of(found, name, net))
        for one in entries(found, name, f"{net}/{how}")
        if (files := one.get("files"))
    }
    if "unpruned" not in every:
        return ""
    whole, rows = every["unpruned"]["float32"]["bytes"], []
    for how, files in every.items():
        for form in ("float32", "int8"):
            size, right = files[form]["bytes"], f"{100 * files[form]['accuracy']:.1f}"
            rows.append([how, form, f"{size / 1e6:.2f}", percent(size / whole), right])
    known = paper.MEGABYTES[net]
    head = ["first fold's net", "TFLite", "MB", "of unpruned", "accuracy, %"]
    told = f"Paper: {known[0]} to {known[1]} MB ({percent(known[1] / known[0], 0)})."
    return f"{markdown_table(head, rows)}\n\n{told}"


def _layers(found: Found, name: str, net: str) -> str:
    loops = loops_of(found, name, net)
    folds = {how: entries(found, name, f"{net}/{how}") for how in loops}
    layers = list(folds[loops[0]][0]["removed"]) if loops else []
    if not layers:
        return ""
    rows = [
        [layer, *(percent(statistics.mean(o["removed"][layer] for o in folds[h])) for h in loops)]
        for layer in layers
    ]
    return "Filters removed, by layer:\n\n" + markdown_table(["layer", *loops], rows)
