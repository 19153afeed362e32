"""Budgets: a cost is met by the fewest steps, or the least that can be reached is named."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_plan import group
from topologies import build

import tfprune
from tfprune.errors import PlanError
from tfprune.planning.budget import removals
from tfprune.planning.limits import Limits

NETS = ["mini_resnet", "u_net", "mini_dcase", "grouped_attention", "embedding_lstm"]


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("scope", ["layer", "block", "global"])
@pytest.mark.parametrize("kind", ["macs", "parameters", "weight_bytes"])
def test_the_target_is_met(name, scope, kind):
    model = build(name)
    for share in (0.75, 0.4):
        plan = tfprune.plan(model, scope=scope, **{kind: share})
        limit = share * plan.before[kind]
        assert plan.after[kind] <= limit
        assert tfprune.cost(tfprune.rebuild(model, plan)).totals() == plan.after
        assert plan.settings[kind] == share
        # Half a group's worth of slack would be a step not taken back.
        assert plan.after[kind] > 0.5 * limit


@pytest.mark.parametrize("scope", ["layer", "block", "global"])
def test_one_step_less_would_exceed_it(scope):
    model = build("mini_resnet")
    plan = tfprune.plan(model, scope=scope, macs=0.5)
    more = tfprune.plan(model, scope=scope, macs=plan.after["macs"] + 1)
    assert more.kept == plan.kept
    if plan.after["macs"] + 1 <= 0.5 * plan.before["macs"]:
        kept = sum(g.kept for g in tfprune.plan(model, scope=scope, macs=0.5).groups)
        assert kept == sum(group.kept for group in plan.groups)


def test_an_absolute_number():
    model = build("mini_resnet")
    plan = tfprune.plan(model, macs=200_000)
    assert 0.9 * 200_000 < plan.after["macs"] <= 200_000


drawn_groups = st.lists(
    st.tuples(
        st.integers(1, 3), st.lists(st.floats(0, 9, allow_nan=False), min_size=1, max_size=20)
    ),
    min_size=1,
    max_size=5,
)


@given(drawn_groups, st.sampled_from([1, 2, 4]), st.integers(1, 3))
def test_steps_take_the_lowest_first_and_keep_the_limits(drawn, round_to, least):
    groups = [group(f"g{i}", len(s), members) for i, (members, s) in enumerate(drawn)]
    scores = {f"g{i}": np.array(s) for i, (_, s) in enumerate(drawn)}
    limits = Limits(round_to=round_to, min_channels=least)
    steps = removals(None, groups, scores, "global", limits)
    left = [one.size for one in groups]
    dearest = -1.0
    for index, after in steps:
        assert after < left[index]
        assert after >= limits.least(groups[index])
        assert after % round_to == 0
        gone = np.sort(scores[f"g{index}"])[: groups[index].size - after]
        assert gone[-1] >= dearest
        dearest = gone[-1]
        left[index] = after


def test_blocks_are_the_layers_of_one_resolution():
    model = build("u_net")
    plan = tfprune.plan(model, scope="block", ratio=0.5)
    assert plan.removed == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "exactly one target"),
        ({"ratio": 0.5, "macs": 0.5}, "exactly one target"),
        ({"macs": 0.0}, "as a share in"),
        ({"macs": 1}, "as a share in"),
        ({"macs": -3}, "as a share in"),
        ({"macs": True}, "as a share in"),
        ({"parameters": "half"}, "as a share in"),
        ({"macs": 1e-4}, "the least is"),
        ({"macs": 0.05, "round_to": 8}, "the least is"),
        ({"weight_bytes": 1e9}, "nothing needs to be removed"),
        ({"macs": 0.5, "scope": "net"}, "expected scope"),
        ({"macs": 0.5, "normalizer": "median"}, "expected normalizer"),
    ],
)
def test_what_makes_no_sense(settings, message):
    with pytest.raises(PlanError, match=message):
        tfprune.plan(build("mini_resnet"), **settings)


@pytest.mark.parametrize("normalizer", ["none", "max", "mean", "l2"])
def test_normalizers_change_what_is_compared_not_what_is_best(normalizer):
    model = build("mini_resnet")
    by_layer = tfprune.plan(model, ratio=0.5, normalizer=normalizer)
    assert by_layer.kept == tfprune.plan(model, ratio=0.5).kept
    plan = tfprune.plan(model, ratio=0.5, scope="global", normalizer=normalizer)
    assert plan.settings["normalizer"] == normalizer


class TestNaturalRatio:
    def test_what_the_criterion_keeps_stays(self):
        model = build("chain")
        plan = tfprune.plan(model, "cosine")
        natural = tfprune.criteria.Cosine().natural(tfprune.trace(model))
        assert plan.settings["ratio"] == "natural"
        assert 0 < plan.removed < 1
        for path, kept in plan.kept.items():
            np.testing.assert_array_equal(kept, natural[path])

    def test_limits_hold(self):
        plan = tfprune.plan(build("mini_resnet"), "cosine", round_to=4, exclude="conv2d")
        for one in plan.groups:
            assert one.kept % 4 == 0 or one.kept == one.size
        assert "conv2d" not in plan.kept

    def test_with_a_target_the_order_goes_on(self):
        model = build("mini_resnet")
        assert tfprune.plan(model, "cosine", macs=0.3).after["macs"] <= 0.3 * 608_352

    def test_other_criteria_have_none(self):
        with pytest.raises(PlanError, match="exactly one target"):
            tfprune.plan(build("chain"), "l2")
