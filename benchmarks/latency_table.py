"""Latency of four nets at 0, 50, 70 and 90 % removed, against what their MACs promise.

    python benchmarks/latency_table.py --folder DIR --prepare    # some 15 minutes: the files
    python benchmarks/latency_table.py --folder DIR              # some 4 minutes: the times

LiteRT, float32 and int8 (in and out too), one and two threads, at 224 px; all models of a net and
a form take turns. "rounded" is the plan of 70 % with round_to="auto". The weights are random:
latency does not depend on them. Take the times on a machine that does nothing else.
"""

import argparse
import gc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from results import without_folders

import tfprune
from tfprune.timing.results_file import read_runs, write_run

COMMAND = "python benchmarks/latency_table.py --folder DIR"
NETS = ("resnet50", "vgg16", "resnet18", "mobilenet_v2")
FORMS = {"float32": None, "int8": "int8"}
SIZE = 224
PLANS: dict[str, dict[str, Any]] = {
    "unpruned": {},
    "50": {"ratio": 0.5},
    "70": {"ratio": 0.7},
    "70_rounded": {"ratio": 0.7, "round_to": "auto"},
    "90": {"ratio": 0.9},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="where the .tflite files stand")
    parser.add_argument("--prepare", action="store_true", help="make the files that are missing")
    parser.add_argument("--nets", nargs="*", default=NETS, choices=NETS)
    parser.add_argument("--forms", nargs="*", default=list(FORMS), choices=FORMS)
    parser.add_argument("--plans", nargs="*", default=list(PLANS), choices=PLANS)
    parser.add_argument("--append", action="store_true", help="add to the results")
    parser.add_argument("--seconds", type=float, default=8.0, help="of rounds, for each run")
    parser.add_argument("--output", type=Path, default=Path("docs/results/latency_table.json"))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    if options.prepare:
        for name in options.nets:
            prepare(name, options.folder, options.forms, options.plans)
        return
    append = options.append
    for name in options.nets:
        for form in options.forms:
            for threads in (1, 2):
                files = [path_of(options.folder, name, plan, form) for plan in options.plans]
                title = f"{name}, {form}, {threads} {'thread' if threads == 1 else 'threads'}"
                result = tfprune.benchmark(
                    files, threads=threads, runs=100, seconds=options.seconds, memory=False
                )
                print(title, result, flush=True)
                write_run(options.output, without_folders(result), title, COMMAND, append)
                append = True
    print(judged(options.output))


def path_of(folder: Path, name: str, plan: str, form: str) -> Path:
    return folder / f"{name}_{plan}_{form}.tflite"


# ---- files -----------------------------------------------------------------------------


def prepare(name: str, folder: Path, forms: Sequence[str], plans: Sequence[str]) -> None:
    """Makes a net's files that are not there yet."""
    import keras

    keras.utils.set_random_seed(0)
    net = build(name)
    for plan in plans:
        settings = PLANS[plan]
        paths = {form: path_of(folder, name, plan, form) for form in forms}
        paths = {form: path for form, path in paths.items() if not path.exists()}
        if not paths:
            continue
        small = tfprune.prune(net, **settings) if settings else net
        for form, path in paths.items():
            convert(small, path, FORMS[form])
        del small
        gc.collect()


def build(name: str) -> Any:
    import keras

    shape = (SIZE, SIZE, 3)
    if name == "mobilenet_v2":
        return keras.applications.MobileNetV2(shape, weights=None, classes=2)
    settings = {} if name == "resnet18" else {"preprocess": False}
    return getattr(tfprune.models, name)(shape, classes=2, **settings)


def convert(net: Any, path: Path, quantize: str | None) -> None:
    shape = (2, *net.inputs[0].shape[1:])
    noise = np.random.default_rng(0).uniform(-1, 1, shape).astype("float32")
    more = {"input_type": "int8", "output_type": "int8"} if quantize else {}
    # Random weights: the speed is asked for, not the answers.
    given = {"representative_data": [noise], "samples": [noise[:1]], "tolerance": float("inf")}
    tfprune.convert.to_tflite(net, path, quantize, **given, **more)
    print(f"converted {path.name}", flush=True)


# ---- the goal --------------------------------------------------------------------------


def judged(path: Path) -> str:
    """How much of the promised speed-up the rounded plan of 70 % reaches."""
    lines = []
    for run in read_runs(path):
        first, *_ = run["rows"]
        rounded = next(row for row in run["rows"] if "70_rounded" in row["model"])
        share = rounded["speedup"] / (first["macs"] / rounded["macs"])
        lines.append(f"{run['title']}: {rounded['speedup']:.2f}x, {share:.0%} of the promise")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
