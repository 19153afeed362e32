"""The oracle on every topology: a pruned model computes what its masked original computes."""

import re

import keras
import numpy as np
import pytest
from topologies import TOPOLOGIES, build, randomise

import tfprune
from tfprune import models
from tfprune.errors import PlanError

HALF_PRECISION = {"frozen_and_mixed": 5e-3}


def plan_or_most(model: keras.Model, ratio: float, scope: str) -> tfprune.PruningPlan:
    """A plan for the ratio, or where one channel a group is more than that, for all that can go."""
    try:
        return tfprune.plan(model, ratio=ratio, scope=scope)
    except PlanError as error:
        most = re.search(r"at most (0\.\d+) of", str(error))
    return tfprune.plan(model, ratio=float(most[1]) - 1e-3, scope=scope)


def check(model: keras.Model, ratio: float, scope: str, tolerance: float = 1e-5) -> None:
    weights = model.get_weights()
    plan = plan_or_most(model, ratio, scope)
    small = tfprune.rebuild(model, plan)
    assert tfprune.verify(model, small, plan) <= tolerance
    assert tfprune.cost(small).totals() == plan.after
    for path, kept in plan.kept.items():
        assert len(kept) >= 1, path
    for before, after in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    for before, after in zip(model.inputs, small.inputs, strict=True):
        assert before.name == after.name
        assert before.shape == after.shape
        assert before.dtype == after.dtype


@pytest.mark.parametrize("name", sorted(TOPOLOGIES))
def test_topology(name):
    model = build(name)
    for ratio in (0.1, 0.5, 0.9):
        for scope in ("layer", "global"):
            check(model, ratio, scope, HALF_PRECISION.get(name, 1e-5))


@pytest.mark.parametrize("ratio", [0.1, 0.5, 0.9])
@pytest.mark.parametrize(
    "factory",
    [
        lambda: models.vgg16((32, 32, 3), 2),
        lambda: models.resnet50((64, 64, 3), 2),
        lambda: models.resnet18((64, 64, 3), 2),
        lambda: models.dcase2021(),
    ],
    ids=["vgg16", "resnet50", "resnet18", "dcase2021"],
)
def test_published_nets(factory, ratio):
    model = randomise(factory())
    for scope in ("layer", "global"):
        check(model, ratio, scope)


@pytest.mark.parametrize("name", ["chain", "residual", "concatenation_flatten_dense", "grouped"])
def test_what_is_removed_has_no_effect_and_what_stays_has(name):
    """The masked original differs from the original: the oracle is not vacuous."""
    model = build(name)
    plan = tfprune.plan(model, ratio=0.5)
    small = tfprune.rebuild(model, plan)
    batch = np.random.default_rng(1).normal(size=(2, *model.inputs[0].shape[1:]))
    full = keras.ops.convert_to_numpy(model(batch.astype("float32")))
    cut = keras.ops.convert_to_numpy(small(batch.astype("float32")))
    assert np.abs(full - cut).max() > 1e-3 * np.abs(full).max()


def test_verify_sees_a_wrong_weight():
    model = build("flatten_dense")
    plan = tfprune.plan(model, ratio=0.5)
    small = tfprune.rebuild(model, plan)
    kernel = small.layers[-1].kernel
    kernel.assign(kernel.numpy()[::-1].copy())
    assert tfprune.verify(model, small, plan) > 1e-3


def test_verify_sees_through_a_saturated_softmax():
    x = keras.Input((4,))
    y = keras.layers.Dense(8, name="hidden")(x)
    model = keras.Model(x, keras.layers.Dense(2, "softmax", name="out")(y))
    model.get_layer("out").bias.assign([1000.0, 0.0])
    plan = tfprune.plan(model, ratio=0.5)
    small = tfprune.rebuild(model, plan)
    assert tfprune.verify(model, small, plan) <= 1e-5
    small.get_layer("out").bias.assign([1100.0, 0.0])
    assert tfprune.verify(model, small, plan) > 0.05
    assert small.get_layer("out").activation is keras.activations.softmax


def test_flatten_rows_are_channels_last():
    """Channel c of a flattened (h, w, C) map owns the Dense rows c, c + C, c + 2 C and so on."""
    x = keras.Input((2, 2, 1))
    y = keras.layers.Flatten()(keras.layers.Conv2D(3, 1, name="conv", use_bias=False)(x))
    model = keras.Model(x, keras.layers.Dense(1, name="out", use_bias=False)(y))
    model.get_layer("conv").kernel.assign(np.reshape([3.0, 1.0, 2.0], (1, 1, 1, 3)))
    model.get_layer("out").kernel.assign(np.arange(12.0).reshape(12, 1))
    small = tfprune.prune(model, ratio=0.34)
    np.testing.assert_array_equal(small.get_layer("conv").kernel.numpy().ravel(), [3, 2])
    np.testing.assert_array_equal(
        small.get_layer("out").kernel.numpy().ravel(), [0, 2, 3, 5, 6, 8, 9, 11]
    )


def test_kernels_are_exact_slices():
    model = build("projected_residual")
    plan = tfprune.plan(model, ratio=0.5)
    small = tfprune.rebuild(model, plan)
    for path, kept in plan.kept.items():
        before, after = model.get_layer(path), small.get_layer(path)
        filters = before.kernel.numpy()[..., list(kept)]
        assert after.kernel.shape[-1] == len(kept)
        # Its inputs are cut too: each filter that stays is one of the original's, thinned.
        inputs = [
            i
            for i in range(filters.shape[-2])
            if any(
                np.array_equal(filters[..., i, :], after.kernel.numpy()[..., j, :])
                for j in range(after.kernel.shape[-2])
            )
        ]
        assert len(inputs) == after.kernel.shape[-2]
