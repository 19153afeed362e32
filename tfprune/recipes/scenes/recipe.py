"""The recipe from the command's options to its outcome."""

import argparse
import functools
import json
from pathlib import Path
from typing import Any

from tfprune._files import check_writable, write_text
from tfprune.commands._common import Outcome
from tfprune.recipes.common.extras import require
from tfprune.recipes.common.stages import Stages, make_folder
from tfprune.recipes.scenes import figure
from tfprune.recipes.scenes.data import read_clips
from tfprune.recipes.scenes.finishing import finish
from tfprune.recipes.scenes.listening import classify, table
from tfprune.recipes.scenes.page import write_page
from tfprune.recipes.scenes.released import read_released
from tfprune.recipes.scenes.settings import Settings
from tfprune.recipes.scenes.study import Study

_SETTINGS = ("seeds", "rest_seeds", "folds", "epochs", "tune_epochs", "rate", "sample_rate")


def run(options: argparse.Namespace) -> Outcome:
    """Trains, prunes, tests and tells; goes on where an earlier call was stopped."""
    require("sklearn", "the recipe's folds")
    require("scipy", "the recipe's intervals")
    if options.released is not None:
        read_released(options.released)  # before any work is lost
    if options.page is not None:
        require("matplotlib", "the page's picture")
        check_writable(options.page)
    given = {name: getattr(options, name) for name in _SETTINGS}
    settings = Settings(**{name: value for name, value in given.items() if value is not None})
    folder = make_folder(options.output)
    clips = read_clips(options.data, folder, settings)
    stages = Stages(folder, {**settings.as_dict(), "data": clips.source})
    study = Study(settings, clips, stages)
    done = study.run(float("inf") if options.minutes is None else 60.0 * options.minutes)
    found, titles = study.results(), {net.key: net.title for net in study.rows}
    ending = done or options.page is not None
    made = finish(study, clips, stages, found, options.released) if ending else {}
    command = _command(settings, options.released is not None)
    write = functools.partial(
        write_page, found, titles, settings, clips.source, command, done, made
    )
    text = write()
    document: dict[str, Any] = {
        "command": command,
        "done": done,
        "source": clips.source,
        "settings": settings.as_dict(),
        "nets": found,
        **made,
    }
    if options.page is not None:
        page = Path(options.page)
        figure.draw(found, made, page.with_suffix(".svg"))
        write_text(page.with_suffix(".json"), json.dumps(document, indent=1) + "\n")
        write_text(page, write(page.with_suffix(".svg").name))
        text += f"\n  wrote {page}, and .json and .svg beside it"
    return Outcome(text, document)


def listen(options: argparse.Namespace) -> Outcome:
    """Lets a file listen to a recording."""
    heard = classify(options.model, options.classify)
    return Outcome(table(heard), {"parts": [one.as_dict() for one in heard]})


def _command(settings: Settings, released: bool) -> str:
    """The command that makes the page, for data of the reader's."""
    usual = Settings()
    changed = [
        f" --{name} {getattr(settings, name)}"
        for name in _SETTINGS
        if getattr(settings, name) != getattr(usual, name)
    ]
    nets = " --released DIR" if released else ""
    return f"tfprune recipe scenes --data DIR{''.join(changed)}{nets} --page PAGE.md"
