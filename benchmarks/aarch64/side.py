"""The emulated half of `aarch64.py`: needs numpy and ai-edge-litert alone.

    python side.py model.tflite inputs.npy RUNS

Runs the file on each input, one thread, and after that RUNS times on the last one; prints the
answers as JSON.
"""

import json
import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter


def main() -> None:
    path, inputs, runs = sys.argv[1], np.load(sys.argv[2]), int(sys.argv[3])
    interpreter = Interpreter(model_path=path, num_threads=1)
    interpreter.allocate_tensors()
    entry = interpreter.get_input_details()[0]["index"]
    answer = interpreter.get_output_details()[0]["index"]
    answers = []
    for value in inputs:
        interpreter.set_tensor(entry, value[None])
        interpreter.invoke()
        answers.append(interpreter.get_tensor(answer)[0].tolist())
    for _ in range(runs):
        interpreter.invoke()
    sys.stdout.write(json.dumps(answers))


if __name__ == "__main__":
    main()
