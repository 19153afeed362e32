"""A live detector: a TFLite file slid over a continuous record."""

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tfprune._progress import track
from tfprune._tflite import check_file
from tfprune.datasets.spectrogram import NFFT, SAMPLING_RATE, Components, spectrogram_image
from tfprune.errors import DataError
from tfprune.recipes.common.answers import Asked
from tfprune.recipes.earthquake.record import Segment
from tfprune.report.tables import render

WINDOW = 28.0  # seconds, of the windows that the published figures of this project are for
_STA, _LTA = 0.5, 10.0  # seconds
_ON, _OFF = 4.0, 1.5
_BAND = (2.0, 20.0)  # hertz: local earthquakes


@dataclass(frozen=True)
class Detection:
    """A stretch of time in which the net hears an earthquake.

    Attributes:
        station: where.
        start: the beginning of the first window that was told an earthquake, ISO 8601, UTC.
        end: the end of the last.
        probability: the highest in it.
        onsets: where the signal sets in, by the ratio of short to long averages; the net tells
            that there is an earthquake, not when.
    """

    station: str
    start: str
    end: str
    probability: float
    onsets: tuple[str, ...]


@dataclass(frozen=True)
class Scan:
    """What the net says of a segment.

    Attributes:
        segment: the record.
        window: seconds that one answer is for.
        starts: seconds from the segment's start to each window's, (windows,).
        probabilities: of an earthquake in each window, (windows,).
        detections: runs of windows above the threshold.
        seconds: of computing.
    """

    segment: Segment
    window: float
    starts: np.ndarray = field(repr=False)
    probabilities: np.ndarray = field(repr=False)
    detections: tuple[Detection, ...]
    seconds: float


def detect(
    model: str | os.PathLike[str],
    segments: Sequence[Segment],
    *,
    threshold: float = 0.5,
    step: float = 2.0,
    window: float = WINDOW,
    components: Components = "Z",
) -> tuple[Scan, ...]:
    """Slides a TFLite file over records.

    Args:
        model: a file of two classes, noise and earthquake, that takes waveforms (1, npts, 3)
            or images (1, size, size, 3) in 0..255, which are then drawn.
        segments: of `read_record`.
        threshold: the probability from which on a window counts. Defaults to `0.5`.
        step: seconds from one window to the next. Defaults to `2`.
        window: seconds of a window, of a file that takes images; use those that the net was
            trained on. Defaults to `28`.
        components: of a file that takes images. Defaults to `"Z"`.

    Returns:
        A `Scan` for each segment that is as long as a window.

    Raises:
        FileError: no TFLite file is there, or it is damaged.
        DataError: the file takes or gives something else, a number makes no sense, or no segment
            is as long as a window.
    """
    if not (0 < threshold < 1 and step > 0 and window * SAMPLING_RATE >= NFFT):
        raise DataError(
            "expected a threshold in (0, 1), a step above 0 and a window of at least "
            f"{NFFT / SAMPLING_RATE} seconds, received {threshold}, {step} and {window}"
        )
    asked = Asked(check_file(model))
    npts = _window_of(asked, window)
    long = [segment for segment in segments if len(segment.samples) >= npts]
    if not long:
        longest = max((segment.seconds for segment in segments), default=0.0)
        raise DataError(
            f"expected a record of {npts / SAMPLING_RATE:g} seconds without a gap, the longest "
            f"has {longest:g}"
        )
    return tuple(_scan(asked, segment, npts, threshold, step, components) for segment in long)


def table(scans: Sequence[Scan]) -> str:
    """Tells the detections, and how fast they were found."""
    rows = [
        [one.station, one.start[:22], one.end[:22], f"{one.probability:.2f}", _short(one.onsets)]
        for scan in scans
        for one in scan.detections
    ]
    heard = sum(scan.segment.seconds for scan in scans)
    spent = sum(scan.seconds for scan in scans)
    count = sum(len(scan.starts) for scan in scans)
    body = render(["station", "from", "to", "probability", "onsets"], rows) if rows else "none"
    return (
        f"{body}\n{len(rows)} detections in {heard:.0f} s of record ({count} windows), "
        f"{heard / max(spent, 1e-9):,.0f} times as fast as it was recorded"
    )


def _short(onsets: Sequence[str]) -> str:
    return ", ".join(onset[11:22] for onset in onsets)


def _window_of(asked: Asked, window: float) -> int:
    """How many samples the file wants, or is to be drawn from."""
    shape, classes = asked.input_shape, asked.output_shape[-1]
    waves = len(shape) == 3 and shape[2] == 3 and shape[1] >= NFFT
    image = len(shape) == 4 and shape[1] == shape[2] and shape[3] == 3
    if not (waves or image) or classes != 2:
        raise DataError(
            "expected a file from waveforms (1, npts, 3) or images (1, size, size, 3) to two "
            f"classes, received one from {shape} to {classes}: make one with tfprune demo"
        )
    return shape[1] if waves else round(window * SAMPLING_RATE)


def _scan(
    asked: Asked,
    segment: Segment,
    npts: int,
    threshold: float,
    step: float,
    components: Components,
) -> Scan:
    began = time.perf_counter()
    starts = _starts(len(segment.samples), npts, step)
    size = asked.input_shape[1] if len(asked.input_shape) == 4 else None
    found = []
    for start in track(starts.tolist(), f"listening to {segment.station}"):
        waveform = segment.samples[start : start + npts]
        drawn = size and spectrogram_image(waveform, size, components=components)
        found.append(asked.answer(waveform if size is None else drawn)[1])
    probabilities = np.asarray(found, np.float32)
    window = npts / SAMPLING_RATE
    detections = _detections(segment, starts / SAMPLING_RATE, probabilities, window, threshold)
    spent = time.perf_counter() - began
    return Scan(segment, window, starts / SAMPLING_RATE, probabilities, detections, spent)


def _starts(length: int, npts: int, step: float) -> np.ndarray:
    """First samples of the windows; the last window ends with the record."""
    last = length - npts
    regular = np.arange(0, last + 1, max(1, round(step * SAMPLING_RATE)))
    return regular if regular[-1] == last else np.append(regular, last)


def _detections(
    segment: Segment,
    starts: np.ndarray,
    probabilities: np.ndarray,
    window: float,
    threshold: float,
) -> tuple[Detection, ...]:
    onsets = _onsets(segment) if (probabilities >= threshold).any() else np.zeros(0)
    found = []
    for run in _runs(probabilities >= threshold):
        first, last = starts[run][0], starts[run][-1] + window
        inside = onsets[(onsets >= first) & (onsets <= last)]
        found.append(
            Detection(
                segment.station,
                str(segment.start + float(first)),
                str(segment.start + float(last)),
                float(probabilities[run].max()),
                tuple(str(segment.start + float(onset)) for onset in inside),
            )
        )
    return tuple(found)


def _runs(above: np.ndarray) -> Iterator[slice]:
    """Stretches of successive windows that are above the threshold."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], above, [False]]).astype(int)))
    for first, end in edges.reshape(-1, 2).tolist():
        yield slice(first, end)


def _onsets(segment: Segment) -> np.ndarray:
    """Seconds at which the vertical sets in, by ObsPy's recursive STA/LTA (Withers 1998)."""
    from obspy.signal.filter import bandpass
    from obspy.signal.trigger import recursive_sta_lta, trigger_onset

    vertical = segment.samples[:, 2].astype(np.float64)
    heard: Any = bandpass(vertical - vertical.mean(), *_BAND, df=SAMPLING_RATE, corners=4)
    ratio = recursive_sta_lta(heard, round(_STA * SAMPLING_RATE), round(_LTA * SAMPLING_RATE))
    pairs = trigger_onset(ratio, _ON, _OFF)
    return np.array([pair[0] for pair in pairs], np.float64) / SAMPLING_RATE
