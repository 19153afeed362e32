"""The nets that the authors released, already pruned: counted, converted, timed and looked into."""

import os
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tfprune.convert import to_tflite
from tfprune.costs import cost
from tfprune.criteria.cosine import nearest_distances
from tfprune.errors import FileError
from tfprune.models import dcase2021
from tfprune.recipes.scenes.speed import FORMS, time_files

FILES = {
    "C1": "dcase2021_pruned_C1.keras",
    "C2": "dcase2021_pruned_C2.keras",
    "C3": "dcase2021_pruned_C3.keras",
    "C1+C2": "dcase2021_pruned_C12.keras",
    "C2+C3": "dcase2021_pruned_C23.keras",
    "C1+C2+C3": "dcase2021_pruned_C123.keras",
}


def read_released(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """Loads the released nets, by the layers that were pruned.

    Args:
        folder: with the files of `FILES`, Keras 3 files of the authors' HDF5 ones.

    Raises:
        FileError: one is missing or damaged.
    """
    found = {}
    for key, name in FILES.items():
        path = Path(folder) / name
        try:
            found[key] = keras.models.load_model(path, compile=False)
        except (OSError, ValueError) as error:
            raise FileError(
                f"cannot read the released net {path} ({error}): --released takes a folder with "
                f"{', '.join(FILES.values())}"
            ) from error
    return found


def measure(folder: str | os.PathLike[str], output: Path, seconds: float = 60.0) -> dict[str, Any]:
    """Counts, converts and times the released nets beside the net that they were pruned from.

    That net was not released: its place is taken by one with new weights, which is as fast.

    Args:
        folder: as in `read_released`.
        output: where TFLite files are written.
        seconds: for the timing. Defaults to `60`.

    Returns:
        Figures by key: parameters, MACs, bytes and times of the files, and, by convolution, each
        filter's distance to its nearest neighbour.
    """
    nets = {"unpruned": dcase2021(), **read_released(folder)}
    noise = np.random.default_rng(0).normal(size=(16, 40, 500, 1)).astype(np.float32)
    output.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {}
    paths: dict[tuple[str, str], Path] = {}
    for key, net in nets.items():
        counts = cost(net)
        found[key] = {"parameters": counts.parameters, "macs": counts.macs}
        if key != "unpruned":
            found[key]["nearest"] = nearest(net)
        for form, quantize in FORMS.items():
            paths[key, form] = path = output / f"{key}_{form}.tflite"
            tolerance = 1.0 if form == "int8" else None  # noise asks for bytes and speed only
            to_tflite(
                net, path, quantize, representative_data=[noise], samples=noise[:2],
                tolerance=tolerance,
            )  # fmt: skip
    times, machine = time_files(paths, seconds)
    for key in nets:
        found[key]["files"] = times[key]
    return {"nets": found, "machine": machine}


def nearest(net: Any) -> dict[str, list[float]]:
    """By convolution, in order, C1 to C3: each filter's distance to its nearest neighbour."""
    kernels = [
        np.asarray(layer.kernel) for layer in net.layers if isinstance(layer, keras.layers.Conv2D)
    ]
    return {
        f"C{number}": [round(float(one), 5) for one in nearest_distances(kernel)]
        for number, kernel in enumerate(kernels, start=1)
    }
