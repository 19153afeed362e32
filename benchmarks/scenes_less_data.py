"""A quarter of the fine-tuning clips less, in further ways than the scenes recipe's own.

    python benchmarks/scenes_less_data.py --data FOLDER --study STUDY --seeds 0 1 2

STUDY is the folder of a finished `tfprune recipe scenes`. "steps": the published net, C1+C2+C3,
tuned by 75 % of the clips for as many steps as by all, of the seeds that have it. "ours": all of
`ours_25`, ranking, repair and tuning, with 75 % of the clips. Each is held against its own with all
clips.
"""

import argparse
import functools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
from scenes_study import opened

from tfprune._files import write_text
from tfprune.recipes.common.onednn import prefer_onednn
from tfprune.recipes.scenes.data import Fold
from tfprune.recipes.scenes.losses import lost, told
from tfprune.recipes.scenes.nets import Task, nets, some
from tfprune.recipes.scenes.study import Study
from tfprune.recipes.scenes.training import accuracy
from tfprune.timing.machine import describe

SHARE = 0.75
WAYS = {"steps": "C1+C2+C3", "ours": "ours_25"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--study", required=True, type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--output", default="docs/results/scenes_less_data.json", type=Path)
    options = parser.parse_args()
    prefer_onednn()
    study, clips, stages = opened(options.study, options.data)
    settings = study.settings
    known = study.results()
    found: dict[str, Any] = {}
    for way in options.ways:
        runs = [one for one in known[WAYS[way]] if one["seed"] in options.seeds]
        fewer = []
        for one in runs:
            place = {"seed": one["seed"], "fold": one["fold"]}
            make = functools.partial(run, study, clips.fold(one["fold"], settings), way, **place)
            name = f"less_data/{way}_seed{one['seed']}_fold{one['fold']}"
            fewer.append({**place, **stages.run(name, make)})
        points = lost(fewer, runs)
        found[way] = {
            "runs": fewer,
            "lost": points.mean,
            "low": points.low,
            "high": points.high,
        }
        print(f"{way}: {told(points)} points lost, {len(fewer)} runs", flush=True)
    head = {"machine": str(describe()), "share": SHARE, "settings": settings.as_dict()}
    write_text(options.output, json.dumps({**head, **found}, indent=1) + "\n")


def run(study: Study, part: Fold, way: str, seed: int, fold: int) -> dict[str, Any]:
    """One net with fewer clips, and its accuracy."""
    keras.backend.clear_session()
    fewer, settings = replace(part, train=some(part.train, SHARE, seed)), study.settings
    if way == "steps":
        settings = replace(settings, tune_epochs=round(settings.tune_epochs / SHARE))
    (net,) = (one for one in nets() if one.key == WAYS[way])
    made = net.make(Task(functools.partial(study.load, seed, fold), fewer, settings, seed))
    return {"accuracy": accuracy(made.model, part.test)}


if __name__ == "__main__":
    main()
