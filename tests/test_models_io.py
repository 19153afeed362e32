"""Models are saved whole or not at all, and loaded as they were."""

import os
from pathlib import Path

import keras
import numpy as np
import pytest
from absl import logging

from tfprune._models_io import load_model, save_model
from tfprune.errors import FileError


def _model() -> keras.Model:
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_model_comes_back_with_its_weights_and_without_its_optimizer(
    suffix: str, tmp_path: Path
) -> None:
    model = _model()
    model.compile("adam", "mse")
    x = np.ones((3, 4), "float32")
    model.fit(x, x[:, :2], verbose=0)
    verbosity = logging.get_verbosity()
    save_model(model, tmp_path / f"model{suffix}")
    assert logging.get_verbosity() == verbosity
    assert os.listdir(tmp_path) == [f"model{suffix}"]
    again = load_model(tmp_path / f"model{suffix}")
    assert not again.compiled
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


def test_a_failing_save_leaves_what_stood_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "model.keras"
    target.write_text("before")

    def fail(self: keras.Model, path: Path) -> None:
        Path(path).write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keras.Model, "save", fail)
    with pytest.raises(FileError, match="the disk is full"):
        save_model(_model(), target)
    assert target.read_text() == "before"
    assert os.listdir(tmp_path) == ["model.keras"]


def test_other_names_are_refused_before_saving(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"\*\.keras or \*\.h5"):
        save_model(_model(), tmp_path / "model.pb")
    assert os.listdir(tmp_path) == []


def test_lambda_layers_run_only_where_asked(tmp_path: Path) -> None:
    x = keras.Input((4,))
    keras.Model(x, keras.layers.Lambda(lambda v: 2 * v)(x)).save(tmp_path / "double.keras")
    model = load_model(tmp_path / "double.keras", unsafe_lambda=True)
    np.testing.assert_array_equal(model(np.ones((1, 4))), np.full((1, 4), 2.0))
