"""Continuous records of seismometers, read by ObsPy and brought to 100 Hz."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from absl import logging

from tfprune.datasets.spectrogram import SAMPLING_RATE
from tfprune.errors import DataError, FileError
from tfprune.recipes.common.extras import require

_ORDER = "ENZ"
_SAME = {"1": "N", "2": "E", "3": "Z"}  # what unoriented components are called


@dataclass(frozen=True)
class Segment:
    """A stretch of one station's record without gaps.

    Attributes:
        station: network, station, location and band, as in `BW.UH4..EH`.
        start: time of the first sample, an `obspy.UTCDateTime`.
        samples: (npts, 3) float32 at 100 Hz: east, north, vertical; zeros where a component is
            missing.
    """

    station: str
    start: Any
    samples: np.ndarray = field(repr=False)

    @property
    def seconds(self) -> float:
        """Its length."""
        return len(self.samples) / SAMPLING_RATE


def read_record(paths: Sequence[str | os.PathLike[str]]) -> tuple[Segment, ...]:
    """Reads records in any format that ObsPy knows, miniSEED among them.

    Files are taken together, so that components may lie in files of their own. Gaps cut a record
    into segments; other sampling rates are resampled (below 100 Hz the upper frequencies stay
    empty, which is logged).

    Args:
        paths: the files.

    Returns:
        The segments, by station and time.

    Raises:
        FileError: a file is missing or of no known format.
        DataError: no station has a vertical component.
        MissingExtraError: ObsPy is missing.
    """
    stream = _read(paths)
    groups: dict[str, dict[str, Any]] = {}
    for trace in stream:
        channel = trace.stats.channel
        component = _SAME.get(channel[-1:], channel[-1:])
        if component in _ORDER and len(trace):
            groups.setdefault(trace.id[:-1], {}).setdefault(component, []).append(trace)
    found = [
        segment
        for station in sorted(groups)
        if "Z" in groups[station]
        for segment in _segments(station, groups[station])
    ]
    if not found:
        have = ", ".join(sorted({trace.id for trace in stream})) or "nothing"
        raise DataError(f"expected a vertical component (a channel ...Z), received {have}")
    return tuple(found)


def _read(paths: Sequence[str | os.PathLike[str]]) -> Any:
    obspy = require("obspy", "reading seismic records")
    stream = obspy.Stream()
    for path in paths:
        if not Path(path).is_file():
            raise FileError(f"expected a seismic record, found nothing at {path}: check the path")
        try:
            stream += obspy.read(os.fspath(path))
        except Exception as error:  # ObsPy's readers raise whatever a format's parser does
            reason = " ".join(str(error).split()) or type(error).__name__
            raise FileError(
                f"expected a seismic record that ObsPy reads, such as miniSEED, but {path} is "
                f"none: {reason}"
            ) from error
    return stream


def _segments(station: str, components: dict[str, list[Any]]) -> list[Segment]:
    joined = {name: _joined(traces) for name, traces in components.items()}
    return [_segment(station, vertical, joined) for vertical in joined["Z"]]


def _joined(traces: list[Any]) -> list[Any]:
    """Traces without gaps at 100 Hz, in the order of time."""
    import obspy

    stream = obspy.Stream(traces)
    rates = {trace.stats.sampling_rate for trace in stream}
    if rates != {SAMPLING_RATE}:
        if min(rates) < SAMPLING_RATE:
            logging.warning(
                "%s has %g samples a second, fewer than %g: the upper frequencies stay empty",
                traces[0].id,
                min(rates),
                SAMPLING_RATE,
            )
        stream.detrend("demean").resample(SAMPLING_RATE)
    return sorted(stream.merge().split(), key=lambda trace: trace.stats.starttime)


def _segment(station: str, vertical: Any, joined: dict[str, list[Any]]) -> Segment:
    start, end = vertical.stats.starttime, vertical.stats.endtime
    samples = np.zeros((len(vertical), 3), np.float32)
    for column, name in enumerate(_ORDER):
        for trace in [vertical] if name == "Z" else joined.get(name, []):
            part = trace.slice(start, end)
            if len(part):
                first = round((part.stats.starttime - start) * SAMPLING_RATE)
                room = samples[first : first + len(part), column]
                room[:] = part.data[: len(room)]
    return Segment(station, start, samples)
