"""ResNet50 and VGG16 on a GPU, unpruned and with 70 % removed: Keras on JAX, batch 1 and 64.

    KERAS_BACKEND=jax python benchmarks/gpu.py --folder DIR

Float32 and bfloat16, the models of a net and a type in turns in one process; the results name the
card. It takes a Python with a JAX that sees a GPU, and refuses without one. The weights are
random: latency does not depend on them.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from results import without_folders

import tfprune
from tfprune.timing.results_file import write_run

COMMAND = "KERAS_BACKEND=jax python benchmarks/gpu.py --folder DIR"
NETS = ("resnet50", "vgg16")
TYPES = ("float32", "bfloat16")
PLANS: dict[str, dict[str, Any]] = {
    "unpruned": {},
    "70": {"ratio": 0.7},
    "70_rounded_to_32": {"ratio": 0.7, "round_to": 32},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="where the models stand")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batches", type=int, nargs="*", default=[1, 64])
    parser.add_argument("--seconds", type=float, default=10.0, help="of rounds, for each batch")
    parser.add_argument("--anywhere", action="store_true", help="go on without a GPU, to try it")
    parser.add_argument("--output", type=Path, default=Path("docs/results/gpu.json"))
    options = parser.parse_args()
    import jax

    if jax.default_backend() == "cpu" and not options.anywhere:
        sys.exit("gpu.py: JAX sees no GPU here: install jax[cuda12] where there is one")
    options.folder.mkdir(parents=True, exist_ok=True)
    append = False
    for name in NETS:
        for kind in TYPES:
            files = prepare(name, kind, options.folder, options.size)
            result = tfprune.benchmark(
                files,
                runtime="keras-jax-xla",
                batches=options.batches,
                runs=100,
                seconds=options.seconds,
            )
            print(result, flush=True)
            title = f"{name} at {options.size} px, {kind}"
            write_run(options.output, without_folders(result), title, COMMAND, append)
            append = True


def prepare(name: str, kind: str, folder: Path, size: int) -> list[Path]:
    """Writes a net's files of one type; the type is the layers' own, so the file carries it."""
    import keras

    files = []
    for plan, settings in PLANS.items():
        files.append(folder / f"{name}_{plan}_{kind}.keras")
        if files[-1].exists():
            continue
        keras.utils.set_random_seed(0)
        keras.config.set_dtype_policy(kind)
        shape = (size, size, 3)
        net = getattr(tfprune.models, name)(shape, classes=1000, preprocess=False)
        small = tfprune.prune(net, **settings) if settings else net
        keras.config.set_dtype_policy("float32")
        small.save(files[-1])
    return files


if __name__ == "__main__":
    main()
