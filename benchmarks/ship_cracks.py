"""A net that sees cracks in concrete, whole and pruned, into tflite_models/.

    python benchmarks/ship_cracks.py --data FOLDER    # FOLDER holds meta.csv and JPEG files

The net and its training are those of `inspection_repair.py`: eight convolutions at 64 px, trained
from nothing on the split "train" (1,998 patches). Then 60 % of all filters go at one blow, by
Taylor's criterion over all layers; what stays is repaired by least squares on 512 patches and
trained for two more epochs. Accuracy is of the split "val" (498 patches), which nothing was chosen
by. Pictures are resized as `tflite_models/run.py` does.
"""

import argparse
from pathlib import Path
from typing import Any

import keras
from inspection_repair import LOSS, drawn, fit, patches, vgg
from shipped import ship_all

import tfprune
from tfprune.convert import ImageInput, Metadata, plan_summary

RATIO, EPOCHS, SEED = 0.6, 15, 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--output", default="tflite_models", type=Path)
    options = parser.parse_args()
    train, test = (patches(options.data, split) for split in ("train", "val"))
    keras.utils.set_random_seed(SEED)
    model = fit(vgg(), train, SEED, EPOCHS, 5e-4)
    seen = drawn(train, SEED)
    plan = tfprune.plan(
        model, "taylor", ratio=RATIO, scope="global", exclude="fc*", data=seen, loss=LOSS
    )
    small = tfprune.rebuild(model, plan, "least_squares", seen[0])
    fit(small, train, SEED, 2, 1e-4)
    nets = (
        ("cracks_vgg", model, told(model)),
        ("cracks_vgg_filters40", small, told(small, plan)),
    )
    ship_all(nets, options.output, seen[0][:256], test)


def told(model: keras.Model, plan: Any = None) -> Metadata:
    """What the files of a net say."""
    how = "unpruned" if plan is None else "60 % of its filters removed"
    notes = "Patches of concrete surfaces, taken from close by; the set is easy, and says nothing "
    notes += "of other surfaces, distances or light. "
    if plan is None:
        notes += "The reference that the pruned net is to be held against."
    else:
        notes += "Pruned by Taylor's criterion over all layers, repaired by least squares, trained "
        notes += "for two more epochs."
    return Metadata(
        title=f"Cracks in concrete, a net of eight convolutions, {how}",
        labels=("no crack", "crack"),
        preprocessing={model.inputs[0].name: ImageInput(scale=1 / 127.5, offset=-1.0)},
        license="CC-BY-4.0",
        attribution="weights trained by tfprune; patches by Özgenel, Concrete Crack Images for "
        "Classification, doi:10.17632/5y9wdsg2zt.2",
        data="1,998 patches of that set (CC BY 4.0), 64 px",
        measured_on="the set's patches kept apart",
        plan={} if plan is None else plan_summary(plan.as_dict()),
        command="python benchmarks/ship_cracks.py --data FOLDER",
        notes=notes,
    )


if __name__ == "__main__":
    main()
