"""The engine's time against Torch-Pruning and `clone_model`, and its peak memory.

    python -m venv peer && peer/bin/pip install -r requirements/torch-pruning.txt
    python benchmarks/engine_peers.py --torch_python peer/bin/python

Three tables in one file:

- **peer**: `trace` + `plan` + `rebuild` against the constructor of Torch-Pruning's pruner (which
  builds its graph) + `step()`, on the same networks at 224 px, half of the channels removed, L2
  norms, in turns. `step()` cuts the model in place and `rebuild` leaves the original alone, so the
  copy that their user makes to keep the original is given beside. "cold" is the first time in a
  fresh process, as a script that prunes one model has it.
- **clone**: the same against `keras.models.clone_model` on large nets, in turns.
- **memory**: how far the peak of resident memory (VmHWM, set back by /proc/self/clear_refs) rises
  above what is resident with the model in memory, each in a fresh process, after the same work on
  a small net has loaded all code, and after freed memory was handed back to the system
  (malloc_trim), since growth into it would not show. Linux with glibc only.

PyTorch's threads wait by spinning: where other programs use the cores too, its side takes many
times as long. Run this on a machine that does nothing else, or give it `--torch_threads 1`; `load`
in the file is the machine's load average when the run began.
"""

import argparse
import ctypes
import gc
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
from peers import TorchSide

import tfprune
from tfprune._files import write_text
from tfprune.report.tables import render
from tfprune.timing.machine import describe

_HERE = Path(__file__).resolve()
_PEERS = ("ResNet50", "MobileNetV2")
_LARGE = ("EfficientNetB7", "NASNetLarge")
_RATIOS = (0.1, 0.5)  # of the memory table
_TABLES = ("peer", "peer_cold", "clone", "memory")
_RATIO = 0.5
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")

Seconds = dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--torch_python", help="the interpreter that has torch-pruning; without it no peers"
    )
    parser.add_argument("--torch_threads", type=int, help="Defaults to all cores.")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--cold_rounds", type=int, default=5)
    parser.add_argument("--clone_rounds", type=int, default=5)
    parser.add_argument("--tables", nargs="*", default=_TABLES, choices=_TABLES)
    parser.add_argument("--output", default="docs/results/engine_peers.json")
    parser.add_argument("--alone", nargs=2, help=argparse.SUPPRESS)  # what a fresh process does
    options = parser.parse_args()
    if options.alone:
        print(json.dumps(alone(*options.alone)))
        return
    if not options.torch_python:
        options.tables = [table for table in options.tables if not table.startswith("peer")]
    results = measure(options)
    write_text(Path(options.output), json.dumps(results, indent=1) + "\n")
    for table in options.tables:
        rows = results[table]
        print(f"\n{table}")
        print(render(list(rows[0]), [[str(value) for value in row.values()] for row in rows]))


def measure(options: argparse.Namespace) -> dict[str, Any]:
    keras.utils.set_random_seed(0)
    tables: dict[str, Callable[[], list[dict[str, Any]]]] = {
        "peer": lambda: peer(options, options.rounds),
        "peer_cold": lambda: peer_cold(options, options.cold_rounds),
        "clone": lambda: [against_clone(net, options.clone_rounds) for net in _LARGE],
        "memory": lambda: [memory(net) for net in (*_PEERS, *_LARGE)],
    }
    return {
        "command": "python benchmarks/engine_peers.py --torch_python PYTHON",
        "machine": str(describe()),
        "load": round(os.getloadavg()[0], 2),
        "versions": {name: version(name) for name in ("tensorflow", "keras", "numpy")},
        "torch_versions": torch_versions(options.torch_python),
        "torch_threads": options.torch_threads,
        "seed": 0,
        "ratio": _RATIO,
        "rounds": options.rounds,
        **{table: tables[table]() for table in options.tables},
    }


# ---- the work that is timed ----------------------------------------------------------


def ours(model: Any, ratio: float = _RATIO) -> Seconds:
    """Seconds of the three steps of the engine."""
    gc.collect()
    marks = [time.perf_counter()]
    graph = tfprune.trace(model)
    marks.append(time.perf_counter())
    plan = tfprune.plan(graph, "l2", ratio=ratio)
    marks.append(time.perf_counter())
    tfprune.rebuild(graph, plan)
    marks.append(time.perf_counter())
    steps = (after - before for before, after in itertools.pairwise(marks))
    return dict(zip(("trace", "plan", "rebuild"), steps, strict=True))


def network(net: str) -> Any:
    return getattr(keras.applications, net)(weights=None)


# ---- the tables ----------------------------------------------------------------------


def torch_versions(python: str | None) -> dict[str, str] | None:
    if python is None:
        return None
    with TorchSide(python, "engine.py") as torch_side:
        return torch_side.ask(versions=True)


def peer(options: argparse.Namespace, rounds: int) -> list[dict[str, Any]]:
    """Both sides in turns; the first three turns warm up."""
    rows = []
    with TorchSide(options.torch_python, "engine.py", options.torch_threads) as torch_side:
        for net in _PEERS:
            model = network(net)
            turns = [
                (ours(model), torch_side.ask(net=net, ratio=_RATIO)) for _ in range(rounds + 3)
            ]
            rows.append({"net": net, **peer_row(turns[3:])})
    return rows


def peer_cold(options: argparse.Namespace, rounds: int) -> list[dict[str, Any]]:
    """Both sides in turns, each turn in a process of its own."""
    rows = []
    for net in _PEERS:
        turns = []
        for _ in range(rounds):
            mine = fresh("time", net)
            with TorchSide(options.torch_python, "engine.py", options.torch_threads) as torch_side:
                turns.append((mine, torch_side.ask(net=net, ratio=_RATIO)))
        rows.append({"net": net, **peer_row(turns)})
    return rows


def peer_row(pairs: Sequence[tuple[Seconds, dict[str, Any]]]) -> dict[str, Any]:
    mine = [sum(a.values()) for a, _ in pairs]
    theirs = [b["build"] + b["step"] for _, b in pairs]
    return {
        **{step: median(a[step] for a, _ in pairs) for step in ("trace", "plan", "rebuild")},
        "tfprune": median(mine),
        **{step: median(b[step] for _, b in pairs) for step in ("build", "step")},
        "torch_pruning": median(theirs),
        **spread([a / b for a, b in zip(mine, theirs, strict=True)]),
        "their_copy": median(b["copy"] for _, b in pairs),
    }


def against_clone(net: str, rounds: int) -> dict[str, Any]:
    """The engine and `clone_model` in turns; the first turn warms up."""
    model = network(net)
    pairs = []
    for _ in range(rounds + 1):
        mine = sum(ours(model).values())
        gc.collect()
        begun = time.perf_counter()
        keras.models.clone_model(model)
        pairs.append((mine, time.perf_counter() - begun))
    ratios = [a / b for a, b in pairs[1:]]
    return {
        "net": net,
        "tfprune": median(a for a, _ in pairs[1:]),
        "clone_model": median(b for _, b in pairs[1:]),
        **spread(ratios),
    }


def spread(ratios: Sequence[float]) -> Seconds:
    return {"ratio": median(ratios), "least": round(min(ratios), 3), "most": round(max(ratios), 3)}


def median(values: Any) -> float:
    return round(statistics.median(values), 3)


# ---- fresh processes -----------------------------------------------------------------


def fresh(task: str, net: str) -> Any:
    """Runs this script anew for one task and reads the JSON of its last line."""
    command = [sys.executable, str(_HERE), "--alone", task, net]
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(answer.stdout.splitlines()[-1])


def alone(task: str, net: str) -> Any:
    """One task in a fresh process: "time", "clone_model", or a ratio whose memory is wanted."""
    if task == "time":
        return ours(network(net))
    small = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3)])
    small.add(keras.layers.Dense(2))
    ours(small)
    keras.models.clone_model(small)
    model = network(net)
    clones = task == "clone_model"
    peak = peak_of(lambda: keras.models.clone_model(model) if clones else pruned(model, task))
    return {"weights": sum(weight.numpy().nbytes for weight in model.weights), "peak": peak}


def pruned(model: Any, ratio: str) -> Any:
    graph = tfprune.trace(model)
    return tfprune.rebuild(graph, tfprune.plan(graph, "l2", ratio=float(ratio)))


def memory(net: str) -> dict[str, Any]:
    """The engine's peak at several ratios, and that of `clone_model`, in MB and in weights."""
    tasks = (*(str(ratio) for ratio in _RATIOS), "clone_model")
    found = {task: fresh(task, net) for task in tasks}
    weights = found["clone_model"]["weights"]
    row: dict[str, Any] = {"net": net, "weights_mb": round(weights / 1e6, 1)}
    for task, answer in found.items():
        row[f"{task}_mb"] = round(answer["peak"] / 1e6, 1)
        row[f"{task}_in_weights"] = round(answer["peak"] / weights, 3)
    return row


def peak_of(work: Callable[[], Any]) -> int:
    """Bytes by which the resident peak rises during `work`."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    _CLEAR.write_text("5", encoding="ascii")  # sets VmHWM back to VmRSS
    before = status("VmRSS")
    kept = work()  # the result stays alive until the peak is read
    peak = status("VmHWM") - before
    del kept
    return peak


def status(field: str) -> int:
    lines = _STATUS.read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:"))


if __name__ == "__main__":
    main()
