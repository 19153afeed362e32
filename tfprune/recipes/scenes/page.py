"""The page of results: each of the paper's tables, with what was measured beside it."""

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tfprune.recipes.common.page import markdown_table, percent
from tfprune.recipes.scenes import cost_tables, goals, paper
from tfprune.recipes.scenes.losses import lost, told
from tfprune.recipes.scenes.settings import SECONDS, Settings

Found = Mapping[str, Sequence[Mapping[str, Any]]]


def write_page(
    found: Found,
    titles: Mapping[str, str],
    settings: Settings,
    source: str,
    command: str,
    done: bool,
    made: Mapping[str, Any] | None = None,
    picture: str | None = None,
) -> str:
    """Returns the page in Markdown.

    Args:
        found: what a study's nets left, by key, an entry for each fold and seed.
        titles: of the nets, by key.
        settings: of the study.
        source: where the clips come from.
        command: that makes the page.
        done: whether nothing is left to do.
        made: what `finishing.finish` returned. Defaults to `None`.
        picture: the picture's file name. Defaults to `None`.
    """
    made = made or {}
    parts = [
        "# Acoustic scenes: greedy cosine on DCASE 2021's net",
        f"{source}. Clips are repeated or cut to {SECONDS:g} s, so that the net and its MACs are "
        f"the published ones. {_seeds(settings)}; {settings.epochs} epochs, fine-tuned for "
        f"{settings.tune_epochs}. Made by `{command}`."
        + ("" if done else " **Not all of it is done yet.**"),
    ]
    if picture is not None:
        parts.append(f"![Accuracy against MACs and data, and the filters' distances]({picture})")
    if "unpruned" in found:
        sections = {
            "What was to be reached": goals.table(found, made),
            "Pruned": _pruned(found, titles),
            "Less data to fine-tune on": _shares(found),
            "Files": _files(found, titles),
            "Speed": cost_tables.speed(made, titles),
            "Files that listen": cost_tables.listeners(made, titles),
            "The time that choosing takes": cost_tables.choosing(made),
            "Distances": cost_tables.distances(made),
            "The released nets": cost_tables.released(made),
            "Energy": cost_tables.energy(made),
        }
        parts += [f"## {head}\n\n{text}" for head, text in sections.items() if text]
    return "\n\n".join(part for part in parts if part) + "\n"


def _seeds(settings: Settings) -> str:
    if settings.repeated == settings.seeds:
        return f"{settings.seeds} seeds"
    return f"{settings.seeds} seeds of the unpruned net and of ours, {settings.repeated} of others"


def _pruned(found: Found, titles: Mapping[str, str]) -> str:
    whole = found["unpruned"]
    head = ["net", "runs", "parameters", "MACs", "saved", "right after the cut", "accuracy, sd"]
    head += ["points lost (95 %)", "paper: cut", "tuned", "MACs saved, reported", "true"]
    rows = []
    for key, entries in found.items():
        if key.rpartition("_")[2].isdigit() and not key.startswith("ours"):
            continue  # they stand in the next table
        macs = _mean(entries, "macs")
        known = paper.PRUNED.get(key)
        paper_says = ["-"] * 4
        if known:
            paper_says = ["-" if value is None else f"{value:.1f}" for value in known[1:]]
        cut = [entry["before"] for entry in entries if entry["before"] is not None]
        rows.append(
            [
                titles[key],
                str(len(entries)),
                f"{_mean(entries, 'parameters'):,.0f}",
                f"{macs / 1e6:.1f} M",
                percent(1 - macs / _mean(whole, "macs")),
                percent(statistics.mean(cut)) if cut else "-",
                _accuracy([entry["accuracy"] for entry in entries]),
                "-" if key == "unpruned" else told(lost(entries, whole)),
                *paper_says,
            ]
        )
    return markdown_table(head, rows) + (
        "\n\nThe paper counts only the MACs of the pruned layer itself; ours count the next "
        'layer\'s inputs too ("true"). It took the best epoch by the test set; here the last '
        "epoch counts, and what is chosen is chosen on validation clips. Its data are scenes of "
        "cities (DCASE), so accuracies are not to be compared across, only what is lost."
        + _choices(found)
    )


def _choices(found: Found) -> str:
    """How often validation chose what for ours."""
    told = []
    for key in ("ours_25", "ours_50", "ours_25_less"):
        counts = Counter(entry["chosen"] for entry in found.get(key, ()))
        if counts:
            each = "; ".join(f"{what}: {count}" for what, count in counts.most_common())
            told.append(f"{key}: {each}")
    return f" For ours validation chose: {'. '.join(told)}." if told else ""


def _shares(found: Found) -> str:
    head = ["data", "cosine", "L1", "new weights", "paper: cosine", "L1", "new weights"]
    rows = []
    for share, known in paper.SHARES.items():
        cells = []
        for key in known:
            entries = found.get(key if share in (0, 100) else f"{key}_{share}")
            values = [entry["before" if share == 0 else "accuracy"] for entry in entries or ()]
            cells.append(_accuracy(values) if values else "-")
        rows.append([f"{share} %", *cells, *(f"{value:.1f}" for value in known.values())])
    return "All at the widths of C1+C2+C3.\n\n" + markdown_table(head, rows)


def _files(found: Found, titles: Mapping[str, str]) -> str:
    head = ["net", "form", "KB", "accuracy, first fold", "paper, KB"]
    rows = []
    for key, entries in found.items():
        known = paper.KILOBYTES.get(key)
        for place, (form, one) in enumerate(entries[0].get("files", {}).items()):
            size, theirs = f"{one['bytes'] / 1e3:.0f}", str(known[place]) if known else "-"
            rows.append([titles[key], form, size, percent(one["accuracy"]), theirs])
    return markdown_table(head, rows) if rows else ""


def _mean(entries: Sequence[Mapping[str, Any]], name: str) -> float:
    return statistics.mean(entry[name] for entry in entries)


def _accuracy(values: Sequence[float]) -> str:
    """Mean and standard deviation in per cent.

    Example:
        >>> _accuracy([0.5, 0.7]), _accuracy([0.5])
        ('60.0 (14.1)', '50.0')
    """
    mean = f"{100 * statistics.mean(values):.1f}"
    return f"{mean} ({100 * statistics.stdev(values):.1f})" if len(values) > 1 else mean
