"""Weights for the inspection recipe's nets where ImageNet's cannot be fetched: from CIFAR-10.

    python benchmarks/pretrain.py --data FOLDER --net vgg16 --output vgg16_cifar10.npz
    tfprune recipe inspection --vgg16_weights vgg16_cifar10.npz ...

FOLDER holds CIFAR-10 as `cifar10.load` reads it: three training batches of 10,000 and the test. The
data set has no formal licence, so the file is not among the results. At 32 to 63 px a VGG16's last
maps are one pixel, so that its Dense layers' weights fit as well.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
from cifar10 import load
from cifar_training import LOSS, Crops, accuracy

from tfprune._files import atomic_path, write_text
from tfprune.recipes.common.onednn import prefer_onednn
from tfprune.recipes.common.rates import warmed_cosine
from tfprune.timing.machine import describe

PARTS, CLASSES, SEED = ("train_1", "train_2", "train_3"), 10, 0
FIRST = "block1_conv1/kernel"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--net", choices=("vgg16", "resnet18"), default="vgg16")
    parser.add_argument("--steps", type=int, default=600, help="batches of 128")
    parser.add_argument("--rate", type=float, default=3e-4)
    parser.add_argument(
        "--output", required=True, type=Path, help="an .npz; what it reached goes into a .json"
    )
    options = parser.parse_args()
    prefer_onednn()
    from tfprune.recipes.inspection.training import start

    net, _ = start(options.net, 32, CLASSES, None, SEED)
    parts = [load(options.data, part) for part in PARTS]
    training = [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]
    began = time.perf_counter()
    train(net, training, options.steps, options.rate)
    seconds = time.perf_counter() - began
    with atomic_path(options.output) as temporary:
        np.savez(temporary, **arrays_of(net))
    right = accuracy(net, load(options.data, "test"))
    told = {"net": options.net, "steps": options.steps, "rate": options.rate, "seed": SEED}
    told |= {"accuracy": right, "seconds": round(seconds), "machine": str(describe())}
    write_text(options.output.with_suffix(".json"), json.dumps(told, indent=1) + "\n")
    print(json.dumps(told))


def train(net: Any, training: list[np.ndarray], steps: int, rate: float) -> None:
    """Adam, its rate reached after a tenth of the steps, left by cosine."""
    optimizer = keras.optimizers.Adam(warmed_cosine(rate, steps), clipnorm=1.0)
    net.compile(optimizer, LOSS, metrics=["accuracy"], jit_compile=False)
    net.fit(Crops(*training, steps, SEED), epochs=1, shuffle=False, verbose=2)


def arrays_of(net: Any) -> dict[str, np.ndarray]:
    """All weights by `<layer>/<variable>`; VGG16's first kernel takes BGR, as Caffe's nets do."""
    arrays = {
        f"{layer.name}/{variable.name}": np.asarray(variable)
        for layer in net.layers
        for variable in layer.variables
    }
    if FIRST in arrays:
        arrays[FIRST] = arrays[FIRST][:, :, ::-1]
    return arrays


if __name__ == "__main__":
    main()
