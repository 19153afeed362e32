"""What became of a graph in TF-TRT: its engines, and how many operations run in them."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

LINE = 400
"""Characters a line of TF-TRT's summary: long, so that names are not cut."""

_WIDTHS = (0.20, 0.09, 0.05, 0.09, 0.09, 0.12, 0.12, 0.12, 0.12)
_CONVERTED = re.compile(r"OPs Converted: [\d.]+% \[(?P<inside>\d+)/(?P<all>\d+)\]")
_OPERATION = re.compile(r"^\s+- (?P<kind>\w+): (?P<count>\d+)x")


@dataclass(frozen=True)
class Segment:
    """A part of the graph that runs as one engine.

    Attributes:
        name: of its TRTEngineOp.
        nodes: how many operations it replaces.
        input_shapes: as TF-TRT writes them.
        output_shapes: likewise.
        operations: how many of each kind.
    """

    name: str
    nodes: int
    input_shapes: str
    output_shapes: str
    operations: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Segments:
    """All engines of a converted graph.

    Attributes:
        engines: each segment.
        converted: operations that run in TensorRT.
        total: operations altogether.
    """

    engines: tuple[Segment, ...]
    converted: int
    total: int

    def __str__(self) -> str:
        share = self.converted / self.total if self.total else 0.0
        return (
            f"{len(self.engines)} engines, {self.converted} of {self.total} operations "
            f"({share:.0%}) in TensorRT"
        )


def read_segments(summary: Callable[..., Any]) -> Segments:
    """Returns what a converter's `summary` says.

    Args:
        summary: the method; called with `line_length`, `detailed` and `print_fn`.
    """
    lines: list[str] = []
    summary(line_length=LINE, detailed=True, print_fn=lambda text="": lines.append(str(text)))
    return parse([line for text in lines for line in text.split("\n")])


def parse(lines: Sequence[str]) -> Segments:
    """Returns the engines that the lines of a summary tell of.

    Example:
        >>> parse(["[*] % of OPs Converted: 75.00% [3/4]"]).converted
        3
    """
    engines: list[Segment] = []
    converted = total = 0
    for line in lines:
        found, operation = _CONVERTED.search(line), _OPERATION.match(line)
        if found:
            converted, total = int(found["inside"]), int(found["all"])
        elif operation and engines:
            last = engines[-1]
            counts = {**last.operations, operation["kind"]: int(operation["count"])}
            engines[-1] = Segment(
                last.name, last.nodes, last.input_shapes, last.output_shapes, counts
            )
        elif "TRTEngineOp" in line and "#" not in line:
            name, _, nodes, _, _, _, _, inputs, outputs = _columns(line)
            engines.append(Segment(name, int(nodes), inputs, outputs))
    return Segments(tuple(engines), converted, total)


def _columns(line: str) -> list[str]:
    begin, fields = 0, []
    for width in _WIDTHS:
        end = begin + int(LINE * width)
        fields.append(line[begin:end].strip())
        begin = end
    return fields
