"""The recipe from the command's options to its outcome."""

import argparse
import json
from pathlib import Path
from typing import Any

from tfprune._files import check_writable, write_text
from tfprune.commands._common import Outcome
from tfprune.datasets.cutting import Grid, cut_photos
from tfprune.datasets.patches import Patches, read_patches
from tfprune.errors import DataError
from tfprune.recipes.common import latency
from tfprune.recipes.common.extras import require
from tfprune.recipes.common.stages import Stages, make_folder
from tfprune.recipes.inspection import figure
from tfprune.recipes.inspection.page import write_page
from tfprune.recipes.inspection.settings import Settings
from tfprune.recipes.inspection.study import Found, Study

_SETTINGS = (
    *("nets", "image_size", "folds", "run_folds", "per_class", "epochs", "tune_epochs", "step"),
    *("tune_folds", "speedup", "rate", "tune_rate", "examples", "seed"),
)


def run(options: argparse.Namespace) -> Outcome:
    """Trains, prunes, tests and tells; goes on where an earlier call was stopped."""
    require("sklearn", "the recipe's baselines")
    require("PIL", "reading photographs")
    if options.page is not None:
        require("matplotlib", "the page's picture")
        check_writable(options.page)
    given = {name: getattr(options, name) for name in _SETTINGS}
    chosen: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in given.items()
        if value is not None
    }
    settings = Settings(**chosen)
    sets = _read(options.data, settings)
    weights = {"vgg16": options.vgg16_weights, "resnet18": options.resnet18_weights}
    weights = {net: None if path == "none" else path for net, path in weights.items()}
    told = {name: f"{patches.report}" for name, patches in sets.items()}
    kept = {**settings.as_dict(), "weights": weights, "data": told}
    stages = Stages(make_folder(options.output), kept)
    study = Study(settings, sets, stages, weights)
    limit = float("inf") if options.minutes is None else 60.0 * options.minutes
    study.run(limit)
    found, missing = study.results(), study.missing()
    timed = _timed(study, stages, found) if options.page or not missing else {}
    text = "\n".join(f"{name}: {what}" for name, what in told.items())
    text += "\n\n" + write_page(found, timed, settings, missing)
    document = {
        "missing": missing,
        "settings": settings.as_dict(),
        "data": told,
        "parts": found,
        "latency": timed,
    }
    if options.page is not None:
        _write(Path(options.page), found, timed, settings, document)
        text += f"\n  wrote {options.page}, and .json and .svg beside it"
    return Outcome(text, document)


def cut(options: argparse.Namespace) -> Outcome:
    """Cuts photographs into patches."""
    grid = Grid(options.patch, options.stride, options.threshold or 0.05, options.margin)
    report = cut_photos(
        options.photos, options.output, masks=options.masks, boxes=options.boxes, grid=grid
    )
    document = {"read": report.read, "skipped": report.skipped, "output": options.output}
    return Outcome(f"{report}\n  wrote patches into {options.output}", document)


def _read(folders: list[str], settings: Settings) -> dict[str, Patches]:
    """Reads the sets, each named after its folder."""
    sets = {}
    for folder in folders:
        name = Path(folder).resolve().name
        if name in sets:
            raise DataError(f"expected folders of different names, received {name} twice")
        sets[name] = read_patches(
            folder, settings.image_size, per_class=settings.per_class, seed=settings.seed
        )
    return sets


def _timed(study: Study, stages: Stages, found: Found) -> dict[str, latency.Times]:
    """Times the first fold's nets of each set in turns, by net, as the paper's edge device: on one
    thread; what the server did is left to `tfprune benchmark --threads`."""
    return {
        key: latency.measure(
            study.load,
            stages,
            places,
            latency.SIZE,
            name="times_" + "_".join(places).replace("/", "-"),
        )
        for key, places in study.pruned(found).items()
    }


def _write(
    page: Path, found: Found, timed: Any, settings: Settings, document: dict[str, Any]
) -> None:
    picture = page.with_suffix(".svg")
    figure.draw(found, settings, picture)
    write_text(page.with_suffix(".json"), json.dumps(document, indent=1) + "\n")
    write_text(page, write_page(found, timed, settings, document["missing"], picture.name))
