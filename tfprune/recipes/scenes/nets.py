"""The nets that are compared: how each is made of the unpruned one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras

import tfprune
from tfprune.recipes.scenes.data import Arrays, Fold
from tfprune.recipes.scenes.settings import LAYERS, SHARES, Settings
from tfprune.recipes.scenes.training import LOSS, clearly_better, for_frames, loss, train
from tfprune.training import stratified

ALL = LAYERS["C1+C2+C3"]
# Our way: shares of the MACs and parameters that may be left.
BUDGETS = {"ours_25": (0.73, 0.75), "ours_50": (0.5, 1.0)}
_CANDIDATES = ("cosine", "taylor")
_REPAIRED_BY = 1024  # clips, at most: of few the fit learns by heart
LESS = 0.75  # of the training clips: how much less the goal asks for
_GENTLY = 0.15  # of the rate: at all of it a repaired net forgets what it knew


@dataclass(frozen=True)
class Task:
    """What a net is made from.

    Attributes:
        load: returns a net of an earlier stage of the same fold and seed, by its key.
        fold: the data.
        settings: of the study.
        seed: of this net.
    """

    load: Callable[[str], Any]
    fold: Fold
    settings: Settings
    seed: int

    def tune(self, net: Any, share: float = 1.0, rate: float = 1.0) -> Any:
        """Fine-tunes a net in place, on a share of the training clips, at a share of the rate."""
        clips = some(self.fold.train, share, self.seed)
        settings = replace(self.settings, rate=rate * self.settings.rate)
        train(net, clips, settings.tune_epochs, settings, self.seed)
        return net


@dataclass(frozen=True)
class Made:
    """A net, and what is known of its making.

    Attributes:
        model: the net.
        cut: the net as it was right after pruning; None where nothing was.
        oracle: relative error of the cut net against the masked original; None likewise.
        kept: filters and units kept, by layer.
        chosen: what validation chose.
    """

    model: Any
    cut: Any = None
    oracle: float | None = None
    kept: dict[str, int] | None = None
    chosen: str | None = None


@dataclass(frozen=True)
class Net:
    """One row of the comparison.

    Attributes:
        key: its name in files.
        title: its name in tables.
        make: makes and trains it.
        tier: rows of a lower one are run first.
        files: whether it is turned into TFLite files.
    """

    key: str
    title: str
    make: Callable[[Task], Made]
    tier: int
    files: bool = False


def nets() -> tuple[Net, ...]:
    """The nets of a study after the unpruned one; what others start from stands first."""
    rows = [
        Net("ours_25", "ours: 27 % of MACs, 25 % of parameters less", _ours("ours_25"), 0, True),
        Net("ours_50", "ours: half of the MACs", _ours("ours_50"), 0, True),
        Net("longer", "unpruned, trained on for as long", _longer, 0),
        Net("ours_25_less", "ours_25, all of it by 75 % of the clips", _ours("ours_25", LESS), 0),
    ]
    filed = ("C1", "C2", "C1+C2+C3")
    rows += [
        Net(key, f"cosine, {key}", _cosine(layers), 1, key in filed)
        for key, layers in LAYERS.items()
    ]
    rows += [
        Net("l1", "L1, the widths of C1+C2+C3", _by("l1"), 1),
        Net("init", "random init, the widths of C1+C2+C3", _init(), 1),
        Net("as_many_steps", "cosine, C1+C2+C3, 75 % of the clips, as many steps", _steps, 1),
    ]
    for share in SHARES:
        part = f"{share:.0%}".replace("%", "")
        told = f"{part} % of the data"
        rows += [
            Net(f"C1+C2+C3_{part}", f"cosine, {told}", _cosine(ALL, share), 2),
            Net(f"l1_{part}", f"L1, {told}", _by("l1", share), 2),
            Net(f"init_{part}", f"random init, {told}", _init(share), 2),
        ]
    rows += [
        Net("random", "random filters, the widths of C1+C2+C3", _by("random"), 2),
        Net("operator_norm", "operator norm, the widths of C1+C2+C3", _by("operator_norm"), 2),
        Net("ratio", "cosine, a quarter of each convolution", _ratio, 2),
        Net("ours_50_scratch", "ours_50's widths from scratch, for as long in all", _scratch, 2),
    ]
    return tuple(rows)


def some(clips: Arrays, share: float, seed: int) -> Arrays:
    """A share of clips, as much of each class."""
    return clips if share == 1 else stratified(clips[0], clips[1], share, seed)


def _others(net: Any, layers: Sequence[str]) -> list[str]:
    """The names of all layers with weights but these."""
    return [layer.name for layer in net.layers if layer.weights and layer.name not in layers]


def _pruned(whole: Any, plan: Any) -> tuple[Any, Made]:
    """A net to be fine-tuned, and what is known of it."""
    small, cut = tfprune.rebuild(whole, plan), tfprune.rebuild(whole, plan)
    return small, Made(small, cut, tfprune.verify(whole, cut, plan), _widths(small))


def _widths(net: Any) -> dict[str, int]:
    kinds = keras.layers.Conv2D, keras.layers.Dense
    layers = [layer for layer in net.layers if isinstance(layer, kinds)]
    return {layer.name: int(layer.kernel.shape[-1]) for layer in layers}


def _cosine(layers: Sequence[str], share: float = 1.0) -> Callable[[Task], Made]:
    """As published: the greedy algorithm's own ratio in some layers, then fine-tuned."""

    def make(task: Task) -> Made:
        whole = task.load("unpruned")
        small, made = _pruned(whole, tfprune.plan(whole, "cosine", exclude=_others(whole, layers)))
        task.tune(small, share)
        return made

    return make


def _steps(task: Task) -> Made:
    """C1+C2+C3 by fewer clips, each seen more often: no fewer steps than with all of them."""
    epochs = round(task.settings.tune_epochs / LESS)
    return _cosine(ALL, LESS)(replace(task, settings=replace(task.settings, tune_epochs=epochs)))


def _by(criterion: str, share: float = 1.0) -> Callable[[Task], Made]:
    """As many filters of each convolution as cosine keeps, by another criterion."""

    def make(task: Task) -> Made:
        whole, kept = task.load("unpruned"), task.load("C1+C2+C3")
        ratios = {
            name: 1 - kept.get_layer(name).filters / whole.get_layer(name).filters for name in ALL
        }
        # As little as each layer may keep is what it does keep where nearly all is to go.
        plan = tfprune.plan(
            whole, criterion, ratio=0.999, max_ratio=ratios, exclude=_others(whole, ALL)
        )
        small, made = _pruned(whole, plan)
        task.tune(small, share)
        return made

    return make


def _init(share: float = 1.0) -> Callable[[Task], Made]:
    """The widths of C1+C2+C3 with new weights, trained as those are fine-tuned."""

    def make(task: Task) -> Made:
        keras.utils.set_random_seed(task.seed)
        net = keras.models.clone_model(task.load("C1+C2+C3"))
        cut = keras.models.clone_model(net)
        task.tune(net, share)
        return Made(net, cut)

    return make


def _longer(task: Task) -> Made:
    return Made(task.tune(task.load("unpruned")))


def _scratch(task: Task) -> Made:
    keras.utils.set_random_seed(task.seed)
    net = keras.models.clone_model(task.load("ours_50"))
    epochs = task.settings.epochs + task.settings.tune_epochs
    train(net, task.fold.train, epochs, task.settings, task.seed)
    return Made(net)


def _ratio(task: Task) -> Made:
    whole = task.load("unpruned")
    plan = tfprune.plan(whole, "cosine", ratio=0.25, exclude=_others(whole, ALL))
    small, made = _pruned(whole, plan)
    task.tune(small)
    return made


def _ours(key: str, share: float = 1.0) -> Callable[[Task], Made]:
    """Pruned to a budget, repaired by least squares, tuned gently; validation chooses.

    With a share below one ranking, repair and fine-tuning alike see so much of the clips.

    It chooses the criterion, and whether fine-tuning was of use beyond doubt: of few clips a
    repaired net may learn less than it forgets.

    Without a teacher: of an unpruned net that would go on learning itself, answers that count half
    cost several points.
    """
    macs, parameters = BUDGETS[key]

    def make(task: Task) -> Made:
        whole = task.load("unpruned")
        frames = whole.inputs[0].shape[2]
        short = for_frames(whole, min(task.settings.crop, frames))
        fewer = some(task.fold.train, share, task.seed)
        seen = some_of(fewer, _REPAIRED_BY, short.inputs[0].shape[2])
        best: tuple[float, str, Any] | None = None
        for criterion in _CANDIDATES:
            plan = _within(short, criterion, macs, parameters, seen)
            small = for_frames(tfprune.rebuild(short, plan, "least_squares", seen[0]), frames)
            found = loss(small, task.fold.validation)
            if best is None or found < best[0]:
                best = found, criterion, small
        if best is None:
            raise AssertionError("there are candidates")
        small = best[2]
        cut = keras.models.clone_model(small)
        cut.set_weights(small.get_weights())
        task.tune(small, share, _GENTLY)
        better = clearly_better(small, cut, task.fold.validation)
        kept, how = (small, "fine-tuned") if better else (cut, "as repaired")
        return Made(kept, cut, None, _widths(kept), f"{best[1]}, {how}")

    return make


def _within(net: Any, criterion: str, macs: float, parameters: float, seen: Arrays) -> Any:
    """A plan within both budgets: that of the MACs, lowered until the parameters are met."""
    looks: dict[str, Any] = {"data": seen, "loss": LOSS} if criterion == "taylor" else {}
    whole = tfprune.cost(net).parameters
    share = macs
    while True:
        plan = tfprune.plan(net, criterion, macs=share, **looks)
        if tfprune.cost(tfprune.rebuild(net, plan)).parameters <= parameters * whole:
            return plan
        share *= 0.96


def some_of(clips: Arrays, count: int, crop: int) -> Arrays:
    """The first frames of about so many clips, evenly spaced."""
    every = max(1, len(clips[1]) // count)
    return clips[0][::every, :, :crop], clips[1][::every]
