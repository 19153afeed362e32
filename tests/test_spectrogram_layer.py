"""The layer that draws spectrograms: equal to numpy's, saved, pruned behind, and in TFLite."""

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tfprune._tflite import read_graph
from tfprune.datasets.spectrogram import _resize_upright, resizing_matrix, spectrogram_image
from tfprune.errors import ModelError
from tfprune.models import SpectrogramImage, from_waveforms
from tfprune.recipes.common.answers import tflite_answers

NPTS = 1000


def waves(count: int = 4) -> np.ndarray:
    """Noise of different levels and offsets with a burst late in it; a dead component in one."""
    rng = np.random.default_rng(0)
    made = rng.normal(size=(count, NPTS, 3)) * 10.0 ** rng.uniform(0, 4, (count, 1, 3))
    made[:, 600:] *= np.linspace(8, 1, NPTS - 600)[:, None]
    made[0, :, 1] = 7
    return (made + rng.uniform(-100, 100, (count, 1, 3))).astype(np.float32)


@pytest.mark.parametrize("components", ["Z", "ENZ"])
@pytest.mark.parametrize("reference", ["std", "none"])
@pytest.mark.parametrize("size", [24, 150])
def test_draws_what_numpy_draws(components: str, reference: str, size: int) -> None:
    found = SpectrogramImage(size, components, reference)(waves()).numpy()
    expected = spectrogram_image(waves(), size, components=components, reference=reference)  # type: ignore[arg-type]
    difference = np.abs(found - expected)
    # A sum in another order rounds a few levels in 255 to their neighbour.
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.01
    assert expected.std() > 10


@pytest.mark.parametrize("rows", [7, 129, 200])
def test_the_matrix_resizes_as_the_sum_does(rows: int) -> None:
    levels = np.random.default_rng(0).random((129, 3)).astype(np.float32)
    np.testing.assert_allclose(
        resizing_matrix(129, rows) @ levels, _resize_upright(levels, rows), atol=1e-5
    )


def image_net() -> keras.Model:
    x = keras.Input((24, 24, 3), name="image")
    y = layers.Rescaling(1 / 255)(x)
    y = layers.Conv2D(8, 3, activation="relu", name="first")(y)
    y = layers.Conv2D(8, 3, activation="relu", name="second")(y)
    return keras.Model(x, layers.Dense(2, "softmax")(layers.GlobalAveragePooling2D()(y)))


def test_a_net_of_waveforms_is_saved_pruned_and_converted(tmp_path: Path) -> None:
    net = image_net()
    whole = from_waveforms(net, NPTS)
    images = spectrogram_image(waves(), 24)
    np.testing.assert_allclose(whole(waves()), net(images), atol=5e-3)
    whole.save(tmp_path / "whole.keras")
    loaded = keras.models.load_model(tmp_path / "whole.keras")
    np.testing.assert_array_equal(loaded(waves()), whole(waves()))
    plan = tfprune.plan(whole, ratio=0.5)
    small = tfprune.rebuild(whole, plan)
    assert tfprune.verify(whole, small, plan, data=waves()) < 1e-5
    assert tfprune.cost(small).macs < tfprune.cost(whole).macs
    file = tfprune.convert.to_tflite(small, tmp_path / "small.tflite", samples=[waves()])
    graph = read_graph(file.path)
    assert all(op.kind != "CUSTOM" for op in (*graph.operations, *graph.others))  # no Flex
    np.testing.assert_allclose(tflite_answers(file.path, waves()), small(waves()), atol=5e-3)


def test_what_cannot_be_drawn() -> None:
    with pytest.raises(ModelError, match="'Z' or 'ENZ'"):
        SpectrogramImage(24, "N")
    with pytest.raises(ModelError, match="'std' or 'none'"):
        SpectrogramImage(24, reference="median")
    with pytest.raises(ModelError, match="at least 256"):
        from_waveforms(image_net(), 255)
    with pytest.raises(ModelError, match="square images"):
        from_waveforms(whole_of_vectors(), NPTS)


def whole_of_vectors() -> keras.Model:
    x = keras.Input((4,))
    return keras.Model(x, layers.Dense(2)(x))
