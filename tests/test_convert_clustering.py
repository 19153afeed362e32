"""Clustered weights: few values in each kernel, home in Keras 3, files that compress."""

import keras
import numpy as np
import pytest
from export_nets import image_net, images
from keras import layers

import tfprune
from tfprune.convert import Clustered, cluster
from tfprune.errors import ConversionError, DataError


def labelled(count: int = 64) -> tuple[np.ndarray, np.ndarray]:
    x = images(count)
    return x, np.eye(4, dtype="float32")[x.mean((1, 2)).argmax(axis=1)]


@pytest.fixture(scope="module")
def result() -> tuple[keras.Model, Clustered]:
    keras.utils.set_random_seed(1)
    net = image_net()
    small = tfprune.prune(net, ratio=0.3, exclude=["depthwise"])
    loss = keras.losses.CategoricalCrossentropy()
    return small, cluster(small, labelled(), loss, clusters=8, exclude=["classes"], epochs=2)


def test_each_kernel_holds_a_few_values(result):
    small, found = result
    assert dict(found.clusters) == {"conv": 8}
    for name in found.clusters:
        kernel = found.model.get_layer(name).get_weights()[0]
        assert kernel.shape == small.get_layer(name).get_weights()[0].shape
        assert len(np.unique(kernel)) <= 8
    assert len(np.unique(found.model.get_layer("classes").get_weights()[0])) > 8
    assert dict(found.left) == {
        "classes": "excluded",
        "norm": "no kernel",
        "depthwise": "no clustering of DepthwiseConv2D",
    }


def test_the_model_comes_home_and_the_original_stays(result):
    small, found = result
    x = images(4)
    assert isinstance(found.model, keras.Model)
    assert len(np.unique(small.get_layer("conv").get_weights()[0])) > 8
    # Eight values are coarse, but it is the same net.
    assert np.abs(np.asarray(found.model(x)) - np.asarray(small(x))).mean() < 0.1
    assert found.losses[-1] > 0
    assert len(found.losses) == 2


def test_the_file_compresses():
    # Large enough that the kernel outweighs the rest of the file.
    net = keras.Sequential([keras.Input((64,)), layers.Dense(64, name="wide")])
    x = np.random.default_rng(0).normal(size=(64, 64)).astype("float32")
    found = cluster(net, (x, np.asarray(net(x))), "mse", clusters=4)
    assert found.clusters["wide"] == 4
    assert found.after.bytes == pytest.approx(found.before.bytes, rel=0.05)
    assert found.after.gzip < 0.3 * found.before.gzip
    assert f"{found.after.gzip:,}" in str(found)


def test_refusals():
    net, data = image_net(), labelled(8)
    for wrong in ({"clusters": 1}, {"clusters": 4.0}, {"start": "even"}, {"epochs": 0}):
        with pytest.raises(ConversionError, match="expected"):
            cluster(net, data, "mse", **wrong)
    with pytest.raises(ConversionError, match="nothing to cluster"):
        cluster(net, data, "mse", clusters=10_000)
    with pytest.raises(ConversionError, match="'elsewhere', which the model lacks"):
        cluster(net, data, "mse", exclude=["elsewhere"])
    with pytest.raises(DataError, match="expected inputs and labels"):
        cluster(net, data[0], "mse")
