"""The parts of the earthquake recipe, on nets and data small enough for a test."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import layers
from scipy import stats

import tfprune
from tfprune.errors import DataError, FileError, PlanError
from tfprune.recipes.common.accuracy import Accuracy, keras_accuracy, tflite_accuracy
from tfprune.recipes.earthquake import data, demo
from tfprune.recipes.earthquake.result import DemoResult, Row
from tfprune.recipes.earthquake.training import Training, train


def small_net(size: int = 32) -> keras.Model:
    x = keras.Input((size, size, 3))
    y = layers.Rescaling(1 / 255)(x)
    for filters in (8, 16):
        y = layers.Conv2D(filters, 3, strides=2, padding="same", use_bias=False)(y)
        y = layers.ReLU()(layers.BatchNormalization()(y))
    return keras.Model(x, layers.Dense(2, "softmax")(layers.GlobalAveragePooling2D()(y)))


@pytest.fixture(scope="module")
def split() -> data.Split:
    return data.synthetic(count=160, image_size=32, seed=1)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_is_the_score_interval(counts):
    right, total = counts
    expected = stats.binomtest(right, total).proportion_ci(method="wilson")
    np.testing.assert_allclose(Accuracy(right, total).interval(), expected, atol=1e-9)


def test_stations_are_on_one_side_and_classes_on_both(split):
    for images, labels in (split.train, split.test):
        assert images.shape[1:] == (32, 32, 3)
        assert set(labels) == {0, 1}
        assert images.min() >= 0
        assert images.max() <= 255
    assert len(split.train[1]) + len(split.test[1]) == 160


def test_train_prune_retrain_convert(split, tmp_path):
    """The line of the demo, with a net that takes seconds."""
    keras.utils.set_random_seed(0)
    model = small_net()
    seen = []
    train(model, split.train, Training(8, 1e-2), 0, lambda epoch, share: seen.append(epoch))
    assert seen == [*range(1, 9)]
    before = keras_accuracy(model, split.test)
    assert before.share > 0.75
    plan = tfprune.plan(model, ratio=0.5)
    small = tfprune.rebuild(model, plan)
    assert tfprune.verify(model, small, plan) < 1e-5
    train(small, split.train, Training(8, 1e-2), 0)
    after = keras_accuracy(small, split.test)
    assert after.share > 0.75
    artifact = tfprune.convert.to_tflite(small, tmp_path / "small.tflite")
    assert tflite_accuracy(artifact.path, split.test) == after


def test_training_is_repeatable(split):
    answers = []
    for _ in range(2):
        keras.utils.set_random_seed(0)
        model = small_net()
        train(model, split.train, Training(1, 1e-2), 5)
        answers.append(model.predict(split.test[0], verbose=0))
    np.testing.assert_array_equal(*answers)


def test_real_seismograms(shared_data):
    folder = shared_data / "seismic"
    found = data.from_files(
        folder / "stead_layout_ncedc.hdf5", folder / "stead_layout_ncedc.csv", 32, seed=0
    )
    assert len(found.train[1]) + len(found.test[1]) == 404
    assert "404 seismograms" in found.source


def test_refusals_come_before_the_work(tmp_path):
    with pytest.raises(PlanError, match="ratio between 0 and 1"):
        demo.run(ratio=1.5, output=tmp_path)
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(FileError, match="cannot make the folder"):
        demo.run(output=blocked)
    with pytest.raises((DataError, FileError), match="missing"):
        demo.run(data=tmp_path / "missing.hdf5", csv=tmp_path / "missing.csv", output=tmp_path)


def test_the_result_reads_well():
    rows = (
        Row("ResNet50", Accuracy(9, 10), 100, 2_000_000),
        Row("small.tflite", Accuracy(8, 10), 10, 200_000, 1_500_000, 0.25, 40.0),
    )
    result = DemoResult(rows, "10 traces", 64, 0.9, 1e-7, 12.3, "a machine", "demo")
    text = str(result)
    assert "40.0x" in text
    assert "80.0% (49.0% to 94.3%)" in text
    assert result.as_dict()["rows"][1]["accuracy"] == 0.8
