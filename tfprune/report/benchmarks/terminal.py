"""The report for a terminal."""

from collections.abc import Sequence

from tfprune.report.benchmarks.comparison import Comparison, Line
from tfprune.report.tables import render

HEADS = (
    *("model", "MB", "MACs", "median ms", "p90", "speed-up", "by MACs", "of it"),
    *("accuracy", "peak MB"),
)


def as_text(comparisons: Sequence[Comparison]) -> str:
    """Returns a table for each comparison, and what is to say of it."""
    return "\n".join(_told(one) for one in comparisons)


def _told(comparison: Comparison) -> str:
    table = render(HEADS, [cells(line) for line in comparison.lines], title=comparison.title)
    noise = [f"noisy: {one}" for one in comparison.run.get("warnings", ())]
    runtimes = dict.fromkeys(line.runtime for line in comparison.lines)
    below = [f"{'; '.join(runtimes)}; {comparison.place}", *comparison.advice, *noise]
    return "\n".join([table, *(f"  {line}" for line in below), ""])


def cells(line: Line) -> list[str]:
    """Returns the figures of a model, formatted, in the order of `HEADS`."""
    row, promised, share = line.row, line.promise.promised, line.promise.share
    if line.first:
        promised = share = None
    accuracy = "" if line.accuracy is None else f"{line.accuracy:.1%}"
    if line.accuracy is not None and line.on_front:
        accuracy += " *"
    return [
        line.model,
        f"{row['bytes'] / 1e6:.3f}",
        "" if line.macs is None else f"{line.macs / 1e6:,.1f} M",
        f"{line.milliseconds:.3f}",
        f"{row['p90_ms']:.3f}" if row.get("p90_ms") is not None else "",
        f"{line.promise.reached:.2f}x",
        "" if promised is None else f"{promised:.2f}x",
        "" if share is None else f"{share:.0%}",
        accuracy,
        f"{row['peak_memory_bytes'] / 1e6:.1f}" if row.get("peak_memory_bytes") else "",
    ]
