"""Plans: what they keep, what they say, how they are stored, what they refuse."""

import json

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from topologies import build

import tfprune
from tfprune.errors import FileError, ModelError, PlanError
from tfprune.graph import Group, Producer
from tfprune.planning.limits import Limits
from tfprune.planning.select import select


def group(name: str, size: int, members: int = 1, residual: bool = False) -> Group:
    positions = np.arange(size)[:, None]
    producers = tuple(Producer(f"{name}{i}", positions) for i in range(members))
    return Group(name, np.arange(size), producers, (), None, residual)


groups_and_scores = st.lists(
    st.tuples(
        st.integers(1, 4), st.lists(st.floats(0, 10, allow_nan=False), min_size=1, max_size=30)
    ),
    min_size=1,
    max_size=6,
)
shares = st.floats(0.01, 0.99)


def named(drawn):
    groups = [group(f"g{i}", len(s), members) for i, (members, s) in enumerate(drawn)]
    return groups, {f"g{i}": np.array(s) for i, (_, s) in enumerate(drawn)}


class TestSelect:
    @given(groups_and_scores, shares, st.sampled_from([1, 2, 4, 8]), st.integers(1, 4))
    def test_by_layer(self, drawn, ratio, round_to, least):
        groups, scores = named(drawn)
        limits = Limits(round_to=round_to, min_channels=least)
        kept = select("layer", groups, scores, ratio, limits)
        for g in groups:
            stays = kept[g.name]
            gone = np.setdiff1d(np.arange(g.size), stays)
            assert len(stays) >= min(least, g.size)
            assert len(stays) % round_to == 0 or len(stays) == g.size
            assert abs(len(stays) - g.size * (1 - ratio)) <= max(round_to, least)
            if gone.size:
                assert scores[g.name][gone].max() <= scores[g.name][stays].min()

    @given(groups_and_scores, shares)
    def test_globally(self, drawn, ratio):
        groups, scores = named(drawn)
        total = sum(g.size * g.members for g in groups)
        try:
            kept = select("global", groups, scores, ratio, Limits())
        except PlanError:
            assert sum((g.size - 1) * g.members for g in groups) < ratio * total
            return
        gone = sum((g.size - len(kept[g.name])) * g.members for g in groups)
        assert ratio * total - 1e-6 <= gone < ratio * total + max(g.members for g in groups)
        removed = [np.delete(scores[g.name], kept[g.name]) for g in groups]
        # What stays of a group that still could lose something is worth no less than what went.
        spare = [scores[g.name][kept[g.name]] for g in groups if len(kept[g.name]) > 1]
        if spare and any(len(r) for r in removed):
            assert np.concatenate(removed).max() <= min(s.min() for s in spare)

    def test_of_equals_the_earlier_stay(self):
        kept = select("layer", [group("g", 6)], {"g": np.ones(6)}, 0.5, Limits())
        np.testing.assert_array_equal(kept["g"], [0, 1, 2])


class TestPlan:
    def test_a_tenth_is_left(self):
        plan = tfprune.plan(build("flatten_dense"), ratio=0.9)
        assert [(g.size, g.kept) for g in plan.groups] == [(8, 1), (16, 2), (3, 3)]
        assert plan.groups[-1].reason.startswith("model output")

    def test_residual_streams_can_be_left(self):
        plan = tfprune.plan(build("residual"), ratio=0.5, include_residual=False)
        kept = {g.kept for g in plan.groups if g.reason is None}
        assert kept == {3}
        assert {g.reason for g in plan.groups if g.size == 8} == {"excluded by the settings"}

    def test_exclude_names_and_patterns(self):
        model = build("chain")
        first, second, third = (g.name for g in tfprune.trace(model).groups[:3])
        assert set(tfprune.plan(model, ratio=0.5, exclude=first).kept) == {second, third}
        assert set(tfprune.plan(model, ratio=0.5, exclude=[second, third]).kept) == {first}
        with pytest.raises(PlanError, match="nothing in the model can be pruned"):
            tfprune.plan(model, ratio=0.5, exclude="conv*")
        with pytest.raises(PlanError, match=r"'hed', which the model lacks; did you mean head"):
            tfprune.plan(model, ratio=0.5, exclude="hed")

    def test_rounding_and_caps(self):
        model = build("mini_resnet")
        rounded = tfprune.plan(model, ratio=0.6, round_to=4)
        assert {g.kept % 4 for g in rounded.groups if g.reason is None} == {0}
        capped = tfprune.plan(model, ratio=0.7, scope="global", max_ratio=0.75)
        assert all(g.kept >= g.size * 0.25 for g in capped.groups)
        wide = tfprune.plan(model, ratio=0.9, min_channels=5)
        assert all(g.kept >= 5 for g in wide.groups if g.reason is None)

    def test_l1_and_l2_are_norms_of_filters(self):
        model = build("flatten_dense")
        kernel = model.layers[1].kernel.numpy().reshape(-1, 8)
        for name, norms in (
            ("l1", np.abs(kernel).sum(0)),
            ("l2", np.sqrt((kernel**2).sum(0))),
        ):
            kept = tfprune.plan(model, name, ratio=0.5).kept[model.layers[1].name]
            np.testing.assert_array_equal(kept, np.sort(np.argsort(-norms)[:4]))

    def test_members_of_a_group_score_together(self):
        """Sum, mean, max and first over the layers that make a residual stream."""
        model = build("residual")
        graph = tfprune.trace(model)
        stream = next(g for g in graph.groups if g.residual)
        norms = []
        for producer in stream.producers:
            kernel = model.get_layer(producer.path).kernel.numpy()
            norms.append(np.sqrt((kernel**2).sum((0, 1, 2))))
        for reduction, combined in (
            ("mean", np.mean(norms, 0)),
            ("sum", np.sum(norms, 0)),
            ("max", np.max(norms, 0)),
            ("first", norms[0]),
        ):
            plan = tfprune.plan(model, ratio=0.5, group_reduction=reduction)
            expected = np.sort(np.argsort(-combined)[:4])
            for producer in stream.producers:
                np.testing.assert_array_equal(plan.kept[producer.path], expected)

    def test_a_criterion_of_ones_own(self):
        class LastFirst:
            name = "last_first"

            def score(self, graph):
                return {path: np.arange(n, dtype=float) for path, n in graph.filters().items()}

        model = build("chain")
        plan = tfprune.plan(model, LastFirst(), ratio=0.5)
        assert plan.criterion == "last_first"
        assert plan.groups[0].name in plan.kept
        assert plan.kept[plan.groups[0].name] == (4, 5, 6, 7)


class TestFile:
    def test_round_trip(self, tmp_path):
        model = build("mini_resnet")
        plan = tfprune.plan(model, ratio=0.5)
        plan.save(tmp_path / "plan.json")
        again = tfprune.PruningPlan.load(tmp_path / "plan.json")
        assert again == plan
        assert str(again) == str(plan)
        assert tfprune.verify(model, tfprune.rebuild(model, again), again) <= 1e-5

    def test_fits_the_saved_and_loaded_model(self, tmp_path):
        model = build("nested_functional")
        plan = tfprune.plan(model, ratio=0.5)
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        assert tfprune.verify(loaded, tfprune.rebuild(loaded, plan), plan) <= 1e-5

    def test_fits_after_fine_tuning(self):
        model = build("chain")
        plan = tfprune.plan(model, ratio=0.5)
        model.layers[1].kernel.assign_add(0.1 * np.ones((3, 3, 3, 8)))
        assert tfprune.verify(model, tfprune.rebuild(model, plan), plan) <= 1e-5

    @pytest.mark.parametrize(
        ("content", "error", "message"),
        [
            ("not json", FileError, "expected a pruning plan in JSON"),
            ("[1, 2]", PlanError, "received 'list'"),
            ('{"format": "other/1"}', PlanError, "received 'other/1'"),
            ('{"format": "tfprune.plan/1"}', PlanError, "damaged"),
        ],
    )
    def test_wrong_files(self, tmp_path, content, error, message):
        path = tmp_path / "plan.json"
        path.write_text(content)
        with pytest.raises(error, match=message):
            tfprune.PruningPlan.load(path)

    def test_missing_file_and_folder(self, tmp_path):
        with pytest.raises(FileError, match="found no file there"):
            tfprune.PruningPlan.load(tmp_path / "none.json")
        plan = tfprune.plan(build("chain"), ratio=0.5)
        with pytest.raises(FileError, match="does not exist"):
            plan.save(tmp_path / "no" / "plan.json")

    def test_is_plain_json(self, tmp_path):
        path = tmp_path / "plan.json"
        tfprune.plan(build("chain"), ratio=0.5, exclude="head").save(path)
        values = json.loads(path.read_text())
        assert values["settings"]["ratio"] == 0.5
        assert values["after"]["parameters"] < values["before"]["parameters"]


class TestRefusals:
    @pytest.mark.parametrize("ratio", [0, 1, 1.5, -0.1, "half", float("nan"), True])
    def test_ratio(self, ratio):
        with pytest.raises(PlanError, match="expected a ratio between 0 and 1"):
            tfprune.plan(build("chain"), ratio=ratio)

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"scope": "net"}, "expected scope"),
            ({"round_to": 0}, "expected round_to"),
            ({"min_channels": 0}, "expected min_channels"),
            ({"max_ratio": 0}, "expected max_ratio"),
            ({"max_ratio": 0.4}, "expected a ratio of at most max_ratio=0.4, received 0.5"),
            ({"group_reduction": "median"}, "expected reduction"),
            ({"data": [1, 2]}, "expected data=None"),
            ({"criterion": "l7"}, "expected a criterion, one of activation, bn_scale"),
        ],
    )
    def test_settings(self, settings, message):
        with pytest.raises(PlanError, match=message):
            tfprune.plan(build("chain"), ratio=0.5, **settings)

    def test_more_than_can_go(self):
        with pytest.raises(PlanError, match=r"at most 0\.[0-9]+ of the filters"):
            tfprune.plan(build("chain"), ratio=0.9, scope="global", min_channels=4)

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_weights_that_are_not_finite(self, value):
        model = build("chain")
        kernel = model.layers[4].kernel.numpy()
        kernel[0, 0, 0, 0] = value
        model.layers[4].kernel.assign(kernel)
        with pytest.raises(ModelError, match=rf"'kernel' of the layer '{model.layers[4].name}'"):
            tfprune.plan(model, ratio=0.5)

    @pytest.mark.parametrize("scores", [[np.nan] * 8, [1.0] * 7, None])
    def test_scores(self, scores):
        class Broken:
            name = "broken"

            def score(self, graph):
                return dict.fromkeys(graph.filters(), scores) if scores else {}

        with pytest.raises(PlanError, match="scores"):
            tfprune.plan(build("chain"), Broken(), ratio=0.5)

    def test_nothing_to_prune(self):
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        with pytest.raises(PlanError, match=r"nothing in the model can be pruned.*model output"):
            tfprune.plan(model, ratio=0.5)


class TestCapsByLayer:
    @pytest.fixture
    def model(self):
        x = keras.Input((8, 8, 3))
        y = keras.layers.Conv2D(20, 3, name="early_1")(x)
        y = keras.layers.Conv2D(20, 3, name="early_2")(y)
        y = keras.layers.Conv2D(20, 1, name="late")(y)
        y = keras.layers.GlobalAveragePooling2D()(y)
        return keras.Model(x, keras.layers.Dense(2)(y))

    @pytest.mark.parametrize("target", [{"ratio": 0.3}, {"macs": 0.8}])
    @pytest.mark.parametrize("scope", ["layer", "global"])
    def test_what_matches_keeps_its_share(self, model, scope, target):
        made = tfprune.plan(model, scope=scope, max_ratio={"early_*": 0.1}, **target)
        widths = {name: len(made.kept.get(name, range(20))) for name in ("early_1", "early_2")}
        assert all(width >= 18 for width in widths.values())
        assert len(made.kept["late"]) < 18

    def test_layers_that_share_channels_go_by_the_smallest(self):
        x = keras.Input((8, 8, 3))
        y = keras.layers.Conv2D(10, 1, name="one")(x)
        y = keras.layers.Add()([y, keras.layers.Conv2D(10, 1, name="other")(x)])
        model = keras.Model(x, keras.layers.Conv2D(2, 1)(y))
        made = tfprune.plan(model, ratio=0.7, max_ratio={"one": 0.5, "other": 0.2})
        assert len(made.kept["one"]) == len(made.kept["other"]) == 8

    def test_the_smallest_cap_that_matches_counts(self, model):
        made = tfprune.plan(model, ratio=0.9, max_ratio={"*": 0.5, "late": 0.8})
        assert {len(kept) for kept in made.kept.values()} == {10}

    def test_it_is_stored(self, model, tmp_path):
        made = tfprune.plan(model, ratio=0.5, max_ratio={"late": 0.25})
        made.save(tmp_path / "plan.json")
        assert tfprune.PruningPlan.load(tmp_path / "plan.json") == made

    @pytest.mark.parametrize(
        ("caps", "message"),
        [({"earl_1": 0.5}, "early_1"), ({"late": 1.5}, "max_ratio in"), ({"late": 0}, "max_ratio")],
    )
    def test_what_makes_no_sense(self, model, caps, message):
        with pytest.raises(PlanError, match=message):
            tfprune.plan(model, ratio=0.5, max_ratio=caps)
