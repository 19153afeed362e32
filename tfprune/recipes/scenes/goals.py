"""What was to be reached, and whether it was: the first table of the page."""

import statistics
from collections.abc import Mapping
from typing import Any

from tfprune.recipes.common.page import markdown_table
from tfprune.recipes.scenes.losses import Entries, lost, told

_WITHIN = 1.0 + 1e-9  # points; means of shares of clips are rounded
_LESS_THAN = 1.0 - 1e-9
_MOST_LOST_TO_DATA = 0.5
_LEAST_FASTER = 50.0
_LESS_DATA = "a quarter of the fine-tuning clips less: within half a point of all of them"


def table(found: Mapping[str, Entries], made: Mapping[str, Any]) -> str:
    """Returns the table; "yes" goes by the mean, and its interval says how sure that is.

    Args:
        found: what a study's nets left, by key.
        made: what `finishing.finish` returned.
    """
    rows = [*_smaller(found), *_less_data(found), *_faster(made)]
    return markdown_table(["asked", "measured", "by the mean"], rows) if rows else ""


def _smaller(found: Mapping[str, Entries]) -> list[list[str]]:
    rows, whole = [], found["unpruned"]
    for key, asked, most in (
        ("ours_25", "25 % fewer parameters, 27 % fewer MACs, less than 1 point lost", _LESS_THAN),
        ("ours_50", "half of the MACs, within 1 point", _WITHIN),
    ):
        if key not in found:
            continue
        points = lost(found[key], whole)
        shares = [_saved(found[key], whole, name) for name in ("parameters", "macs")]
        rows.append(
            [
                asked,
                f"{shares[0]:.1f} % and {shares[1]:.1f} % fewer, {told(points)} points lost"
                + _longer(found, key),
                "yes" if points.mean <= most else "no",
            ]
        )
    return rows


def _longer(found: Mapping[str, Entries], key: str) -> str:
    """What fine-tuning alone gains is no merit of pruning, so the loss without it is told too."""
    if "longer" not in found:
        return ""
    return f"; {told(lost(found[key], found['longer']))} to the unpruned net trained on for as long"


def _less_data(found: Mapping[str, Entries]) -> list[list[str]]:
    rows = []
    for key, whole, way in (
        ("C1+C2+C3_75", "C1+C2+C3", "as published, as many epochs"),
        ("as_many_steps", "C1+C2+C3", "as published, as many steps"),
        ("ours_25_less", "ours_25", "ours"),
    ):
        if key not in found or whole not in found:
            continue
        points = lost(found[key], found[whole])
        rows.append(
            [
                f"{_LESS_DATA} ({way})",
                f"{told(points)} points lost",
                "yes" if points.mean <= _MOST_LOST_TO_DATA else "no",
            ]
        )
    return rows


def _faster(made: Mapping[str, Any]) -> list[list[str]]:
    if "choosing" not in made:
        return []
    one = made["choosing"]["vggish"]
    times = one["ways"]["loops"]["seconds"] / one["ways"]["tfprune"]["seconds"]
    same = one["same"]["tfprune"]
    return [
        [
            "choosing filters 50 times faster than the naive algorithm, the same kept set",
            f"{times:.0f} times on VGGish's shapes, {'the same' if same else 'another'} set",
            "yes" if same and times >= _LEAST_FASTER else "no",
        ]
    ]


def _saved(entries: Entries, whole: Entries, name: str) -> float:
    means = [statistics.mean(one[name] for one in runs) for runs in (entries, whole)]
    return 100 * (1 - means[0] / means[1])
