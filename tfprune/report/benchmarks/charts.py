"""The report's plots, as SVG that stands in the page."""

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import Any

from tfprune.report.benchmarks.comparison import Comparison, Line
from tfprune.report.benchmarks.labels import label_places
from tfprune.report.benchmarks.promise import SHARE

_INK, _PALE, _ACCENT = "#1f2933", "#c3cbd3", "#0b69a3"
_COLOURS = ("#0b69a3", "#c2410c", "#15803d", "#7e22ce", "#b45309", "#0f766e", "#be185d", "#4d5b6a")
_MARKS = "os^Dv"
_SETTINGS: Any = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.edgecolor": _PALE,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "text.color": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def latency_and_macs(comparison: Comparison, salt: str) -> str:
    """Returns latency over multiply-accumulates, with the line that these alone would predict.

    Args:
        comparison: its models; those without a count are left out.
        salt: makes the names in the drawing the page's own.

    Returns:
        SVG, or "" with fewer than two models to show.
    """
    lines = [line for line in comparison.lines if line.macs]
    if len(lines) < 2:
        return ""
    first = lines[0]
    with _axes(salt) as (figure, axes):
        axes.set_xscale("log")
        axes.set_yscale("log")
        counts = [line.macs or 0 for line in lines]
        ends = [min(counts) / 1.3, max(counts) * 1.3]
        slope = first.milliseconds / (first.macs or 1)
        axes.plot(ends, [slope * end for end in ends], "--", color=_PALE, label="by MACs alone")
        axes.set_xlabel("multiply-accumulates")
        axes.set_ylabel("median latency, ms")
        axes.legend(frameon=False, loc="upper left")
        _decades(axes)
        _points(figure, axes, counts, [line.milliseconds for line in lines], lines)
        return _svg(figure, f"Latency of {comparison.title} over multiply-accumulates")


def latency_and_accuracy(comparison: Comparison, salt: str) -> str:
    """Returns accuracy over latency, with the front of those that no other beats.

    Args:
        comparison: its models; those without an accuracy are left out.
        salt: as in `latency_and_macs`.

    Returns:
        SVG, or "" with fewer than two models to show.
    """
    lines = [line for line in comparison.lines if line.accuracy is not None]
    if len(lines) < 2:
        return ""
    with _axes(salt) as (figure, axes):
        axes.set_xscale("log")
        best = sorted((line for line in lines if line.on_front), key=lambda one: one.milliseconds)
        axes.plot(
            [line.milliseconds for line in best],
            [100 * (line.accuracy or 0) for line in best],
            drawstyle="steps-post",
            color=_PALE,
            label="no other is faster and as accurate",
        )
        for line in lines:
            if line.interval:
                low, high = (100 * bound for bound in line.interval)
                axes.plot([line.milliseconds] * 2, [low, high], color=_PALE, linewidth=1)
        axes.set_xlabel("median latency, ms")
        axes.set_ylabel("accuracy, %")
        axes.legend(frameon=False, loc="lower right")
        _decades(axes, y=False)
        times = [line.milliseconds for line in lines]
        shares = [100 * (line.accuracy or 0) for line in lines]
        _points(figure, axes, times, shares, lines)
        return _svg(figure, f"Accuracy of {comparison.title} over latency")


def promised_and_reached(comparisons: Sequence[Comparison], salt: str) -> str:
    """Returns the speed-ups of all models over what multiply-accumulates promise.

    Returns:
        SVG, or "" with fewer than two models besides the references.
    """
    shown = [
        (number, line)
        for number, one in enumerate(comparisons)
        for line in one.lines[1:]
        if line.promise.promised
    ]
    if len(shown) < 2:
        return ""
    with _axes(salt, width=10.0) as (figure, axes):
        axes.set_xscale("log")
        axes.set_yscale("log")
        promised = [line.promise.promised or 1.0 for _, line in shown]
        ends = [min(1.0, *promised), max(promised) * 1.2]
        axes.plot(ends, ends, "--", color=_PALE, label="all that MACs promise")
        axes.plot(ends, [SHARE * end for end in ends], ":", color=_PALE, label=f"{SHARE:.0%} of it")
        for number in dict.fromkeys(number for number, _ in shown):
            own = [line for place, line in shown if place == number]
            axes.plot(
                [line.promise.promised for line in own],
                [line.promise.reached for line in own],
                _MARKS[number // len(_COLOURS) % len(_MARKS)],
                markersize=5,
                color=_COLOURS[number % len(_COLOURS)],
                label=comparisons[number].title,
            )
        axes.set_xlabel("speed-up promised by MACs")
        axes.set_ylabel("speed-up reached")
        figure.legend(frameon=False, loc="outside right upper", fontsize=8)
        _decades(axes)
        return _svg(figure, "Speed-ups reached over those promised")


def _points(
    figure: Any, axes: Any, across: Sequence[float], up: Sequence[float], lines: Sequence[Line]
) -> None:
    """Dots with names, each where it covers least of the other dots and names."""
    axes.scatter(across, up, s=26, color=_ACCENT, zorder=3)
    axes.margins(0.12)
    # The layout is settled first: names are placed by where the dots come to lie.
    figure.draw_without_rendering()
    dots = [tuple(axes.transData.transform(point)) for point in zip(across, up, strict=True)]
    names = _short([line.model for line in lines])
    for place in label_places(dots, names, tuple(axes.bbox.extents), figure.dpi / 72):
        axes.annotate(
            place.text,
            (across[place.dot], up[place.dot]),
            xytext=(place.x, place.y),
            textcoords="offset points",
            ha=place.align,
            va="center",
            fontsize=8,
        )


def _short(names: Sequence[str]) -> list[str]:
    """Names without suffixes, unless some would then be the same."""
    stems = [Path(name).stem.replace("_", " ") for name in names]
    return stems if len(set(stems)) == len(stems) else [Path(name).name for name in names]


def _decades(axes: Any, y: bool = True) -> None:
    """Plain numbers at logarithmic axes, those of a narrow range included."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    for axis in (axes.xaxis, axes.yaxis) if y else (axes.xaxis,):
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(FuncFormatter(_number))
        axis.set_minor_formatter(NullFormatter())


def _number(value: float, place: int) -> str:
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:g} {unit}"
    return f"{value:g}"


@contextmanager
def _axes(salt: str, width: float = 6.4) -> Iterator[tuple[Any, Any]]:
    """A figure and its axes in the report's style."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context({**_SETTINGS, "svg.hashsalt": salt}):
        figure: Any = Figure(figsize=(width, 4.0), layout="constrained")
        axes = figure.subplots()
        axes.grid(color="#eef1f4", linewidth=0.8)
        axes.set_axisbelow(True)
        yield figure, axes


def _svg(figure: Any, label: str) -> str:
    """The drawing as an element that takes the page's width and font."""
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    text = text[text.index("<svg") :]
    box = re.search(r'viewBox="[^"]*"', text)
    text = text[text.index(">") + 1 :]
    head = f'<svg {box[0] if box else ""} role="img" aria-label="{escape(label)}">'
    # Of the names of elements those of clips and markers, which bear the salt, are enough.
    text = re.sub(r'<g id="[^"]*"', "<g", text)
    # Fonts by name would be asked for: the page's own serves.
    return head + re.sub(r"font: ([^;\"]*?px) [^;\"]*", r"font: \1 sans-serif", text)
