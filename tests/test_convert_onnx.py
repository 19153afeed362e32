"""Files made by `to_onnx`, against the Keras models they come from."""

import hashlib
import sys

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from export_nets import dict_net, image_net, images, two_input_net
from keras import layers

from tfprune.convert import Accuracy, to_onnx
from tfprune.convert.onnx import TOLERANCE, convert
from tfprune.errors import ConversionError, DataError, FileError, MissingExtraError, ModelError


def run(path, **inputs):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))


@pytest.mark.parametrize(
    ("quantize", "tolerance"), [(None, 1e-5), ("float16", 2e-3), ("int8", 0.05)]
)
def test_every_format_computes_what_the_model_does(tmp_path, quantize, tolerance):
    model, x = image_net(), images()
    artifact = to_onnx(
        model, tmp_path / "m.onnx", quantize=quantize, representative_data=[x], samples=x
    )
    expected = keras.ops.convert_to_numpy(model(x, training=False))
    error = np.abs(run(artifact.path, image=x)["classes"] - expected).max()
    assert error <= tolerance
    assert artifact.largest_error == pytest.approx(error / expected.max(), abs=2e-3)
    assert artifact.largest_error <= artifact.tolerance == TOLERANCE[quantize]
    assert artifact.sha256 == hashlib.sha256(artifact.path.read_bytes()).hexdigest()
    assert artifact.samples == len(x)
    assert list(tmp_path.iterdir()) == [artifact.path]


@pytest.mark.parametrize("symmetric", [True, False])
def test_int8_zero_points_are_zero_where_tensorrt_reads_them(tmp_path, symmetric):
    path = tmp_path / "m.onnx"
    model = keras.Sequential([keras.Input((6,)), layers.Dense(5, activation="relu")])
    data = np.abs(np.random.default_rng(0).normal(size=(8, 6)))
    to_onnx(model, path, quantize="int8", representative_data=data, symmetric=symmetric)
    graph = onnx.load(path).graph
    assert {"QuantizeLinear", "DequantizeLinear"} <= {node.op_type for node in graph.node}
    zeros = [onnx.numpy_helper.to_array(t) for t in graph.initializer if "zero_point" in t.name]
    assert zeros
    assert any(zero.any() for zero in zeros) is not symmetric


def test_names_and_the_open_batch(tmp_path):
    artifact = to_onnx(two_input_net(), tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(str(artifact.path))
    inputs = {x.name: x.shape for x in session.get_inputs()}
    assert inputs == {"wave": ["batch", 12], "an_extra_one": ["batch", 3]}
    assert {x.name: x.shape for x in session.get_outputs()} == {
        "first": ["batch", 2],
        "second": ["batch", 1],
    }
    assert artifact.inputs == ("wave", "an_extra_one")
    assert artifact.outputs == ("first", "second")


def test_a_fixed_batch_and_the_opset(tmp_path):
    artifact = to_onnx(image_net(), tmp_path / "m.onnx", dynamic_batch=False, opset=17)
    session = onnxruntime.InferenceSession(str(artifact.path))
    assert session.get_inputs()[0].shape == [1, 8, 8, 3]
    assert session.get_outputs()[0].shape == [1, 4]
    versions = {one.domain: one.version for one in onnx.load(artifact.path).opset_import}
    assert versions[""] == 17


def test_open_sizes_stay_open(tmp_path):
    given = keras.Input((None, None, 1), name="picture")
    model = keras.Model(given, layers.GlobalMaxPooling2D()(layers.Conv2D(2, 3)(given)))
    with pytest.raises(ModelError, match="'picture' leaves sizes open"):
        to_onnx(model, tmp_path / "m.onnx")
    x = np.random.default_rng(0).normal(size=(2, 9, 7, 1)).astype("float32")
    artifact = to_onnx(model, tmp_path / "m.onnx", samples=x)
    larger = np.ones((1, 12, 5, 1), "float32")
    answer = run(artifact.path, picture=larger)[artifact.outputs[0]]
    np.testing.assert_allclose(answer, model(larger), atol=1e-5)


def grouped_net() -> keras.Model:
    x = keras.Input((6, 6, 4))
    y = layers.SeparableConv2D(4, 3, activation="hard_swish")(x)
    y = layers.UpSampling2D(interpolation="bilinear")(y)
    y = layers.Conv2D(8, 3, groups=2, padding="same")(layers.PReLU()(y))
    return keras.Model(x, layers.GlobalAveragePooling2D()(y))


def gelu_net() -> keras.Model:
    x = keras.Input((4,))
    return keras.Model(x, layers.Dense(2, activation="gelu")(layers.LayerNormalization()(x) + x))


def recurrent_net() -> keras.Model:
    return keras.Sequential([keras.Input((3, 2)), layers.LSTM(3), layers.Dense(2)])


@pytest.mark.parametrize("make", [grouped_net, gelu_net, recurrent_net, dict_net])
def test_other_forms_of_models(tmp_path, make):
    assert to_onnx(make(), tmp_path / "m.onnx").largest_error < 1e-5


def test_functions_run_as_before_afterwards(tmp_path):
    import tensorflow as tf

    to_onnx(image_net(), tmp_path / "m.onnx")
    assert not tf.config.functions_run_eagerly()


def test_an_operation_that_onnx_lacks_is_named_with_its_layer(tmp_path):
    class Curve(layers.Layer):
        def call(self, x):
            import tensorflow as tf

            return tf.math.lgamma(x)

    given = keras.Input((4,))
    model = keras.Model(given, Curve(name="curve")(layers.Dense(2)(given)))
    with pytest.raises(ConversionError, match=r"ONNX, which has no Lgamma from layer 'curve'"):
        to_onnx(model, tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


def test_a_file_of_another_model_never_ships(tmp_path, monkeypatch):
    (tmp_path / "m.onnx").write_bytes(b"what stood here before")
    genuine = convert.make_proto

    def other(model, shapes, opset):
        return genuine(image_net_of_other_weights(), shapes, opset)

    monkeypatch.setattr(convert, "make_proto", other)
    with pytest.raises(ConversionError, match=r"float32 ONNX file differs.*'classes'"):
        to_onnx(image_net(), tmp_path / "m.onnx")
    assert (tmp_path / "m.onnx").read_bytes() == b"what stood here before"
    assert len(list(tmp_path.iterdir())) == 1


def image_net_of_other_weights() -> keras.Model:
    model = image_net()
    model.get_layer("classes").kernel.assign(model.get_layer("classes").kernel * 2)
    return model


def test_a_file_that_cannot_run_never_ships(tmp_path, monkeypatch):
    def broken(*_):
        proto = onnx.ModelProto()
        proto.graph.node.add(op_type="Nothing")
        return proto

    monkeypatch.setattr(convert, "make_proto", broken)
    with pytest.raises(ConversionError, match="ONNX Runtime cannot run"):
        to_onnx(image_net(), tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


def test_refusals(tmp_path, monkeypatch):
    path, model = tmp_path / "m.onnx", image_net()
    with pytest.raises(ConversionError, match="int4"):
        to_onnx(model, path, quantize="int4")
    with pytest.raises(DataError, match="needs representative_data"):
        to_onnx(model, path, quantize="int8")
    with pytest.raises(ConversionError, match="opset from 13 to 18, received 99"):
        to_onnx(model, path, opset=99)
    with pytest.raises(ConversionError, match="tolerance"):
        to_onnx(model, path, tolerance=-1)
    with pytest.raises(FileError, match="does not exist"):
        to_onnx(model, tmp_path / "nowhere" / "m.onnx")
    with pytest.raises(ModelError, match=r"expected a keras\.Model"):
        to_onnx("m.keras", path)
    path.write_bytes(b"mine")
    with pytest.raises(FileError, match="overwrite=True"):
        to_onnx(model, path, overwrite=False)
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ConversionError, match="KERAS_BACKEND=tensorflow"):
        to_onnx(model, path)


@pytest.mark.parametrize("package", ["onnx", "onnxruntime", "tf2onnx"])
def test_a_missing_package_is_named_with_the_line_that_installs_it(tmp_path, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(
        MissingExtraError, match=rf"{package} cannot.*pip install 'tfprune\[onnx\]'"
    ):
        to_onnx(image_net(), tmp_path / "m.onnx")


def test_labels_give_the_accuracy_beside_the_models(tmp_path):
    model, x = image_net(), images()
    truth = keras.ops.convert_to_numpy(model(x, training=False)).argmax(axis=-1)
    truth[0] = (truth[0] + 1) % 4
    for given in ({"samples": (x, truth)}, {"samples": x, "labels": truth}):
        artifact = to_onnx(model, tmp_path / "m.onnx", **given)
        assert artifact.accuracy == {"classes": Accuracy(len(x) - 1, len(x) - 1, len(x))}


def test_a_file_that_loses_accuracy_is_not_left_behind(tmp_path, monkeypatch):
    model, x = image_net(), images()
    truth = keras.ops.convert_to_numpy(model(x, training=False)).argmax(axis=-1)
    real = convert.run_onnx

    def answers_backwards(*arguments, **options):
        return [
            {name: values[:, ::-1] for name, values in one.items()}
            for one in real(*arguments, **options)
        ]

    monkeypatch.setattr(convert, "run_onnx", answers_backwards)
    with pytest.raises(ConversionError, match=r"allowed is a drop of 5\.00%"):
        to_onnx(model, tmp_path / "m.onnx", samples=(x, truth), tolerance=9, max_accuracy_drop=0.05)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("limit", ["tolerance", "max_accuracy_drop"])
def test_limits_below_zero_are_refused(tmp_path, limit):
    with pytest.raises(ConversionError, match=f"expected a {limit} of 0 or more, received -1"):
        to_onnx(image_net(), tmp_path / "m.onnx", **{limit: -1})
