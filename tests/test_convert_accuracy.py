"""Accuracy of a file beside that of its Keras model, and files that lose too much of it."""

import keras
import numpy as np
import pytest
from keras import layers
from scipy import stats

from tfprune.convert import Accuracy, accuracy, compare, to_tflite
from tfprune.convert.accuracy import check_labels, measure
from tfprune.errors import ConversionError, DataError

X = np.random.default_rng(1).normal(size=(30, 5)).astype("float32")


def net(width: int = 3, activation: str | None = "softmax") -> keras.Model:
    return keras.Sequential(
        [keras.Input((5,), name="x"), layers.Dense(width, activation, name="out")]
    )


def answers(model: keras.Model) -> np.ndarray:
    return keras.ops.convert_to_numpy(model(X)).argmax(axis=-1)


def one_hot(labels: np.ndarray) -> np.ndarray:
    return np.eye(3)[labels]


@pytest.mark.parametrize("form", ["pair", "apart", "one_hot", "batches", "dict", "dataset"])
def test_every_form_of_labels_gives_the_same_accuracy(tmp_path, form):
    import tensorflow as tf

    model = net()
    truth = answers(model)
    truth[:6] = (truth[:6] + 1) % 3
    given = {
        "pair": {"samples": (X, truth)},
        "apart": {"samples": X, "labels": truth.tolist()},
        "one_hot": {"samples": (X, one_hot(truth))},
        "batches": {"samples": [(X[:20], truth[:20]), (X[20:], truth[20:])]},
        "dict": {"samples": X, "labels": {"out": truth[:, None]}},
        "dataset": {"samples": tf.data.Dataset.from_tensor_slices((X, truth)).batch(7)},
    }[form]
    artifact = to_tflite(model, tmp_path / "m.tflite", **given)
    assert artifact.accuracy == {"out": Accuracy(24, 24, 30)}
    assert artifact.samples == 30
    assert artifact.report[0].agreement == 1.0
    assert "accuracy 80.00% (62.7% to 90.5%; Keras 80.00%) on 30" in str(artifact)


def test_labels_of_several_inputs_and_outputs(tmp_path):
    a, b = keras.Input((5,), name="a"), keras.Input((5,), name="b")
    both = layers.Add()([a, b])
    outs = [layers.Dense(3, name="which")(both), layers.Dense(1, "sigmoid", name="whether")(both)]
    model = keras.Model([a, b], outs)
    which, whether = (keras.ops.convert_to_numpy(o) for o in model([X, 2 * X]))
    truth = [which.argmax(axis=-1), (whether > 0.5).astype(int)]
    artifact = to_tflite(model, tmp_path / "m.tflite", samples=[((X, 2 * X), truth)])
    assert artifact.accuracy == {"which": Accuracy(30, 30, 30), "whether": Accuracy(30, 30, 30)}
    artifact = to_tflite(
        model, tmp_path / "m.tflite", samples=(X, 2 * X), labels={"whether": 1 - truth[1]}
    )
    assert artifact.accuracy == {"whether": Accuracy(0, 0, 30)}
    with pytest.raises(DataError, match="received 1 array"):
        to_tflite(model, tmp_path / "m.tflite", samples=(X, 2 * X), labels=truth[0])


def test_targets_that_name_no_classes_are_no_labels(tmp_path):
    model = net(activation=None)
    artifact = to_tflite(model, tmp_path / "m.tflite", samples=(X, X[:, :3]))
    assert artifact.accuracy == {}
    assert artifact.samples == 30


def test_a_file_that_loses_accuracy_is_not_left_behind(tmp_path, monkeypatch):
    model = net()
    truth, run_file = answers(model), compare.run_file

    def wrong(path, net, examples):
        found = run_file(path, net, examples)["out"].copy()
        found[:3] = np.roll(found[:3], 1, axis=-1)
        return {"out": found}

    monkeypatch.setattr(compare, "run_file", wrong)
    with pytest.raises(ConversionError, match=r"right on 90\.00% of 30 answers.*100\.00%"):
        to_tflite(model, tmp_path / "m.tflite", samples=(X, truth), tolerance=1.0)
    assert not list(tmp_path.iterdir())
    artifact = to_tflite(
        model, tmp_path / "m.tflite", samples=(X, truth), tolerance=1.0, max_accuracy_drop=0.1
    )
    assert artifact.accuracy["out"].drop == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros(29, int), r"received shape \(29,\)"),
        (np.full(30, 3), "received values from 3 to 3"),
        (np.full(30, -1), "values from -1"),
        (np.full(30, 0.5), "values from 0.5"),
        (np.full((30, 3), 0.5), "not one-hot"),
        (np.array(["a"] * 30), "received <U1"),
        ({"put": np.zeros(30, int)}, r"outputs \['out'\], received 'put'"),
    ],
)
def test_bad_labels(tmp_path, labels, message):
    with pytest.raises(DataError, match=message):
        to_tflite(net(), tmp_path / "m.tflite", samples=X, labels=labels)
    assert not list(tmp_path.iterdir())


def test_labels_without_samples(tmp_path):
    with pytest.raises(DataError, match="pass samples too"):
        to_tflite(net(), tmp_path / "m.tflite", labels=np.zeros(8, int))


def test_an_answer_at_each_step_of_a_sequence():
    values = np.random.default_rng(0).normal(size=(4, 6, 3))
    labels = check_labels({"out": values.argmax(axis=-1)}, {"out": values})
    found = measure({"out": values}, {"out": values}, labels, "")
    assert found["out"] == Accuracy(24, 24, 24)


@pytest.mark.parametrize(("values", "right"), [([0.2, 0.7, 0.4], 3), ([-2.0, 0.3, -0.1], 3)])
def test_one_value_says_yes_or_no_as_probability_or_logit(values, right):
    outputs = {"out": np.array(values)[:, None]}
    found = measure(outputs, outputs, {"out": np.array([0, 1, 0])}, "")
    assert found["out"].right == right


@pytest.mark.parametrize(("right", "total"), [(0, 10), (10, 10), (37, 40), (8712, 10000)])
def test_the_interval_is_scipys(right, total):
    value = accuracy.Accuracy(right, right, total)
    expected = stats.binomtest(right, total).proportion_ci(method="wilson")
    assert value.interval == pytest.approx((expected.low, expected.high))
    assert accuracy.Accuracy.from_dict(value.as_dict()) == value


def test_the_report_tells_each_output_apart(tmp_path):
    artifact = to_tflite(net(), tmp_path / "m.tflite", "float16", samples=X)
    (error,) = artifact.report
    assert (error.name, error.shape, error.dtype) == ("out", (3,), "float32")
    assert 0 < error.mean <= error.largest
    assert artifact.errors["out"] == error.relative == error.largest / error.span
    assert "out" in artifact.table()
    assert artifact.as_dict()["report"][0]["largest"] == error.largest


def test_of_many_samples_one_in_a_hundred_may_be_further_off_in_8_bits(tmp_path, monkeypatch):
    model, run_file = net(activation=None), compare.run_file
    many = np.random.default_rng(2).normal(size=(200, 5)).astype("float32")

    def with_wrong(rows):
        def wrong(path, keras_model, examples):
            found = run_file(path, keras_model, examples)["out"].copy()
            found[-1 : -1 - rows : -1] += 100 * (len(found) == 200)
            return {"out": found}

        return wrong

    settings = {"representative_data": many, "samples": many}
    for rows, quantize, ships in ((1, "int8", True), (3, "int8", False), (1, "float16", False)):
        monkeypatch.setattr(compare, "run_file", with_wrong(rows))
        if ships:
            (error,) = to_tflite(model, tmp_path / "m.tflite", quantize, **settings).report
            assert error.relative > 1 > 0.25 > error.relative_most
            continue
        with pytest.raises(ConversionError, match="differs from the Keras model"):
            to_tflite(model, tmp_path / "n.tflite", quantize, **settings)
