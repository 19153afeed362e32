"""Files made by `to_tflite`, against the Keras models they come from."""

import hashlib
import json
from pathlib import Path

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from keras import layers

from tfprune.convert import Artifact, compare, tflite, to_tflite
from tfprune.convert.formats import FORMATS
from tfprune.errors import ConversionError, DataError, FileError, ModelError


def small_net() -> keras.Model:
    image = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(6, 3, padding="same", name="conv")(image)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU()(x)
    x = layers.DepthwiseConv2D(3)(x)
    x = layers.Flatten()(x)
    return keras.Model(image, layers.Dense(4, activation="softmax", name="classes")(x))


def two_input_net() -> keras.Model:
    wave = keras.Input((12,), name="wave")
    extra = keras.Input((3,), name="an.extra-one")
    x = layers.Concatenate()([layers.Dense(8, activation="tanh")(wave), extra])
    return keras.Model(
        [wave, extra],
        [layers.Dense(2, name="first")(x), layers.Dense(1, activation="sigmoid", name="second")(x)],
    )


def images(count: int = 12, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 8, 8, 3)).astype("float32")


def run(path: Path, **inputs: np.ndarray) -> dict[str, np.ndarray]:
    return Interpreter(model_path=str(path)).get_signature_runner("serving_default")(**inputs)


@pytest.mark.parametrize(
    ("quantize", "tolerance"),
    [(None, 1e-5), ("float16", 2e-3), ("dynamic", 0.03), ("int8", 0.03), ("int16x8", 0.01)],
)
def test_every_format_computes_what_the_model_does(tmp_path, quantize, tolerance):
    model, x = small_net(), images()
    data = [x] if FORMATS[quantize].calibrated else None
    artifact = to_tflite(
        model, tmp_path / "m.tflite", quantize=quantize, representative_data=data, samples=x
    )
    expected = keras.ops.convert_to_numpy(model(x, training=False))
    received = np.concatenate(
        [run(artifact.path, image=x[i : i + 1])["classes"] for i in range(len(x))]
    )
    error = np.abs(received - expected).max()
    assert error <= tolerance
    scale = 1.0 if quantize == "int8" else expected.max()
    assert artifact.largest_error == pytest.approx(error / scale, abs=1e-6)
    assert artifact.largest_error <= artifact.tolerance == FORMATS[quantize].tolerance
    assert artifact.samples == len(x)


def test_the_artifact_describes_the_file(tmp_path):
    artifact = to_tflite(small_net(), tmp_path / "m.tflite")
    content = artifact.path.read_bytes()
    assert isinstance(artifact, Artifact)
    assert artifact.bytes == len(content)
    assert artifact.sha256 == hashlib.sha256(content).hexdigest()
    assert json.loads(json.dumps(artifact.as_dict()))["inputs"] == ["image"]
    assert "float32" in str(artifact)


def test_quantized_files_are_smaller(tmp_path):
    model = keras.Sequential([keras.Input((64,)), layers.Dense(256), layers.Dense(64)])
    x = np.random.default_rng(0).normal(size=(8, 64)).astype("float32")
    sizes = [
        to_tflite(model, tmp_path / "m.tflite", quantize=q, representative_data=x).bytes
        for q in (None, "float16", "int8")
    ]
    assert sizes[1] < 0.6 * sizes[0]
    assert sizes[2] < 0.35 * sizes[0]


def test_names_of_inputs_and_outputs_are_kept(tmp_path):
    artifact = to_tflite(two_input_net(), tmp_path / "m.tflite")
    signature = Interpreter(model_path=str(artifact.path)).get_signature_list()
    assert set(signature["serving_default"]["inputs"]) == {"wave", "an_extra_one"}
    assert set(signature["serving_default"]["outputs"]) == {"first", "second"}
    assert artifact.inputs == ("wave", "an_extra_one")
    assert artifact.outputs == ("first", "second")


def test_int8_with_two_inputs_calibrates_each_with_its_own_data(tmp_path):
    model, rng = two_input_net(), np.random.default_rng(5)
    # Ranges so different that inputs taken for each other would show at once.
    batches = [(rng.normal(size=(4, 12)) * 0.1, rng.normal(size=(4, 3)) * 50) for _ in range(3)]
    artifact = to_tflite(
        model,
        tmp_path / "m.tflite",
        quantize="int8",
        representative_data=batches,
        input_type="int8",
    )
    interpreter = Interpreter(model_path=str(artifact.path))
    details = interpreter.get_signature_runner().get_input_details()
    assert details["an_extra_one"]["quantization"][0] > 50 * details["wave"]["quantization"][0]
    assert artifact.largest_error < 0.05


@pytest.mark.parametrize(
    ("quantize", "types"),
    [
        ("int8", {}),
        ("int8", {"input_type": "uint8"}),
        ("int8", {"input_type": "int8", "output_type": "int8"}),
        ("int16x8", {"input_type": "int16", "output_type": "int16"}),
        ("int16x8", {"output_type": "int16"}),
    ],
)
def test_inputs_and_outputs_are_float_unless_asked(tmp_path, quantize, types):
    artifact = to_tflite(
        small_net(),
        tmp_path / "m.tflite",
        quantize=quantize,
        representative_data=images(),
        **types,
    )
    interpreter = Interpreter(model_path=str(artifact.path))
    entry, exit_ = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    assert np.dtype(entry["dtype"]) == types.get("input_type", "float32")
    assert np.dtype(exit_["dtype"]) == types.get("output_type", "float32")
    assert artifact.input_types == {"image": types.get("input_type", "float32")}
    assert artifact.report[0].dtype == types.get("output_type", "float32")


def test_a_labelled_dataset_serves_as_representative_data(tmp_path):
    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensor_slices((images(), np.zeros(12))).batch(4).repeat()
    artifact = to_tflite(
        small_net(),
        tmp_path / "m.tflite",
        quantize="int8",
        representative_data=dataset,
        calibration_examples=10,
    )
    assert artifact.samples == 8


@pytest.mark.parametrize("backbone", ["lstm", "dict", "nested", "logits"])
def test_other_forms_of_models(tmp_path, backbone):
    if backbone == "lstm":
        model = keras.Sequential([keras.Input((5, 4)), layers.LSTM(3), layers.Dense(2)])
    elif backbone == "dict":
        given = keras.Input((4,), name="b"), keras.Input((4,), name="a")
        out = layers.Subtract(name="minus")(list(given))
        sums = layers.Add(name="plus")(list(given))
        model = keras.Model({"b": given[0], "a": given[1]}, {"z": out, "minus": sums})
    elif backbone == "nested":
        inner = keras.Sequential([keras.Input((4,)), layers.Dense(3, activation="relu")])
        given = keras.Input((4,))
        model = keras.Model(given, layers.Dense(2)(inner(given)))
    else:
        model = keras.Sequential([keras.Input((2, 2, 1)), layers.Flatten(), layers.Dense(1)])
    artifact = to_tflite(model, tmp_path / "m.tflite")
    assert artifact.largest_error < 1e-5
    if backbone == "dict":
        ones = np.ones((1, 4), "float32")
        answer = run(artifact.path, a=ones, b=3 * ones)
        assert answer["z"][0, 0] == 2
        assert answer["minus"][0, 0] == 4


def test_open_sizes_are_fixed_at_those_of_the_samples(tmp_path):
    given = keras.Input((None, None, 1), name="picture")
    model = keras.Model(given, layers.GlobalMaxPooling2D()(layers.Conv2D(2, 3)(given)))
    with pytest.raises(ModelError, match=r"'picture' leaves sizes open"):
        to_tflite(model, tmp_path / "m.tflite")
    rng = np.random.default_rng(0)
    artifact = to_tflite(model, tmp_path / "m.tflite", samples=rng.normal(size=(3, 9, 7, 1)))
    details = Interpreter(model_path=str(artifact.path)).get_input_details()[0]
    assert list(details["shape"]) == [1, 9, 7, 1]
    several = [rng.normal(size=(1, size, 7, 1)) for size in (8, 9)]
    with pytest.raises(DataError, match="of several"):
        to_tflite(model, tmp_path / "m.tflite", samples=several)


def test_the_model_is_left_as_it_was(tmp_path):
    model = small_net()
    before = [weight.copy() for weight in model.get_weights()]
    config = model.to_json()
    to_tflite(model, tmp_path / "m.tflite")
    assert model.to_json() == config
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_nothing_reaches_the_screen(tmp_path, capfd):
    small = small_net()
    capfd.readouterr()
    to_tflite(small, tmp_path / "m.tflite", quantize="int8", representative_data=images())
    assert capfd.readouterr() == ("", "")


class TestAWrongFileNeverShips:
    def test_a_file_of_another_model_is_caught(self, tmp_path, monkeypatch):
        other = to_tflite(small_net(), tmp_path / "other.tflite").path.read_bytes()
        monkeypatch.setattr(tflite, "convert", lambda *_: other)
        (tmp_path / "m.tflite").write_bytes(b"what stood here before")
        with pytest.raises(ConversionError, match=r"output 'classes' by .* of its range"):
            to_tflite(small_net(), tmp_path / "m.tflite")
        assert (tmp_path / "m.tflite").read_bytes() == b"what stood here before"
        assert sorted(p.name for p in tmp_path.iterdir()) == ["m.tflite", "other.tflite"]

    def test_a_damaged_file_is_caught(self, tmp_path, monkeypatch):
        good = to_tflite(small_net(), tmp_path / "m.tflite").path.read_bytes()
        (tmp_path / "m.tflite").unlink()
        monkeypatch.setattr(tflite, "convert", lambda *_: good[: len(good) // 2])
        with pytest.raises(ConversionError, match="LiteRT cannot run the converted file"):
            to_tflite(small_net(), tmp_path / "m.tflite")
        assert not list(tmp_path.iterdir())

    def test_a_tolerance_that_is_not_met(self, tmp_path):
        with pytest.raises(ConversionError, match="allowed is 1e-09"):
            to_tflite(small_net(), tmp_path / "m.tflite", quantize="float16", tolerance=1e-9)
        assert not list(tmp_path.iterdir())

    def test_representative_data_of_the_wrong_range(self, tmp_path):
        with pytest.raises(ConversionError, match="representative_data"):
            to_tflite(
                keras.Sequential([keras.Input((6,)), layers.Dense(5)]),
                tmp_path / "m.tflite",
                quantize="int8",
                representative_data=np.random.default_rng(0).normal(size=(20, 6)) / 100,
                samples=np.random.default_rng(1).normal(size=(20, 6)),
            )
        assert not list(tmp_path.iterdir())

    def test_nan_is_an_error_at_any_tolerance(self, tmp_path, monkeypatch):
        given = {"classes": np.full((8, 4), np.nan)}
        monkeypatch.setattr(compare, "run_file", lambda *_: given)
        with pytest.raises(ConversionError, match="NaN"):
            to_tflite(small_net(), tmp_path / "m.tflite", tolerance=float("inf"))
        assert not list(tmp_path.iterdir())


class TestRefusals:
    def test_flex_operations_are_named_with_their_layer(self, tmp_path):
        class Erf(layers.Layer):
            def call(self, x):
                return keras.ops.erf(x)

        given = keras.Input((4,))
        model = keras.Model(given, layers.Dense(2)(Erf(name="curve")(given)))
        with pytest.raises(ConversionError, match=r"SELECT_TF_OPS.*FlexErf from layer 'curve'"):
            to_tflite(model, tmp_path / "m.tflite")
        assert not list(tmp_path.iterdir())

    def test_int8_of_a_loop_is_refused_before_it_kills_the_process(self, tmp_path):
        model = keras.Sequential([keras.Input((5, 4)), layers.GRU(3, name="memory")])
        with pytest.raises(ConversionError, match=r"loop from layer 'memory'.*unroll=True"):
            to_tflite(
                model,
                tmp_path / "m.tflite",
                quantize="int8",
                representative_data=np.zeros((2, 5, 4), "float32"),
            )

    def test_subclassed_and_unbuilt_models(self, tmp_path):
        class Own(keras.Model):
            def call(self, x):
                return x

        for model in (Own(), keras.Sequential([layers.Dense(2)])):
            with pytest.raises(ModelError, match="no defined inputs"):
                to_tflite(model, tmp_path / "m.tflite")
        with pytest.raises(ModelError, match=r"expected a keras\.Model, received str"):
            to_tflite("m.keras", tmp_path / "m.tflite")

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_weights_that_are_not_finite(self, tmp_path, bad):
        model = small_net()
        kernel = model.get_layer("conv").kernel
        values = kernel.numpy().copy()
        values[0, 0, 0, 0] = bad
        kernel.assign(values)
        with pytest.raises(ModelError, match="conv/kernel"):
            to_tflite(model, tmp_path / "m.tflite")

    def test_a_model_that_gives_nan_itself(self, tmp_path):
        given = keras.Input((4,))
        model = keras.Model(given, keras.ops.log(given))
        with pytest.raises(ModelError, match="Keras model's own output"):
            to_tflite(model, tmp_path / "m.tflite")
        positive = np.full((2, 4), 0.5, "float32")
        assert to_tflite(model, tmp_path / "m.tflite", samples=positive).largest_error < 1e-5

    def test_int8_without_data_is_told_before_any_work(self, tmp_path):
        with pytest.raises(DataError, match="needs representative_data"):
            to_tflite(None, tmp_path / "m.tflite", quantize="int8")

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            ([], "received none"),
            (np.zeros((0, 8, 8, 3)), "received none"),
            (np.zeros((2, 8, 9, 3)), r"expected shape \(None, 8, 8, 3\).*received \(2, 8, 9, 3\)"),
            ([np.zeros((8, 8, 3))], "batch first"),
            (np.full((2, 8, 8, 3), np.nan), "NaN"),
            ([np.array([["text"]])], "expected numbers"),
            (7, "received int"),
            ([(np.zeros((1, 8, 8, 3)),) * 4], "received 4"),
            ([{"picture": np.zeros((1, 8, 8, 3))}], "'picture'"),
        ],
    )
    def test_bad_representative_data(self, tmp_path, data, message):
        with pytest.raises(DataError, match=message):
            to_tflite(small_net(), tmp_path / "m.tflite", quantize="int8", representative_data=data)
        assert not list(tmp_path.iterdir())

    def test_bad_arguments(self, tmp_path):
        with pytest.raises(ConversionError, match="int4"):
            to_tflite(small_net(), tmp_path / "m.tflite", quantize="int4")
        with pytest.raises(ConversionError, match=r"int8 goes with quantize='int8'"):
            to_tflite(small_net(), tmp_path / "m.tflite", input_type="int8")
        with pytest.raises(ConversionError, match=r"output_type.*\['float32', 'int16'\]"):
            to_tflite(None, tmp_path / "m.tflite", "int16x8", [1], output_type="int8")
        with pytest.raises(ConversionError, match="max_accuracy_drop"):
            to_tflite(small_net(), tmp_path / "m.tflite", max_accuracy_drop=-1)
        with pytest.raises(ConversionError, match="tolerance"):
            to_tflite(small_net(), tmp_path / "m.tflite", tolerance=-1)

    def test_paths(self, tmp_path):
        with pytest.raises(FileError, match="does not exist"):
            to_tflite(small_net(), tmp_path / "nowhere" / "m.tflite")
        (tmp_path / "m.tflite").write_bytes(b"mine")
        with pytest.raises(FileError, match="overwrite=True"):
            to_tflite(small_net(), tmp_path / "m.tflite", overwrite=False)
        assert (tmp_path / "m.tflite").read_bytes() == b"mine"
