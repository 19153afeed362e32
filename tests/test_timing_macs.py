"""Multiply-accumulates read from files, against closed forms."""

import keras
import numpy as np
import pytest
from keras import layers

from tfprune._tflite import read_graph
from tfprune.convert import to_tflite
from tfprune.errors import FileError
from tfprune.timing.macs import count_macs


@pytest.mark.parametrize(
    ("shape", "layer", "expected"),
    [
        ((12, 10, 3), layers.Conv2D(7, (3, 5), padding="same"), 12 * 10 * 7 * 3 * 5 * 3),
        ((12, 10, 3), layers.Conv2D(8, 3, strides=2, use_bias=False), 5 * 4 * 8 * 9 * 3),
        ((12, 10, 4), layers.Conv2D(8, 3, groups=2), 10 * 8 * 8 * 9 * 2),
        ((12, 10, 6), layers.DepthwiseConv2D(3), 10 * 8 * 6 * 9),
        ((12, 10, 4), layers.DepthwiseConv2D(3, depth_multiplier=2), 10 * 8 * 8 * 9),
        ((6, 5, 3), layers.Conv2DTranspose(4, 3, strides=2, padding="same"), 6 * 5 * 3 * 9 * 4),
        ((20, 3), layers.Conv1D(5, 4), 17 * 5 * 4 * 3),
        ((30,), layers.Dense(11), 30 * 11),
        ((7, 30), layers.Dense(11), 7 * 30 * 11),
        ((4, 6, 6, 2), layers.Conv3D(3, 2), 3 * 5 * 5 * 3 * 8 * 2),
        ((8, 8, 3), layers.MaxPooling2D(), 0),
    ],
)
def test_macs_equal_the_closed_form(tmp_path, shape, layer, expected):
    model = keras.Sequential([keras.Input(shape), layer])
    assert count_macs(to_tflite(model, tmp_path / "m.tflite").path) == expected


@pytest.mark.parametrize("transposed", [False, True])
def test_matrix_products(tmp_path, transposed):
    a, b = keras.Input((3, 4)), keras.Input((3, 5) if transposed else (4, 5))
    left = keras.ops.transpose(a, (0, 2, 1)) if transposed else a
    path = to_tflite(keras.Model([a, b], keras.ops.matmul(left, b)), tmp_path / "m.tflite").path
    assert count_macs(path) == 3 * 4 * 5


def test_quantized_files_count_the_same(tmp_path):
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 3), layers.ReLU()])
    data = np.random.default_rng(0).normal(size=(4, 8, 8, 3))
    path = to_tflite(model, tmp_path / "m.tflite", quantize="int8", representative_data=data).path
    assert count_macs(path) == 36 * 4 * 27


def test_loops_are_not_guessed(tmp_path):
    model = keras.Sequential([keras.Input((5, 4)), layers.LSTM(3)])
    path = to_tflite(model, tmp_path / "m.tflite").path
    assert count_macs(path) is None
    assert any(op.kind == "FULLY_CONNECTED" for op in read_graph(path).others)


def test_a_damaged_graph_is_told(tmp_path):
    (tmp_path / "m.tflite").write_bytes(b"\xff\xff\xff\x7fTFL3" + bytes(20))
    with pytest.raises(FileError, match="damaged"):
        count_macs(tmp_path / "m.tflite")
