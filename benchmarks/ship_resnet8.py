"""MLPerf Tiny's ResNet8, whole and pruned, into tflite_models/.

    python benchmarks/ship_resnet8.py --model mlperf_resnet8_cifar10.keras --cifar10 FOLDER

The weights are MLPerf's (Apache-2.0). A quarter of the multiply-accumulates is taken out by L2,
and what stays is repaired by least squares on 1,024 training images, without any training; the
images themselves are in none of the files. Ranges for int8 are of 256 of these images. Accuracy is
of all 10,000 test images, which nothing was chosen by: the criterion and the share are those of
the table in docs/results.
"""

import argparse
from pathlib import Path
from typing import Any

import keras
import numpy as np
from cifar10 import load
from cifar_training import drawn
from shipped import ship_all

import tfprune
from tfprune.convert import ImageInput, Metadata, plan_summary

CLASSES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
COMMAND = "python benchmarks/ship_resnet8.py --model mlperf_resnet8_cifar10.keras --cifar10 FOLDER"
SHARE, EXAMPLES, SEED = 0.75, 1024, 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--cifar10", required=True, type=Path)
    parser.add_argument("--output", default="tflite_models", type=Path)
    options = parser.parse_args()
    model = keras.models.load_model(options.model, compile=False)
    training = [load(options.cifar10, part) for part in ("train_1", "train_2")]
    images, _ = drawn([np.concatenate(p) for p in zip(*training, strict=True)], SEED, EXAMPLES)
    plan = tfprune.plan(model, "l2", macs=SHARE)
    small = tfprune.rebuild(model, plan, "least_squares", images)
    test = load(options.cifar10, "test")
    nets = (
        ("resnet8_cifar10", model, whole(model)),
        ("resnet8_cifar10_macs75", small, pruned(small, plan)),
    )
    ship_all(nets, options.output, images[:256], test)


def whole(model: keras.Model) -> Metadata:
    """What the files of the unpruned net say."""
    return Metadata(
        title="ResNet8 for CIFAR-10 (MLPerf Tiny), unpruned",
        labels=CLASSES,
        preprocessing={model.inputs[0].name: ImageInput()},
        license="Apache-2.0",
        attribution="MLPerf Tiny's trained reference model for image classification, by MLCommons",
        data="CIFAR-10 (Krizhevsky 2009), trained by MLCommons; no image is in this file",
        measured_on="CIFAR-10's test images",
        command=COMMAND,
        notes="The reference that the pruned net is to be held against. It takes pictures of 32 x "
        "32 pixels, levels 0 to 255.",
    )


def pruned(model: keras.Model, plan: Any) -> Metadata:
    """What the files of the pruned net say."""
    told = whole(model).as_dict() | {
        "title": "ResNet8 for CIFAR-10, a quarter of its multiply-accumulates removed",
        "plan": plan_summary(plan.as_dict()),
        "notes": "Pruned by L2 and repaired by least squares on 1,024 training images, not trained "
        "again: fine-tuning would win back a part of what it lost. It takes pictures of 32 x 32 "
        "pixels, levels 0 to 255.",
    }
    return Metadata.from_dict(told)


if __name__ == "__main__":
    main()
