"""What is made of a study's nets in the end: files that listen, times, what choosing costs."""

import functools
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tfprune.recipes.common.accuracy import accuracy_of
from tfprune.recipes.common.answers import tflite_answers
from tfprune.recipes.common.stages import Stages
from tfprune.recipes.scenes import published, released
from tfprune.recipes.scenes.data import Clips
from tfprune.recipes.scenes.listening import listener, write_listener
from tfprune.recipes.scenes.settings import LAYERS, SECONDS, Settings
from tfprune.recipes.scenes.speed import FORMS, time_files
from tfprune.recipes.scenes.study import UNPRUNED, Found, Study
from tfprune.training.energy import energy_of

LISTENERS = (UNPRUNED, "ours_25", "ours_50")
_TIMING_SECONDS = 60.0
_VGGISH_SEED = 0
_AGREEING = 4  # sounds on which a file and its model are compared


def finish(
    study: Study, clips: Clips, stages: Stages, found: Found, released_folder: str | None
) -> dict[str, Any]:
    """Makes what the page tells beside accuracies, of the first seed and fold.

    Args:
        study: whose nets are there.
        clips: its sounds.
        stages: what was made before is taken from here.
        found: what the study's nets left.
        released_folder: of the nets that the authors released, or None.

    Returns:
        `listeners`, `times`, `choosing`, `energy` and `released`, those that can be made.
    """
    if UNPRUNED not in found:
        return {}
    filed = [key for key, entries in found.items() if "files" in entries[0]]
    made: dict[str, Any] = {
        "times": stages.run(f"times_{'_'.join(filed)}", functools.partial(_times, study, filed)),
        "choosing": stages.run("choosing", functools.partial(_choosing, study)),
        "energy": _energy(found),
        "listeners": {
            key: stages.run(f"listeners/{key}", functools.partial(_listener, study, clips, key))
            for key in LISTENERS
            if key in found
        },
    }
    if released_folder is not None:
        folder = stages.folder / "released"
        made["released"] = stages.run(
            "released/figures", functools.partial(released.measure, released_folder, folder)
        )
    return made


def _times(study: Study, keys: list[str]) -> dict[str, Any]:
    paths = {
        (key, form): study.file(0, 0, key, f"_{form}.tflite") for key in keys for form in FORMS
    }
    times, machine = time_files(paths, _TIMING_SECONDS)
    return {"nets": times, "machine": machine}


def _choosing(study: Study) -> dict[str, Any]:
    """Seconds of the published algorithms and ours, and the distances that they go by."""
    net = study.load(0, 0, UNPRUNED)
    kernels = [np.asarray(net.get_layer(name).kernel) for name in LAYERS["C1+C2+C3"]]
    return {
        "dcase": published.timed(kernels),
        "vggish": published.timed(published.drawn(_VGGISH_SEED)),
        "nearest": released.nearest(net),
    }


def _energy(found: Found) -> dict[str, Any]:
    """Of the whole study: all that made its nets."""
    seconds = sum(entry["seconds"] for entries in found.values() for entry in entries)
    return energy_of(seconds, {}).as_dict()


def _listener(study: Study, clips: Clips, key: str) -> dict[str, Any]:
    """Writes a file that takes sound, and lets it answer the first fold's test from the files."""
    keras.backend.clear_session()
    settings: Settings = study.settings
    part, waves = clips.fold(0, settings), clips.waves(0)
    model = listener(study.load(0, 0, key), clips.mel, SECONDS, part.mean, part.sd)
    path = _listener_path(study, key)
    size = write_listener(model, path, clips.mel, clips.sounds.classes, np.stack(waves[:_AGREEING]))
    right = accuracy_of(tflite_answers(path, waves), part.test[1])
    return {"file": path.name, "bytes": size, "accuracy": right.share}


def _listener_path(study: Study, key: str) -> Path:
    return study.file(0, 0, f"listener_{key}", ".tflite")
