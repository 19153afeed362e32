"""Every criterion on MLPerf's ResNet8, without any training: what is left of the accuracy.

    python benchmarks/criteria.py --model mlperf_resnet8_cifar10.keras --cifar10 FOLDER

Two budgets of MACs, both scopes, as it is and repaired by least squares. Criteria and the repair
look at 1,024 training images; each seed draws others. Judged on the test images; nothing is chosen
by them.
"""

import argparse
import json
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
from cifar_training import LOSS, accuracy, drawn
from kept import kept_or_measured
from resnet8_peers import split

import tfprune
from tfprune import criteria
from tfprune._files import write_text
from tfprune.report.tables import render
from tfprune.timing.machine import describe

MACS = (0.75, 0.5)
SCOPES = ("layer", "global")
EXAMPLES = 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--cifar10", required=True, type=Path)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--kept", type=Path, help="a file that keeps each row, to go on from")
    parser.add_argument("--output", default="docs/results/criteria.json")
    options = parser.parse_args()
    model = keras.models.load_model(options.model, compile=False)
    sets = split(options.cifar10)
    found: dict[tuple[Any, ...], list[tuple[float, float]]] = {}
    for seed in range(options.seeds):
        for names, pair in measure(
            model, drawn(sets["training"], seed, EXAMPLES), sets["test"], seed, options.kept
        ):
            found.setdefault(names, []).append(pair)
    rows = [summary(names, pairs) for names, pairs in found.items()]
    document = {
        "command": f"python benchmarks/criteria.py --seeds {options.seeds} "
        "--model mlperf_resnet8_cifar10.keras --cifar10 DIR",
        "machine": str(describe()),
        "examples": EXAMPLES,
        "seeds": list(range(options.seeds)),
        "unpruned": accuracy(model, sets["test"]),
        "rows": rows,
    }
    write_text(Path(options.output), json.dumps(document, indent=1) + "\n")
    print(render(list(rows[0]), [[str(value) for value in row.values()] for row in rows]))


def candidates(data: Any, seed: int) -> dict[str, Any]:
    return {
        "l1": criteria.L1(),
        "l2": criteria.L2(),
        "bn_scale": criteria.BNScale(),
        "geometric_median": criteria.GeometricMedian(),
        "operator_norm": criteria.OperatorNorm(),
        "cosine": criteria.Cosine(),
        "activation": criteria.Activation(data[0]),
        "activation, apoz": criteria.Activation(data[0], "apoz"),
        "mutual_information": criteria.MutualInformation(data),
        "output_sensitivity": criteria.OutputSensitivity(data[0]),
        "taylor": criteria.Taylor(data, LOSS),
        "taylor, squared": criteria.Taylor(data, LOSS, "squared"),
        "random": criteria.Random(seed),
    }


def measure(model: Any, data: Any, test: Any, seed: int, kept: Path | None) -> Iterator[Any]:
    graph = tfprune.trace(model)
    for name, criterion in candidates(data, seed).items():
        for macs in MACS:
            for scope in SCOPES:

                def pair(
                    criterion: Any = criterion, macs: float = macs, scope: str = scope
                ) -> tuple[float, float]:
                    plan = tfprune.plan(graph, criterion, macs=macs, scope=scope)
                    bare = tfprune.rebuild(graph, plan)
                    mended = tfprune.rebuild(graph, plan, "least_squares", data[0])
                    return accuracy(bare, test), accuracy(mended, test)

                yield (name, macs, scope), kept_or_measured(kept, [seed, name, macs, scope], pair)


def summary(names: tuple[Any, ...], pairs: list[tuple[float, float]]) -> dict[str, Any]:
    row: dict[str, Any] = dict(zip(("criterion", "macs", "scope"), names, strict=True))
    for kind, values in zip(("pruned", "repaired"), zip(*pairs, strict=True), strict=True):
        row[kind] = round(statistics.mean(values), 4)
        row[f"{kind}_least"], row[f"{kind}_most"] = round(min(values), 4), round(max(values), 4)
    return row


if __name__ == "__main__":
    main()
