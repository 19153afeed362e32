"""The oracle on the nets of keras.applications: every constructor, half of the channels removed.

    python benchmarks/applications.py            # all of them: some 20 minutes, 12 GB of memory
    python benchmarks/applications.py NASNetMobile DenseNet121

Small inputs, all weights random, batch-norm statistics included. "signal" is the share of the
outputs' spread that comes of the image: an oracle over a net that says the same of every image
would prove little.
"""

import argparse
import gc
import inspect
import json
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np

import tfprune
from tfprune._files import write_text
from tfprune.errors import TfpruneError
from tfprune.report.tables import render
from tfprune.timing.machine import describe

_EXAMPLES = 8
_LARGE = {"InceptionV3": 75, "InceptionResNetV2": 75, "Xception": 71}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=constructors())
    parser.add_argument("--ratio", type=float, default=0.5)
    parser.add_argument("--output", default="docs/results/applications.json")
    options = parser.parse_args()
    rows = []
    for name in options.names:
        rows.append(measure(name, options.ratio))
        print(rows[-1], flush=True)
        keras.backend.clear_session()
        gc.collect()
    document = {
        "command": "python benchmarks/applications.py",
        "machine": str(describe()),
        "seed": 0,
        "ratio": options.ratio,
        "rows": rows,
    }
    write_text(Path(options.output), json.dumps(document, indent=1) + "\n")
    head = [
        "net",
        "prunable",
        "removed",
        "signal",
        "error layer",
        "error global",
        "trace s",
        "unknown",
    ]
    print(render(head, [[str(value) for value in row.values()] for row in rows]))


def constructors() -> list[str]:
    return [name for name, value in vars(keras.applications).items() if inspect.isfunction(value)]


def measure(name: str, ratio: float) -> dict[str, Any]:
    size = _LARGE.get(name, 64)
    # Without softmax, which could hide a difference.
    settings = {"weights": None, "classes": 10, "classifier_activation": None}
    constructor = getattr(keras.applications, name)
    model = constructor(**settings, input_shape=(size, size, 3))
    batch = images(model, size)
    randomise(model, batch)
    begun = time.perf_counter()
    graph = tfprune.trace(model)
    seconds = time.perf_counter() - begun
    errors, removed = [], 0.0
    for scope in ("layer", "global"):
        try:
            plan = tfprune.plan(model, ratio=ratio, scope=scope)
            small = tfprune.rebuild(model, plan)
            errors.append(tfprune.verify(model, small, plan, data=batch[:2]))
            removed = 1 - plan.after["parameters"] / plan.before["parameters"]
        except TfpruneError as error:
            errors.append(str(error))
    unknown = sorted({type(graph.records[path].operation).__name__ for path in graph.unknown})
    return {
        "net": name,
        "prunable": round(graph.prunable_share(), 4),
        "removed": round(removed, 3),
        "signal": round(signal(model, batch), 3),
        "error_layer": errors[0],
        "error_global": errors[1],
        "trace_seconds": round(seconds, 3),
        "unknown": ", ".join(unknown),
    }


def signal(model: Any, batch: np.ndarray) -> float:
    """How much of what the net says depends on the image: near 0 an error could not show."""
    found = model.predict(batch, verbose=0)
    return float(found.std(axis=0).mean() / found.std())


def images(model: Any, size: int, seed: int = 0) -> np.ndarray:
    """Images of a few large spots each, and noise, in the range that the net takes."""
    generator = np.random.default_rng(seed)
    spots = generator.normal(size=(_EXAMPLES, 4, 4, 3))
    large = np.asarray(keras.ops.image.resize(spots, (size, size), "bilinear"))
    batch = large + 0.5 * generator.normal(size=large.shape)
    inside = (keras.layers.Rescaling, keras.layers.Normalization)
    rescales = any(isinstance(layer, inside) for layer in model.layers)
    return (batch * 60 + 128 if rescales else batch).astype("float32")


def randomise(model: Any, batch: np.ndarray, seed: int = 0) -> Any:
    """Random weights under which signals reach the outputs, so that differences show.

    Batch norms get the statistics of the batch, each channel's a little off; without that signals
    fade in the deeper nets, and only biases would be left to compare.
    """
    generator = np.random.default_rng(seed)
    for weight in model.weights:
        shape = tuple(weight.shape)
        if weight.path.endswith("gamma"):
            weight.assign(generator.uniform(0.5, 1.5, shape))
        elif len(shape) > 1:
            # A depthwise kernel sums over its window alone.
            own = "depthwise" in weight.path and shape[-1] == 1
            fan_in = max(1, int(np.prod(shape[:-2] if own else shape[:-1])))
            weight.assign(generator.normal(size=shape) * np.sqrt(2 / fan_in))
        elif weight.path.endswith(("beta", "bias")):
            weight.assign(generator.normal(size=shape) * 0.1)
    norms = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
    for norm in norms:
        norm.momentum = 0.0
    model(batch, training=True)
    for norm in norms:
        variance = np.asarray(norm.moving_variance)
        off = generator.normal(size=variance.shape) * 0.2 * np.sqrt(variance)
        norm.moving_mean.assign(np.asarray(norm.moving_mean) + off)
        norm.moving_variance.assign(variance * generator.uniform(0.7, 1.4, variance.shape))
    return model


if __name__ == "__main__":
    main()
