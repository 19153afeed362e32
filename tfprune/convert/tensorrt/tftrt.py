"""Keras models to SavedModels whose parts run in TensorRT, through TF-TRT (TensorFlow 2.17).

Written from the documentation and the source of TensorFlow 2.17; no GPU was at hand to run it on.
"""

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfprune._files import atomic_folder, check_folder
from tfprune._silence import silenced
from tfprune.convert import samples as sampling
from tfprune.convert.artifact import Artifact
from tfprune.convert.checks import (
    check_errors,
    check_limit,
    check_model,
    choose_samples,
    join_errors,
)
from tfprune.convert.compare import output_errors, run_keras
from tfprune.convert.extras import require_tensorflow
from tfprune.convert.samples import Example
from tfprune.convert.savedmodel import SIGNATURE, export, input_names
from tfprune.convert.served import describe_folder, run_saved_model
from tfprune.convert.tensorrt.guards import check_precision, check_tftrt
from tfprune.convert.tensorrt.profile import Profile, batched, filled, make_profile
from tfprune.convert.tensorrt.segments import Segments, read_segments
from tfprune.errors import ConversionError, DataError, FileError

if TYPE_CHECKING:
    import keras

TOLERANCE: Mapping[str, float] = {"FP32": 1e-3, "FP16": 2e-2, "INT8": 0.25}
"""The largest error allowed by default; FP32 leaves room for the GPU's TF32."""


@dataclass(frozen=True, kw_only=True)
class TensorRTArtifact(Artifact):
    """A folder or file with TensorRT's engines, compared with the Keras model.

    Attributes:
        precision: "FP32", "FP16" or "INT8".
        segments: which parts of the graph run in TensorRT; None for an engine of the whole.
    """

    precision: str
    segments: Segments | None = None

    def as_dict(self) -> dict[str, Any]:
        """Returns what JSON can hold of it."""
        found = {**super().as_dict(), "precision": self.precision}
        if self.segments is not None:
            found["engines"] = [
                {"name": one.name, "nodes": one.nodes, "operations": dict(one.operations)}
                for one in self.segments.engines
            ]
            found["converted"], found["total"] = self.segments.converted, self.segments.total
        return found

    def __str__(self) -> str:
        parts = f", {self.segments}" if self.segments else ""
        return f"{super().__str__()}{parts}"


def to_tftrt(
    model: "keras.Model",
    folder: str | os.PathLike[str],
    precision: str = "FP32",
    representative_data: Any = None,
    *,
    min_shapes: Any = None,
    opt_shapes: Any = None,
    max_shapes: Any = None,
    samples: Any = None,
    tolerance: float | None = None,
    workspace_bytes: int = 1 << 30,
    minimum_segment_size: int = 3,
    profile_strategy: str = "Range",
    allow_build_at_runtime: bool = True,
    calibration_examples: int = 256,
    overwrite: bool = False,
    seed: int = 0,
) -> TensorRTArtifact:
    """Converts `model` with TF-TRT, builds and saves the engines, and compares the folder.

    Needs TensorFlow 2.17 for Linux, TensorRT 8.6 and an NVIDIA GPU, and builds for that GPU; what
    is missing is told before any work. **Not run on hardware by us**: written from the
    documentation and source of TensorFlow 2.17, its calls tested with a stand-in for the converter.

    Source: TensorFlow 2.17, python/compiler/tensorrt/trt_convert.py, TrtGraphConverterV2.

    Args:
        model: a built Functional or Sequential model with finite weights. It stays as it is.
        folder: where the SavedModel is to stand.
        precision: "FP32", "FP16" or "INT8". Defaults to "FP32".
        representative_data: what "INT8" is calibrated with, in the forms that `to_tflite` takes;
            engines are built with it too. Defaults to `None`.
        min_shapes: the least shapes of the inputs, batch first: a shape for a single input, or a
            dict by input names, or a list. Defaults to `opt_shapes`.
        opt_shapes: the shapes to tune for. Defaults to `max_shapes`.
        max_shapes: the largest shapes. Defaults to those of a batch of 1. Where the least and the
            largest differ, shapes are dynamic in the engines.
        samples: inputs to compare on. Defaults to 8 of the representative data, else to 8 drawn
            from a normal distribution.
        tolerance: the largest error allowed, relative to the output's range. Defaults to the
            precision's in `TOLERANCE`: .001, .02 and .25.
        workspace_bytes: GPU memory that an engine may use while it runs. Defaults to 1 GiB.
        minimum_segment_size: operations from which on a part becomes an engine. Defaults to 3.
        profile_strategy: for dynamic shapes: "Range", "Optimal" or "Range+Optimal". Defaults to
            "Range".
        allow_build_at_runtime: whether engines for other shapes may be built when they come.
            Defaults to `True`.
        calibration_examples: how many examples to take of `representative_data`. Defaults to 256.
        overwrite: whether a folder that stands there may be replaced. Defaults to `False`.
        seed: of drawn samples. Defaults to 0.

    Returns:
        A `TensorRTArtifact`, whose `segments` tell what runs in TensorRT.

    Raises:
        ModelError: the model is not built, has no static graph, or has NaN weights.
        DataError: INT8 without representative data, or data that do not fit.
        FileError: the folder cannot be written, or exists and `overwrite` is `False`.
        ConversionError: TensorFlow is too new or built without TensorRT, a library or a GPU is
            missing, no part of the model runs in TensorRT, or the folder computes something else.
    """
    check_precision(precision)
    _check_data(precision, representative_data)
    allowed = check_limit(TOLERANCE[precision] if tolerance is None else tolerance, "tolerance")
    check_model(model)
    _check_target(Path(folder), overwrite)
    require_tensorflow("TF-TRT")
    names = input_names(model)
    shapes = [tuple(tensor.shape) for tensor in model.inputs]
    profile = make_profile(names, shapes, min_shapes, opt_shapes, max_shapes)
    check_tftrt()
    calibration: list[Example] = []
    if representative_data is not None:
        calibration = sampling.take(
            model, representative_data, calibration_examples, "representative_data"
        )
    examples = choose_samples(model, samples, calibration, None, seed)
    expected = run_keras(model, examples)
    settings = {
        **_fixed_settings(precision, profile, profile_strategy),
        "max_workspace_size_bytes": workspace_bytes,
        "minimum_segment_size": minimum_segment_size,
        "allow_build_at_runtime": allow_build_at_runtime,
    }
    with atomic_folder(folder) as temporary:
        segments = _convert(
            model, temporary, settings, _feeds(names, profile, calibration or list(examples))
        )
        batch = min(profile.usual[0][0], len(examples))
        answers = run_saved_model(temporary, names, examples, [batch])
        errors = join_errors(output_errors(expected, received) for received in answers)
        check_errors(errors, allowed, f"TF-TRT {precision}")
        size, checksum = describe_folder(temporary)
    return TensorRTArtifact(
        path=Path(folder),
        bytes=size,
        quantize=None if precision == "FP32" else {"FP16": "float16", "INT8": "int8"}[precision],
        errors=errors,
        tolerance=allowed,
        samples=len(examples),
        inputs=names,
        sha256=checksum,
        precision=precision,
        segments=segments,
    )


def _check_data(precision: str, data: Any) -> None:
    if precision == "INT8" and data is None:
        raise DataError(
            "precision='INT8' needs representative_data to calibrate with, received none: pass "
            "some batches of real inputs"
        )


def _fixed_settings(precision: str, profile: Profile, strategy: str) -> dict[str, Any]:
    """What the precision and the shapes decide."""
    return {
        "precision_mode": precision,
        "use_dynamic_shape": profile.open,
        "dynamic_shape_profile_strategy": strategy if profile.open else None,
        "maximum_cached_engines": 1,
        "use_calibration": precision == "INT8",
    }


def _check_target(folder: Path, overwrite: bool) -> None:
    check_folder(folder)
    if folder.exists() and any(folder.iterdir()) and not overwrite:
        raise FileError(f"{folder} exists: name another folder, or pass overwrite=True")


@dataclass(frozen=True)
class Feeds:
    """What engines are built with, and calibrated.

    Attributes:
        build: makes inputs by name, of each shape of the profile.
        calibrate: makes inputs by name, all of the usual shape.
    """

    build: Callable[[], Iterator[dict[str, Any]]]
    calibrate: Callable[[], Iterator[dict[str, Any]]]


def _feeds(names: Sequence[str], profile: Profile, examples: Sequence[Example]) -> Feeds:
    def build() -> Iterator[dict[str, Any]]:
        for shapes in profile.all:
            yield dict(zip(names, filled(shapes, examples), strict=True))

    def calibrate() -> Iterator[dict[str, Any]]:
        for batch in batched(examples, profile.usual[0][0]):
            yield dict(zip(names, batch, strict=True))

    return Feeds(build, calibrate)


def _converter(folder: str, settings: Mapping[str, Any]) -> Any:
    import tensorflow as tf

    return tf.experimental.tensorrt.Converter(
        input_saved_model_dir=folder, input_saved_model_signature_key=SIGNATURE, **settings
    )


def _convert(
    model: "keras.Model", target: Path, settings: Mapping[str, Any], feeds: Feeds
) -> Segments:
    """Converts, builds, saves; the order is TrtGraphConverterV2's own."""
    try:
        with tempfile.TemporaryDirectory(prefix="tfprune-") as folder, silenced():
            export(model, Path(folder), [tuple(tensor.shape) for tensor in model.inputs])
            converter = _converter(folder, settings)
            if settings["use_calibration"]:
                converter.convert(calibration_input_fn=feeds.calibrate)
            else:
                converter.convert()
            converter.build(input_fn=feeds.build)
            segments = read_segments(converter.summary)
            converter.save(str(target), save_gpu_specific_engines=True)
    # TensorFlow and TensorRT raise RuntimeError, ValueError, AssertionError and op errors.
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise ConversionError(f"TF-TRT cannot convert {model.name!r}: {reason}") from error
    if not segments.engines:
        raise ConversionError(
            f"no part of {model.name!r} runs in TensorRT, all {segments.total} operations stayed "
            "in TensorFlow: lower minimum_segment_size, or use another road"
        )
    return segments
