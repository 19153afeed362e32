"""A study of the scenes recipe, as it stands in its folder."""

import json
from dataclasses import fields
from pathlib import Path

from tfprune.recipes.common.stages import Stages
from tfprune.recipes.scenes.data import Clips, read_clips
from tfprune.recipes.scenes.settings import Settings
from tfprune.recipes.scenes.study import Study


def opened(folder: Path, data: str) -> tuple[Study, Clips, Stages]:
    """The study, its clips and where its stages are kept."""
    kept = json.loads((folder / "settings.json").read_text())
    settings = Settings(**{field.name: kept[field.name] for field in fields(Settings)})
    clips = read_clips(data, folder, settings)
    stages = Stages(folder, kept)
    return Study(settings, clips, stages), clips, stages
