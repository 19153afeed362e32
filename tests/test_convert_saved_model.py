"""SavedModel folders made by `to_saved_model`, loaded without Keras."""

import os

import keras
import numpy as np
import pytest
import tensorflow as tf
from export_nets import dict_net, image_net, images, two_input_net
from keras import layers

from tfprune._files import atomic_folder
from tfprune.convert import serving, to_saved_model
from tfprune.errors import ConversionError, FileError, ModelError


def signature(folder):
    loaded = tf.saved_model.load(str(folder))
    signature.keep = loaded  # a signature does not hold its model alive
    return loaded.signatures["serving_default"]


def test_the_folder_computes_what_the_model_does(tmp_path):
    model, x = image_net(), images()
    artifact = to_saved_model(model, tmp_path / "served", samples=x)
    answer = signature(artifact.path)(image=tf.constant(x))["classes"]
    np.testing.assert_allclose(answer, model(x, training=False), atol=1e-6)
    assert artifact.largest_error <= artifact.tolerance
    files = [file for file in artifact.path.rglob("*") if file.is_file()]
    assert artifact.bytes == sum(file.stat().st_size for file in files)
    assert len(artifact.sha256) == 64
    assert os.listdir(tmp_path) == ["served"]


@pytest.mark.parametrize("make", [two_input_net, dict_net])
def test_names_and_the_open_batch(tmp_path, make):
    model = make()
    artifact = to_saved_model(model, tmp_path / "served")
    run = signature(artifact.path)
    specs = run.structured_input_signature[1]
    assert set(specs) == set(artifact.inputs)
    assert all(spec.shape[0] is None for spec in specs.values())
    assert set(run.structured_outputs) == set(artifact.outputs)


def test_recurrent_nets_keep_the_batch_open(tmp_path):
    model = keras.Sequential([keras.Input((None, 2), name="steps"), layers.GRU(3)])
    x = np.random.default_rng(0).normal(size=(2, 5, 2)).astype("float32")
    run = signature(to_saved_model(model, tmp_path / "served", samples=x).path)
    longer = np.ones((3, 9, 2), "float32")
    (answer,) = run(steps=tf.constant(longer)).values()
    np.testing.assert_allclose(answer, model(longer), atol=1e-6)


def test_versions_for_a_server(tmp_path):
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2)])
    for expected in ("1", "2"):
        assert to_saved_model(model, tmp_path / "net", version="next").path.name == expected
    assert to_saved_model(model, tmp_path / "net", version=7).path.name == "7"
    assert sorted(os.listdir(tmp_path / "net")) == ["1", "2", "7"]
    with pytest.raises(FileError, match="overwrite=True"):
        to_saved_model(model, tmp_path / "net", version=7)
    for wrong in (0, True, "1.0", -3):
        with pytest.raises(ConversionError, match="expected a version"):
            to_saved_model(model, tmp_path / "net", version=wrong)


def test_a_folder_is_replaced_whole(tmp_path):
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2)])
    target = tmp_path / "served"
    target.mkdir()
    (target / "old.txt").write_text("old")
    with pytest.raises(FileError, match="overwrite=True"):
        to_saved_model(model, target)
    to_saved_model(model, target, overwrite=True)
    assert not (target / "old.txt").exists()
    assert os.listdir(tmp_path) == ["served"]


def test_a_wrong_folder_never_ships(tmp_path, monkeypatch):
    def wrong(model, folder):
        other = image_net()
        other.get_layer("classes").kernel.assign(other.get_layer("classes").kernel * 2)
        serving.export(other, folder, [(None, 8, 8, 3)])

    monkeypatch.setattr(serving, "_write", wrong)
    with pytest.raises(ConversionError, match="SavedModel file differs"):
        to_saved_model(image_net(), tmp_path / "net", version=1)
    assert os.listdir(tmp_path) == []


def test_a_damaged_folder_never_ships(tmp_path, monkeypatch):
    monkeypatch.setattr(serving, "_write", lambda model, folder: None)
    with pytest.raises(ConversionError, match="TensorFlow cannot run the SavedModel"):
        to_saved_model(image_net(), tmp_path / "net")
    assert os.listdir(tmp_path) == []


def test_refusals(tmp_path, monkeypatch):
    with pytest.raises(ModelError, match=r"expected a keras\.Model"):
        to_saved_model("m.keras", tmp_path / "net")
    with pytest.raises(FileError, match="does not exist"):
        to_saved_model(image_net(), tmp_path / "nowhere" / "net")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(FileError, match="is a file"):
        to_saved_model(image_net(), tmp_path / "file")
    with pytest.raises(ConversionError, match="tolerance"):
        to_saved_model(image_net(), tmp_path / "net", tolerance=float("nan"))
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(ConversionError, match="KERAS_BACKEND=tensorflow"):
        to_saved_model(image_net(), tmp_path / "net")


def test_atomic_folders_leave_what_stood_there(tmp_path):
    target = tmp_path / "here"
    target.mkdir()
    (target / "a").write_text("before")
    with pytest.raises(RuntimeError, match="half way"):
        _write_half(target)
    assert (target / "a").read_text() == "before"
    assert os.listdir(tmp_path) == ["here"]


def _write_half(target):
    with atomic_folder(target) as temporary:
        (temporary / "a").write_text("half")
        raise RuntimeError("half way")
