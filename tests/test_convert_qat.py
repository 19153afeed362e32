"""Quantization-aware training on a carried twin: the int8 file, and the weights brought home."""

import sys

import keras
import numpy as np
import pytest
import tf_keras
from ai_edge_litert.interpreter import Interpreter
from export_nets import image_net, images, trained
from keras import layers

from tfprune._silence import silenced
from tfprune.convert import quantization_aware
from tfprune.convert.formats import FORMATS
from tfprune.convert.tf_keras import carry, packages
from tfprune.convert.tfmot.annotate import annotated, reasons, scope
from tfprune.convert.tfmot.batches import Source
from tfprune.convert.tfmot.ranges import start_ranges
from tfprune.convert.tfmot.settings import losses, to_tf_keras
from tfprune.errors import ConversionError, DataError, FileError, MissingExtraError


def labelled(count: int = 48, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    x = images(count, seed)
    return x, np.eye(4, dtype="float32")[(x.mean((1, 2)) @ np.eye(3, 4)).argmax(axis=1)]


def awkward_net() -> keras.Model:
    """Layers that tfmot refuses a model for, among those that it knows."""
    image = keras.Input((8, 8, 3), name="image")
    x = layers.Rescaling(0.5, name="scale")(image)
    x = layers.BatchNormalization(name="lone")(x)
    x = layers.SeparableConv2D(6, 3, padding="same", activation="hard_swish", name="sep")(x)
    y = layers.Conv2D(6, 1, activation="elu", name="elu")(x)
    y = layers.ReLU(6.0, name="six")(layers.Conv2D(6, 1, name="before_six")(y)) + x
    y = layers.ReLU(name="folded")(layers.Dense(5, name="dense")(layers.Flatten(name="flat")(y)))
    twice = layers.Dense(5, name="twice")
    return trained(keras.Model(image, layers.Dense(4, name="out")(twice(twice(y)))))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """An awkward net, trained for int8 once for all tests here."""
    keras.utils.set_random_seed(2)
    model, data = awkward_net(), labelled()
    before = model.get_weights()
    folder = tmp_path_factory.mktemp("qat")
    result = quantization_aware(
        model,
        data,
        folder / "m.tflite",
        keras.losses.CategoricalCrossentropy(from_logits=True),
        optimizer=keras.optimizers.Adam(0.003),
        epochs=3,
        batch_size=16,
        exclude="out",
        samples=data[0],
        labels=data[1].argmax(axis=1),
        max_accuracy_drop=0.3,
        save_twin=folder / "twin.h5",
    )
    return model, before, data, result


def test_what_cannot_be_annotated_is_named_with_the_reason(run):
    *_, result = run
    left = dict(result.left)
    assert left.pop("lone") == "no convolution or Dense layer right before it"
    assert left.pop("six") == "tfmot would leave the weights of 'before_six' before it in float"
    assert left.pop("twice") == "called several times"
    assert left.pop("out") == "excluded"
    assert set(left) == {"scale", "sep.activation", "elu.activation"}
    assert all(reason == "an operation of Keras 3" for reason in left.values())
    assert "called several times" in str(result)


def test_the_file_is_int8_and_agrees_with_the_fake_quantization(run):
    _, _, (x, y), result = run
    artifact = result.artifact
    assert artifact.largest_error < 0.1
    assert artifact.tolerance == FORMATS["int8"].tolerance
    assert artifact.path.stat().st_size == artifact.bytes
    interpreter = Interpreter(model_path=str(artifact.path))
    interpreter.allocate_tensors()
    kinds = [t["dtype"] for t in interpreter.get_tensor_details() if len(t["shape"]) > 1]
    assert (
        kinds.count(np.float32) == 4
    )  # input and output, as asked, and what goes in and out of elu
    runner = interpreter.get_signature_runner("serving_default")
    answers = np.concatenate([runner(image=x[i : i + 1])["out"] for i in range(len(x))])
    right = (answers.argmax(axis=1) == y.argmax(axis=1)).sum()
    assert artifact.accuracy["out"].right == right
    assert artifact.accuracy["out"].total == len(x)
    assert set(result.as_dict()) == {"artifact", "left", "losses", "accuracy"}


def test_the_trained_weights_come_home(run):
    model, before, (x, y), result = run
    assert result.losses[-1] < result.losses[0]
    for old, same in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, same)
    moved = [np.abs(a - b).max() for a, b in zip(before, result.model.get_weights(), strict=True)]
    assert min(moved) > 0
    right = np.asarray(result.model(x)).argmax(axis=1) == y.argmax(axis=1)
    assert result.accuracy["out"].right == right.sum()
    # The file is int8 of what came home, so the two answer alike but for the rounding.
    runner = Interpreter(model_path=str(result.artifact.path)).get_signature_runner()
    answers = np.concatenate([runner(image=x[i : i + 1])["out"] for i in range(8)])
    home = np.asarray(result.model(x[:8]))
    assert np.abs(answers - home).max() < 0.1 * (home.max() - home.min())


def test_the_twin_is_saved_with_its_ranges(run):
    *_, (x, _), result = run
    tfmot = packages.load_tfmot("a test")
    twin = carry(awkward_net(), for_quantization=True)
    with silenced(), scope(tfmot, twin.model):
        loaded = tf_keras.models.load_model(result.artifact.path.parent / "twin.h5")
    runner = Interpreter(model_path=str(result.artifact.path)).get_signature_runner()
    answer = np.asarray(loaded(x[:1]))
    assert np.abs(runner(image=x[:1])["out"] - answer).max() < 0.15 * np.abs(answer).max()


def test_ranges_start_where_the_data_are():
    tfmot = packages.load_tfmot("a test")
    model = image_net()
    examples = [(one[None] * 0.1,) for one in images(8)]
    twin = carry(model, for_quantization=True)
    quantized = annotated(tfmot, twin.model, reasons(tfmot, twin.model, ()))
    with silenced():
        start_ranges(quantized, twin.model, examples)
    values = {w.name.split("/")[-1]: float(w) for w in quantized.weights if not w.shape.rank}
    x = np.concatenate([one for (one,) in examples])
    assert values["quantize_layer_min:0"] == pytest.approx(x.min())
    assert values["quantize_layer_max:0"] == pytest.approx(x.max())
    logits = keras.Model(model.input, model.get_layer("flat").output)(x)
    logits = (
        np.asarray(logits) @ model.get_layer("classes").kernel + model.get_layer("classes").bias
    )
    assert values["pre_activation_max:0"] == pytest.approx(float(np.max(logits)), rel=1e-4)


class TestSettings:
    def test_optimizers_keep_their_settings(self):
        falling = keras.optimizers.schedules.CosineDecay(0.1, 10)
        made = to_tf_keras(keras.optimizers.SGD(falling, momentum=0.9, clipnorm=1.0))
        assert isinstance(made, tf_keras.optimizers.SGD)
        assert (made.momentum, made.clipnorm) == (0.9, 1.0)
        rate = made.get_config()["learning_rate"]["config"]
        assert (rate["initial_learning_rate"], rate["decay_steps"]) == (0.1, 10)
        assert float(to_tf_keras(None).learning_rate) == pytest.approx(1e-4)
        assert isinstance(to_tf_keras("rmsprop"), tf_keras.optimizers.RMSprop)

    def test_what_tf_keras_lacks_is_named(self):
        with pytest.raises(ConversionError, match="no optimizer Lamb"):
            to_tf_keras(keras.optimizers.Lamb())
        with pytest.raises(ConversionError, match="gradient_accumulation_steps"):
            to_tf_keras(keras.optimizers.Adam(gradient_accumulation_steps=2))
        with pytest.raises(ConversionError, match="received 'fast'"):
            to_tf_keras("fast")

    def test_losses(self):
        several = losses({"a": "mse", "b": keras.losses.MeanAbsoluteError()}, ["a", "b"])
        values = [np.asarray(f(np.ones((2, 1)), np.full((2, 1), 3.0))) for f in several]
        assert [float(value.mean()) for value in values] == [4.0, 2.0]
        for given, message in (
            ({"a": "mse"}, "loss for each"),
            (["mse"] * 3, "expected 2 losses"),
            ("closeness", "'closeness'"),
            (None, "received None"),
        ):
            with pytest.raises(ConversionError, match=message):
                losses(given, ["a", "b"])


class TestData:
    def test_arrays_are_shuffled_anew_each_epoch(self):
        x, y = labelled(10)
        source = Source(image_net(), (x, y, np.arange(10.0)), 4, None, seed=0)
        epochs = [[batch.weights for batch in source.epoch()] for _ in range(2)]
        assert [len(part) for part in epochs[0]] == [4, 4, 2]
        orders = [np.concatenate(epoch) for epoch in epochs]
        assert sorted(orders[0]) == sorted(orders[1]) == list(range(10))
        assert list(orders[0]) != list(orders[1])

    def test_other_forms(self):
        import tensorflow as tf

        x, y = labelled(8)
        endless = tf.data.Dataset.from_tensor_slices((x, y)).batch(4).repeat()
        assert len(list(Source(image_net(), endless, 32, 3, seed=0).epoch())) == 3

        class Batches(keras.utils.PyDataset):
            def __len__(self):
                return 2

            def __getitem__(self, index):
                return x, y

        for data in (Batches(), lambda: iter([(x, y)] * 2), [({"image": x}, {"classes": y})] * 2):
            assert len(list(Source(image_net(), data, 32, None, seed=0).epoch())) == 2
        with pytest.raises(DataError, match="steps_per_epoch"):
            Source(image_net(), endless, 32, None, seed=0)

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            (None, "received NoneType"),
            (images(4), "received ndarray"),
            ([], "received none"),
            ((images(4), np.zeros(3)), "as many examples"),
            ([(images(4)[:, :5], np.zeros(4))], r"expected shape .*received \(4, 5, 8, 3\)"),
            ([images(4)], "expected inputs and labels"),
            (iter([(images(4), np.zeros(4))]), "one pass"),
            ([({"picture": images(4)}, np.zeros(4))], "'picture'"),
        ],
    )
    def test_what_is_wrong_shows_at_once(self, data, message):
        with pytest.raises(DataError, match=message):
            Source(image_net(), data, 32, None, seed=0)


class TestRefusals:
    def test_arguments(self, tmp_path, monkeypatch):
        model, data, path = image_net(), labelled(8), tmp_path / "m.tflite"
        for wrong, kind in (
            ({"epochs": 0}, ConversionError),
            ({"tolerance": -1}, ConversionError),
            ({"input_type": "int16"}, ConversionError),
            ({"save_twin": tmp_path / "twin.keras"}, FileError),
            ({"exclude": ["elsewhere"]}, ConversionError),
        ):
            with pytest.raises(kind):
                quantization_aware(model, data, path, "mse", **wrong)
        path.write_bytes(b"mine")
        with pytest.raises(FileError, match="overwrite=True"):
            quantization_aware(model, data, path, "mse", overwrite=False)
        monkeypatch.setitem(sys.modules, "tensorflow_model_optimization", None)
        with pytest.raises(MissingExtraError, match=r"pip install 'tfprune\[quant\]'"):
            quantization_aware(model, data, path, "mse")
        assert path.read_bytes() == b"mine"

    def test_nothing_to_annotate(self, tmp_path):
        model = keras.Sequential([keras.Input((4,)), layers.BatchNormalization(name="alone")])
        x = np.ones((4, 4), "float32")
        with pytest.raises(ConversionError, match=r"none of the layers for int8: alone.*to_tflite"):
            quantization_aware(model, (x, x), tmp_path / "m.tflite", "mse")

    def test_a_training_that_diverges_and_a_file_that_is_too_coarse(self, tmp_path):
        both = [layers.Dense(8, activation="tanh"), layers.Dense(2)]
        model = keras.Sequential([keras.Input((4,)), *both])
        x = np.random.default_rng(0).normal(size=(16, 4))
        args = (model, (x, x[:, :2]), tmp_path / "m.tflite", "mse")
        with pytest.raises(ConversionError, match="diverged"):
            quantization_aware(*args, optimizer=keras.optimizers.SGD(1e30), epochs=9)
        with pytest.raises(ConversionError, match="twin with fake quantization"):
            quantization_aware(*args, tolerance=0)
        assert not list(tmp_path.iterdir())
