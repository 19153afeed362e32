"""The report as one HTML page that needs nothing but itself."""

import os
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from tfprune._files import check_writable, write_text
from tfprune.errors import FileError, MissingExtraError
from tfprune.report.benchmarks.comparison import Comparison
from tfprune.report.benchmarks.plans import view


def check_page(path: str | os.PathLike[str]) -> None:
    """Raises now what `write_page` would raise later.

    Raises:
        FileError: the name ends otherwise than .html, or the file cannot be written.
        MissingExtraError: jinja2 or matplotlib is not installed.
    """
    if Path(path).suffix not in (".html", ".htm"):
        raise FileError(f"expected a page named *.html, received {path}: rename it")
    check_writable(path)
    try:
        import jinja2  # noqa: F401
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            f"a page needs jinja2 and matplotlib, and {error.name} is not installed: "
            "pip install 'tfprune[plot]'"
        ) from error


def write_page(
    path: str | os.PathLike[str],
    comparisons: Sequence[Comparison],
    plans: Sequence[Mapping[str, Any]] = (),
    title: str = "Models, measured",
) -> None:
    """Writes the page.

    Args:
        path: an .html file; one that exists is replaced.
        comparisons: one a run, in the order of the page.
        plans: of `PruningPlan.as_dict`, told layer by layer. Defaults to none.
        title: the page's heading. Defaults to `"Models, measured"`.

    Raises:
        FileError, MissingExtraError: as `check_page`.
    """
    check_page(path)
    write_text(path, render_page(comparisons, plans, title))


def render_page(
    comparisons: Sequence[Comparison], plans: Sequence[Mapping[str, Any]], title: str
) -> str:
    """Returns the page's HTML."""
    import jinja2

    from tfprune.report.benchmarks import charts

    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"size": _size, "count": _count, "ms": _milliseconds}
    source = resources.files("tfprune.report.benchmarks").joinpath("page.html").read_text("utf-8")
    drawn = [
        {
            "macs": charts.latency_and_macs(one, f"macs{number}"),
            "accuracy": charts.latency_and_accuracy(one, f"accuracy{number}"),
        }
        for number, one in enumerate(comparisons)
    ]
    return environment.from_string(source).render(
        title=title,
        comparisons=list(zip(comparisons, drawn, strict=True)),
        overview=charts.promised_and_reached(comparisons, "overview"),
        plans=[view(plan) for plan in plans],
        artifacts=_artifacts(comparisons),
    )


def _artifacts(comparisons: Sequence[Comparison]) -> list[Mapping[str, Any]]:
    """Each file once, by its checksum."""
    rows = [line.row for one in comparisons for line in one.lines if line.row.get("sha256")]
    return list({row["sha256"]: row for row in rows}.values())


def _size(value: float | None) -> str:
    if value is None:
        return ""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.0f} B"


def _count(value: float | None) -> str:
    if value is None:
        return ""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.3g}"


def _milliseconds(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}" if value < 100 else f"{value:.0f}"
