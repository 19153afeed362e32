"""Plans by `latency_ms` on LiteRT, one thread: predicted against measured, and against `macs`.

    python benchmarks/latency_budget.py                 # all: half an hour on a quiet machine
    python benchmarks/latency_budget.py --nets mobilenet_v2 --shares 0.5

For each net and each share of its unpruned latency: a plan by `latency_ms`, and the plan by `macs`
that the same table predicts to take as long. All files of a net are then timed in turns, the
unpruned one first. Each prediction stands before its model was ever timed: every plan is made from
a copy of the table that has seen the unpruned model alone. The weights are random, since latency
does not depend on them. Run it where nothing else runs.
"""

import argparse
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

import tfprune
from tfprune._files import write_text
from tfprune.errors import PlanError
from tfprune.latency import open_table
from tfprune.models import resnet50
from tfprune.planning.keep import keep_mask
from tfprune.report.tables import render
from tfprune.timing.machine import describe

SIZE = 96
SHARES = (0.5, 0.25, 0.1)
SCOPES = ("layer", "global")
SEED = 0
HEAD = ["net", "share", "scope", "plan by", "target ms", "predicted ms", "measured ms", "error"]
HEAD += ["off target", "MACs left", "parameters left"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nets", nargs="+", choices=list(NETS), default=list(NETS))
    parser.add_argument("--shares", nargs="+", type=float, default=list(SHARES))
    parser.add_argument("--scopes", nargs="+", choices=SCOPES, default=list(SCOPES))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--table", help="keeps the times of layers (a new file, thrown away)")
    parser.add_argument("--output", default="docs/results/latency_budget.json")
    options = parser.parse_args()
    rows = []
    for name in options.nets:
        with tempfile.TemporaryDirectory() as folder:
            rows += measure(name, Path(folder), options)
    document = {
        "command": "python benchmarks/latency_budget.py",
        "machine": str(describe()),
        "threads": options.threads,
        "image_size": SIZE,
        "seed": SEED,
        "largest_off_target": largest(rows),
        "rows": rows,
    }
    write_text(Path(options.output), json.dumps(document, indent=1) + "\n")
    print(render(HEAD, [cells(row) for row in rows]))


def mobilenet_v2() -> keras.Model:
    shape = (SIZE, SIZE, 3)
    return keras.applications.MobileNetV2(input_shape=shape, weights=None, classes=2)


NETS = {
    "resnet50": lambda: resnet50((SIZE, SIZE, 3), classes=2, preprocess=False),
    "mobilenet_v2": mobilenet_v2,
}


def measure(name: str, folder: Path, options: argparse.Namespace) -> list[dict[str, Any]]:
    """The rows of one net."""
    keras.utils.set_random_seed(SEED)
    graph = tfprune.trace(NETS[name]())
    table = Path(options.table or folder / "latency.json")
    measured = open_table(graph, table, threads=options.threads)
    whole = measured.predict(np.ones(len(graph.label), bool))
    plans = []
    for share in options.shares:
        for scope in options.scopes:
            copy = folder / "copy.json"
            shutil.copy(table, copy)
            for target, plan in both(graph, share * whole, scope, copy, options.threads):
                plans.append({"net": name, "share": share, "scope": scope, **target, "plan": plan})
                print(f"{name}: planned {share} {scope} by {target['target']}", flush=True)
    return timed(graph, plans, whole, folder, options)


def both(
    graph: Any, limit: float, scope: str, table: Path, threads: int
) -> list[tuple[dict[str, Any], Any]]:
    """The plan by `latency_ms`, and the one by `macs` of the same predicted latency."""
    asked = {"latency_table": table, "threads": threads, "scope": scope}
    plan = tfprune.plan(graph, latency_ms=limit, **asked)
    predicted = plan.settings["predicted_ms"]
    latency = open_table(graph, table, threads=threads)
    latency.refine(keep_mask(graph, plan.kept))
    low, high, rival = 0.0, 1.0, None
    while high - low > 1e-3:
        middle = (low + high) / 2
        try:
            tried = tfprune.plan(graph, macs=middle, scope=scope)
        except PlanError:  # less than can be reached
            low = middle
            continue
        fits = latency.predict(keep_mask(graph, tried.kept)) <= predicted
        low, high, rival = (middle, high, tried) if fits else (low, middle, rival)
    found = [({"target": "latency_ms", "target_ms": limit, "predicted_ms": predicted}, plan)]
    if rival is not None:
        ms = latency.predict(keep_mask(graph, rival.kept))
        found.append(({"target": "macs", "target_ms": limit, "predicted_ms": ms}, rival))
    return found


def timed(
    graph: Any, plans: list[dict[str, Any]], whole: float, folder: Path, options: argparse.Namespace
) -> list[dict[str, Any]]:
    """Builds and converts all, and times them in turns."""
    files = [convert(graph.model, folder / "unpruned.tflite")]
    for number, row in enumerate(plans):
        small = tfprune.rebuild(graph, row["plan"])
        files.append(convert(small, folder / f"{number}.tflite"))
    result = tfprune.benchmark(files, threads=options.threads, runs=options.runs, memory=False)
    unpruned = result.rows[0].median_ms
    rows = []
    for row, figures in zip(plans, result.rows[1:], strict=True):
        plan = row.pop("plan")
        rows.append(
            {
                **row,
                "unpruned_predicted_ms": whole,
                "unpruned_measured_ms": unpruned,
                "measured_ms": figures.median_ms,
                "p10_ms": figures.p10_ms,
                "p90_ms": figures.p90_ms,
                "error": figures.median_ms / row["predicted_ms"] - 1,
                "off_target": figures.median_ms / row["target_ms"] - 1,
                # Free of what the machine did between the table and this run.
                "error_of_the_share": 1 / figures.speedup / (row["predicted_ms"] / whole) - 1,
                "macs_left": plan.after["macs"] / plan.before["macs"],
                "parameters_left": plan.after["parameters"] / plan.before["parameters"],
                "kept": {group.name: group.kept for group in plan.groups},
            }
        )
    return rows


def largest(rows: list[dict[str, Any]]) -> float:
    """How far a plan by `latency_ms` was off its target at most."""
    return max(abs(row["off_target"]) for row in rows if row["target"] == "latency_ms")


def convert(model: keras.Model, path: Path) -> Path:
    sample = np.zeros((1, SIZE, SIZE, 3), "float32")
    # Random weights: the speed is asked for, not the answers.
    return tfprune.convert.to_tflite(model, path, samples=[sample], tolerance=float("inf")).path


def cells(row: dict[str, Any]) -> list[str]:
    return [
        *(str(row[key]) for key in ("net", "share", "scope", "target")),
        f"{row['target_ms']:.3f}",
        f"{row['predicted_ms']:.3f}",
        f"{row['measured_ms']:.3f}",
        f"{row['error']:+.1%}",
        f"{row['off_target']:+.1%}",
        f"{row['macs_left']:.3f}",
        f"{row['parameters_left']:.3f}",
    ]


if __name__ == "__main__":
    main()
