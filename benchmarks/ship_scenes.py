"""Nets that listen: DCASE 2021's baseline on ESC-10, whole and with half of its MACs removed.

    tfprune recipe scenes --data FOLDER --output STUDY --seeds 3 --epochs 40 --tune_epochs 8
    python benchmarks/ship_scenes.py --data FOLDER --study STUDY

The nets are the recipe's, of its first seed and fold: the unpruned one, and `ours_50`. Their files
take the waveform: Fourier transform, mel bands and scaling are inside. They ship in float32 alone,
since powers of a spectrum span more than int8 holds. Accuracy is of the fold's own clips, which
nothing was chosen by.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from scenes_study import opened

from tfprune.convert import Metadata
from tfprune.recipes.scenes.data import Clips
from tfprune.recipes.scenes.listening import heard_at, listener
from tfprune.recipes.scenes.settings import SECONDS
from tfprune.shipping import ship

SEED = FOLD = 0
NETS = {
    "scenes_dcase2021": ("unpruned", "unpruned"),
    "scenes_dcase2021_macs50": ("ours_50", "half of its multiply-accumulates removed"),
}
DATA = "ESC-10 (K. J. Piczak 2015, doi:10.1145/2733373.2806390), folds 2 to 5"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--study", required=True, type=Path)
    parser.add_argument("--output", default="tflite_models", type=Path)
    options = parser.parse_args()
    study, clips, _ = opened(options.study, options.data)
    fold = clips.fold(FOLD, study.settings)
    test = np.stack(clips.waves(FOLD)), fold.test[1]
    for name, (key, how) in NETS.items():
        net = listener(study.load(SEED, FOLD, key), clips.mel, SECONDS, fold.mean, fold.sd)
        told = metadata(clips, how, len(fold.train[1]))
        artifact = ship(
            net,
            options.output,
            f"{name}_float32",
            samples=test,
            tolerance=1e-3,
            metadata=told,
        )
        print(artifact, flush=True)


def metadata(clips: Clips, how: str, count: int) -> Metadata:
    """What a file says."""
    preprocessing: Any = heard_at(clips.mel)
    return Metadata(
        title=f"Ten kinds of sound, DCASE 2021's baseline net, {how}",
        labels=clips.sounds.classes,
        preprocessing=preprocessing,
        license="CC-BY-3.0",
        attribution="weights trained by tfprune; the net is the baseline of DCASE 2021 task 1A; "
        "clips of freesound.org's authors, collected by K. J. Piczak as ESC-10 (CC BY 3.0, "
        "some CC0)",
        data=f"{DATA}: {count} clips",
        measured_on="the clips of fold 1",
        command="python benchmarks/ship_scenes.py --data FOLDER --study STUDY",
        notes="Sounds of one kind each, recorded from close by: it says nothing of streets, "
        "parks or mixtures. Mono; a clip shorter than 10 s is repeated.",
    )


if __name__ == "__main__":
    main()
