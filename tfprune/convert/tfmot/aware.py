"""A twin with fake quantization in it, trained."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tfprune._silence import silenced
from tfprune.convert.tf_keras import Twin, carry
from tfprune.convert.tfmot.annotate import annotated, reasons
from tfprune.convert.tfmot.batches import Source
from tfprune.convert.tfmot.evidence import Evidence
from tfprune.convert.tfmot.ranges import settle_ranges, start_ranges
from tfprune.convert.tfmot.training import Teaching, fit, seed_everything
from tfprune.errors import ConversionError

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Trained:
    """A twin, and what training with fake quantization made of it."""

    twin: Twin
    model: Any
    left: Mapping[str, str]
    losses: tuple[float, ...]


def train_aware(
    tfmot: Any,
    model: "keras.Model",
    evidence: Evidence,
    source: Source,
    teaching: Teaching,
    exclude: Collection[str],
) -> Trained:
    """Carries a model, annotates its twin and trains that.

    Args:
        tfmot: the module.
        model: the Keras 3 model.
        evidence: examples to compare the twin on, and to start ranges from.
        source: training data.
        teaching: how to train.
        exclude: layers not to annotate, by their paths.

    Raises:
        ModelError: a layer cannot be carried.
        ConversionError: tfmot refuses, or the loss diverged.
    """
    twin = carry(model, for_quantization=True, samples=list(evidence.examples[:8]))
    left = reasons(tfmot, twin.model, excluded(exclude, twin))
    seed_everything(teaching.seed)
    with silenced():
        quantized = annotated(tfmot, twin.model, left)
        start_ranges(quantized, twin.model, evidence.calibration)
    means = fit(quantized, source, teaching.losses, teaching.optimizer, teaching.epochs)
    with silenced():
        settle_ranges(quantized, twin.model, left, evidence.calibration)
    return Trained(twin, quantized, left, tuple(means))


def excluded(exclude: Collection[str], twin: Twin) -> set[str]:
    """The twin's names of the layers that the user excludes, by their paths or by these names."""
    known = {layer.name for layer in twin.model.layers}
    found: set[str] = set()
    for path in [exclude] if isinstance(exclude, str) else exclude:
        names = twin.parts.get(path, (path,))
        unknown = [name for name in names if name not in known]
        if unknown:
            raise ConversionError(
                f"expected names of layers to exclude, received {path!r}, which the model lacks"
            )
        found |= set(names)
    return found
