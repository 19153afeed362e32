"""What was to be reached, and whether it was; and why the paper's numbers may not be."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tfprune.recipes.common.page import markdown_table, percent
from tfprune.recipes.inspection import paper
from tfprune.recipes.inspection.curves import Found, at, entries, mean_sd
from tfprune.recipes.inspection.settings import Settings

_REMOVED, _HALFWAY = 0.85, 0.61  # seven and five steps of 512 of VGG16's 4,224 filters
_POINTS = {"crack": 0.5, "corrosion": 1.5}
_BEFORE = 0.95
_FASTER = {"vgg16": 9.0, "resnet18": 4.1}
_SIZE = {"vgg16": 0.24, "resnet18": 0.05}
_EPOCHS_POINTS = 0.5


def table(found: Found, timed: Mapping[str, Any], settings: Settings) -> str:
    """Returns the table.

    Args:
        found: what a study's parts left, by `set/fold/net/what`.
        timed: what `recipes.common.latency.measure` returned, by `set/net`.
        settings: of the study.
    """
    rows = [*_accuracies(found, settings), *_epochs(found, settings), *_speeds(timed)]
    head = ["set, net", "asked", "measured", "reached"]
    return "## What was to be reached\n\n" + markdown_table(head, rows) if rows else ""


def why(found: Found, settings: Settings) -> str:
    """What differs from the paper's experiment, so that what is not reached can be judged."""
    names = dict.fromkeys(place.partition("/")[0] for place in found)
    done = {name: len(entries(found, name, f"{settings.nets[0]}/unpruned")) for name in names}
    folds = ", ".join(f"{name}: {count}" for name, count in done.items())
    few = "" if settings.per_class is None else _few(settings.per_class, settings.folds)
    return (
        "What differs from the paper: its nets begin with ImageNet's weights and see 224 px and "
        f"thousands of patches; here {settings.image_size} px and the weights told above. Scatter "
        f"is over folds ({folds}).{few} Where a goal is missed the loops' tables say at which "
        "step."
    )


def _few(per_class: int, folds: int) -> str:
    tests = 2 * per_class / folds
    chance = 100 * (0.98 * 0.02 / tests) ** 0.5
    return (
        f" A fold has at most {tests:.0f} test patches, so one is {100 / tests:.1f} points, a fold "
        f"of 98 % scatters by {chance:.1f} points by chance alone, and the stop rule has fewer "
        "still."
    )


def _accuracies(found: Found, settings: Settings) -> Iterator[list[str]]:
    for name, points in _POINTS.items():
        whole = entries(found, name, "vgg16/unpruned")
        for how in ("wu", "ours") if whole else ():
            loops = entries(found, name, f"vgg16/{how}_{settings.tune_epochs[0]}")
            there, halfway = at(loops, _REMOVED), at(loops, _HALFWAY)
            base = [one["accuracy"] for one in whole][: len(loops)]
            if there is not None:
                lost = 100 * (statistics.mean(base) - statistics.mean(there[1]))
                yield [
                    f"{name}, vgg16, {how}",
                    f"84 % of filters removed, fine-tuned: within {points} points",
                    f"{lost:+.1f} points lost, {mean_sd(there[1])} %",
                    "yes" if lost <= points else "no",
                ]
                yield from _scatter(name, how, there[1])
            if halfway is not None and how == "ours":
                share = statistics.mean(halfway[0]) / statistics.mean(base)
                yield [
                    f"{name}, vgg16, {how}",
                    "60 % removed, before fine-tuning: 95 % of unpruned, with repair",
                    f"{percent(share)}, {mean_sd(halfway[0])} %",
                    "yes" if share >= _BEFORE else "no",
                ]


def _scatter(name: str, how: str, after: Sequence[float]) -> Iterator[list[str]]:
    known = paper.five_fold(name, _REMOVED)
    if known is None or len(after) < 2:
        return
    measured, most = 100 * statistics.stdev(after), known[3]
    yield [
        f"{name}, vgg16, {how}",
        f"84 % of filters removed, fine-tuned: sd over folds at most the paper's {most}",
        f"{measured:.2f}",
        "yes" if measured <= most else "no",
    ]


def _epochs(found: Found, settings: Settings) -> Iterator[list[str]]:
    first, last = settings.tune_epochs[0], settings.tune_epochs[-1]
    names = dict.fromkeys(place.partition("/")[0] for place in found)
    for name in names if first != last else ():
        for net in settings.nets:
            loops = [
                entries(found, name, f"{net}/wu_{count}")[: settings.tune_folds]
                for count in (first, last)
            ]
            there = [step for some in loops if (step := at(some, _REMOVED)) is not None]
            if len(there) < len(loops):
                continue
            few, many = (statistics.mean(after) for _, after in there)
            more = 100 * (many - few)
            yield [
                f"{name}, {net}, wu",
                f"84 % of filters removed: {first} epoch a step within {_EPOCHS_POINTS} points of "
                f"{last}",
                f"{last} epochs: {more:+.1f} points",
                "yes" if more <= _EPOCHS_POINTS else "no",
            ]


def _speeds(timed: Mapping[str, Any]) -> Iterator[list[str]]:
    for key, times in timed.items():
        net = key.rpartition("/")[2]
        places = [place for place in times if place != "machine"]
        whole = times[places[0]]["float32"]["bytes"]
        for place in places[1:]:
            one = times[place]
            fast, size = one["float32"]["speedup"], one["float32"]["bytes"] / whole
            yield [
                f"{key.partition('/')[0]}, {net}, {place.rpartition('/')[2]}",
                f"{_FASTER[net]:g} times faster; at most {percent(_SIZE[net], 0)} of the bytes",
                f"{fast:.1f}x, int8 {one['int8']['speedup']:.1f}x; {percent(size)}, int8 "
                f"{percent(one['int8']['bytes'] / whole)}",
                "yes" if fast >= _FASTER[net] and size <= _SIZE[net] else
                f"{'yes' if fast >= _FASTER[net] else 'no'}, "
                f"{'yes' if size <= _SIZE[net] else 'no'}",
            ]  # fmt: skip
