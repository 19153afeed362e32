"""A plan by `latency_ms` against the plan by `macs` that takes as long: which is more accurate.

    python benchmarks/latency_accuracy.py --model mlperf_resnet8_cifar10.keras --cifar10 FOLDER

For each share of the unpruned latency a plan by `latency_ms` (LiteRT, float32, one thread), and the
plans by `macs` with the most MACs that the measured table still predicts to be as fast, in scope
"layer" and "global". All rank by Taylor's criterion. Their files are timed in turns; then they are
repaired by least squares and fine-tuned by the same code, seeds and steps. The times want a machine
that does nothing else.
"""

import argparse
import json
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
from cifar_training import LOSS, accuracy, fine_tune, one_hot
from resnet8_peers import split

import tfprune
from tfprune._files import write_text
from tfprune.errors import PlanError
from tfprune.latency import open_table
from tfprune.planning.keep import keep_mask
from tfprune.report.tables import render
from tfprune.timing.machine import describe

SHARES = (0.5, 0.3)
SCOPES = ("layer", "global")
EXAMPLES = 1024
KEYS = ("share", "plan by", "scope", "macs_left", "predicted_ms", "measured_ms")
KEYS += ("repaired", "fine_tuned", "least", "most")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--cifar10", required=True, type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=200, help="of fine-tuning, 128 images each")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--output", default="docs/results/latency_accuracy.json")
    options = parser.parse_args()
    model = keras.models.load_model(options.model, compile=False)
    sets = split(options.cifar10)
    images, labels = (part[:EXAMPLES] for part in sets["training"])
    seen = images, one_hot(labels)
    with tempfile.TemporaryDirectory() as folder:
        plans = list(planned(model, seen, Path(folder)))
        unpruned = timed(model, plans, Path(folder))
    print(f"timed: unpruned {unpruned} ms", flush=True)
    rows = [judged(model, plan, row, seen, sets, options) for row, plan in plans]
    document = {
        "command": "python benchmarks/latency_accuracy.py --model mlperf_resnet8_cifar10.keras "
        "--cifar10 DIR",
        "machine": str(describe()),
        "seeds": list(range(options.seeds)),
        "steps": options.steps,
        "rate": options.rate,
        "unpruned": {"accuracy": accuracy(model, sets["test"]), "measured_ms": unpruned},
        "rows": rows,
    }
    write_text(Path(options.output), json.dumps(document, indent=1) + "\n")
    print(render(list(KEYS), [[str(row[key]) for key in KEYS] for row in rows]))


# ---- plans and times -------------------------------------------------------------------


def planned(model: Any, seen: Any, folder: Path) -> Iterator[tuple[dict[str, Any], Any]]:
    graph = tfprune.trace(model)
    path = folder / "latency.json"
    table = open_table(graph, path)
    whole = table.predict(np.ones(len(graph.label), bool))
    asked = {"criterion": "taylor", "data": seen, "loss": LOSS}
    for share in SHARES:
        for scope in SCOPES:
            limit = share * whole
            plan = tfprune.plan(graph, latency_ms=limit, latency_table=path, scope=scope, **asked)
            yield said(share, "latency_ms", scope, plan, table, graph), plan
            rival = by_macs(graph, table, limit, {**asked, "scope": scope})
            yield said(share, "macs", scope, rival, table, graph), rival


def by_macs(graph: Any, table: Any, limit: float, asked: dict[str, Any]) -> Any:
    """The plan with the most MACs that is predicted to keep the limit."""
    low, high, found = 0.0, 1.0, None
    while high - low > 2e-3:
        middle = (low + high) / 2
        try:
            tried = tfprune.plan(graph, macs=middle, **asked)
        except PlanError:  # less than can be reached
            low = middle
            continue
        fits = table.predict(keep_mask(graph, tried.kept)) <= limit
        low, high, found = (middle, high, tried) if fits else (low, middle, found)
    if found is None:
        raise SystemExit(f"no budget of MACs comes down to {limit:.3g} ms")
    return found


def said(share: float, by: str, scope: str, plan: Any, table: Any, graph: Any) -> dict[str, Any]:
    keep = keep_mask(graph, plan.kept)
    table.refine(keep)
    return {
        "share": share,
        "plan by": by,
        "scope": scope,
        "macs_left": round(plan.after["macs"] / plan.before["macs"], 4),
        "predicted_ms": round(table.predict(keep), 4),
    }


def timed(model: Any, plans: list[Any], folder: Path) -> float:
    """Adds to each row what its file takes; returns what the unpruned one takes."""
    files = [convert(model, folder / "unpruned.tflite")]
    for number, (_, plan) in enumerate(plans):
        files.append(convert(tfprune.rebuild(model, plan), folder / f"{number}.tflite"))
    result = tfprune.benchmark(files, runs=100, memory=False)
    for (row, _), figures in zip(plans, result.rows[1:], strict=True):
        row["measured_ms"] = round(figures.median_ms, 4)
        row["p10_ms"], row["p90_ms"] = round(figures.p10_ms, 4), round(figures.p90_ms, 4)
    return round(result.rows[0].median_ms, 4)


def convert(model: Any, path: Path) -> Path:
    sample = np.zeros((1, *model.inputs[0].shape[1:]), "float32")
    return tfprune.convert.to_tflite(model, path, samples=[sample]).path


# ---- accuracies ------------------------------------------------------------------------


def judged(
    model: Any, plan: Any, row: dict[str, Any], seen: Any, sets: Any, options: argparse.Namespace
) -> dict[str, Any]:
    small = tfprune.rebuild(model, plan, "least_squares", seen[0])
    weights = small.get_weights()
    repaired = accuracy(small, sets["test"])
    after = []
    for seed in range(options.seeds):
        small.set_weights(weights)
        fine_tune(small, sets["training"], options.steps, seed, options.rate)
        after.append(round(accuracy(small, sets["test"]), 4))
    found = {
        **row,
        "repaired": round(repaired, 4),
        "fine_tuned": round(statistics.mean(after), 4),
        "least": min(after),
        "most": max(after),
        "kept": {group.name: group.kept for group in plan.groups},
    }
    print(found, flush=True)
    return found


if __name__ == "__main__":
    main()
