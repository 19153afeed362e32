"""The shipped models on another processor, emulated: their answers, and instructions a run.

    benchmarks/aarch64/setup.sh build/aarch64
    python benchmarks/aarch64.py --root build/aarch64

Each file runs in LiteRT for aarch64 under QEMU and in LiteRT on this machine, on the same inputs.
QEMU counts the instructions of two processes, one of which runs the model `RUNS` times more: what
they differ by is the cost of those runs, whatever else the machine does. It is a cost in
instructions, not in time; the emulated processor is QEMU's "max", with all extensions it knows.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from typical import typical_inputs

from tfprune._files import write_text
from tfprune._tflite import read_graph
from tfprune.convert import read_metadata
from tfprune.report.tables import render
from tfprune.timing.machine import describe

INPUTS, SEED, RUNS, REPEATS = 4, 0, 100, 3
SIDE = Path(__file__).parent / "aarch64" / "side.py"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", required=True, type=Path, help="what setup.sh made")
    parser.add_argument("--folder", default="tflite_models", type=Path)
    parser.add_argument("--output", default="docs/results/aarch64.json")
    options = parser.parse_args()
    if not (options.root / "count.so").exists():
        parser.error(f"{options.root} is not whole: benchmarks/aarch64/setup.sh {options.root}")
    rows = [measure(path, options.root) for path in sorted(options.folder.glob("*.tflite"))]
    document = {
        "command": "python benchmarks/aarch64.py --root build/aarch64",
        "emulator": told("qemu-aarch64", "--version").splitlines()[0],
        "requirements": (SIDE.parent / "requirements.txt").read_text().split("\n")[1:-1],
        "here": str(describe()),
        "inputs": INPUTS,
        "seed": SEED,
        "runs": RUNS,
        "repeats": REPEATS,
        "rows": rows,
    }
    write_text(Path(options.output), json.dumps(document, indent=1) + "\n")
    head = ["file", "MACs", "instructions", "spread", "MACs an instruction", "difference", "same"]
    keys = ("file", "macs", "instructions", "spread", "macs_each", "difference", "same_answer")
    print(render(head, [[str(row[key]) for key in keys] for row in rows]))


def measure(path: Path, root: Path) -> dict[str, Any]:
    """One file on both processors."""
    with tempfile.TemporaryDirectory() as folder:
        inputs = Path(folder) / "x.npy"
        np.save(inputs, typical_inputs(path, INPUTS, SEED))
        ours = json.loads(told(sys.executable, str(SIDE), str(path), str(inputs), "0"))
        counts = []
        for _ in range(REPEATS):
            theirs, few = emulated(root, path, inputs, 1)
            counts.append((emulated(root, path, inputs, RUNS + 1)[1] - few) / RUNS)
    answers, wanted = np.array(theirs, float), np.array(ours, float)
    same = answers.argmax(axis=-1) == wanted.argmax(axis=-1)
    median, macs = float(np.median(counts)), read_metadata(path).macs
    print(path.name, counts, flush=True)
    return {
        "file": path.name,
        "macs": macs,
        "operations": len(read_graph(path).operations),
        "instructions": round(median),
        "spread": float(f"{(max(counts) - min(counts)) / median:.2g}"),
        "macs_each": round(macs / median, 2),
        "difference": float(f"{np.abs(answers - wanted).max():.3g}"),
        "same_answer": f"{int(same.sum())} of {INPUTS}",
    }


def emulated(root: Path, path: Path, inputs: Path, runs: int) -> tuple[Any, int]:
    """The answers of the emulated process, and the instructions it took."""
    with tempfile.NamedTemporaryFile() as log:
        emulator = ["qemu-aarch64", "-plugin", str(root / "count.so"), "-d", "plugin"]
        emulator += ["-D", log.name, "-L", str(root), str(root / "usr/bin/python3.11")]
        answers = told(*emulator, str(SIDE), str(path), str(inputs), str(runs), site=root / "site")
        counted = re.search(r"instructions (\d+)", Path(log.name).read_text())
    if counted is None:
        raise SystemExit(f"expected a count of the plugin {root / 'count.so'}, received none")
    return json.loads(answers), int(counted[1])


def told(*line: str, site: Path | None = None) -> str:
    """What a process prints."""
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    if site is not None:
        environment["PYTHONPATH"] = str(site.absolute())
    done = subprocess.run(line, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"{' '.join(line)}: {done.stderr[-2000:]}")
    return done.stdout


if __name__ == "__main__":
    main()
