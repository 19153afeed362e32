"""The int8 file of a trained twin, held to the twin and to the model before the training."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tfprune._files import atomic_path
from tfprune.convert import accuracy as judging
from tfprune.convert import compare
from tfprune.convert import metadata as describing
from tfprune.convert.artifact import Artifact, digest
from tfprune.convert.metadata import Metadata
from tfprune.convert.savedmodel import input_names
from tfprune.convert.tf_keras.twin import run_twin
from tfprune.convert.tfmot.aware import Trained
from tfprune.convert.tfmot.evidence import Evidence
from tfprune.convert.tfmot.file import convert_twin
from tfprune.errors import ConversionError
from tfprune.timing.macs import count_macs

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Shipping:
    """Where the file goes, and what it must hold to."""

    path: Path
    tolerance: float
    max_accuracy_drop: float
    types: tuple[str, str]
    metadata: Metadata


def ship(
    model: "keras.Model", trained: Trained, evidence: Evidence, shipping: Shipping
) -> Artifact:
    """Writes the file, runs it and holds it to its twin and to the model before the training.

    Raises:
        ConversionError: the file differs from the twin, or is less accurate than allowed.
    """
    expected = run_twin(trained.model, trained.twin.outputs, evidence.examples)
    with atomic_path(shipping.path) as temporary:
        temporary.write_bytes(
            convert_twin(
                trained.model, trained.twin, evidence.shapes, evidence.calibration, shipping.types
            )
        )
        received = compare.run_file(temporary, model, evidence.examples)
        report = compare.file_report(expected, received, temporary)
        errors = {error.name: error.relative for error in report}
        _check({e.name: e.relative_most for e in report}, shipping.tolerance)
        on = shipping.metadata.measured_on
        accuracies = judging.measure(evidence.before, received, evidence.truth, on)
        judging.check_drop(accuracies, shipping.max_accuracy_drop)
        whole = describing.completed(
            shipping.metadata,
            accuracies,
            judging.thresholds(evidence.before),
            count_macs(temporary),
            model.count_params(),
        )
        content = describing.embed(temporary.read_bytes(), whole)
        temporary.write_bytes(content)
        kinds = compare.input_types(temporary)
    return Artifact(
        path=shipping.path,
        bytes=len(content),
        quantize="int8",
        errors=errors,
        tolerance=shipping.tolerance,
        samples=len(evidence.examples),
        inputs=input_names(model),
        sha256=digest(content),
        report=report,
        accuracy=accuracies,
        input_types=kinds,
    )


def _check(errors: dict[str, float], allowed: float) -> None:
    worst = max(errors, key=lambda name: errors[name])
    if not errors[worst] <= allowed:
        raise ConversionError(
            f"the int8 file differs from the twin with fake quantization that it was made from: "
            f"output {worst!r} by {errors[worst]:.3g} of its range, allowed is {allowed:g}; no "
            "file is left. Train longer, pass samples of the real range, or a tolerance"
        )
