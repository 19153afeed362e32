"""The oracle on the nets of keras.applications: every constructor, half of the channels removed.

    python benchmarks/applications.py            # all of them: some 20 minutes, 12 GB of memory
    python benchmarks/applications.py NASNetMobile DenseNet121

Small inputs, all weights random, batch-norm statistics included.
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
    head = ["net", "prunable", "removed", "error layer", "error global", "trace s", "unknown"]
    print(render(head, [[str(value) for value in row.values()] for row in rows]))


def constructors() -> list[str]:
    return [name for name, value in vars(keras.applications).items() if inspect.isfunction(value)]


def measure(name: str, ratio: float) -> dict[str, Any]:
    size = _LARGE.get(name, 64)
    # Without softmax, which could hide a difference.
    settings = {"weights": None, "classes": 10, "classifier_activation": None}
    constructor = getattr(keras.applications, name)
    model = randomise(constructor(**settings, input_shape=(size, size, 3)))
    begun = time.perf_counter()
    graph = tfprune.trace(model)
    seconds = time.perf_counter() - begun
    errors, removed = [], 0.0
    for scope in ("layer", "global"):
        try:
            plan = tfprune.plan(model, ratio=ratio, scope=scope)
            small = tfprune.rebuild(model, plan)
            errors.append(tfprune.verify(model, small, plan))
            removed = 1 - plan.after["parameters"] / plan.before["parameters"]
        except TfpruneError as error:
            errors.append(str(error))
    unknown = sorted({type(graph.records[path].operation).__name__ for path in graph.unknown})
    return {
        "net": name,
        "prunable": round(graph.prunable_share(), 4),
        "removed": round(removed, 3),
        "error_layer": errors[0],
        "error_global": errors[1],
        "trace_seconds": round(seconds, 3),
        "unknown": ", ".join(unknown),
    }


def randomise(model: Any, seed: int = 0) -> Any:
    """Random weights under which signals keep their size, so that differences show."""
    generator = np.random.default_rng(seed)
    for weight in model.weights:
        shape = tuple(weight.shape)
        if "variance" in weight.name or "gamma" in weight.name:
            weight.assign(generator.uniform(0.5, 1.5, shape))
        elif len(shape) > 1:
            fan_in = max(1, int(np.prod(shape[:-1])))
            weight.assign(generator.normal(size=shape) / np.sqrt(fan_in))
        else:
            weight.assign(generator.normal(size=shape) * 0.1)
    return model


if __name__ == "__main__":
    main()
