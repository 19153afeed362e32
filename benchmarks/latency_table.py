"""Latency of four nets at 0, 50, 70 and 90 % removed, against what their MACs promise.

    python benchmarks/latency_table.py --folder DIR --prepare    # some 15 minutes: the files
    python benchmarks/latency_table.py --folder DIR              # some 4 minutes: the times
    python benchmarks/latency_table.py --render                  # the page again, from the JSON

LiteRT, float32 and int8 (in and out too), one and two threads, at 224 px; all models of a net and
a form take turns. "rounded" is the plan of 70 % with round_to="auto". The weights are random:
latency does not depend on them. Take the times on a machine that does nothing else.
"""

import argparse
import gc
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from results import without_folders

import tfprune
from tfprune._files import write_text
from tfprune.recipes.common.page import markdown_table
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
    parser.add_argument("--folder", type=Path, default=Path("build/latency"))
    parser.add_argument("--prepare", action="store_true", help="make the files that are missing")
    parser.add_argument("--render", action="store_true", help="the page again, from the results")
    parser.add_argument("--nets", nargs="*", default=NETS, choices=NETS)
    parser.add_argument("--forms", nargs="*", default=list(FORMS), choices=FORMS)
    parser.add_argument("--plans", nargs="*", default=list(PLANS), choices=PLANS)
    parser.add_argument("--append", action="store_true", help="add to the results")
    parser.add_argument("--seconds", type=float, default=8.0, help="of rounds, for each run")
    parser.add_argument("--output", type=Path, default=Path("docs/results/latency_table.json"))
    options = parser.parse_args()
    if options.render:
        render(options.output)
        return
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
    render(options.output)


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


# ---- the page --------------------------------------------------------------------------

SAID = {
    "unpruned": "0 %",
    "50": "50 %",
    "70": "70 %",
    "70_rounded": "70 %, rounded",
    "90": "90 %",
}
HEAD = ("net", "form", "threads", "removed", "MACs left", "ms", "p90", "speed-up", "of MACs")


def render(path: Path) -> None:
    """Writes the results as a table in Markdown beside them."""
    runs = sorted(read_runs(path), key=lambda run: NETS.index(run["title"].split(", ")[0]))
    rows = [cells for run in runs for cells in told(run)]
    write_text(path.with_suffix(".md"), markdown_table(HEAD, rows) + "\n")


def told(run: dict[str, Any]) -> Iterator[list[str]]:
    """A line for each model of a run; "of MACs" is the share of the promised speed-up."""
    net, form, threads = run["title"].split(", ")
    first = run["rows"][0]
    for row in run["rows"]:
        plan = row["model"].removeprefix(f"{net}_").removesuffix(f"_{form}.tflite")
        left = row["macs"] / first["macs"]
        share = row["speedup"] * left
        yield [
            net,
            form,
            threads.split()[0],
            SAID[plan],
            f"{left:.3f}",
            f"{row['median_ms']:.2f}",
            f"{row['p90_ms']:.2f}",
            f"{row['speedup']:.2f}x",
            "" if row is first else f"{share:.0%}",
        ]


if __name__ == "__main__":
    main()
