"""Data sets whose end is not waited for hold what they were given."""

import numpy as np
import pytest

from tfprune._tfdata import in_batches, without_autotune


def test_arrays_come_in_their_order_and_as_keras_floats() -> None:
    tf = pytest.importorskip("tensorflow")
    x, y = np.arange(10.0).reshape(5, 2), np.arange(5)
    batches = list(in_batches((x, y), 2))
    assert [len(labels) for _, labels in batches] == [2, 2, 1]
    np.testing.assert_array_equal(np.concatenate([images for images, _ in batches]), x)
    np.testing.assert_array_equal(np.concatenate([labels for _, labels in batches]), y)
    assert batches[0][0].dtype == tf.float32
    assert batches[0][1].dtype == tf.int64


def test_what_is_tuned_is_not_tuned_any_more() -> None:
    tf = pytest.importorskip("tensorflow")
    dataset = tf.data.Dataset.range(4).batch(2)
    assert not without_autotune(dataset).options().autotune.enabled
    assert dataset.options().autotune.enabled is None  # the given one is left alone
    assert not in_batches(np.zeros((3, 1)), 2).options().autotune.enabled
