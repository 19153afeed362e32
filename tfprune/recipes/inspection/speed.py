"""How fast the nets are, beside the paper's seconds: a part of the page."""

from collections.abc import Mapping
from typing import Any

from tfprune.recipes.common.latency import FORMS, SIZE
from tfprune.recipes.common.page import markdown_table
from tfprune.recipes.inspection import paper
from tfprune.recipes.inspection.frozen import PATCHES


def speed(timed: Mapping[str, Any] | None, name: str, net: str) -> str:
    """Returns the table of a net's speed on a set, or nothing where it was not timed.

    Args:
        timed: what `recipes.common.latency.measure` returned, by place, `set/fold/net/what`.
        name: of the set.
        net: `"vgg16"` or `"resnet18"`.
    """
    if timed is None:
        return ""
    head = ["first fold's net", "TFLite", "MACs", "ms", f"s for {PATCHES:,}", "speed-up"]
    head += ["file, MB", "peak memory, MB"]
    rows = []
    for place, figures in timed.items():
        if place == "machine":
            continue
        for form in FORMS:
            one = figures[form]
            low, high = one["speedup_low"], one["speedup_high"]
            rows.append(
                [
                    place.rpartition("/")[2],
                    form,
                    f"{figures['macs'] / 1e6:,.0f} M",
                    f"{one['median_ms']:.2f}",
                    f"{one['median_ms'] * PATCHES / 1e3:.1f}",
                    f"{one['speedup']:.1f}x ({low:.1f}..{high:.1f})",
                    f"{one['bytes'] / 1e6:.2f}",
                    _megabytes(one.get("peak_memory_bytes")),
                ]
            )
    machine = timed["machine"]
    return (
        f"At {SIZE} px, LiteRT, {machine['threads']} thread, batch 1, all in turns in one run "
        f"({machine['name']}). Dense layers behind a Flatten are as wide as this size asks for, "
        f"with new weights.\n\n{markdown_table(head, rows)}\n\n{_of_paper(name, net)}"
    )


def _megabytes(peak: int | None) -> str:
    return "-" if peak is None else f"{peak / 1e6:.0f}"


def _of_paper(name: str, net: str) -> str:
    """The paper's seconds, and how often faster they became."""
    told = [
        f"{device} {before:g} to {after:g} s ({before / after:.1f}x)"
        for (whose, device, of), (before, after) in paper.SECONDS.items()
        if whose == net and of == name
    ]
    before, after = paper.MEGABYTES[net]
    memory = f"memory {before} to {after} MB"
    return f"Paper, {PATCHES:,} patches: {', '.join(told)}; {memory}." if told else ""
