"""What a study found, row by row: scores over all windows, means over seeds, what was lost."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from tfprune.recipes.common.scores import Scores, roc, score
from tfprune.recipes.common.spread import Spread, spread
from tfprune.recipes.earthquake.nets import Net

FULL = "unpruned"
_CURVE_POINTS = 200


@dataclass(frozen=True)
class Row:
    """One net over all seeds.

    Attributes:
        key: its name in files.
        title: its name in tables.
        scores: of the answers of all seeds together.
        accuracy: mean over seeds.
        lost: points of accuracy lost against the unpruned net, seed by seed; below 0 is gained.
        cut: accuracy right after pruning, before training; None where nothing was cut.
        int8: accuracy of the int8 files; None where there are none.
        int8_lost: points that the int8 files lose against the unpruned net; None likewise.
        parameters: of the net.
        oracle: largest relative error of the cut net against the masked original; None likewise.
        curve: false alarms and finds of the ROC curve, (points,) each.
    """

    key: str
    title: str
    scores: Scores
    accuracy: Spread
    lost: Spread
    cut: Spread | None
    int8: Spread | None
    int8_lost: Spread | None
    parameters: int
    oracle: float | None
    curve: tuple[tuple[float, ...], tuple[float, ...]] = field(repr=False)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        counted = {
            name: {"share": share.share, "interval": share.interval()}
            for name, share in self.scores.counted().items()
        }
        return {**asdict(self), "scores": self.scores.as_dict(), "counted": counted}


def summarise(nets: Sequence[Net], results: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Row]:
    """Returns a row for each net that is done for all seeds, the unpruned one first.

    Args:
        nets: of the study.
        results: `Study.results()`.
    """
    if FULL not in results:
        return []
    whole = [_share(entry, "answers") for entry in results[FULL]]
    return [_row(net, results[net.key], whole) for net in nets if net.key in results]


def _row(net: Net, entries: Sequence[Mapping[str, Any]], whole: Sequence[float]) -> Row:
    labels = np.concatenate([entry["labels"] for entry in entries])
    answers = _two(np.concatenate([entry["answers"] for entry in entries]))
    shares = [_share(entry, "answers") for entry in entries]
    oracles = [entry["oracle"] for entry in entries if entry["oracle"] is not None]
    has = {name: all(name in entry for entry in entries) for name in ("cut", "int8")}
    kept = {name: [_share(entry, name) for entry in entries] if has[name] else None for name in has}
    alarms, finds = roc(answers, labels)
    every = max(1, len(alarms) // _CURVE_POINTS)
    return Row(
        net.key,
        net.title,
        score(answers, labels),
        spread(shares),
        _lost(whole, shares),
        None if kept["cut"] is None else spread(kept["cut"]),
        None if kept["int8"] is None else spread(kept["int8"]),
        None if kept["int8"] is None else _lost(whole, kept["int8"]),
        round(float(np.mean([entry["parameters"] for entry in entries]))),
        max(oracles) if oracles else None,
        (_rounded(alarms[::every]), _rounded(finds[::every])),
    )


def _share(entry: Mapping[str, Any], name: str) -> float:
    """The accuracy of a seed's answers."""
    return float(np.mean((np.asarray(entry[name]) > 0.5) == np.asarray(entry["labels"])))


def _lost(whole: Sequence[float], shares: Sequence[float]) -> Spread:
    return spread([100 * (full - own) for full, own in zip(whole, shares, strict=True)])


def _two(earthquake: np.ndarray) -> np.ndarray:
    """Probabilities of both classes from that of an earthquake."""
    return np.stack([1 - earthquake, earthquake], axis=1)


def _rounded(values: np.ndarray) -> tuple[float, ...]:
    return tuple(round(float(value), 4) for value in values)
