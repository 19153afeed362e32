"""What the main job found."""

from dataclasses import asdict, dataclass
from typing import Any

from tfprune.recipes.common.accuracy import Accuracy
from tfprune.report.tables import render


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        model: which net, in which form.
        accuracy: right answers on the test stations.
        parameters: of the net.
        macs: multiply-accumulates for one image.
        file_bytes: of the TFLite file; None for a net that was not converted.
        median_ms: latency of one image; None likewise.
        speedup: against the unpruned float32 file; None likewise.
    """

    model: str
    accuracy: Accuracy
    parameters: int
    macs: int
    file_bytes: int | None = None
    median_ms: float | None = None
    speedup: float | None = None


@dataclass(frozen=True)
class DemoResult:
    """What the main job found; print it for the table.

    Attributes:
        rows: one a model.
        source: the data, in a few words.
        image_size: pixels along a side.
        ratio: share of filters and units removed.
        oracle_error: relative error between the rebuilt net and its masked original.
        seconds: that the whole job took.
        machine: where it ran.
        folder: where models, plan, results and picture were written.
    """

    rows: tuple[Row, ...]
    source: str
    image_size: int
    ratio: float
    oracle_error: float
    seconds: float
    machine: str
    folder: str

    def as_dict(self) -> dict[str, Any]:
        """The result as plain values, for JSON."""
        rows = [
            {**asdict(row), "accuracy": row.accuracy.share, "interval": row.accuracy.interval()}
            for row in self.rows
        ]
        return {**asdict(self), "rows": rows}

    def __str__(self) -> str:
        head = ["model", "test accuracy (95 %)", "parameters", "MACs", "MB", "ms", "speed-up"]
        body = [
            [
                row.model,
                row.accuracy,
                f"{row.parameters:,}",
                f"{row.macs / 1e6:,.1f} M",
                "" if row.file_bytes is None else f"{row.file_bytes / 1e6:.2f}",
                "" if row.median_ms is None else f"{row.median_ms:.2f}",
                "" if row.speedup is None else f"{row.speedup:.1f}x",
            ]
            for row in self.rows
        ]
        return (
            f"{render(head, body)}\n"
            f"{self.source}; {self.image_size} px; {self.ratio:.0%} of filters and units removed "
            f"by L2; LiteRT, 1 thread, batch 1\n"
            f"pruned net against its masked original: relative error {self.oracle_error:.1e}\n"
            f"{self.machine}; {self.seconds:.0f} s in all; files in {self.folder}"
        )
