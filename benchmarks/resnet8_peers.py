"""MLPerf's ResNet8 on CIFAR-10, pruned by tfprune and by Torch-Pruning 1.6.1.

    python -m venv peer && peer/bin/pip install -r requirements/torch-pruning.txt
    python benchmarks/resnet8_peers.py --model mlperf_resnet8_cifar10.keras --cifar10 FOLDER \\
        --torch_python peer/bin/python

Both get the same weights, the same criterion, the same 1,024 images where it looks at images, and
the same MACs: the most that is at or below the target. What Torch-Pruning keeps is cut out of the
Keras net (the two must then say the same of 64 images) and trained by the same code, seeds, images
and steps. Each side's scope, "layer" or "global", is the one better on 2,000 validation images
before fine-tuning. "from scratch" has the widths of our net and new weights. The test images are
looked at once for each row. First the plain check: L2 norms
of the layer that stands first in each group must name the same filters.
"""

import argparse
import json
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from cifar10 import load
from cifar_training import LOSS, accuracy, fine_tune, one_hot
from peers import TorchSide

import tfprune
from tfprune._files import write_text
from tfprune.planning.limits import Limits, candidates
from tfprune.planning.planner import make_plan
from tfprune.report.tables import render
from tfprune.timing.machine import describe

MACS = (0.5, 0.25)
CRITERIA = ("l2", "taylor")
SCOPES = ("layer", "global")
EXAMPLES = 1024
REPAIR = "least_squares"
HEAD = ["criterion", "MACs", "net", "scope", "MACs left", "before", "fine-tuned", "least", "most"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--cifar10", required=True, type=Path)
    parser.add_argument("--torch_python", required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=200, help="of fine-tuning, 128 images each")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--output", default="docs/results/resnet8_peers.json")
    options = parser.parse_args()
    model = keras.models.load_model(options.model, compile=False)
    sets = split(options.cifar10)
    images, labels = (part[:EXAMPLES] for part in sets["training"])
    with TorchSide(options.torch_python, "resnet8.py", 1) as peer:
        versions = greet(peer, model, images, labels)
        same = [same_filters(model, peer, ratio) for ratio in (0.25, 0.5, 0.75)]
        rows = list(contest(model, peer, sets, options))
    document = {
        "command": "python benchmarks/resnet8_peers.py --model mlperf_resnet8_cifar10.keras "
        "--cifar10 DIR --torch_python PYTHON",
        "machine": str(describe()),
        "torch_versions": versions,
        "seeds": list(range(options.seeds)),
        "steps": options.steps,
        "rate": options.rate,
        "examples": EXAMPLES,
        "repair": REPAIR,
        "unpruned": accuracy(model, sets["test"]),
        "l2_first_names_the_same_filters": all(same),
        "rows": rows,
    }
    write_text(Path(options.output), json.dumps(document, indent=1) + "\n")
    print(render(HEAD, [[str(row[key]) for key in KEYS] for row in rows]))


KEYS = ("criterion", "macs", "net", "scope", "macs_left", "before", "after", "least", "most")


def split(folder: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Training images, 2,000 to choose by, and the test images."""
    parts = [load(folder, name) for name in ("train_1", "train_2", "train_3")]
    images, labels = (np.concatenate(one) for one in zip(*parts, strict=True))
    return {
        "training": (images[:-2000], labels[:-2000]),
        "validation": (images[-2000:], labels[-2000:]),
        "test": load(folder, "test"),
    }


# ---- the other side --------------------------------------------------------------------


def greet(peer: TorchSide, model: Any, images: np.ndarray, labels: np.ndarray) -> dict[str, str]:
    """Hands over weights and images; the unpruned nets must agree."""
    weights = {weight.path: np.asarray(weight) for weight in model.weights}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "resnet8.npz"
        np.savez(path, images=images, labels=labels, **weights)
        answer = peer.say(str(path))
    agree(model, images, answer["answers"])
    return answer["versions"]


def agree(model: Any, images: np.ndarray, answers: list[list[float]]) -> None:
    """Raises where a Keras net and its torch twin differ on 64 images."""
    error = np.abs(model.predict(images[:64], verbose=0) - answers).max()
    if error > 1e-3:
        raise SystemExit(f"the two nets differ by {error:.2g}: the weights were not ported right")


def theirs(model: Any, peer: TorchSide, images: np.ndarray, **request: Any) -> tuple[Any, Any]:
    """What Torch-Pruning keeps, as a plan, and the net cut by it."""
    answer = peer.ask(**request)
    graph = tfprune.trace(model)
    groups = candidates(graph, Limits())
    # Shortcuts have no batch norm; their group's first convolution has.
    kept = {group.name: np.array(sorted(answer["kept"][group.name])) for group in groups}
    plan = make_plan(graph, model.name, request["criterion"], {}, groups, kept)
    small = tfprune.rebuild(model, plan)
    agree(small, images, answer["answers"])
    return plan, small


def same_filters(model: Any, peer: TorchSide, ratio: float) -> bool:
    """Whether L2 norms of the first layer of each group name the same filters on both sides."""
    answer = peer.ask(criterion="l2, first", ratio=ratio, scope="layer")
    plan = tfprune.plan(model, FirstL2(answer["roots"]), ratio=ratio, group_reduction="first")
    return all(
        sorted(answer["kept"][group.name]) == list(plan.kept[group.name])
        for group in plan.groups
        if group.reason is None
    )


@dataclass(frozen=True)
class FirstL2:
    """L2 norms of some layers: which of a residual stream's is the first, each side says itself."""

    layers: Sequence[str]
    name: str = "l2"

    def score(self, graph: Any) -> dict[str, np.ndarray]:
        """Scores the layers that were named."""
        found = tfprune.criteria.L2().score(graph)
        return {path: found[path] for path in self.layers}


def theirs_at(
    model: Any, peer: TorchSide, images: np.ndarray, criterion: str, scope: str, share: float
) -> tuple[Any, Any]:
    """Their net with the most MACs at or below a share."""
    low, high, found = 0.0, 0.99, None
    while high - low > 1e-3:
        middle = (low + high) / 2
        tried = theirs(model, peer, images, criterion=criterion, ratio=middle, scope=scope)
        fits = left(tried[0]) <= share
        low, high, found = (low, middle, tried) if fits else (middle, high, found)
    if found is None:
        raise SystemExit(f"no ratio of theirs reaches {share} of the MACs")
    return found


def left(plan: Any) -> float:
    return plan.after["macs"] / plan.before["macs"]


# ---- the contest -----------------------------------------------------------------------


def contest(model: Any, peer: TorchSide, sets: Any, options: argparse.Namespace) -> Iterator[Any]:
    images, labels = (part[:EXAMPLES] for part in sets["training"])
    seen = {"data": (images, one_hot(labels)), "loss": LOSS}
    for criterion in CRITERIA:
        for share in MACS:
            nets: dict[str, list[tuple[str, Any, Any]]] = {"Torch-Pruning": [], "tfprune": []}
            nets["tfprune, repaired"] = []
            for scope in SCOPES:
                found = theirs_at(model, peer, images, criterion, scope, share)
                nets["Torch-Pruning"].append((scope, *found))
                looks = {} if criterion == "l2" else seen
                plan = tfprune.plan(model, criterion, macs=share, scope=scope, **looks)
                nets["tfprune"].append((scope, plan, tfprune.rebuild(model, plan)))
                mended = tfprune.rebuild(model, plan, REPAIR, images)
                nets["tfprune, repaired"].append((scope, plan, mended))
            best = {name: max(tried, key=judged(sets)) for name, tried in nets.items()}
            scope, plan, small = best["tfprune, repaired"]
            best["tfprune's widths from scratch"] = (scope, plan, anew(small))
            for name, one in best.items():
                yield row({"criterion": criterion, "macs": share, "net": name}, one, sets, options)


def judged(sets: Any) -> Any:
    return lambda one: accuracy(one[2], sets["validation"])


def anew(model: Any) -> Any:
    """The same layers with new weights."""
    keras.utils.set_random_seed(0)
    return keras.models.clone_model(model)


def row(names: dict[str, Any], one: Any, sets: Any, options: argparse.Namespace) -> dict[str, Any]:
    scope, plan, small = one
    weights = small.get_weights()
    before = accuracy(small, sets["test"])
    after = []
    for seed in range(options.seeds):
        if "scratch" in names["net"]:
            keras.utils.set_random_seed(seed)
            small = keras.models.clone_model(small)
        else:
            small.set_weights(weights)
        fine_tune(small, sets["training"], options.steps, seed, options.rate)
        after.append(round(accuracy(small, sets["test"]), 4))
    found = {
        **names,
        "scope": scope,
        "macs_left": round(left(plan), 4),
        "before": round(before, 4),
        "after": round(statistics.mean(after), 4),
        "least": min(after),
        "most": max(after),
    }
    print(found, flush=True)
    return found


if __name__ == "__main__":
    main()
