"""Tables of the page that are not of accuracies: speed, choosing, distances, energy, listening."""

import statistics
from collections.abc import Mapping
from typing import Any

from tfprune.recipes.common.page import markdown_table, percent
from tfprune.recipes.scenes import paper
from tfprune.recipes.scenes.settings import SECONDS

Made = Mapping[str, Any]


def speed(made: Made, titles: Mapping[str, str]) -> str:
    """How fast the first fold's files are."""
    if "times" not in made:
        return ""
    times = made["times"]
    rows = _speed_rows(times["nets"], titles)
    return (
        f"LiteRT, one thread, a clip of {SECONDS:g} s, all in turns in one run "
        f"({times['machine']}).\n\n" + markdown_table(_SPEED_HEAD, rows)
    )


_SPEED_HEAD = ["net", "form", "KB", "ms", "speed-up over unpruned float32 (spread)"]


def _speed_rows(nets: Mapping[str, Any], titles: Mapping[str, str]) -> list[list[str]]:
    return [
        [
            titles.get(key, key),
            form,
            f"{one['bytes'] / 1e3:.0f}",
            f"{one['median_ms']:.2f}",
            f"{one['speedup']:.2f}x ({one['speedup_low']:.2f}..{one['speedup_high']:.2f})",
        ]
        for key, forms in nets.items()
        for form, one in forms.items()
    ]


def listeners(made: Made, titles: Mapping[str, str]) -> str:
    """The files that take sound."""
    if not made.get("listeners"):
        return ""
    rows = [
        [titles[key], f"{one['bytes'] / 1e3:.0f}", percent(one["accuracy"])]
        for key, one in made["listeners"].items()
    ]
    return (
        "These take the waveform: the Fourier transform, the bands and the scaling are inside, in "
        "operations that LiteRT has. `tfprune recipe scenes --classify FILE.wav --model "
        "listener_*.tflite` lets one listen.\n\n"
        + markdown_table(["net", "KB, float32", "accuracy from the sound files, first fold"], rows)
    )


def choosing(made: Made) -> str:
    """What the greedy choice costs, by the published algorithms and by ours."""
    if "choosing" not in made:
        return ""
    rows = []
    for key, name in (("vggish", "VGGish, six layers"), ("dcase", "DCASE, three layers")):
        found, known = made["choosing"][key], paper.CHOOSING_SECONDS[key]
        loops = found["ways"]["loops"]["seconds"]
        for way, told in (("loops", known[0]), ("nystrom", known[1]), ("tfprune", None)):
            one = found["ways"][way]
            rows.append(
                [
                    name,
                    way,
                    f"{one['seconds']:.4f} ({one['least']:.4f}..{one['most']:.4f})",
                    f"{loops / one['seconds']:.1f}x",
                    "yes" if found["same"][way] else "no",
                    "-" if told is None else f"{told:g} ({known[0] / told:.1f}x)",
                ]
            )
    head = ["net", "way", "s (spread)", "faster", "same kept set as the loops", "paper, s"]
    return (
        "The authors' algorithm as they wrote it (loops), their fast version (nystrom) and "
        "tfprune's, in turns; VGGish's kernels are drawn, DCASE's are those of the first unpruned "
        "net.\n\n" + markdown_table(head, rows)
    )


def distances(made: Made) -> str:
    """How far filters are from their nearest neighbours."""
    if "choosing" not in made:
        return ""
    nets = {"ours, unpruned": made["choosing"]["nearest"]}
    if "released" in made:
        nets |= {
            f"released {key}": one["nearest"]
            for key, one in made["released"]["nets"].items()
            if "nearest" in one
        }
    rows = [
        [
            name,
            layer,
            str(len(values)),
            f"{statistics.mean(values):.3f}",
            f"{statistics.pstdev(values):.3f}",
        ]
        for name, layers in nets.items()
        for layer, values in layers.items()
    ]
    return (
        "1 - cosine of each filter's direction and its nearest neighbour's; the authors' C1 before "
        "it is pruned has a mean of .55 and a deviation of .12, to be seen in the released nets "
        "whose C1 is whole.\n\n" + markdown_table(["net", "layer", "filters", "mean", "sd"], rows)
    )


def released(made: Made) -> str:
    """The authors' own nets, beside what they tell of them."""
    if "released" not in made:
        return ""
    rows, nets = [], made["released"]["nets"]
    whole = nets["unpruned"]["macs"]
    for key, one in nets.items():
        parameters, _, _, _, true = paper.PRUNED[key]
        told = paper.KILOBYTES.get(key)
        files = one["files"]
        rows.append(
            [
                key,
                f"{one['parameters']:,}",
                f"{parameters:,}",
                f"{one['macs'] / 1e6:.2f} M",
                f"{100 * (1 - one['macs'] / whole):.2f} %",
                f"{true:.2f} %",
                " / ".join(f"{files[form]['bytes'] / 1e3:.0f}" for form in files),
                " / ".join(map(str, told)) if told else "-",
                f"{files['float32']['median_ms']:.2f}",
                f"{files['float32']['speedup']:.2f}x",
            ]
        )
    head = ["net", "parameters", "published", "MACs", "saved", "of the published widths"]
    head += ["KB f32 / f16 / int8", "paper, KB", "ms, float32", "speed-up"]
    return (
        "Loaded, counted, converted and timed "
        f"({made['released']['machine']}); the unpruned one was not released and has new "
        "weights. Their accuracies are of DCASE's sounds, which are not here.\n\n"
        + markdown_table(head, rows)
    )


def energy(made: Made) -> str:
    """What the study took, beside the authors' example."""
    if "energy" not in made:
        return ""
    one = made["energy"]
    kind = "measured" if one["measured"] else "estimated"
    return (
        f"This study: {one['seconds'] / 3600:.1f} h, {one['joules'] / 3.6e6:.2f} kWh {kind} "
        f"({one['method']}), {one['kg_co2']:.2f} kg of CO2, {one['miles']:.2f} miles by car. The "
        "authors' example, an RTX 2080 Ti for 48 h by the same formula: 12 kWh, 5.18 kg, 13 miles."
    )
