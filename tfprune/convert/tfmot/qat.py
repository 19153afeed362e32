"""Quantization-aware training: a Keras 3 model in, an int8 file and the trained model out."""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfprune._files import atomic_path
from tfprune._silence import silenced
from tfprune.convert import accuracy as judging
from tfprune.convert import compare, formats
from tfprune.convert import metadata as describing
from tfprune.convert import samples as sampling
from tfprune.convert.artifact import Artifact
from tfprune.convert.checks import check_model, check_target
from tfprune.convert.extras import require_tensorflow
from tfprune.convert.metadata import Metadata
from tfprune.convert.savedmodel import input_names, output_names
from tfprune.convert.tf_keras import bring_home
from tfprune.convert.tf_keras.packages import load_tfmot
from tfprune.convert.tfmot.annotate import scope
from tfprune.convert.tfmot.aware import train_aware
from tfprune.convert.tfmot.batches import Source
from tfprune.convert.tfmot.evidence import gather
from tfprune.convert.tfmot.settings import losses, to_tf_keras
from tfprune.convert.tfmot.shipping import Shipping, ship
from tfprune.convert.tfmot.training import Teaching
from tfprune.errors import ConversionError, FileError

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class QuantizationAware:
    """What quantization-aware training gives.

    Attributes:
        artifact: the int8 file; its errors are against the twin with fake quantization, its
            accuracies against the Keras model before the training.
        model: a Keras 3 model with the trained weights, in float.
        left: layers of the twin that were quantized after training only, by name, with the reason.
        losses: the mean loss of each epoch.
        accuracy: of the trained Keras 3 model against the one before, for labelled samples.
    """

    artifact: Artifact
    model: "keras.Model"
    left: Mapping[str, str]
    losses: tuple[float, ...]
    accuracy: Mapping[str, judging.Accuracy]

    def as_dict(self) -> dict[str, Any]:
        """Returns what JSON can hold of it."""
        return {
            "artifact": self.artifact.as_dict(),
            "left": dict(self.left),
            "losses": list(self.losses),
            "accuracy": {name: value.as_dict() for name, value in self.accuracy.items()},
        }

    def __str__(self) -> str:
        lines = [f"{self.artifact}, after training with fake quantization"]
        if self.left:
            lines.append("quantized after training only:")
            lines += [f"  {name}: {reason}" for name, reason in self.left.items()]
        return "\n".join(lines)


def quantization_aware(
    model: "keras.Model",
    train: Any,
    path: str | os.PathLike[str],
    loss: Any,
    *,
    optimizer: Any = None,
    epochs: int = 1,
    batch_size: int = 32,
    steps_per_epoch: int | None = None,
    exclude: Collection[str] = (),
    representative_data: Any = None,
    samples: Any = None,
    labels: Any = None,
    tolerance: float | None = None,
    max_accuracy_drop: float = 0.02,
    input_type: str = "float32",
    output_type: str = "float32",
    metadata: Metadata | None = None,
    calibration_examples: int = 256,
    save_twin: str | os.PathLike[str] | None = None,
    overwrite: bool = True,
    seed: int = 0,
) -> QuantizationAware:
    """Trains `model` with the rounding of int8 in it, and writes the int8 file of that.

    tfmot (tensorflow-model-optimization) does this on tf_keras only, so the model is carried there
    and compared, its layers are annotated where tfmot can, the ranges of activations start at what
    data show, and the weights come home after training. Layers that tfmot cannot annotate train
    along in float, and are quantized in the file from representative data; they are named. The file
    is run in LiteRT and compared with the twin that it was made from and, where labels are given,
    its accuracy with that of `model`.

    Source: Jacob et al. 2018, Quantization and Training of Neural Networks for Efficient
    Integer-Arithmetic-Only Inference, section 3.

    Args:
        model: a trained functional or Sequential model in float32. It stays as it is.
        train: arrays `(x, y)` or `(x, y, sample_weight)`, which are shuffled; a `tf.data.Dataset`
            of batches, a `keras.utils.PyDataset`, or a function that makes one of these.
        path: where the file is to stand.
        loss: as in `compile`: a name, a `keras.losses.Loss`, a function; for several outputs a list
            or a dict by their names.
        optimizer: of Keras 3, or its name. Defaults to Adam with a learning rate of 1e-4.
        epochs: how often to go through the data. Defaults to 1.
        batch_size: examples a step, for arrays. Defaults to 32.
        steps_per_epoch: steps an epoch at most; needed for endless data. Defaults to `None`: all.
        exclude: names of layers not to annotate. Defaults to none.
        representative_data: for the ranges that training starts from, and for layers that are
            not annotated. Defaults to the training data.
        samples: inputs to compare on, or `(x, y)` to measure accuracy on too. Defaults to 8 of the
            representative data.
        labels: of `samples`, where they come without. Defaults to `None`.
        tolerance: the largest error allowed between the file and its twin, relative to the
            output's range. Defaults to .25, as for int8 in `to_tflite`.
        max_accuracy_drop: by how much the file's accuracy may be below that of `model`, as a
            share. Defaults to .02.
        input_type: of the file's inputs: "float32", "int8" or "uint8". Defaults to "float32".
        output_type: of the file's outputs, likewise. Defaults to "float32".
        metadata: what the file is to say of itself. Defaults to accuracy and sizes alone.
        calibration_examples: how many examples to take of the representative data. Defaults to
            256.
        save_twin: an .h5 file for the twin with fake quantization, to be loaded within tfmot's
            `quantize_scope`. Defaults to `None`.
        overwrite: whether files may be replaced. Defaults to `True`.
        seed: of the shuffling, of dropout and of drawn samples. Defaults to 0.

    Returns:
        A `QuantizationAware`: the artifact, the trained Keras 3 model, and the layers left.

    Raises:
        MissingExtraError: tensorflow-model-optimization or tf-keras is not installed.
        ModelError: a layer cannot be carried to tf_keras; it is named.
        DataError: the data are missing, empty, or do not fit the model.
        FileError: a path cannot be written, or exists and `overwrite` is `False`.
        ConversionError: the loss diverged, the file computes something else than its twin, or its
            accuracy is lower than allowed.

    Example:
        >>> import keras, numpy, pathlib, tempfile
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="out")])
        >>> x = numpy.random.default_rng(0).normal(size=(64, 4))
        >>> y = numpy.stack([x[:, 0], x[:, 1]], axis=1)
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "m.tflite"
        >>> result = quantization_aware(model, (x, y), path, "mse", optimizer="sgd")
        >>> result.artifact.quantize, len(result.losses), dict(result.left)
        ('int8', 1, {})
    """
    form = formats.check("int8", True, input_type, output_type)
    allowed = form.tolerance if tolerance is None else tolerance
    described = _check(model, save_twin, epochs, allowed, max_accuracy_drop, metadata)
    check_target(Path(path), overwrite)
    if save_twin is not None:
        check_target(Path(save_twin), overwrite)
    require_tensorflow("quantization-aware training")
    tfmot = load_tfmot("quantization-aware training")
    source = Source(model, train, batch_size, steps_per_epoch, seed)
    data = train if representative_data is None else representative_data
    calibration = sampling.take(model, data, calibration_examples, "representative_data")
    evidence = gather(model, samples, labels, calibration, seed)
    names = output_names(model)
    teaching = Teaching(losses(loss, names), to_tf_keras(optimizer), epochs, seed)
    trained = train_aware(tfmot, model, evidence, source, teaching, exclude)
    home = bring_home(trained.twin, trained.model, model)
    artifact = ship(
        model,
        trained,
        evidence,
        Shipping(Path(path), allowed, max_accuracy_drop, (input_type, output_type), described),
    )
    if save_twin is not None:
        _save(tfmot, trained.model, save_twin)
    after = compare.run_keras(home, evidence.examples)
    accuracy = judging.measure(evidence.before, after, evidence.truth, described.measured_on)
    return QuantizationAware(artifact, home, trained.left, trained.losses, accuracy)


def _check(
    model: "keras.Model",
    save_twin: str | os.PathLike[str] | None,
    epochs: int,
    tolerance: float,
    max_accuracy_drop: float,
    metadata: Metadata | None,
) -> Metadata:
    """Finds what is wrong with the arguments, and returns the metadata to write."""
    if epochs < 1:
        raise ConversionError(f"expected one epoch or more, received {epochs}")
    for name, value in (("tolerance", tolerance), ("max_accuracy_drop", max_accuracy_drop)):
        if not value >= 0:
            raise ConversionError(f"expected a {name} of 0 or more, received {value}")
    if save_twin is not None and Path(save_twin).suffix != ".h5":
        raise FileError(
            f"expected an .h5 file for the twin, received {save_twin}: tfmot's layers "
            "are saved in no other format"
        )
    check_model(model)
    described = metadata or Metadata()
    outputs = zip(output_names(model), model.outputs, strict=True)
    describing.check(described, input_names(model), {n: o.shape[-1] for n, o in outputs})
    return described


def _save(tfmot: Any, quantized: Any, path: str | os.PathLike[str]) -> None:
    with atomic_path(path) as temporary, silenced(), scope(tfmot, quantized):
        quantized.save(str(temporary), save_format="h5", include_optimizer=False)
