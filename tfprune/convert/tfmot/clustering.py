"""Weights drawn to a few values, so that files compress: a Keras 3 model in and out."""

import gzip
import os
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfprune._silence import silenced
from tfprune.convert import samples as sampling
from tfprune.convert.checks import check_model
from tfprune.convert.extras import require_tensorflow
from tfprune.convert.savedmodel import output_names
from tfprune.convert.tf_keras import Twin, bring_home, carry
from tfprune.convert.tf_keras.packages import load_tf_keras, load_tfmot
from tfprune.convert.tflite import to_tflite
from tfprune.convert.tfmot.aware import excluded
from tfprune.convert.tfmot.batches import Source
from tfprune.convert.tfmot.settings import losses, to_tf_keras
from tfprune.convert.tfmot.training import fit, seed_everything
from tfprune.errors import ConversionError

if TYPE_CHECKING:
    import keras

_STARTS = {
    "kmeans++": "KMEANS_PLUS_PLUS",
    "density": "DENSITY_BASED",
    "linear": "LINEAR",
    "random": "RANDOM",
}
# tfmot leaves depthwise kernels alone too, whose accuracy does not come back.
_KINDS = (
    *("Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"),
    *("Dense", "Embedding"),
)


@dataclass(frozen=True)
class Size:
    """A TFLite file's size, as it is and compressed.

    Attributes:
        bytes: of the file.
        gzip: of the file after gzip at its highest level, as an archive or a download holds it.
    """

    bytes: int
    gzip: int


@dataclass(frozen=True)
class Clustered:
    """What clustering gives.

    Attributes:
        model: a Keras 3 model whose clustered weights hold a few values each.
        clusters: how many values each kernel holds, by its layer's path.
        left: layers with weights that were not clustered, by the twin's name, with the reason.
        losses: the mean loss of each epoch.
        before: the size of the model's file before.
        after: the size of the clustered model's file, in the same format.
    """

    model: "keras.Model"
    clusters: Mapping[str, int]
    left: Mapping[str, str]
    losses: tuple[float, ...]
    before: Size
    after: Size

    def __str__(self) -> str:
        return (
            f"{len(self.clusters)} layers of at most {max(self.clusters.values())} values: "
            f"compressed {self.before.gzip:,} -> {self.after.gzip:,} bytes "
            f"({self.before.gzip / self.after.gzip:.1f}x), as it is {self.after.bytes:,}"
        )


def cluster(
    model: "keras.Model",
    train: Any,
    loss: Any,
    clusters: int = 16,
    *,
    start: str = "kmeans++",
    optimizer: Any = None,
    epochs: int = 1,
    batch_size: int = 32,
    steps_per_epoch: int | None = None,
    exclude: Collection[str] = (),
    quantize: str | None = None,
    representative_data: Any = None,
    seed: int = 0,
) -> Clustered:
    """Draws the weights of each layer to a few values, training along, for files that compress.

    The file itself stays as large and as fast as it was: what shrinks is its archive, so a
    download or an update. tfmot does the clustering on a tf_keras twin; the weights come home.

    Source: Han, Mao and Dally 2016, Deep Compression, section 3.

    Args:
        model: a trained functional or Sequential model in float32, pruned or not. It stays as
            it is.
        train: data to train on, in the forms that `quantization_aware` takes.
        loss: as in `compile`.
        clusters: values in each layer's kernel, 2 or more. Defaults to 16.
        start: where the values start: "kmeans++", "density", "linear" or "random". Defaults to
            "kmeans++".
        optimizer: of Keras 3, or its name. Defaults to Adam with a learning rate of 1e-4.
        epochs: how often to go through the data. Defaults to 1.
        batch_size: examples a step, for arrays. Defaults to 32.
        steps_per_epoch: steps an epoch at most; needed for endless data. Defaults to `None`: all.
        exclude: paths of layers not to cluster, such as the last one's. Defaults to none.
        quantize: the format of the files whose sizes are compared, as in `to_tflite`. Defaults
            to `None`: float32.
        representative_data: for formats that need it. Defaults to the training data.
        seed: of the start, of the shuffling and of dropout. Defaults to 0.

    Returns:
        A `Clustered`: the Keras 3 model, and sizes before and after.

    Raises:
        MissingExtraError: tensorflow-model-optimization or tf-keras is not installed.
        ModelError: a layer cannot be carried to tf_keras; it is named.
        DataError: the data are missing, empty, or do not fit the model.
        ConversionError: there is nothing to cluster, or the loss diverged.

    Example:
        >>> import keras, numpy
        >>> model = keras.Sequential([keras.Input((20,)), keras.layers.Dense(10, name="one")])
        >>> x = numpy.random.default_rng(0).normal(size=(32, 20))
        >>> result = cluster(model, (x, x[:, :10]), "mse", clusters=4)
        >>> dict(result.clusters), result.after.gzip < result.before.gzip
        ({'one': 4}, True)
    """
    _check(clusters, start, epochs)
    check_model(model)
    require_tensorflow("clustering")
    tfmot = load_tfmot("clustering")
    source = Source(model, train, batch_size, steps_per_epoch, seed)
    means = losses(loss, output_names(model))
    rule = to_tf_keras(optimizer)
    data = train if representative_data is None else representative_data
    typical = sampling.take(model, data, 256, "representative_data")
    twin = carry(model, samples=typical[:8])
    left = _left(twin.model, clusters, excluded(exclude, twin))
    seed_everything(seed)
    with silenced():
        wrapped = _wrapped(tfmot, twin.model, left, clusters, start)
    history = fit(wrapped, source, means, rule, epochs)
    with silenced():
        stripped = tfmot.clustering.keras.strip_clustering(wrapped)
    home = bring_home(twin, stripped, model)
    return Clustered(
        model=home,
        clusters=_count(twin, stripped, left),
        left=left,
        losses=tuple(history),
        before=_size(model, quantize, typical),
        after=_size(home, quantize, typical),
    )


def compressed(path: str | os.PathLike[str]) -> Size:
    """Returns the size of a file, as it is and after gzip.

    Example:
        >>> import pathlib, tempfile
        >>> file = pathlib.Path(tempfile.mkdtemp()) / "zeros"
        >>> _ = file.write_bytes(bytes(1000))
        >>> compressed(file).bytes, compressed(file).gzip < 50
        (1000, True)
    """
    content = Path(path).read_bytes()
    return Size(len(content), len(gzip.compress(content, 9, mtime=0)))


def _check(clusters: int, start: str, epochs: int) -> None:
    if isinstance(clusters, bool) or not isinstance(clusters, int) or clusters < 2:
        raise ConversionError(f"expected two clusters or more, received {clusters!r}")
    if start not in _STARTS:
        raise ConversionError(f"expected start to be one of {list(_STARTS)}, received {start!r}")
    if epochs < 1:
        raise ConversionError(f"expected one epoch or more, received {epochs}")


def _left(model: Any, clusters: int, excluded: Collection[str]) -> dict[str, str]:
    """The layers with weights that are not clustered, by name, each with the reason."""
    found = {}
    for layer in model.layers:
        kernels = [weight for weight in layer.trainable_weights if len(weight.shape) > 1]
        if layer.name in excluded:
            found[layer.name] = "excluded"
        elif not kernels:
            if layer.weights:
                found[layer.name] = "no kernel"
        elif min(int(np.prod(kernel.shape)) for kernel in kernels) <= clusters:
            found[layer.name] = f"no more than {clusters} weights"
        elif type(layer).__name__ not in _KINDS:
            found[layer.name] = f"no clustering of {type(layer).__name__}"
    if not any(layer.weights and layer.name not in found for layer in model.layers):
        raise ConversionError(f"there is nothing to cluster: {found}")
    return found


def _wrap(tfmot: Any, layer: Any, clusters: int, start: str) -> Any:
    keras_side = tfmot.clustering.keras
    return keras_side.cluster_weights(
        layer,
        number_of_clusters=clusters,
        cluster_centroids_init=getattr(keras_side.CentroidInitialization, _STARTS[start]),
    )


def _wrapped(tfmot: Any, model: Any, left: Mapping[str, str], clusters: int, start: str) -> Any:
    def wrap(layer: Any) -> Any:
        # The layer itself goes in, built and with its weights, where the centroids start.
        return _wrap(tfmot, layer, clusters, start) if _clusters(layer, left) else layer

    return load_tf_keras().models.clone_model(model, clone_function=wrap)


def _clusters(layer: Any, left: Mapping[str, str]) -> bool:
    return bool(layer.weights) and layer.name not in left


def _count(twin: Twin, stripped: Any, left: Mapping[str, str]) -> dict[str, int]:
    """How many values the largest kernel of each clustered layer holds, by the layer's path."""
    found: dict[str, int] = {}
    for path, names in twin.parts.items():
        kernels = [
            value
            for name in names
            if name not in left
            for value in stripped.get_layer(name).get_weights()
            if value.ndim > 1
        ]
        if kernels:
            found[path] = max(len(np.unique(kernel)) for kernel in kernels)
    return found


def _size(model: "keras.Model", quantize: str | None, typical: Sequence[Any]) -> Size:
    with tempfile.TemporaryDirectory(prefix="tfprune-") as folder:
        path = Path(folder) / "model.tflite"
        several = len(model.inputs) > 1
        to_tflite(
            model,
            path,
            quantize=quantize,
            representative_data=[one if several else one[0] for one in typical],
        )
        return compressed(path)
