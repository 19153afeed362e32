"""TensorFlow Lite Micro's half of `micro.py`, for an environment of its own (`tflite-micro`).

    python micro_side.py model.tflite inputs.npy

Runs the file's interpreter for microcontrollers on each input, and prints the answers, the bytes of
its arena, and its errors, as JSON.
"""

import json
import os
import re
import sys
import tempfile

import numpy as np
from tflite_micro import runtime


def main() -> None:
    path, inputs = sys.argv[1], np.load(sys.argv[2])
    saved = os.dup(2)  # TFLM reports to the process's standard error, from C++
    with tempfile.TemporaryFile("w+") as sink:
        os.dup2(sink.fileno(), 2)
        answers, error = [], ""
        try:
            interpreter = runtime.Interpreter.from_file(path)
            for value in inputs:
                interpreter.set_input(value[None], 0)
                interpreter.invoke()
                answers.append(interpreter.get_output(0)[0].tolist())
            interpreter.print_allocations()
        except (RuntimeError, ValueError) as failure:
            error = str(failure)
        os.dup2(saved, 2)
        sink.seek(0)
        told = sink.read()
    arena = re.search(r"Arena allocation total (\d+) bytes", told)
    reason = " ".join([*told.splitlines()[:2], error]) if error else ""
    document = {"answers": answers, "arena": int(arena[1]) if arena else None, "error": reason}
    sys.stdout.write(json.dumps(document))


if __name__ == "__main__":
    main()
