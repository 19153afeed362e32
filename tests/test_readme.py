"""The README's Python runs as it stands there."""

import re
from pathlib import Path

import keras
import numpy as np

import tfprune

README = Path(__file__).resolve().parent.parent / "README.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.M | re.S)


def test_ten_lines(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    said: dict = {}
    exec(BLOCKS[0], said)
    assert said["small"].count_params() < 0.011 * said["model"].count_params()
    assert float(capsys.readouterr().out.splitlines()[-1]) < 1e-5
    assert (tmp_path / "small.tflite").stat().st_size < 1.1e6


def test_the_training_script():
    x = np.random.default_rng(0).normal(size=(32, 6, 6, 1)).astype("float32")
    y = x.mean(axis=(1, 2))
    model = keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            keras.layers.Conv2D(8, 3, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(1),
        ]
    )
    model.compile("adam", "mse")
    said = {"model": model, "x": x, "y": y, "tfprune": tfprune}
    exec(BLOCKS[1], said)
    assert said["small"].layers[0].filters == 4
    np.testing.assert_allclose(
        said["small"].predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-5
    )


def test_nothing_else_is_said_in_python():
    assert len(BLOCKS) == 2
