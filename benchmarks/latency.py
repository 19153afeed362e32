"""Latency of ResNet50 at 224 px, 90 % removed, against the unpruned net: LiteRT, all in one run.

    python benchmarks/latency.py
    python benchmarks/latency.py --nets unpruned all_widths all_widths_95 mobilenet_0.25

The net is the published one, which takes images whose mean is subtracted; "with_rescaling" is
the same with the subtraction inside, as the recipe ships it. "mobilenet_0.25" is a net of depthwise
convolutions that was made small, about as large as the pruned one. The weights are random: latency
does not depend on them. int8 ranges come from noise, and int8 files take and give int8.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

import tfprune
from tfprune._files import write_text
from tfprune.models import mobilenet, resnet50
from tfprune.recipes.common.latency import at_size

NETS: dict[str, dict[str, Any] | None] = {
    "unpruned": None,
    "inner_widths": {"include_residual": False},
    "all_widths": {},
    "all_widths_rounded_to_4": {"round_to": 4},
    "all_widths_rounded_to_8": {"round_to": 8},
    "all_widths_rounded_to_16": {"round_to": 16},
    "with_rescaling": {},
}
SMALL: dict[str, dict[str, Any] | None] = {
    "all_widths_95": {"ratio": 0.95},
    "all_widths_97.5": {"ratio": 0.975},
    "mobilenet_0.25": None,
}
FORMS = {"float32": None, "int8": "int8"}
INT8_IO = {"input_type": "int8", "output_type": "int8"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--image_size", type=int, default=224)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--nets", nargs="+", choices=[*NETS, *SMALL], default=[*NETS])
    parser.add_argument("--folder", help="keep the files here, and take those of an earlier call")
    parser.add_argument("--output", default="docs/results/latency.json")
    options = parser.parse_args()
    keras.utils.set_random_seed(0)
    with tempfile.TemporaryDirectory() as spare:
        folder = Path(options.folder or spare)
        files, costs = convert_all(folder, options.image_size, options.nets)
        result = tfprune.benchmark(
            files, threads=options.threads, runs=options.runs, seconds=options.seconds
        )
    print(result)
    rows = [
        {**row, "path": Path(row["path"]).name, "keras_macs": costs[row["model"]]}
        for row in result.as_dict()["rows"]
    ]
    document = {
        "command": "python benchmarks/latency.py"
        + ("" if options.nets == [*NETS] else f" --nets {' '.join(options.nets)}"),
        "seed": 0,
        "image_size": options.image_size,
        **result.as_dict(),
        "rows": rows,
        "bound_by_macs": {name: costs["unpruned_float32.tflite"] / m for name, m in costs.items()},
    }
    write_text(Path(options.output), json.dumps(document, indent=1) + "\n")


def convert_all(folder: Path, size: int, names: list[str]) -> tuple[list[Path], dict[str, int]]:
    """Every net in every form; the unpruned float32 one first."""
    noise = np.random.default_rng(0).uniform(-128, 128, (8, size, size, 3)).astype("float32")
    files, costs = [], {}
    for name in names:
        net = build(name, size)
        sample = noise + 128 if name == "with_rescaling" else noise
        for form, quantize in FORMS.items():
            path = folder / f"{name}_{form}.tflite"
            files.append(path)
            costs[path.name] = tfprune.cost(net).macs
            if path.exists():
                continue
            tfprune.convert.to_tflite(
                net,
                path,
                quantize,
                representative_data=[sample],
                samples=[sample[:1]],
                tolerance=1.0,  # random weights: the speed is asked for, not the answers
                **(INT8_IO if quantize == "int8" else {}),
            )
            print(f"converted {path.name}", flush=True)
    return files, costs


def build(name: str, size: int) -> Any:
    if name == "mobilenet_0.25":
        return at_size(mobilenet((size, size, 3)), size)  # without its rescaling, as the others
    net = resnet50((size, size, 3), classes=2, preprocess=name == "with_rescaling")
    settings = {**NETS, **SMALL}[name]
    return net if settings is None else tfprune.prune(net, **{"ratio": 0.9, **settings})


if __name__ == "__main__":
    main()
