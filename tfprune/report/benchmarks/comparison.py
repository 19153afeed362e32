"""A run of `tfprune benchmark`, as the report tells it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfprune.report.benchmarks.pareto import front
from tfprune.report.benchmarks.promise import Promise, advice, promise


@dataclass(frozen=True)
class Line:
    """One model of a comparison.

    Attributes:
        model: its name.
        runtime: what ran it.
        row: all that was measured.
        accuracy: in 0..1, given or from the file, or `None`.
        interval: the accuracy's 95 % interval, or `None`.
        promise: against the first of the comparison.
        on_front: whether no other of the comparison is both faster and more accurate.
        first: whether it is the one that the others are compared with.
    """

    model: str
    runtime: str
    row: Mapping[str, Any]
    accuracy: float | None
    interval: tuple[float, float] | None
    promise: Promise
    on_front: bool
    first: bool

    @property
    def milliseconds(self) -> float:
        """The median latency."""
        return float(self.row["median_ms"])

    @property
    def macs(self) -> int | None:
        """Multiply-accumulates, or `None`."""
        value: int | None = self.row["macs"]
        return value


@dataclass(frozen=True)
class Comparison:
    """One run: models timed in turns on one machine.

    Attributes:
        title: a heading.
        lines: one a model, the first being the reference.
        run: all that was written of the run.
        advice: what to say of models that are slower than promised.
    """

    title: str
    lines: tuple[Line, ...]
    run: Mapping[str, Any]
    advice: tuple[str, ...]

    @property
    def place(self) -> str:
        """Where it ran, in a line."""
        machine = self.run.get("machine", {})
        device = self.run.get("device", "here")
        threads = self.run.get("threads", 1)
        parts = [
            "" if device == "here" else device,
            f"{machine.get('processor', 'unknown')}, {machine.get('cores', '?')} cores",
            str(machine.get("system", "")),
            f"{threads} {'thread' if threads == 1 else 'threads'}",
        ]
        return ", ".join(filter(None, parts))

    def as_dict(self) -> dict[str, Any]:
        """Returns what JSON can hold: the run, and what the report adds to each row."""
        rows = [
            {
                **line.row,
                "accuracy": line.accuracy,
                "promised_speedup": line.promise.promised,
                "reached_speedup": line.promise.reached,
                "reached_share": line.promise.share,
                "on_front": line.on_front,
            }
            for line in self.lines
        ]
        return {**self.run, "title": self.title, "rows": rows, "advice": list(self.advice)}


def compare(run: Mapping[str, Any], accuracies: Mapping[str, float]) -> Comparison:
    """Returns a run as the report tells it.

    Args:
        run: as `tfprune.timing.results_file.read_runs` returns it.
        accuracies: by the model's name, its path, or its name without suffix; they go before what
            the file says.
    """
    rows = run["rows"]
    promises = [
        promise(row["macs"], rows[0]["macs"], float(row.get("speedup") or 1.0)) for row in rows
    ]
    known = [_accuracy(row, accuracies) for row in rows]
    best = _front(rows, known)
    lines = tuple(
        Line(
            model=row["model"],
            runtime=row["runtime"],
            row=row,
            accuracy=accuracy,
            interval=None if _given(row, accuracies) else _pair(row.get("accuracy_interval")),
            promise=own,
            on_front=place in best,
            first=place == 0,
        )
        for place, (row, own, accuracy) in enumerate(zip(rows, promises, known, strict=True))
    )
    names = [row["model"] for row in rows]
    times = [float(row["median_ms"]) for row in rows]
    said = advice(names, [row["macs"] for row in rows], times, promises)
    return Comparison(run.get("title") or _title(names), lines, run, tuple(said))


def _front(rows: Sequence[Mapping[str, Any]], known: Sequence[float | None]) -> set[int]:
    places = [place for place, accuracy in enumerate(known) if accuracy is not None]
    kept = front(
        [float(rows[place]["median_ms"]) for place in places],
        [accuracy for accuracy in known if accuracy is not None],
    )
    return {places[one] for one in kept}


def _given(row: Mapping[str, Any], accuracies: Mapping[str, float]) -> str | None:
    path = str(row.get("path", ""))
    names = (row["model"], path, Path(row["model"]).stem, Path(path).name)
    return next((name for name in names if name in accuracies), None)


def _accuracy(row: Mapping[str, Any], accuracies: Mapping[str, float]) -> float | None:
    name = _given(row, accuracies)
    stored: float | None = row.get("accuracy")
    return stored if name is None else accuracies[name]


def _pair(value: Any) -> tuple[float, float] | None:
    return (float(value[0]), float(value[1])) if value else None


def _title(names: Sequence[str]) -> str:
    first = Path(names[0]).stem
    others = len(names) - 1
    return first if not others else f"{first} and {others} {'other' if others == 1 else 'others'}"


def unused(accuracies: Mapping[str, float], comparisons: Sequence[Comparison]) -> list[str]:
    """Returns the names of accuracies that no model bears."""
    rows = [line.row for one in comparisons for line in one.lines]
    return sorted(name for name in accuracies if not any(_given(row, {name: 0.0}) for row in rows))
