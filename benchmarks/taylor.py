"""How well criteria foresee what a channel's removal does to the loss.

    python benchmarks/taylor.py --model mlperf_resnet8_cifar10.keras --cifar10 FOLDER
    python benchmarks/taylor.py --cifar10 FOLDER --output docs/results/taylor_chain.json

The oracle takes out one channel after another (zeros in the weights that read it) and measures the
loss (Molchanov et al. 2017, arXiv 1611.06440, section 3.1). Spearman's rank correlation with its
absolute change over all channels of all layers, and the mean of the correlations within layers.
Examples are drawn from the training set; each seed draws others.

Without --model each seed trains a net of its own, of the kind that the paper looks at: a chain of
convolutions and ReLUs without batch norm, as VGG16 is, small and trained for some minutes.
"""

import argparse
import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from cifar10 import load
from cifar_training import BATCH, accuracy, drawn, fine_tune
from scipy.stats import spearmanr

import tfprune
from tfprune import criteria
from tfprune._files import write_text
from tfprune.cloning.assemble import assemble
from tfprune.cloning.masking import masked_weights
from tfprune.planning.ranking import ranked
from tfprune.report.tables import render
from tfprune.timing.machine import describe


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", help="a trained net; without it a chain is trained")
    parser.add_argument("--cifar10", required=True, type=Path)
    parser.add_argument("--examples", type=int, default=512)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=8, help="of a chain's training")
    parser.add_argument("--output", default="docs/results/taylor.json")
    options = parser.parse_args()
    training = load(options.cifar10, "train_1")
    held_out = load(options.cifar10, "train_3", 2000)
    rows: dict[str, list[tuple[float, float]]] = {}
    accuracies = []
    for seed in range(options.seeds):
        if options.model:
            model = keras.models.load_model(options.model, compile=False)
        else:
            model = chain(training, seed, options.epochs)
        accuracies.append(round(accuracy(model, held_out), 4))
        data = drawn(training, seed, options.examples)
        for name, found in correlations(model, data).items():
            rows.setdefault(name, []).append(found)
            print(seed, name, *(f"{value:.3f}" for value in found), flush=True)
    table = [summary(name, found) for name, found in rows.items()]
    document = {
        "command": "python benchmarks/taylor.py --cifar10 DIR"
        + (" --model mlperf_resnet8_cifar10.keras" if options.model else ""),
        "machine": str(describe()),
        "backend": keras.backend.backend(),
        "examples": options.examples,
        "seeds": list(range(options.seeds)),
        "accuracy_of_the_nets": accuracies,
        "rows": table,
    }
    write_text(Path(options.output), json.dumps(document, indent=1) + "\n")
    head = ["criterion", "across layers", "least", "most", "within layers"]
    print(render(head, [[str(value) for value in row.values()] for row in table]))


def chain(training: Any, seed: int, epochs: int) -> Any:
    """A small net in the manner of VGG16, trained on 10,000 images."""
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    blocks = [
        layer
        for width in (16, 32, 64)
        for layer in (
            layers.Conv2D(width, 3, padding="same", activation="relu"),
            layers.Conv2D(width, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
        )
    ]
    head = [layers.Flatten(), layers.Dense(64, "relu"), layers.Dense(10, "softmax")]
    scaling = layers.Rescaling(1 / 127.5, offset=-1.0)
    model = keras.Sequential([keras.Input((32, 32, 3)), scaling, *blocks, *head])
    return fine_tune(model, training, epochs * len(training[0]) // BATCH, seed, 2e-3)


def summary(name: str, found: list[tuple[float, float]]) -> dict[str, Any]:
    across = [one for one, _ in found]
    return {
        "criterion": name,
        "across_layers": round(statistics.mean(across), 3),
        "least": round(min(across), 3),
        "most": round(max(across), 3),
        "within_layers": round(statistics.mean(one for _, one in found), 3),
    }


def candidates(data: Any, norms: bool) -> dict[str, Callable[[], Any]]:
    loss = "categorical_crossentropy"
    return {
        "taylor": lambda: criteria.Taylor(data, loss),
        "taylor, without normalisation": lambda: criteria.Taylor(data, loss, normalize=False),
        "taylor, signs cancel": lambda: criteria.Taylor(data, loss, "batch"),
        "taylor, squared": lambda: criteria.Taylor(data, loss, "squared"),
        "output sensitivity": lambda: criteria.OutputSensitivity(data[0]),
        "activation": lambda: criteria.Activation(data[0]),
        "mutual information": lambda: criteria.MutualInformation(data),
        "l2": criteria.L2,
        **({"batch-norm scale": criteria.BNScale} if norms else {}),
        "geometric median": criteria.GeometricMedian,
        "random": criteria.Random,
    }


def correlations(model: Any, data: Any) -> dict[str, tuple[float, float]]:
    graph = tfprune.trace(model)
    truth = oracle(model, graph, data)
    found = {}
    norms = any(isinstance(layer, keras.layers.BatchNormalization) for layer in model.layers)
    for name, make in candidates(data, norms).items():
        criterion = make()
        scores = ranked(graph, criterion, "sum")
        names = [group for group in truth if group in scores]
        across = spearmanr(
            np.concatenate([scores[group] for group in names]),
            np.concatenate([truth[group] for group in names]),
        ).statistic
        within = [spearmanr(scores[group], truth[group]).statistic for group in names]
        found[name] = float(across), float(np.mean(within))
    return found


def oracle(model: Any, graph: Any, data: Any) -> dict[str, np.ndarray]:
    """The absolute change of the mean loss when a channel is taken out, by group."""
    clone = assemble(model, graph)
    copied = tfprune.trace(clone)
    clone.compile(loss="categorical_crossentropy")
    whole = clone.evaluate(*data, batch_size=128, verbose=0)
    changes = {}
    for group in graph.groups:
        if group.prunable:
            changes[group.name] = np.array(
                [abs(without(clone, copied, one, data) - whole) for one in group.channels]
            )
    return changes


def without(clone: Any, graph: Any, channel: int, data: Any) -> float:
    keep = graph.label != channel
    before = []
    for record in graph.records.values():
        for index, value in masked_weights(record, keep).items():
            variable = record.weights[index]
            before.append((variable, variable.numpy()))
            variable.assign(value)
    loss = clone.evaluate(*data, batch_size=128, verbose=0)
    for variable, value in before:
        variable.assign(value)
    return loss


if __name__ == "__main__":
    main()
