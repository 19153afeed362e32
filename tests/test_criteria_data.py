"""Criteria that look at data: each formula against a loop, data of every form, bad data."""

import keras
import numpy as np
import pytest
from keras import layers
from topologies import build, conv, head, image, randomise

import tfprune
from tfprune.criteria import Activation, MutualInformation, OutputSensitivity, Taylor
from tfprune.criteria.feature_maps import feature_maps
from tfprune.criteria.mutual_information import mutual_information
from tfprune.errors import DataError, PlanError

N = 10


@pytest.fixture
def model():
    x = image(6)
    y = layers.Conv2D(5, 3, activation="relu", name="first")(x)
    y = layers.Conv2D(4, 3, activation="relu", name="second")(y)
    return randomise(keras.Model(x, head(y)))


@pytest.fixture
def data():
    generator = np.random.default_rng(3)
    x = generator.normal(size=(N, 6, 6, 3)).astype("float32")
    return x, np.eye(3, dtype="float32")[generator.integers(0, 3, N)]


def outputs(model, name, x):
    part = keras.Model(model.input, model.get_layer(name).output)
    return keras.ops.convert_to_numpy(part(x)).astype(np.float64)


def each_loss(model, x, y):
    return ((keras.ops.convert_to_numpy(model(x)).astype(np.float64) - y) ** 2).mean(axis=1)


def changes(model, name, x, y, step=1e-2):
    """For each example and filter dC/da of a map scaled by a: by ReLU, a scales the filter too."""
    layer = model.get_layer(name)
    kernel, bias = (weight.numpy() for weight in layer.weights)
    found = np.zeros((len(x), kernel.shape[-1]))
    for k in range(kernel.shape[-1]):
        losses = []
        for a in (1 + step, 1 - step):
            scale = np.where(np.arange(kernel.shape[-1]) == k, a, 1).astype("float32")
            layer.set_weights([kernel * scale, bias * scale])
            losses.append(each_loss(model, x, y))
        found[:, k] = (losses[0] - losses[1]) / (2 * step)
        layer.set_weights([kernel, bias])
    return found


class TestTaylor:
    @pytest.mark.parametrize("name", ["first", "second"])
    def test_the_paper(self, model, data, name):
        theta = np.abs(changes(model, name, *data)).mean(axis=0)
        scores = Taylor(data, "mse").score(tfprune.trace(model))[name]
        np.testing.assert_allclose(scores, theta / np.linalg.norm(theta), rtol=2e-3)

    def test_without_normalisation_it_is_a_mean_over_positions(self, model, data):
        theta = np.abs(changes(model, "first", *data)).mean(axis=0)
        scores = Taylor(data, "mse", normalize=False).score(tfprune.trace(model))["first"]
        np.testing.assert_allclose(scores, theta / 16, rtol=2e-3)

    def test_the_widely_copied_port(self, model, data):
        theta = np.abs(changes(model, "first", *data).mean(axis=0))
        scores = Taylor(data, "mse", variant="batch").score(tfprune.trace(model))["first"]
        np.testing.assert_allclose(scores, theta / np.linalg.norm(theta), rtol=5e-3, atol=1e-4)

    def test_the_squares_of_2019(self, model, data):
        theta = (changes(model, "first", *data) ** 2).mean(axis=0)
        scores = Taylor(data, "mse", variant="squared").score(tfprune.trace(model))["first"]
        np.testing.assert_allclose(scores, theta, rtol=5e-3)

    def test_layers_that_cost_more_score_less(self, model, data):
        graph = tfprune.trace(model)
        plain = Taylor(data, "mse").score(graph)
        dear = Taylor(data, "mse", macs_weight=1e-3).score(graph)
        macs = {layer.path: layer.macs for layer in tfprune.cost(model).layers}
        for name in ("first", "second"):
            expected = plain[name] - 1e-3 * macs[name] / 1e6
            np.testing.assert_allclose(dear[name], expected, rtol=1e-6)

    def test_the_loss_that_the_model_was_compiled_with(self, model, data):
        graph = tfprune.trace(model)
        named = Taylor(data, "mse").score(graph)
        model.compile(loss=keras.losses.MeanSquaredError())
        for path, scores in Taylor(data).score(graph).items():
            np.testing.assert_allclose(scores, named[path], rtol=1e-6)


class TestActivation:
    def test_magnitude(self, model, data):
        scores = Activation(data[0]).score(tfprune.trace(model))
        for name in ("first", "second"):
            want = np.abs(outputs(model, name, data[0])).mean(axis=(0, 1, 2))
            np.testing.assert_allclose(scores[name], want, rtol=1e-5)

    def test_how_seldom_it_is_zero(self, model, data):
        scores = Activation(data[0], "apoz").score(tfprune.trace(model))
        want = (outputs(model, "first", data[0]) != 0).mean(axis=(0, 1, 2))
        np.testing.assert_allclose(scores["first"], want, rtol=1e-6)

    def test_behind_batch_norm_and_activation(self, data):
        x = image(6)
        y = layers.BatchNormalization()(layers.Conv2D(5, 3, name="c", use_bias=False)(x))
        model = randomise(keras.Model(x, head(layers.ReLU(name="act")(y))))
        scores = Activation(data[0]).score(tfprune.trace(model))
        want = np.abs(outputs(model, "act", data[0])).mean(axis=(0, 1, 2))
        np.testing.assert_allclose(scores["c"], want, rtol=1e-5)


class TestMutualInformation:
    def test_by_hand(self):
        generator = np.random.default_rng(0)
        answers, classes = generator.normal(size=(60, 3)), generator.integers(0, 4, 60)
        answers[:, 1] += classes  # tells something
        found = mutual_information(answers, classes, bins=5)
        for k in range(3):
            ranks = np.argsort(np.argsort(answers[:, k]))
            bins = ranks // 12
            want = 0.0
            for a in range(5):
                for b in range(4):
                    both = np.mean((bins == a) & (classes == b))
                    if both:
                        want += both * np.log(both / (np.mean(bins == a) * np.mean(classes == b)))
            assert found[k] == pytest.approx(want)
        assert found[1] > max(found[0], found[2])

    def test_scaling_a_channel_changes_nothing(self, model, data):
        graph = tfprune.trace(model)
        before = MutualInformation(data).score(graph)["second"]
        layer = model.get_layer("second")
        layer.set_weights([weight * 7 for weight in layer.get_weights()])
        np.testing.assert_allclose(MutualInformation(data).score(graph)["second"], before)

    def test_class_numbers_are_one_hot_rows(self, model, data):
        graph = tfprune.trace(model)
        numbers = (data[0], data[1].argmax(axis=1))
        for path, scores in MutualInformation(numbers).score(graph).items():
            np.testing.assert_array_equal(scores, MutualInformation(data).score(graph)[path])

    def test_one_class_only(self, model, data):
        with pytest.raises(DataError, match="one class only"):
            MutualInformation((data[0], np.zeros(N, int))).score(tfprune.trace(model))


def test_output_sensitivity_of_one_output_is_the_squared_change():
    """A linear output: taking map k away moves it by weight times mean."""
    x = image(6)
    y = layers.Conv2D(5, 3, activation="relu", name="c")(x)
    y = layers.Dense(1, name="out")(layers.GlobalAveragePooling2D()(y))
    model = randomise(keras.Model(x, y))
    batch = np.random.default_rng(5).normal(size=(N, 6, 6, 3)).astype("float32")
    pooled = outputs(model, "c", batch).mean(axis=(1, 2))
    moved = pooled * model.get_layer("out").kernel.numpy()[:, 0]
    scores = OutputSensitivity(batch).score(tfprune.trace(model))["c"]
    np.testing.assert_allclose(scores, (moved**2).mean(axis=0), rtol=1e-5)


MAKERS = {
    "taylor": lambda data, n: Taylor(data, "mse", examples=n),
    "squared": lambda data, n: Taylor(data, "mse", "squared", examples=n),
    "activation": lambda data, n: Activation(data, examples=n),
    "apoz": lambda data, n: Activation(data, "apoz", examples=n),
    "mutual_information": lambda data, n: MutualInformation(data, examples=n),
    "output_sensitivity": lambda data, n: OutputSensitivity(data, draws=2, examples=n),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())
@pytest.mark.parametrize("name", ["residual", "nested_twice", "embedding_lstm", "two_heads"])
def test_the_batch_size_makes_no_difference(make, name):
    model = build(name)
    generator = np.random.default_rng(1)
    inputs = [
        generator.integers(0, 9, (N, *x.shape[1:]))
        if "int" in x.dtype
        else generator.normal(size=(N, *x.shape[1:])).astype("float32")
        for x in model.inputs
    ]
    labels = keras.tree.map_structure(
        lambda y: np.eye(y.shape[-1], dtype="float32")[np.arange(N) % y.shape[-1]], model.output
    )
    several = isinstance(labels, dict)
    if several and make not in (MAKERS["activation"], MAKERS["apoz"], MAKERS["output_sensitivity"]):
        pytest.skip("one label an example; several losses have a test of their own")
    data = (inputs if len(inputs) > 1 else inputs[0], labels)
    graph = tfprune.trace(model)
    whole, parts = make(data, 32).score(graph), make(data, 3).score(graph)
    assert set(whole) == set(parts) == set(graph.filters())
    for path, scores in whole.items():
        np.testing.assert_allclose(scores, parts[path], rtol=1e-3, atol=1e-6)


def test_several_outputs_have_several_losses():
    model = build("two_heads")
    x = np.random.default_rng(0).normal(size=(N, *model.inputs[0].shape[1:])).astype("float32")
    y = {"kind": np.eye(3)[np.arange(N) % 3], "place": np.zeros((N, 4))}
    scores = Taylor((x, y), {"kind": "mse", "place": "mae"}).score(tfprune.trace(model))
    assert set(scores) == set(tfprune.trace(model).filters())


def test_what_is_not_seen_from_outside_is_left_out():
    seen = {one.producer for one in feature_maps(tfprune.trace(build("time_distributed")))}
    assert "lstm" in seen
    assert not any("time_distributed" in path for path in seen)


def test_a_group_without_scores_stays_whole_and_says_so():
    model = build("time_distributed")
    x = np.random.default_rng(0).normal(size=(4, *model.inputs[0].shape[1:])).astype("float32")
    plan = tfprune.plan(model, "activation", data=x, ratio=0.5)
    whole = {group.name: group.reason for group in plan.groups if group.kept == group.size}
    inside = [reason for name, reason in whole.items() if name.startswith("time_distributed")]
    assert inside == ["'activation' has no score for it"] * 3
    assert set(plan.kept) == {"lstm"}


class TestData:
    def forms(self, x, y):
        class Sequence(keras.utils.PyDataset):
            def __len__(self):
                return 2

            def __getitem__(self, index):
                return x[index * 6 : index * 6 + 6], y[index * 6 : index * 6 + 6]

        return {
            "list of batches": [(x[:4], y[:4]), (x[4:], y[4:])],
            "sequence": Sequence(),
            "function": lambda: iter([(x, y)]),
            "inputs by name": [({"picture": x}, y)],
        }

    @pytest.mark.parametrize("form", ["list of batches", "sequence", "function", "inputs by name"])
    def test_forms(self, data, form):
        x = image(6, name="picture")
        model = randomise(keras.Model(x, head(conv(x, 5))))
        graph = tfprune.trace(model)
        want = Taylor(data, "mse").score(graph)
        found = Taylor(self.forms(*data)[form], "mse").score(graph)
        for path, scores in want.items():
            np.testing.assert_allclose(found[path], scores, rtol=1e-4)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda x, y: (x[:0], y[:0]), "of shape \\(6, 6, 3\\)"),
            (lambda x, y: [], "at least one example"),
            (lambda x, y: x, "no labels"),
            (lambda x, y: (x, y[:-1]), "as many labels as inputs, 10"),
            (lambda x, y: (x[:, :5], y), "of shape \\(6, 6, 3\\)"),
            (lambda x, y: (x, y, y), "sample weights"),
            (lambda x, y: (np.full_like(x, np.nan), y), "NaN"),
            (lambda x, y: (x, np.full_like(y, np.nan)), "finite loss"),
            (lambda x, y: ([x, x], y), "expected 1 inputs"),
            (lambda x, y: 7, "received int"),
        ],
    )
    def test_what_makes_no_sense(self, model, data, change, message):
        with pytest.raises(DataError, match=message):
            tfprune.plan(model, "taylor", data=change(*data), loss="mse", ratio=0.5)

    @pytest.mark.parametrize("labels", [np.zeros((N, 2)), np.zeros(N, int)])
    def test_labels_that_the_loss_cannot_compare(self, model, data, labels):
        with pytest.raises(DataError, match=r"labels that the loss can compare .* of shapes"):
            tfprune.plan(
                model, "taylor", data=(data[0], labels), loss="categorical_crossentropy", ratio=0.5
            )

    def test_no_loss(self, model, data):
        with pytest.raises(DataError, match="expected a loss, received none"):
            tfprune.plan(model, "taylor", data=data, ratio=0.5)
        with pytest.raises(DataError, match="'cosine_of'"):
            tfprune.plan(model, "taylor", data=data, loss="cosine_of", ratio=0.5)

    def test_who_looks_at_what(self, model, data):
        with pytest.raises(PlanError, match="expected data"):
            tfprune.plan(model, "taylor", ratio=0.5)
        with pytest.raises(PlanError, match="expected data=None"):
            tfprune.plan(model, "l2", data=data, ratio=0.5)
        with pytest.raises(PlanError, match="expected loss=None"):
            tfprune.plan(model, "activation", data=data, loss="mse", ratio=0.5)
        with pytest.raises(PlanError, match="variant"):
            Taylor(data, variant="cubed")


def test_the_model_is_left_as_it_is(model, data):
    before = model.get_weights()
    trainable = [variable.trainable for variable in model.variables]
    tfprune.plan(model, "taylor", data=data, loss="mse", ratio=0.5)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert trainable == [variable.trainable for variable in model.variables]
    assert model.get_layer("first").output.shape == (None, 4, 4, 5)  # called once, not twice
