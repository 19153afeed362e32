"""ResNet50 at 224 px, unpruned and with 90 % removed, on every runtime, one thread.

    python benchmarks/runtimes.py --folder DIR --prepare    # some 3 minutes: the files
    python benchmarks/runtimes.py --folder DIR --backends_python PYTHON

"inner" keeps the residual streams' widths, "all" prunes them too; the weights are random: latency
does not depend on them. The models of a runtime take turns. PYTHON has JAX and PyTorch
(`make test-backends` sets up `.venv-backends`); without it Keras runs on TensorFlow only.
`--runtimes` and `--append` take the times in parts. Take them on a machine that does nothing else.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from results import without_folders

import tfprune
from tfprune.report.benchmarks.comparison import compare
from tfprune.report.benchmarks.terminal import as_text
from tfprune.timing.results_file import read_runs, write_run

COMMAND = "python benchmarks/runtimes.py --folder DIR --backends_python PYTHON"
PLANS: dict[str, dict[str, Any] | None] = {
    "unpruned": None,
    "inner": {"ratio": 0.9, "include_residual": False},
    "all": {"ratio": 0.9},
}
# The runtime, the form that it runs, and whether fresh processes are timed too: XLA and
# torch.compile take up to a minute to start.
RUNTIMES = {
    "litert": (".tflite", True),
    "litert-compiled": (".tflite", True),
    "onnx": (".onnx", True),
    "savedmodel": ("", True),
    "keras-tensorflow-graph": (".keras", True),
    "keras-tensorflow-eager": (".keras", False),
    "keras-tensorflow-xla": (".keras", False),
    "keras-jax-xla": (".keras", True),
    "keras-torch-eager": (".keras", True),
    "keras-torch-graph": (".keras", False),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="where the models stand")
    parser.add_argument("--prepare", action="store_true", help="make the models, time nothing")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--runtimes", nargs="*", default=list(RUNTIMES), choices=RUNTIMES)
    parser.add_argument("--backends_python", default="", help="a Python with JAX and PyTorch")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=6.0, help="of rounds, for each runtime")
    parser.add_argument("--append", action="store_true", help="add to the results")
    parser.add_argument("--output", type=Path, default=Path("docs/results/runtimes.json"))
    options = parser.parse_args()
    if options.prepare:
        prepare(options.folder, options.size)
        return
    append = options.append
    for runtime in options.runtimes:
        other = runtime.startswith(("keras-jax", "keras-torch"))
        if other and not options.backends_python:
            print(f"{runtime}: left out, no --backends_python", flush=True)
            continue
        suffix, memory = RUNTIMES[runtime]
        result = tfprune.benchmark(
            [options.folder / f"{name}{suffix}" for name in PLANS],
            runtime=runtime,
            threads=options.threads,
            runs=100,
            seconds=options.seconds,
            memory=memory,
            python=options.backends_python if other else "",
        )
        print(result, flush=True)
        title = f"ResNet50 at {options.size} px, {runtime}"
        write_run(options.output, without_folders(result), title, COMMAND, append)
        append = True
    print(as_text([compare(run, {}) for run in read_runs(options.output)]))


def prepare(folder: Path, size: int) -> None:
    """Writes each net in every form."""
    import keras

    folder.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(0)
    net = tfprune.models.resnet50((size, size, 3), classes=2, preprocess=False)
    sample = np.random.default_rng(0).uniform(-128, 128, (1, size, size, 3)).astype("float32")
    for name, settings in PLANS.items():
        small = net if settings is None else tfprune.prune(net, **settings)
        small.save(folder / f"{name}.keras")
        # Random weights: the speed is asked for, not the answers.
        given = {"samples": [sample], "tolerance": float("inf")}
        tfprune.convert.to_tflite(small, folder / f"{name}.tflite", **given)
        tfprune.convert.to_onnx(small, folder / f"{name}.onnx", **given)
        tfprune.convert.to_saved_model(small, folder / name, **given)
        print(f"made {name}", flush=True)


if __name__ == "__main__":
    main()
