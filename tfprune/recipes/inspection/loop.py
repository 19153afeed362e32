"""The loop: the globally lowest filters by Taylor's criterion go, step by step.

Wu, Singla, Jahanshahi and Bertino 2019: rank over the training set, remove 512, evaluate, fine-tune
for E epochs, evaluate; stop when more than three points are lost. Here the loop goes on to the end,
so that the paper's tables are full, and the smallest net within the rule is kept. Ours repairs what
stays by least squares at each step, fine-tunes gently what is still within the rule, empties no
layer, and lets the unpruned net teach at the end where validation asks for it.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

import keras

import tfprune
from tfprune.recipes.inspection.data import Fold
from tfprune.recipes.inspection.settings import LIMIT, Settings
from tfprune.recipes.inspection.training import (
    LOSS,
    accuracy,
    batches,
    compile_for,
    steps_of,
    train,
)
from tfprune.surgery.repair import LeastSquares

TO_THE_END = 0.969  # of all filters: eight steps of VGG16, the last row of the paper's table
_GENTLY = 0.2  # of the rate: at all of it a good net forgets more than it learns
_POSITIONS, _EXAMPLES = 16, 256  # of a fit: by more it takes longer than training
_ROWS = 1024  # of the fit with fewest: of few it learns the noise by heart


@dataclass(frozen=True)
class Way:
    """How a step is taken; the defaults are the published loop's.

    Attributes:
        repair: as in `tfprune.rebuild`.
        rate: of fine-tuning, as a share of the study's, where the net as repaired keeps to the stop
            rule on validation patches; where it does not, there is more to learn than to forget,
            and the rate is the study's.
        min_channels: filters that every layer keeps.
    """

    repair: Any = None
    rate: float = 1.0
    min_channels: int = 1


PUBLISHED = Way()


@dataclass(frozen=True)
class Step:
    """One step of the loop, on patches that nothing was chosen by.

    Attributes:
        ratio: the share of all filters that is gone.
        before: accuracy right after pruning, 0..1.
        after: accuracy after fine-tuning.
        within: whether no more than three points are lost, on validation patches.
        parameters: numbers in all weights.
        weight_bytes: their bytes.
        macs: multiply-accumulates of a patch.
        score_seconds: ranking took.
        tune_seconds: fine-tuning took.
    """

    ratio: float
    before: float
    after: float
    within: bool
    parameters: int
    weight_bytes: int
    macs: int
    score_seconds: float
    tune_seconds: float


@dataclass(frozen=True)
class Looped:
    """What a loop left.

    Attributes:
        model: the smallest net within the stop rule.
        steps: all steps, the unpruned net first; they go on to the end, as in the paper's table.
        removed: by layer the share of its filters that `model` lacks.
        reason: why the loop ended.
        accuracy: of `model`.
    """

    model: Any
    steps: tuple[Step, ...]
    removed: dict[str, float]
    reason: str
    accuracy: float

    def as_dict(self) -> dict[str, Any]:
        """The figures as plain values, for JSON."""
        return {
            "steps": [asdict(step) for step in self.steps],
            "removed": self.removed,
            "reason": self.reason,
            "accuracy": self.accuracy,
        }


def loop(net: Any, fold: Fold, settings: Settings, epochs: int, way: Way = PUBLISHED) -> Looped:
    """Prunes a trained net by the loop.

    Args:
        net: compiled with the metric `accuracy`; it is not changed.
        fold: to train, to stop and to test on.
        settings: of the study.
        epochs: of fine-tuning after each step, at least 1.
        way: of a step. Defaults to the published one.
    """
    tests, least = _Tests(fold), accuracy(net, fold.validation) - LIMIT - 1e-6

    def compiled(model: Any) -> None:
        gently = way.rate < 1 and accuracy(model, fold.validation) >= least
        rate = settings.tune_rate * (way.rate if gently else 1.0)
        compile_for(model, rate, steps_of(fold.train, epochs))

    found = tfprune.iterate(
        net,
        lambda: batches(fold.train, settings.seed),
        fold.validation,
        "taylor",
        step=settings.step,
        target=TO_THE_END,
        epochs=epochs,
        max_drop=None,
        compile=compiled,
        callbacks=lambda: [_Tester(tests)],
        repair=way.repair,
        score_data=fold.some(settings.examples),
        loss=LOSS,
        scope="global",
        min_channels=way.min_channels,
        exclude=dense_layers(net),
        rewind=True,  # each step's rate rises and falls anew; along one schedule it would stay 0
        seed=settings.seed,
    )
    whole = accuracy(net, fold.test)
    pairs = [(whole, whole), *zip(tests.before, tests.after, strict=True)]
    steps = tuple(
        Step(
            one.ratio, before, after, one.after >= least, one.parameters, one.weight_bytes,
            one.macs, round(one.score_seconds, 2), round(one.tune_seconds, 2),
        )
        for one, (before, after) in zip(found.history, pairs, strict=True)
    )  # fmt: skip
    models = [net, *tests.models]
    best = max(place for place, step in enumerate(steps) if step.within)
    return Looped(models[best], steps, removed(net, models[best]), found.reason, steps[best].after)


def removed(net: Any, small: Any) -> dict[str, float]:
    """By convolution the share of its filters that a smaller net lacks."""
    shares = {}
    for layer in net.layers:
        if isinstance(layer, keras.layers.Conv2D):
            left = small.get_layer(layer.name).filters if _has(small, layer.name) else 0
            shares[layer.name] = round(1 - left / layer.filters, 4)
    return shares


def _has(net: Any, name: str) -> bool:
    return any(layer.name == name for layer in net.layers)


def ours(net: Any, fold: Fold, settings: Settings, epochs: int) -> Looped:
    """The loop with repair at each step; then the unpruned net teaches the smallest one.

    What it was before is taken back if it then answers fewer of the validation patches rightly.

    Each layer keeps an eighth of the filters of the narrowest one: a ranking over all layers
    otherwise leaves some of a VGG16, which has no batch normalisation, with next to none.
    """
    way = Way(_repair(net), _GENTLY, max(1, _narrowest(net) // 8))
    found = loop(net, fold, settings, epochs, way)
    if found.model is net:
        return found
    learned, right = found.model.get_weights(), accuracy(found.model, fold.validation)
    train(found.model, fold.train, epochs + 1, settings.tune_rate, settings.seed, net)
    if accuracy(found.model, fold.validation) < right:
        found.model.set_weights(learned)
    return replace(found, accuracy=accuracy(found.model, fold.test))


def _repair(net: Any) -> LeastSquares:
    """Least squares by as many examples as the layer with the smallest maps needs."""
    maps = [layer.output.shape for layer in net.layers if isinstance(layer, keras.layers.Conv2D)]
    smallest = min(height * width for _, height, width, _ in maps)
    examples = max(_EXAMPLES, _ROWS // min(_POSITIONS, smallest))
    return LeastSquares(positions=_POSITIONS, examples=examples)


def _narrowest(net: Any) -> int:
    return min(layer.filters for layer in net.layers if isinstance(layer, keras.layers.Conv2D))


def dense_layers(net: Any) -> tuple[str, ...]:
    """The layers whose units stay, as in the paper."""
    return tuple(layer.name for layer in net.layers if isinstance(layer, keras.layers.Dense))


class _Tests:
    """Accuracies on test patches, as fine-tuning begins and ends, and the nets."""

    def __init__(self, fold: Fold) -> None:
        self.images = fold.test
        self.before: list[float] = []
        self.after: list[float] = []
        self.models: list[Any] = []


class _Tester(keras.callbacks.Callback):
    def __init__(self, tests: _Tests) -> None:
        super().__init__()
        self._tests = tests

    def on_train_begin(self, logs: Any = None) -> None:
        self._tests.before.append(accuracy(self.model, self._tests.images))

    def on_train_end(self, logs: Any = None) -> None:
        self._tests.after.append(accuracy(self.model, self._tests.images))
        self._tests.models.append(self.model)
