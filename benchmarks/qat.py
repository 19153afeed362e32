"""A pruned ResNet8 in int8: quantized after training, and trained with fake quantization.

    python benchmarks/qat.py --model mlperf_resnet8_cifar10.keras --cifar10 FOLDER

MLPerf's trained net loses half of its MACs (Taylor, layer by layer), is repaired by least squares
and fine-tuned. From there on it is trained for the same steps in two ways, in float and with the
rounding of int8 in it. Accuracy on test images; int8 files run in LiteRT. Settings were
chosen beforehand and tried once.
"""

import argparse
import json
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
from cifar_training import LOSS, Crops, accuracy, drawn, fine_tune
from kept import kept_or_measured
from resnet8_peers import split

import tfprune
from tfprune import criteria
from tfprune._files import write_text
from tfprune.report.tables import render
from tfprune.timing.machine import describe

EXAMPLES = 1024
CALIBRATION = 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--cifar10", required=True, type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--macs", type=float, default=0.5, help="share of the MACs to keep")
    parser.add_argument("--steps", type=int, default=150, help="of fine-tuning, batches of 128")
    parser.add_argument("--more", type=int, default=80, help="of training in either way after it")
    parser.add_argument("--images", type=int, default=3000, help="of the test set, the first ones")
    parser.add_argument("--kept", type=Path, help="a file that keeps each seed, to go on from")
    parser.add_argument("--output", default="docs/results/qat.json")
    options = parser.parse_args()
    net = keras.models.load_model(options.model, compile=False)
    sets = split(options.cifar10)
    sets["test"] = tuple(part[: options.images] for part in sets["test"])
    found: dict[str, list[dict[str, Any]]] = {}
    for seed in range(options.seeds):
        rows = kept_or_measured(
            options.kept, [seed], lambda seed=seed: list(measure(net, sets, seed, options))
        )
        for name, values in rows:
            found.setdefault(name, []).append(values)
    rows = [summary(name, values) for name, values in found.items()]
    document = {
        "command": f"python benchmarks/qat.py --seeds {options.seeds} --steps {options.steps} "
        f"--more {options.more} --images {options.images} "
        "--model mlperf_resnet8_cifar10.keras --cifar10 DIR",
        "machine": str(describe()),
        "seeds": list(range(options.seeds)),
        "macs": options.macs,
        "steps": options.steps,
        "more": options.more,
        "test_images": len(sets["test"][0]),
        "rows": rows,
    }
    write_text(Path(options.output), json.dumps(document, indent=1) + "\n")
    print(render(list(rows[0]), [[str(value) for value in row.values()] for row in rows]))


def measure(net: Any, sets: Any, seed: int, options: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each net's accuracy, and the bytes of its file where it is one."""
    calibration = drawn(sets["training"], seed + 1000, CALIBRATION)[0]
    if seed == 0:
        yield "unpruned, float32", {"accuracy": accuracy(net, sets["test"])}
        yield "unpruned, int8 after training", after_training(net, calibration, sets["test"])
    seen = drawn(sets["training"], seed, EXAMPLES)
    graph = tfprune.trace(net)
    plan = tfprune.plan(graph, criteria.Taylor(seen, LOSS), macs=options.macs, scope="layer")
    small = tfprune.rebuild(graph, plan, "least_squares", seen[0])
    fine_tune(small, sets["training"], options.steps, seed, 1e-3)
    yield "pruned, float32", {"accuracy": accuracy(small, sets["test"])}
    yield "pruned, int8 after training", after_training(small, calibration, sets["test"])
    yield from aware(small, sets, calibration, seed, options.more)
    fine_tune(small, sets["training"], options.more, seed + 100, 1e-4)
    yield "as many steps more, float32", {"accuracy": accuracy(small, sets["test"])}
    yield "as many steps more, int8 after", after_training(small, calibration, sets["test"])


def after_training(net: Any, calibration: np.ndarray, test: Any) -> dict[str, Any]:
    """The int8 file that post-training quantization gives."""
    with tempfile.TemporaryDirectory() as folder:
        artifact = tfprune.convert.to_tflite(
            net,
            Path(folder) / "net.tflite",
            quantize="int8",
            representative_data=calibration,
            samples=test[0],
            labels=test[1],
            tolerance=1.0,  # accuracy is what is judged here
            max_accuracy_drop=1.0,
        )
    (found,) = artifact.accuracy.values()
    return {"accuracy": found.share, "bytes": artifact.bytes}


def aware(
    net: Any, sets: Any, calibration: np.ndarray, seed: int, steps: int
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The int8 file that quantization-aware training gives, and its weights in float."""
    falling = keras.optimizers.schedules.CosineDecay(1e-4, steps)
    with tempfile.TemporaryDirectory() as folder:
        result = tfprune.convert.quantization_aware(
            net,
            Crops(*sets["training"], steps, seed + 100),
            Path(folder) / "net.tflite",
            LOSS,
            optimizer=keras.optimizers.Adam(falling),
            representative_data=calibration,
            samples=sets["test"][0],
            labels=sets["test"][1],
            tolerance=1.0,  # accuracy is what is judged here
            max_accuracy_drop=1.0,
            seed=seed,
        )
    if result.left:
        print(seed, "left to post-training quantization:", dict(result.left), flush=True)
    (file,), (home,) = result.artifact.accuracy.values(), result.accuracy.values()
    yield "quantization-aware, int8", {"accuracy": file.share, "bytes": result.artifact.bytes}
    yield "quantization-aware, home in float32", {"accuracy": home.share}


def summary(name: str, values: list[dict[str, Any]]) -> dict[str, Any]:
    shares = [value["accuracy"] for value in values]
    sizes = {value["bytes"] for value in values if "bytes" in value}
    return {
        "net": name,
        "accuracy": round(statistics.mean(shares), 4),
        "least": round(min(shares), 4),
        "most": round(max(shares), 4),
        "bytes": max(sizes) if sizes else "",
    }


if __name__ == "__main__":
    main()
