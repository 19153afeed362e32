"""Detectors of local earthquakes, a tenth of ResNet50's widths, into tflite_models/.

    tfprune recipe earthquake --data FILE.hdf5 --csv FILE.csv --weights FILE.npz --output FOLDER
    python benchmarks/ship_earthquake.py --study FOLDER --data FILE.hdf5 --csv FILE.csv

The nets are the recipe's, of its first seed: ResNet50 from ImageNet's weights, trained, 90 % of all
filters and units removed by L2 at once, retrained; and 97.5 %, in two blows, taught by the unpruned
net. They ship as files that take pictures, in float32 and int8; the first one also as a file that
takes the waveforms themselves and draws the picture inside, in float32 alone, since powers of a
spectrum span more than int8 holds. Accuracy is of the windows of that seed's test stations, which
nothing was chosen by.
"""

import argparse
import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from shipped import ship_all

import tfprune
from tfprune.convert import Metadata, SpectrogramInput, WaveformInput, plan_summary
from tfprune.datasets import iterate_waveforms
from tfprune.models import from_waveforms
from tfprune.recipes.common.stages import Stages
from tfprune.recipes.earthquake.data import Windows, windows
from tfprune.recipes.earthquake.settings import RATIO, Settings
from tfprune.recipes.earthquake.study import Study
from tfprune.shipping import ship

KEY, SEED = "all_widths", 0
SMALL, BEFORE = "taught_97.5", "taught_90"
COMMAND = "python benchmarks/ship_earthquake.py --study FOLDER --data FILE.hdf5 --csv FILE.csv"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--study", required=True, type=Path)
    parser.add_argument("--data", required=True, nargs="+")
    parser.add_argument("--csv", required=True, nargs="+")
    parser.add_argument("--output", default="tflite_models", type=Path)
    options = parser.parse_args()
    study, chosen = finished(options.study, options.data, options.csv)
    settings = study.settings
    split = chosen.split(SEED)
    pictures = SpectrogramInput(components=settings.components)
    nets = []
    for name, key, start, ratio, how in (
        ("earthquake_widths10", KEY, "unpruned", RATIO, "90 %"),
        ("earthquake_widths2_5", SMALL, BEFORE, 1 - 0.025 / (1 - RATIO), "97.5 %"),
    ):
        net, before = study.load(SEED, key), study.load(SEED, start)
        plan = plan_summary(tfprune.plan(before, "l2", ratio=ratio).as_dict())
        inputs = {net.inputs[0].name: pictures}
        nets.append((name, net, metadata(settings, len(split.train[1]), inputs, plan, how)))
    ship_all(nets, options.output, split.train[0][:128], split.test)

    npts = chosen.shortest(SEED)
    listener = from_waveforms(nets[0][1], npts, settings.components)
    told = replace(nets[0][2], preprocessing={listener.inputs[0].name: WaveformInput(rate=100.0)})
    artifact = ship(
        listener,
        options.output,
        "earthquake_widths10_waveforms_float32",
        samples=heard(chosen, npts),
        tolerance=0.02,  # a level rounded the other way moves an answer a little
        metadata=told,
    )
    print(artifact)


def finished(folder: Path, data: list[str], csv: list[str]) -> tuple[Study, Windows]:
    """The recipe's study as it stands in its folder, and its windows."""
    kept = json.loads((folder / "settings.json").read_text())
    settings = Settings(**{field.name: of_json(kept[field.name]) for field in fields(Settings)})
    chosen = windows(data, csv, settings, folder)
    return Study(settings, chosen, Stages(folder, kept)), chosen


def heard(chosen: Any, npts: int) -> tuple[np.ndarray, np.ndarray]:
    """The waveforms of the test stations, as long as the net takes them, and their labels."""
    test = chosen.pairs[SEED][1]
    labels = dict(zip(test.trace_names, test.labels, strict=True))
    found = dict(iterate_waveforms(chosen.paths, test.trace_names, least=npts))
    return np.stack([wave[:npts] for wave in found.values()]), np.array(
        [labels[name] for name in found], int
    )


def of_json(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def metadata(settings: Settings, count: int, inputs: Any, plan: Any, how: str) -> Metadata:
    """What the files say."""
    size = settings.image_size
    return Metadata(
        title=f"Local earthquake or noise, ResNet50 less {how} of its widths",
        labels=("noise", "earthquake"),
        preprocessing=inputs,
        license="MIT",
        attribution="weights trained by tfprune, from those of keras.applications (ImageNet); "
        "waveforms of the Northern California Earthquake Data Center, doi:10.7932/NCEDC, by way "
        "of AI4EPS/PhaseNet and AI4EPS/DeepDenoiser (MIT)",
        data=f"{count} windows of 28 s at 100 Hz, three components east, north, up; {size} px",
        measured_on="windows of stations that it was not trained on",
        plan=plan,
        command=COMMAND,
        notes="Noise here is what stood before earthquakes in the same records, at the stations of "
        f"one network: it says nothing of other networks, instruments or distances. {how} of all "
        "filters and units were removed by L2, and the net was retrained (Atmaja et al. 2022).",
    )


if __name__ == "__main__":
    main()
