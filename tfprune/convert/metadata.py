"""What a TFLite file says of itself: labels, preprocessing, licence, plan, accuracy.

The format: a named buffer `TFPRUNE_METADATA` of the flatbuffer, holding JSON in UTF-8. It was
chosen over the two others in use:

* Google's `TFLITE_METADATA` is itself a flatbuffer of a second schema; reading it takes that
  schema's generated code (tflite-support, which ended with Python 3.11), and the schema has
  no place for accuracy, a plan's fingerprint or a window's length.
* Files packed behind the flatbuffer as a zip archive ("associated files") are lost by every
  tool that reads and writes the schema, and do not reach a program that is handed a pointer.

A named buffer is part of the schema, so C++ reads it with `FlatBufferModel::ReadAllMetadata`,
and forty lines of Python's standard library do (`tflite_models/run.py`). A runtime that knows
nothing of it runs the model all the same.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from tfprune._files import atomic_path
from tfprune._tflite import check_file
from tfprune.convert import named_buffers, preprocessing
from tfprune.convert.accuracy import Accuracy
from tfprune.convert.preprocessing import Preprocessing
from tfprune.errors import DataError, FileError

BUFFER = "TFPRUNE_METADATA"
FORMAT = "tfprune.metadata/1"


@dataclass(frozen=True)
class Metadata:
    """What is stored in a file beside its graph. All of it is optional.

    Attributes:
        title: the model in a few words.
        labels: the names of the classes, in the order of the outputs' last axis. For a single
            value a sample, the names of no and yes.
        preprocessing: for each input, by name, what is done to it before.
        license: of the weights, an SPDX identifier where there is one ("Apache-2.0").
        attribution: whom to name, and where the weights came from.
        data: what the model was trained on, and its licence.
        measured_on: what samples `accuracy` is of, in words.
        thresholds: for each output of one value a sample, above what it says yes, filled in by
            `to_tflite`: .5 for probabilities, 0 for logits.
        accuracy: of each output, filled in by `to_tflite` where it is given labels.
        plan: the pruning plan in short, from `plan_summary`.
        macs: multiply-accumulates of one inference, filled in by `to_tflite`.
        parameters: weights of the Keras model, filled in by `to_tflite`.
        command: what makes the file.
        notes: anything else that a user should know.
    """

    title: str = ""
    labels: tuple[str, ...] = ()
    preprocessing: Mapping[str, Preprocessing] = field(default_factory=dict)
    license: str = ""
    attribution: str = ""
    data: str = ""
    measured_on: str = ""
    thresholds: Mapping[str, float] = field(default_factory=dict)
    accuracy: Mapping[str, Accuracy] = field(default_factory=dict)
    plan: Mapping[str, Any] = field(default_factory=dict)
    macs: int = 0
    parameters: int = 0
    command: str = ""
    notes: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Returns what JSON can hold; what is empty is left out."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        for key in ("preprocessing", "accuracy"):
            values[key] = {name: part.as_dict() for name, part in values[key].items()}
        return {"format": FORMAT, **{key: value for key, value in values.items() if value}}

    @staticmethod
    def from_dict(values: Any) -> "Metadata":
        """Makes the value from what `as_dict` returned.

        Raises:
            DataError: the values are those of something else, or damaged.
        """
        if not isinstance(values, Mapping) or values.get("format") != FORMAT:
            found = values.get("format") if isinstance(values, Mapping) else type(values).__name__
            raise DataError(f"expected metadata of the format {FORMAT}, received {found!r}")
        rest = {key: value for key, value in values.items() if key != "format"}
        try:
            rest["labels"] = tuple(map(str, rest.get("labels", ())))
            for key, make in (
                ("preprocessing", preprocessing.from_dict),
                ("accuracy", Accuracy.from_dict),
            ):
                rest[key] = {name: make(part) for name, part in rest.get(key, {}).items()}
            return Metadata(**rest)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(f"expected whole metadata, received damaged ones: {error}") from error


def plan_summary(document: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what a file says of the plan it was pruned by, from `PruningPlan.as_dict()`.

    Args:
        document: the plan as plain values.

    Returns:
        `fingerprint` of the model that the plan was made for, `sha256` of the plan itself (first
        16 digits), its `criterion`, `settings`, and the share of filters and units `removed`.
    """
    import hashlib

    kept = {name: list(map(int, places)) for name, places in document["kept"].items()}
    text = json.dumps([document["fingerprint"], kept], sort_keys=True)
    return {
        "fingerprint": document["fingerprint"],
        "sha256": hashlib.sha256(text.encode()).hexdigest()[:16],
        "criterion": document["criterion"],
        "settings": dict(document["settings"]),
        "removed": round(float(document["removed"]), 4),
    }


def embed(content: bytes, metadata: Metadata) -> bytes:
    """Returns the TFLite file `content` with `metadata` in it; older ones are replaced.

    Raises:
        DataError: the metadata hold something that JSON cannot.
        FileError: the content is no TFLite file, or cannot take them.
    """
    try:
        text = json.dumps(metadata.as_dict(), ensure_ascii=False, allow_nan=False, indent=1)
    except (TypeError, ValueError) as error:
        raise DataError(f"expected metadata of plain values: {error}") from error
    return named_buffers.insert(content, BUFFER, text.encode("utf-8"))


def read_metadata(path: str | os.PathLike[str]) -> Metadata | None:
    """Returns the metadata of a TFLite file, `None` where it has none.

    Raises:
        FileError: the file is missing, of another format, or damaged.
    """
    content = named_buffers.read(check_file(path).read_bytes(), BUFFER)
    if content is None:
        return None
    try:
        return Metadata.from_dict(json.loads(content.decode("utf-8")))
    except ValueError as error:  # UnicodeDecodeError, JSONDecodeError, DataError
        raise FileError(f"cannot read the metadata of {path}: {error}") from error


def write_metadata(path: str | os.PathLike[str], metadata: Metadata) -> None:
    """Puts metadata into a TFLite file that stands at `path`, or replaces those it has.

    The graph and the weights stay as they are.

    Raises:
        DataError: the metadata hold something that JSON cannot.
        FileError: the file is missing, of another format, or cannot be written.

    Example:
        >>> import keras, pathlib, tempfile
        >>> from tfprune.convert import to_tflite
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        >>> file = to_tflite(model, pathlib.Path(tempfile.mkdtemp()) / "m.tflite").path
        >>> write_metadata(file, replace(read_metadata(file), labels=("noise", "quake")))
        >>> read_metadata(file).labels
        ('noise', 'quake')
    """
    content = embed(check_file(path).read_bytes(), metadata)
    with atomic_path(Path(path)) as temporary:
        temporary.write_bytes(content)


def completed(
    metadata: Metadata,
    accuracy: Mapping[str, Accuracy],
    thresholds: Mapping[str, float],
    macs: int | None,
    parameters: int,
) -> Metadata:
    """Returns the metadata with what the conversion measured."""
    return replace(
        metadata,
        thresholds=metadata.thresholds or thresholds,
        accuracy=accuracy or metadata.accuracy,
        macs=metadata.macs or macs or 0,
        parameters=metadata.parameters or parameters,
    )


def check(metadata: Metadata, inputs: tuple[str, ...], widths: Mapping[str, int | None]) -> None:
    """Holds metadata against the model they are for.

    Args:
        metadata: what the user says of the model.
        inputs: the names of the model's inputs.
        widths: the length of each output's last axis, None where it is open.

    Raises:
        DataError: labels of another number than the outputs' values, or an unknown input.
    """
    unknown = sorted(set(metadata.preprocessing) - set(inputs))
    if unknown:
        raise DataError(
            f"expected preprocessing for the inputs {list(inputs)}, received it for {unknown}"
        )
    wanted = {max(width, 2) for width in widths.values() if width is not None}
    if metadata.labels and wanted and len(metadata.labels) not in wanted:
        raise DataError(
            f"expected as many labels as an output has classes ({sorted(wanted)}), received "
            f"{len(metadata.labels)}"
        )
