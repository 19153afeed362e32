"""The page of results: the paper's numbers beside ours, and what they leave open."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tfprune.recipes.common.latency import SIZE
from tfprune.recipes.common.page import between, markdown_table, percent
from tfprune.recipes.common.spread import Spread
from tfprune.recipes.earthquake.settings import Settings
from tfprune.recipes.earthquake.summary import FULL, Row

POINT = 1.0  # what a pruned net may lose
_PRUNED = ("all_widths", "inner_widths", "taught")

Latency = Mapping[str, Mapping[str, Any]]


def write_page(
    rows: Sequence[Row],
    latency: Latency,
    settings: Settings,
    source: str,
    command: str,
    picture: str | None,
) -> str:
    """Returns the page in Markdown.

    Args:
        rows: of the study, the unpruned net first.
        latency: figures by net; those that are missing show as "-".
        settings: of the study.
        source: of the data, in a few words.
        command: that makes the page.
        picture: the file of the picture, relative to the page; None without one.
    """
    parts = [
        "# Earthquakes: ResNet50, 90 % removed by L2, retrained",
        _made(latency, settings, source, command),
        "## The paper and this page",
        _paper(rows, latency),
        "## Accuracy on stations never seen",
        _accuracy(rows),
        "All answers together (precision and recall of earthquakes, 95 % score intervals):",
        _scores(rows),
        f"## Cost at {SIZE} px",
        _costs(rows, latency),
        "## Confusion",
        _confusion(rows),
        "## The smallest net within one point",
        _frontier(rows, latency),
    ]
    if picture is not None:
        parts.insert(6, f"![ROC curves, and accuracy against latency]({picture})")
    return "\n\n".join(parts) + "\n"


def _made(latency: Latency, settings: Settings, source: str, command: str) -> str:
    folds = (
        f"{settings.seeds} seeds, each testing a fifth that shares no `{settings.group_by}` with "
        "its training, so that every window is tested once"
        if settings.seeds > 1
        else f"one seed, tested on a fifth that shares no `{settings.group_by}`"
    )
    machine = latency.get("machine", {}).get("name", "not timed")
    return (
        f"{source}. {folds[0].upper()}{folds[1:]}. {settings.image_size} px; the unpruned net is "
        f"trained for {settings.epochs} epochs, every other for {settings.retrain_epochs}. "
        f"Latency: {machine}.\n\n"
        f"Made by `{command}`; all figures are in the JSON beside this page. Intervals of means "
        "over seeds are Student's t at 95 %."
    )


def _paper(rows: Sequence[Row], latency: Latency) -> str:
    by_key = {row.key: row for row in rows}
    head = ["", "Atmaja et al. 2022", "all widths", "inner widths"]
    keys = ("all_widths", "inner_widths")

    def ours(tell: Any) -> list[str]:
        return [tell(key) if key in by_key else "-" for key in keys]

    body = [
        ["data", "STEAD", "see above", "see above"],
        ["accuracy after retraining", "99.405 %", *ours(lambda key: _mean(by_key[key].accuracy))],
        [
            "points lost by pruning",
            "not told",
            *ours(lambda key: _points(by_key[key].lost)),
        ],
        ["parameters", "not told", *ours(lambda key: f"{by_key[key].parameters:,}")],
        [
            "latency, unpruned to pruned",
            "22.45 to 3.6 ms, GTX 1050",
            *ours(lambda key: _from_to(latency, key)),
        ],
        ["speed-up, float32", "6.2x", *ours(lambda key: _speed(latency, key, "float32"))],
        ["speed-up, int8", "not told", *ours(lambda key: _speed(latency, key, "int8"))],
    ]
    return markdown_table(head, body) + (
        "\n\nThe paper does not say whether its 90 % are of all widths, the residual stream's "
        "too, or of the inner ones only: both are here. Its accuracy is of STEAD and is not "
        "comparable with another data set's. Ours is one thread of a CPU, not a GPU."
    )


def _accuracy(rows: Sequence[Row]) -> str:
    head = ["net", "accuracy", "95 % of the mean", "points lost", "right after the cut", "int8"]
    head += ["int8, points lost"]
    return markdown_table(
        head,
        [
            [
                f"**{row.title}**" if row.key == "all_widths" else row.title,
                percent(row.accuracy.mean),
                between(row.accuracy.low, row.accuracy.high),
                "-" if row.key == FULL else _points(row.lost),
                "-" if row.cut is None else percent(row.cut.mean),
                "-" if row.int8 is None else percent(row.int8.mean),
                "-" if row.int8_lost is None else _points(row.int8_lost),
            ]
            for row in rows
        ],
    )


def _scores(rows: Sequence[Row]) -> str:
    def share(row: Row, name: str) -> str:
        found = row.scores.counted()[name]
        return f"{percent(found.share)} ({between(*found.interval())})"

    return markdown_table(
        ["net", "accuracy", "precision", "recall", "F1", "area under ROC"],
        [
            [
                row.title,
                *(share(row, name) for name in ("accuracy", "precision", "recall")),
                f"{row.scores.f1:.3f}",
                f"{row.scores.auc:.3f}",
            ]
            for row in rows
        ],
    )


def _costs(rows: Sequence[Row], latency: Latency) -> str:
    head = ["net", "parameters", "MACs", "float32 MB", "int8 MB", "float32 ms", "int8 ms"]
    head += ["float32 speed-up", "int8 speed-up"]
    body = []
    for row in rows:
        found = latency.get(row.key)
        if found is None:
            body.append([row.title, f"{row.parameters:,}", *["-"] * 7])
            continue
        forms = [found["float32"], found["int8"]]
        body.append(
            [
                row.title,
                f"{row.parameters:,}",
                f"{found['macs'] / 1e6:,.1f} M",
                *(f"{form['bytes'] / 1e6:.2f}" for form in forms),
                *(f"{form['median_ms']:.2f}" for form in forms),
                *(_speed(latency, row.key, name) for name in ("float32", "int8")),
            ]
        )
    return markdown_table(head, body) + (
        "\n\nLiteRT, one thread, batch 1, all in turns in one run, against the unpruned float32 "
        "file; the images' mean is subtracted outside, int8 files take and give int8. No GPU was "
        "at hand."
    )


def _confusion(rows: Sequence[Row]) -> str:
    body = []
    for row in rows:
        (quiet, alarms), (missed, found) = row.scores.confusion
        body.append([row.title, quiet, alarms, missed, found])
    head = ["net", "noise, told noise", "noise, told earthquake"]
    return markdown_table(
        [*head, "earthquake, told noise", "earthquake, told earthquake"],
        body,
    )


def _frontier(rows: Sequence[Row], latency: Latency) -> str:
    """Which net is the smallest that loses a point at most, and what the next would lose."""
    pruned = [row for row in rows if row.key.startswith(_PRUNED) and "scratch" not in row.key]
    ordered = sorted(pruned, key=lambda row: row.parameters)
    good = [row for row in ordered if row.lost.mean <= POINT]
    lines = list(_sentences(good, ordered, latency))
    rivals = [row for row in rows if row not in pruned and row.key != FULL]
    if rivals:
        lines.append(
            "Not pruned, for comparison: "
            + "; ".join(
                f"{row.title}, {row.parameters:,} parameters, {_points(row.lost)} points lost"
                for row in rivals
            )
            + "."
        )
    return "\n".join(lines)


def _sentences(good: Sequence[Row], ordered: Sequence[Row], latency: Latency) -> Iterator[str]:
    if not good:
        yield "No pruned net is within a point of the unpruned one."
        return
    best = good[0]
    speed = "not timed"
    if best.key in latency:
        float32, int8 = (_speed(latency, best.key, form) for form in ("float32", "int8"))
        speed = f"{float32} in float32 and {int8} in int8"
    yield (
        f"{best.title}: {best.parameters:,} parameters, {speed}, at {_points(best.lost)} points "
        "lost on average."
    )
    smaller = [row for row in ordered if row.parameters < best.parameters]
    for row in smaller:
        yield f"{row.title} ({row.parameters:,} parameters) loses {_points(row.lost)}."
    if best.lost.high == best.lost.high and best.lost.high > POINT:
        yield (
            "The interval reaches beyond a point: so few windows do not prove that it is within."
        )


def _mean(found: Spread) -> str:
    return f"{percent(found.mean)} ({between(found.low, found.high)})"


def _points(found: Spread) -> str:
    """Points with their interval."""
    if found.low != found.low:
        return f"{found.mean:.1f}"
    return f"{found.mean:.1f} ({found.low:.1f} to {found.high:.1f})"


def _from_to(latency: Latency, key: str) -> str:
    if key not in latency:
        return "-"
    pair = (latency[name]["float32"]["median_ms"] for name in (FULL, key))
    return "{:.1f} to {:.2f} ms, 1 CPU thread".format(*pair)


def _speed(latency: Latency, key: str, form: str) -> str:
    return f"{latency[key][form]['speedup']:.1f}x" if key in latency else "-"
