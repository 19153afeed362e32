"""Two workers against one: the same plan, the same losses.

    python benchmarks/workers.py --jax_python PYTHON

`FilterPruning` in training and `tfprune.iterate` in three steps, by one worker and by two: two
devices of one process (TensorFlow's MirroredStrategy), two processes of TensorFlow
(MultiWorkerMirroredStrategy, the steps of `tfprune.training.fit`), and two of JAX (Keras's own
`fit`), all on the loopback interface. Each worker is the one that the tests start,
`tests/workers_job.py`. Asked for: the same filters, and losses within 1e-4.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from tfprune._files import write_text
from tfprune.report.tables import render
from tfprune.timing.machine import describe

ROOT = Path(__file__).resolve().parent.parent
JOB = ROOT / "tests" / "workers_job.py"
LIMIT, PATIENCE = 1e-4, 400
WAYS = ("FilterPruning", "iterate")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jax_python", help="a Python with Keras on JAX; left out without it")
    parser.add_argument("--output", default="docs/results/workers.json")
    options = parser.parse_args()
    cases = [("MirroredStrategy", "tensorflow", sys.executable, True)]
    cases += [("MultiWorkerMirroredStrategy", "tensorflow", sys.executable, False)]
    if options.jax_python:
        cases += [("JAX, keras.distribution", "jax", options.jax_python, False)]
    alone: dict[str, Any] = {}
    rows = []
    for name, backend, python, devices in cases:
        if backend not in alone:
            (alone[backend],) = run(python, backend, 1, devices=backend == "tensorflow")
        rows += compared(name, alone[backend], run(python, backend, 2, devices))
    results = {
        "command": "python benchmarks/workers.py --jax_python PYTHON",
        "machine": str(describe()),
        "seed": 0,
        "limit": LIMIT,
        "rows": rows,
    }
    write_text(Path(options.output), json.dumps(results, indent=1) + "\n")
    head = ["two workers by", "pruned by", "same plan", "loss differs by at most"]
    print(render(head, [[str(one) for one in list(row.values())[:4]] for row in rows]))
    return 0 if all(row["same_plan"] and row["loss_off"] <= LIMIT for row in rows) else 1


def compared(name: str, one: list[Any], several: list[list[Any]]) -> list[dict[str, Any]]:
    """Every worker of several against the one, by each way of pruning."""
    rows = []
    for number, way in enumerate(WAYS):
        expected, found = one[number], [each[number] for each in several]
        pairs = [
            (a, b) for each in found for a, b in zip(each["loss"], expected["loss"], strict=True)
        ]
        rows.append(
            {
                "by": name,
                "way": way,
                "same_plan": all(each["kept"] == expected["kept"] for each in found),
                "loss_off": float(f"{max(abs(a - b) for a, b in pairs):.1e}"),
                "workers": len(found),
                "losses_of_one": expected["loss"],
                "losses_of_two": found[0]["loss"],
            }
        )
    return rows


def run(python: str, backend: str, count: int, devices: bool) -> list[list[Any]]:
    """What each worker found, by each way of pruning."""
    ports = free_ports(count)
    jobs = [
        {"index": index, "count": count, "ports": ports, "devices": devices, "steps": 3}
        for index in range(1 if devices else count)
    ]
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    environment = {**os.environ, **quiet, "KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT)}
    processes = [
        subprocess.Popen(
            [python, str(JOB), json.dumps(job)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        for job in jobs
    ]
    found = [process.communicate(timeout=PATIENCE)[0].splitlines() for process in processes]
    return [[json.loads(line) for line in lines if line.startswith("{")] for lines in found]


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


if __name__ == "__main__":
    sys.exit(main())
