"""What a converter hands back: the file, and the proof that it computes what the model does."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Artifact:
    """A converted file that was run and compared with the Keras model before it was put in place.

    Attributes:
        path: where the file stands.
        bytes: its size.
        quantize: `None`, "float16", "dynamic" or "int8".
        errors: the largest error of each output over the samples, relative to the output's range.
        tolerance: the largest error that was allowed.
        samples: how many samples the two were compared on.
        inputs: the names of the inputs, as the file's signature spells them.
        sha256: the file's checksum, in hexadecimal digits.
    """

    path: Path
    bytes: int
    quantize: str | None
    errors: Mapping[str, float]
    tolerance: float
    samples: int
    inputs: tuple[str, ...]
    sha256: str

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the outputs, as the file's signature spells them."""
        return tuple(self.errors)

    @property
    def largest_error(self) -> float:
        """The largest error of all outputs, relative to the output's range."""
        return max(self.errors.values())

    def as_dict(self) -> dict[str, object]:
        """Returns what JSON can hold of the artifact."""
        return {
            "path": str(self.path),
            "bytes": self.bytes,
            "quantize": self.quantize,
            "errors": dict(self.errors),
            "tolerance": self.tolerance,
            "samples": self.samples,
            "inputs": list(self.inputs),
            "sha256": self.sha256,
        }

    def __str__(self) -> str:
        return (
            f"{self.path}: {self.quantize or 'float32'}, {self.bytes:,} bytes, largest error "
            f"{self.largest_error:.2g} of the output's range on {self.samples} samples"
        )


def digest(content: bytes) -> str:
    """Returns the SHA-256 checksum of `content` in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()
