"""The recipe from the command's options to its outcome."""

import argparse
import json
from pathlib import Path
from typing import Any

from tfprune._files import check_writable, write_text
from tfprune.commands._common import Outcome
from tfprune.recipes.common import latency
from tfprune.recipes.common.extras import require
from tfprune.recipes.common.stages import Stages, make_folder
from tfprune.recipes.earthquake import figure
from tfprune.recipes.earthquake.data import windows
from tfprune.recipes.earthquake.page import write_page
from tfprune.recipes.earthquake.settings import Settings
from tfprune.recipes.earthquake.study import Study
from tfprune.recipes.earthquake.summary import FULL, Row, summarise

_SETTINGS = (
    *("seeds", "image_size", "components", "group_by", "magnitude", "distance", "snr"),
    *("per_class", "epochs", "retrain_epochs"),
)


def run(options: argparse.Namespace) -> Outcome:
    """Trains, prunes, tests, times and tells; goes on where an earlier call was stopped."""
    require("sklearn", "the recipe's scores")
    require("scipy", "the recipe's intervals and spectrograms")
    if options.page is not None:
        require("matplotlib", "the page's picture")
        check_writable(options.page)
    given = {name: getattr(options, name) for name in _SETTINGS}
    settings = Settings(**{name: value for name, value in given.items() if value is not None})
    folder = make_folder(options.output)
    chosen = windows(options.data, options.csv, settings, folder)
    kept = {**settings.as_dict(), "data": chosen.source, "weights": options.weights is not None}
    stages = Stages(folder, kept)
    study = Study(settings, chosen, stages, options.weights)
    limit = float("inf") if options.minutes is None else 60.0 * options.minutes
    done = study.run(limit)
    rows = summarise(study.rows, study.results())
    if not rows:
        return Outcome(
            f"the unpruned net is not done for all {settings.seeds} seeds: call again to go on",
            {"done": False},
        )
    timed = _timed(study, stages, rows) if done or options.page else {}
    document = {
        "command": _command(settings),
        "done": done,
        "source": chosen.source,
        "settings": settings.as_dict(),
        "rows": [row.as_dict() for row in rows],
        "latency": timed,
    }
    text = write_page(rows, timed, settings, chosen.source, _command(settings), None)
    if options.page is not None:
        _write(Path(options.page), rows, timed, settings, document)
        text += f"\n  wrote {options.page}, and .json and .svg beside it"
    return Outcome(text, document)


def _timed(study: Study, stages: Stages, rows: list[Row]) -> latency.Times:
    """Times the first seed's nets, the unpruned one first."""
    keys = sorted((row.key for row in rows), key=lambda key: key != FULL)
    name = "times_" + "_".join(sorted(keys))
    return latency.measure(lambda key: study.load(0, key), stages, keys, latency.SIZE, name=name)


def _write(
    page: Path, rows: list[Row], timed: Any, settings: Settings, document: dict[str, Any]
) -> None:
    picture = page.with_suffix(".svg")
    figure.draw(rows, timed, picture)
    write_text(page.with_suffix(".json"), json.dumps(document, indent=1) + "\n")
    source, command = document["source"], document["command"]
    write_text(page, write_page(rows, timed, settings, source, command, picture.name))


def _command(settings: Settings) -> str:
    """The command that makes the page, for files of the reader's."""
    usual, changed = Settings(), []
    for name in _SETTINGS:
        value = getattr(settings, name)
        if value != getattr(usual, name):
            words = value if isinstance(value, list | tuple) else [value]
            changed.append(f" --{name} {' '.join(map(str, words))}")
    return (
        f"tfprune recipe earthquake --data FILE --csv FILE --weights FILE --seeds {settings.seeds}"
        f"{''.join(one for one in changed if '--seeds' not in one)} --page PAGE.md"
    )
