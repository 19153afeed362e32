"""The shipped models in TensorFlow Lite Micro, the runtime for microcontrollers, on this machine.

    python benchmarks/micro.py --micro_python PYTHON

PYTHON is that of an environment with `pip install tflite-micro`. Its kernels are the portable ones,
compiled for this machine: what is measured is whether a file runs, how much memory its tensors
take (the arena), and whether the answers are LiteRT's; not how fast a microcontroller is.
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from typical import typical_inputs

from tfprune._files import write_text
from tfprune._tflite import read_graph
from tfprune.report.tables import render

INPUTS, SEED = 32, 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--micro_python", required=True)
    parser.add_argument("--folder", default="tflite_models", type=Path)
    parser.add_argument("--output", default="docs/results/micro.json")
    options = parser.parse_args()
    rows = [measure(path, options.micro_python) for path in sorted(options.folder.glob("*.tflite"))]
    version = subprocess.run(
        [options.micro_python, "-c", "from importlib.metadata import version as v; "
         "print(v('tflite-micro'))"], capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    document = {
        "command": "python benchmarks/micro.py --micro_python PYTHON",
        "tflite_micro": version,
        "inputs": INPUTS,
        "seed": SEED,
        "rows": rows,
    }
    write_text(Path(options.output), json.dumps(document, indent=1) + "\n")
    head = ["file", "flash bytes", "arena bytes", "largest difference", "of", "same answer"]
    keys = ("file", "bytes", "arena", "largest_difference", "type", "same_answer")
    print(render(head, [[str(row[key]) for key in keys] for row in rows]))


def measure(path: Path, python: str) -> dict[str, Any]:
    """One file in both runtimes."""
    interpreter = Interpreter(model_path=str(path))
    interpreter.allocate_tensors()
    entry, exit_ = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    inputs = typical_inputs(path, INPUTS, SEED)
    expected = []
    for value in inputs:
        interpreter.set_tensor(entry["index"], value[None])
        interpreter.invoke()
        expected.append(interpreter.get_tensor(exit_["index"])[0].astype(float))
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "x.npy", inputs)
        side = Path(__file__).with_name("micro_side.py")
        line = [python, str(side), str(path), str(Path(folder) / "x.npy")]
        done = subprocess.run(line, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    row = {
        "file": path.name,
        "bytes": path.stat().st_size,
        "type": np.dtype(exit_["dtype"]).name,
        "operations": sorted({operation.kind for operation in read_graph(path).operations}),
        "arena": found["arena"],
        "error": found["error"],
        "largest_difference": None,
        "same_answer": None,
    }
    if not found["error"]:
        answers, wanted = np.array(found["answers"]), np.array(expected)
        row["largest_difference"] = float(f"{np.abs(answers - wanted).max():.3g}")
        same = answers.argmax(axis=-1) == wanted.argmax(axis=-1)
        row["same_answer"] = f"{int(same.sum())} of {INPUTS}"
    return row


if __name__ == "__main__":
    main()
