"""What a rebuilt model keeps, and what it refuses."""

import dataclasses

import keras
import numpy as np
import pytest
from topologies import build

import tfprune
from tfprune.errors import DataError, ModelError, PlanError


def test_names_flags_and_dtypes_stay():
    model = build("frozen_and_mixed")
    small = tfprune.prune(model, ratio=0.5)
    assert [layer.name for layer in small.layers] == [layer.name for layer in model.layers]
    assert small.get_layer("frozen").trainable is False
    assert small.get_layer("frozen").compute_dtype == "float16"
    assert [w.dtype for w in small.weights] == [w.dtype for w in model.weights]
    assert small.name == model.name


def test_output_structure_stays():
    model = build("two_heads")
    small = tfprune.prune(model, ratio=0.5)
    assert small.output_names == model.output_names
    answer = small(np.zeros((1, 8, 8, 3), "float32"))
    assert {name: tuple(value.shape) for name, value in answer.items()} == {
        "kind": (1, 3),
        "place": (1, 4),
    }


def test_sequential_stays_sequential():
    assert isinstance(tfprune.prune(build("sequential"), ratio=0.5), keras.Sequential)


def test_shared_layer_stays_shared():
    model = build("shared_layer")
    small = tfprune.prune(model, ratio=0.5)
    assert len(small.layers) == len(model.layers)
    assert small.get_layer("shared").filters == 4


def test_settings_of_the_layers_stay():
    x = keras.Input((8, 8, 3))
    y = keras.layers.Conv2D(
        8, (3, 1), strides=(2, 1), kernel_regularizer=keras.regularizers.L2(0.1), name="conv"
    )(x)
    model = keras.Model(x, keras.layers.Dense(1)(keras.layers.Flatten()(y)))
    conv = tfprune.prune(model, ratio=0.5).get_layer("conv")
    before = model.get_layer("conv").get_config()
    assert {**conv.get_config(), "filters": 8} == before


def test_the_original_is_left_as_it_is():
    model = build("nested_functional")
    config, weights = model.get_config(), model.get_weights()
    tfprune.prune(model, ratio=0.5)
    assert model.get_config() == config
    for before, after in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_a_pruned_model_trains_saves_and_loads(tmp_path):
    small = tfprune.prune(build("mini_resnet"), ratio=0.5)
    small.compile("adam", "mse")
    x = np.random.default_rng(0).normal(size=(4, 16, 16, 3)).astype("float32")
    small.fit(x, np.zeros((4, 3)), verbose=0)
    small.save(tmp_path / "small.keras")
    again = keras.saving.load_model(tmp_path / "small.keras")
    np.testing.assert_allclose(again.predict(x, verbose=0), small.predict(x, verbose=0), rtol=1e-5)


def test_training_the_smaller_model_leaves_the_original_alone():
    """On JAX a step takes the memory of what it trains; nothing of the original may be among it."""
    model = build("chain")
    whole = next(layer.name for layer in model.layers if layer.weights)
    before = model.get_weights()
    small = tfprune.prune(model, ratio=0.5, exclude=whole)
    small.compile("sgd", "mse")
    shape = (4, *model.input_shape[1:])
    small.fit(np.ones(shape), np.ones((4, *model.output_shape[1:])), verbose=0)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_pruned_model_can_be_pruned_again():
    model = build("mini_resnet")
    once = tfprune.prune(model, ratio=0.5)
    plan = tfprune.plan(once, ratio=0.5)
    assert tfprune.verify(once, tfprune.rebuild(once, plan), plan) <= 1e-5


def test_custom_layers_and_functions_come_along():
    class Twice(keras.layers.Layer):
        def call(self, x):
            return x * 2

    def crooked(x):
        return keras.ops.relu(x) + 1

    x = keras.Input((8, 8, 3))
    y = keras.layers.Conv2D(8, 3, activation=crooked)(x)
    y = Twice()(keras.layers.Conv2D(8, 3)(y))
    y = keras.layers.Conv2D(6, 3, activation="relu", name="last")(y)
    model = keras.Model(x, keras.layers.Dense(1)(keras.layers.Flatten()(y)))
    plan = tfprune.plan(model, ratio=0.5)
    assert list(plan.kept) == ["last"]
    assert tfprune.verify(model, tfprune.rebuild(model, plan), plan) <= 1e-5


class OwnModel(keras.Model):
    """A functional model whose class has a constructor of its own."""

    def __init__(self, width):
        x = keras.Input((4,))
        super().__init__(x, keras.layers.Dense(2)(keras.layers.Dense(width)(x)))
        self.width = width

    def get_config(self):
        return {"width": self.width}


def test_functional_subclass():
    model = OwnModel(8)
    plan = tfprune.plan(model, ratio=0.5)
    assert tfprune.verify(model, tfprune.rebuild(model, plan), plan) <= 1e-5


class TestRefusals:
    def test_subclassed_model(self):
        class Opaque(keras.Model):
            def call(self, x):
                return x

        with pytest.raises(ModelError, match="subclassed model"):
            tfprune.trace(Opaque())

    def test_not_a_model(self):
        with pytest.raises(ModelError, match=r"expected a keras.Model, received builtins.int"):
            tfprune.plan(3, ratio=0.5)

    def test_unbuilt(self):
        with pytest.raises(ModelError, match="no weights yet"):
            tfprune.trace(keras.Sequential([keras.layers.Dense(3)]))

    def test_plan_for_another_model(self):
        plan = tfprune.plan(build("chain"), ratio=0.5)
        other = build("residual")
        with pytest.raises(PlanError, match="fingerprint"):
            tfprune.rebuild(other, plan)
        with pytest.raises(PlanError, match="fingerprint"):
            tfprune.verify(other, other, plan)

    def test_not_a_plan(self):
        with pytest.raises(PlanError, match="expected a PruningPlan, received dict"):
            tfprune.rebuild(build("chain"), {})

    def test_altered_plan(self):
        model = build("residual")
        plan = tfprune.plan(model, ratio=0.5)
        stream = next(g for g in tfprune.trace(model).groups if g.residual)
        first = stream.producers[0].path
        moved = tuple(sorted({*range(8)} - {*plan.kept[first]}))
        for kept, message in (
            ({first: moved}, "share them"),
            ({**plan.kept, "head": (0,)}, "must stay whole: model output"),
            ({**plan.kept, first: (99,)}, "keeps filter 99"),
            ({"nowhere": (1,)}, "the model lacks"),
            (dict.fromkeys(plan.kept, ()), "every channel"),
        ):
            with pytest.raises(PlanError, match=message):
                tfprune.rebuild(model, dataclasses.replace(plan, kept=kept))

    def test_a_layer_at_two_places(self):
        shared = keras.layers.Dense(4, name="shared")
        x = keras.Input((4,))
        inner_in = keras.Input((4,))
        inner = keras.Model(inner_in, shared(inner_in), name="inner")
        model = keras.Model(x, inner(shared(x)))
        with pytest.raises(ModelError, match=r"'shared' and 'inner/shared'|'inner/shared' and"):
            tfprune.trace(model)

    def test_verify_needs_the_pruned_model(self):
        model = build("chain")
        plan = tfprune.plan(model, ratio=0.5)
        with pytest.raises(DataError, match="expected a pruned model that takes"):
            tfprune.verify(model, build("dense_on_sequences"), plan)
