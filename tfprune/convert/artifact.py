"""What a converter hands back: the file, and the proof that it computes what the model does."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tfprune.convert.accuracy import Accuracy


@dataclass(frozen=True)
class OutputError:
    """How far one output of a file is from the Keras model's, over all samples.

    Attributes:
        name: the output's, as the signature spells it.
        shape: of one sample's answer.
        dtype: the type that the file holds it in.
        largest: the largest |file - model|.
        most: the largest in 99 of 100 samples; of 100 samples or fewer the same as `largest`.
        mean: the mean |file - model|.
        span: what errors are relative to: the output's range, zero included.
        agreement: share of the answers whose largest value stands at the same place; `None`
            for an output of one value.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    largest: float
    most: float
    mean: float
    span: float
    agreement: float | None

    @property
    def relative(self) -> float:
        """The largest error, relative to the output's range."""
        return self.largest / self.span if self.span else 0.0

    @property
    def relative_most(self) -> float:
        """The largest error in 99 of 100 samples, relative to the output's range."""
        return self.most / self.span if self.span else 0.0


@dataclass(frozen=True)
class Artifact:
    """A converted file that was run and compared with the Keras model before it was put in place.

    Attributes:
        path: where the file stands.
        bytes: its size.
        quantize: the numbers' format, as the converter's argument names it; `None` for float32.
        errors: the largest error of each output over the samples, relative to the output's range.
        tolerance: the largest error that was allowed.
        samples: how many samples the two were compared on.
        inputs: the names of the inputs, as the file's signature spells them.
        sha256: the file's checksum, in hexadecimal digits.
        report: the errors of each output in full.
        accuracy: of each output for which labels were given.
        input_types: the type of each input in the file.
    """

    path: Path
    bytes: int
    quantize: str | None
    errors: Mapping[str, float]
    tolerance: float
    samples: int
    inputs: tuple[str, ...]
    sha256: str
    report: tuple[OutputError, ...] = ()
    accuracy: Mapping[str, Accuracy] = field(default_factory=dict)
    input_types: Mapping[str, str] = field(default_factory=dict)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the outputs, as the file's signature spells them."""
        return tuple(self.errors)

    @property
    def largest_error(self) -> float:
        """The largest error of all outputs, relative to the output's range."""
        return max(self.errors.values())

    def as_dict(self) -> dict[str, Any]:
        """Returns what JSON can hold of the artifact."""
        return {
            "path": str(self.path),
            "bytes": self.bytes,
            "quantize": self.quantize,
            "errors": dict(self.errors),
            "tolerance": self.tolerance,
            "samples": self.samples,
            "inputs": list(self.inputs),
            "input_types": dict(self.input_types),
            "sha256": self.sha256,
            "report": [{**asdict(e), "shape": list(e.shape)} for e in self.report],
            "accuracy": {name: value.as_dict() for name, value in self.accuracy.items()},
        }

    def table(self) -> str:
        """Returns the error of each output as a table.

        Errors are in units of the output, but `of range` and `99 in 100`, the largest error in 99
        of 100 samples, are in its range; `same answer` is the share of samples whose largest value
        stands at the same place.
        """
        from tfprune.report.tables import render

        head = ["output", "shape", "type", "largest error", "of range", "99 in 100", "mean error"]
        head.append("same answer")
        rows = [
            [
                error.name,
                "x".join(map(str, error.shape)),
                error.dtype,
                f"{error.largest:.3g}",
                f"{error.relative:.3g}",
                f"{error.relative_most:.3g}",
                f"{error.mean:.3g}",
                "" if error.agreement is None else f"{error.agreement:.2%}",
            ]
            for error in self.report
        ]
        return render(head, rows)

    def __str__(self) -> str:
        text = (
            f"{self.path}: {self.quantize or 'float32'}, {self.bytes:,} bytes, largest error "
            f"{self.largest_error:.2g} of the output's range on {self.samples} samples"
        )
        return ", ".join([text, *(str(value) for value in self.accuracy.values())])


def digest(content: bytes) -> str:
    """Returns the SHA-256 checksum of `content` in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()
