"""How the scenes' nets are trained, on parts of clips, and judged, on whole ones."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from tfprune._tfdata import without_autotune
from tfprune.recipes.common.answers import keras_answers
from tfprune.recipes.common.rates import warmed_cosine
from tfprune.recipes.scenes.data import Arrays
from tfprune.recipes.scenes.settings import Settings
from tfprune.training import fit

LOSS = "sparse_categorical_crossentropy"
BATCH = 16
_DRAWS = 3


def for_frames(net: Any, frames: int) -> keras.Model:
    """A copy of a net, weights and all, for clips of another length.

    The baseline's last pooling takes the maximum over all of the time that is left. It does so in
    the copy too, so that the weights fit and mean the same.

    Args:
        net: takes (bands, frames, channels), with one pooling or more.
        frames: of the copy.
    """
    poolings = [layer for layer in net.layers if isinstance(layer, keras.layers.MaxPooling2D)]
    last, before = poolings[-1], 1
    for pooling in poolings[:-1]:
        before *= pooling.pool_size[1]

    def copied(layer: Any) -> Any:
        config = layer.get_config()
        if layer is last:
            config["pool_size"] = config["strides"] = (last.pool_size[0], frames // before)
        return layer.__class__.from_config(config)

    bands, _, channels = net.inputs[0].shape[1:]
    inputs = keras.Input((bands, frames, channels), name=net.inputs[0].name)
    copy = keras.models.clone_model(net, input_tensors=inputs, clone_function=copied)
    copy.set_weights(net.get_weights())
    return copy


def crops(clips: Arrays, crop: int, seed: int) -> Any:
    """Batches of parts of clips, each clip once a pass, in a new order each time.

    Of three parts drawn at random the loudest is taken: a sound of half a second in a clip of
    silence is then seldom missed.

    Args:
        clips: features (n, bands, frames, 1) and labels (n,).
        crop: frames of a part.
        seed: of order and parts.

    Returns:
        A `tf.data.Dataset`.
    """
    import tensorflow as tf

    levels, labels = clips
    draw = np.random.default_rng(seed)
    loud = np.cumsum(levels.mean(axis=(1, 3), dtype=np.float64), axis=1)
    loud = np.pad(loud, ((0, 0), (1, 0)))

    def one_pass() -> Iterator[Arrays]:
        order = draw.permutation(len(labels))
        for rows in np.split(order, range(BATCH, len(order), BATCH)):
            starts = draw.integers(0, levels.shape[2] - crop + 1, (_DRAWS, len(rows)))
            sums = loud[rows, starts + crop] - loud[rows, starts]
            best = starts[sums.argmax(axis=0), np.arange(len(rows))]
            places = zip(rows, best, strict=True)
            parts = [levels[row, :, start : start + crop] for row, start in places]
            yield np.stack(parts), labels[rows]

    shape = (None, levels.shape[1], crop, levels.shape[3])
    signature = tf.TensorSpec(shape, levels.dtype), tf.TensorSpec((None,), labels.dtype)
    dataset = tf.data.Dataset.from_generator(one_pass, output_signature=signature)
    count = tf.data.experimental.assert_cardinality(-(-len(labels) // BATCH))
    return without_autotune(dataset.apply(count).prefetch(2))


def train(net: Any, clips: Arrays, epochs: int, settings: Settings, seed: int) -> None:
    """Trains a net in place: Adam, its rate reached after a tenth of the steps, left by cosine.

    Args:
        net: for whole clips; a copy for parts of them is trained, and its weights come back.
        clips: features and labels.
        epochs: passes over the clips.
        settings: rate and length of the parts.
        seed: of order, parts and dropout.
    """
    keras.utils.set_random_seed(seed)
    crop = min(settings.crop, clips[0].shape[2])
    short = for_frames(net, crop)
    for layer in short.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.9  # Keras's .99 needs some 500 steps to forget the start
    steps = -(-len(clips[1]) // BATCH) * epochs
    schedule = warmed_cosine(settings.rate, steps)
    short.compile(keras.optimizers.Adam(schedule), LOSS, jit_compile=False)
    fit(short, crops(clips, crop, seed), epochs=epochs, verbose=0)
    net.set_weights(short.get_weights())


def accuracy(net: Any, clips: Arrays) -> float:
    """The share of right answers to whole clips."""
    return float((keras_answers(net, clips[0]).argmax(axis=-1) == clips[1]).mean())


def loss(net: Any, clips: Arrays) -> float:
    """The mean cross-entropy over whole clips."""
    return float(losses(net, clips).mean())


def losses(net: Any, clips: Arrays) -> np.ndarray:
    """The cross-entropy of each whole clip, (n,)."""
    own = keras_answers(net, clips[0])[np.arange(len(clips[1])), clips[1]]
    return -np.log(np.maximum(own, 1e-7))


def clearly_better(net: Any, other: Any, clips: Arrays) -> bool:
    """Whether a net's loss is lower than another's by more than one standard error.

    The rule of Breiman, Friedman, Olshen and Stone (1984, section 3.4.3): of few clips the least
    loss is often chance, and the simpler choice is then the better one.
    """
    gained = losses(other, clips) - losses(net, clips)
    return bool(gained.mean() > gained.std(ddof=1) / np.sqrt(len(gained)))
