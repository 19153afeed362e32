"""`tfprune convert --format`: each format's file, and what does not go with it."""

import json

import keras
import numpy as np
import onnxruntime
import pytest
from keras import layers

from tfprune.cli import main


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    keras.utils.set_random_seed(4)
    net = keras.Sequential([keras.Input((4,), name="wave"), layers.Dense(3, name="out")])
    net.save(folder / "m.keras")
    np.save(folder / "x.npy", np.random.default_rng(0).normal(size=(8, 4)).astype("float32"))
    return folder


def test_onnx(model, tmp_path, capsys):
    line = ["convert", str(model / "m.keras"), "--format", "onnx", "--json"]
    typical = ["--representative_data", str(model / "x.npy"), "--quantize", "int8"]
    assert main([*line, "-o", str(tmp_path / "m.onnx"), *typical]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["quantize"], document["inputs"]) == ("int8", ["wave"])
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    assert session.get_outputs()[0].shape == ["batch", 3]


def test_saved_model(model, tmp_path, capsys):
    line = ["convert", str(model / "m.keras"), "--format", "saved_model", "-o"]
    assert main([*line, str(tmp_path / "served")]) == 0
    assert "served: float32" in capsys.readouterr().out
    assert (tmp_path / "served" / "saved_model.pb").is_file()
    assert main([*line, str(tmp_path / "served")]) == 1
    assert "--force" in capsys.readouterr().err
    assert main([*line, str(tmp_path / "served"), "--force"]) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--format onnx --quantize dynamic", "none or float16 or int8 with --format onnx"),
        ("--format saved_model --quantize float16", "expected --quantize none"),
        ("--format onnx --notes text", "--notes goes with --format tflite"),
        ("--format tensorrt --input_type int8", "--input_type goes with --format tflite"),
        ("--format tftrt", "Tensor"),  # too new a TensorFlow, or no library
        ("--format tensorrt", "tensorrt"),
    ],
)
def test_what_does_not_go_together_is_one_line(model, tmp_path, capsys, options, message):
    output = str(tmp_path / "made")
    assert main(["convert", str(model / "m.keras"), "-o", output, *options.split()]) == 1
    error = capsys.readouterr().err.strip()
    assert message in error
    assert "\n" not in error
    assert not list(tmp_path.iterdir())
