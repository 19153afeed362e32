"""Inputs for a file to be run on, where only the file is at hand."""

from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from tfprune.convert import read_metadata


def typical_inputs(path: Path, count: int, seed: int) -> np.ndarray:
    """Draws what the file says it takes: levels of pictures, noise for waveforms, any integers.

    Returns:
        (count, ...) inputs of the file's type and shape.
    """
    entry = Interpreter(model_path=str(path)).get_input_details()[0]
    draw = np.random.default_rng(seed)
    shape = (count, *map(int, entry["shape"][1:]))
    if np.dtype(entry["dtype"]).kind != "f":
        limits = np.iinfo(entry["dtype"])
        return draw.integers(limits.min, limits.max + 1, shape).astype(entry["dtype"])
    (how,) = read_metadata(path).preprocessing.values()
    values = draw.normal(size=shape) if how.kind == "waveform" else draw.integers(0, 256, shape)
    return (values * how.scale + how.offset).astype(entry["dtype"])
