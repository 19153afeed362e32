"""The nets that are compared: how each is made of the unpruned one, and trained."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras

import tfprune
from tfprune.models import mobilenet
from tfprune.recipes.earthquake.settings import RATIO, Settings
from tfprune.recipes.earthquake.training import Images, train


@dataclass(frozen=True)
class Task:
    """What a net is made from.

    Attributes:
        load: returns a net of an earlier stage of the same seed, by its key.
        images: to train on.
        settings: of the study.
        seed: of this repetition.
    """

    load: Callable[[str], Any]
    images: Images
    settings: Settings
    seed: int


@dataclass(frozen=True)
class Made:
    """A trained net, and what is known of its making.

    Attributes:
        model: the net.
        cut: the net as it was right after pruning; None where nothing was.
        oracle: relative error of the cut net against the masked original; None likewise.
    """

    model: Any
    cut: Any = None
    oracle: float | None = None


@dataclass(frozen=True)
class Net:
    """One row of the comparison.

    Attributes:
        key: its name in files.
        title: its name in tables.
        make: makes and trains it.
        small: whether it is turned into files and they are tested too.
    """

    key: str
    title: str
    make: Callable[[Task], Made]
    small: bool = True


def nets(settings: Settings) -> tuple[Net, ...]:
    """The nets of a study after the unpruned one, those that must be there first."""
    beyond = [
        Net(
            f"taught_{100 * ratio:g}",
            f"{100 * ratio:g} % of all widths, from there",
            _further(ratio),
        )
        for ratio in settings.frontier
    ]
    return (
        Net("all_widths", "90 % of all widths, at once, retrained", _at_once(True)),
        Net("all_widths_scratch", "the same widths from scratch", _scratch("all_widths")),
        Net("mobilenet", "MobileNet 0.25 from scratch", _mobilenet),
        Net("taught_90", "90 % of all widths, at once, taught by the unpruned", _taught),
        *beyond,
        Net("inner_widths", "90 % of inner widths, at once, retrained", _at_once(False), False),
    )


def _at_once(include_residual: bool) -> Callable[[Task], Made]:
    """As published: the lowest by L2 removed at one blow, then retrained."""

    def make(task: Task) -> Made:
        whole = task.load("unpruned")
        plan = tfprune.plan(whole, "l2", ratio=RATIO, include_residual=include_residual)
        small, cut = tfprune.rebuild(whole, plan), tfprune.rebuild(whole, plan)
        oracle = tfprune.verify(whole, cut, plan)
        train(small, task.images, task.settings.retraining, task.seed)
        return Made(small, cut, oracle)

    return make


def _scratch(key: str) -> Callable[[Task], Made]:
    """A pruned net's layers with new weights, trained as it was (Liu et al. 2019, 1810.05270)."""

    def make(task: Task) -> Made:
        keras.utils.set_random_seed(task.seed)
        net = keras.models.clone_model(task.load(key))
        train(net, task.images, task.settings.retraining, task.seed)
        return Made(net)

    return make


def _mobilenet(task: Task) -> Made:
    """A small net of depthwise convolutions, trained as the pruned ones are."""
    keras.utils.set_random_seed(task.seed)
    size = task.settings.image_size
    net = mobilenet((size, size, 3))
    train(net, task.images, task.settings.retraining, task.seed)
    return Made(net)


def _taught(task: Task) -> Made:
    """The paper's ratio at one blow, then taught by the unpruned net.

    Repair before the training ended lower: `benchmarks/earthquake_ways.py`.
    """
    whole = task.load("unpruned")
    return _less(task, whole, RATIO, teacher=whole)


def _further(ratio: float) -> Callable[[Task], Made]:
    """More than the paper's: the net of `_taught` is pruned again, taught by the same teacher."""

    def make(task: Task) -> Made:
        net = task.load("taught_90")
        # A tenth is left: of that, so much goes.
        return _less(task, net, 1 - (1 - ratio) / (1 - RATIO), teacher=task.load("unpruned"))

    return make


def _less(task: Task, net: Any, ratio: float, teacher: Any) -> Made:
    """Prunes at one blow by L2 and trains beside a teacher."""
    plan = tfprune.plan(net, "l2", ratio=ratio)
    small, cut = tfprune.rebuild(net, plan), tfprune.rebuild(net, plan)
    oracle = tfprune.verify(net, cut, plan)
    train(small, task.images, task.settings.retraining, task.seed, teacher=teacher)
    return Made(small, cut, oracle)
