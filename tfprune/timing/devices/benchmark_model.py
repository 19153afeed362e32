"""What LiteRT's program `benchmark_model` prints."""

import re
from dataclasses import dataclass

from tfprune.errors import DeviceError

_NUMBER = r"([\d.]+(?:e[+-]?\d+)?)"
_SUMMARY = re.compile(
    rf"Inference timings in us: Init: {_NUMBER}, First inference: {_NUMBER}, "
    rf"Warmup \(avg\): {_NUMBER}, Inference \(avg\): {_NUMBER}"
)
_RUNS = re.compile(r"^.*count=\d+.*$", re.MULTILINE)
_MEDIAN = re.compile(rf"median={_NUMBER}")
_MEMORY = re.compile(rf"[Mm]emory footprint[^\n]*\(MB\):? *init={_NUMBER} overall={_NUMBER}")


@dataclass(frozen=True)
class Reading:
    """One call of the program.

    Attributes:
        seconds: the median of its runs, or their mean where it is of an older release.
        is_median: which of the two.
        load_ms: to load and prepare the model.
        first_ms: the first inference.
        memory_bytes: what the model added to the program, about; `None` where it does not tell.
    """

    seconds: float
    is_median: bool
    load_ms: float
    first_ms: float
    memory_bytes: int | None


def read_output(text: str) -> Reading:
    """Reads the program's output; times in it are microseconds.

    Raises:
        DeviceError: it holds no timings: the program failed.

    Example:
        >>> read_output(
        ...     "count=50 first=266601 curr=266931 min=265837 max=268116 avg=266473 std=419\\n"
        ...     "Inference timings in us: Init: 20283, First inference: 339304, "
        ...     "Warmup (avg): 302814, Inference (avg): 266473"
        ... )
        Reading(seconds=0.266473, is_median=False, load_ms=20.283, first_ms=339.304, ...)
    """
    summary = _SUMMARY.search(text)
    if not summary:
        last = [line.strip() for line in text.splitlines() if line.strip()][-1:]
        raise DeviceError(f"benchmark_model reported no timings: {' '.join(last)[:300]}")
    load, first, _, mean = (float(number) for number in summary.groups())
    # The last line of counts is of the timed runs, those before it of the warm-up.
    counts = _RUNS.findall(text[: summary.start()])
    median = _MEDIAN.search(counts[-1]) if counts else None
    memory = _MEMORY.search(text)
    return Reading(
        seconds=(float(median[1]) if median else mean) / 1e6,
        is_median=median is not None,
        load_ms=load / 1e3,
        first_ms=first / 1e3,
        memory_bytes=round(float(memory[2]) * 1e6) if memory else None,
    )
