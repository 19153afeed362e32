"""Latencies told before a model is built: what is timed, what is told, what plans come of it."""

import json
import math
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import layers
from latency_law import FakeTimer, macs_law
from topologies import build

import tfprune
from tfprune.errors import FileError, ModelError, PlanError
from tfprune.latency import LatencyTable, check, open_table, opening, simd_step, timer
from tfprune.latency.curve import Curve
from tfprune.latency.layers import Layer, Sized, name_of
from tfprune.latency.network_file import network_file
from tfprune.latency.sites import read_layout
from tfprune.latency.staircase import NONE, WIDTHS, Staircase, find_staircase
from tfprune.latency.store import Store, default_path
from tfprune.latency.surface import Span, grid, surface
from tfprune.planning.keep import keep_mask
from tfprune.timing.macs import count_macs

NETS = ["mini_resnet", "u_net", "inverted_residual", "convnext_block", "shared_layer", "separable"]
OTHERS = ["gated_recurrent_unit", "vision_transformer_block", "three_dimensions"]


def everything(graph) -> np.ndarray:
    return np.ones(len(graph.label), bool)


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "latency.json"


@pytest.fixture
def fake(monkeypatch) -> FakeTimer:
    """Stands where the runtime's timer would: for names that a caller gives."""
    made = FakeTimer()
    monkeypatch.setattr(opening, "runtime_timer", lambda runtime, threads: made)
    return made


def table(
    name: str, path: Path, made: FakeTimer
) -> tuple[tfprune.graph.ChannelGraph, LatencyTable]:
    graph = tfprune.trace(build(name))
    return graph, open_table(graph, path, timer=made)


def wide_net() -> keras.Model:
    """A net of such widths that a step of eight filters is little."""
    x = keras.Input((8, 8, 3))
    y = stem = layers.Conv2D(64, 3, padding="same", activation="relu")(x)
    for width in (128, 96):
        y = layers.Conv2D(width, 3, padding="same", activation="relu")(y)
    y = layers.Add()([stem, layers.Conv2D(64, 1)(y)])
    y = layers.Conv2D(160, 3, strides=2, padding="same", activation="relu")(y)
    return keras.Model(x, layers.Dense(5)(layers.GlobalAveragePooling2D()(y)))


class TestLayersOfAModel:
    @pytest.mark.parametrize("name", [*NETS, *OTHERS])
    def test_their_work_is_the_models(self, name):
        graph = tfprune.trace(build(name))
        layout = read_layout(graph)
        content = network_file(layout.network(everything(graph)))
        whole = tfprune.cost(graph.model)
        rest = sum(layer.macs for layer in whole.layers if layer.path in layout.others)
        assert _macs(content) == whole.macs - rest
        assert bool(layout.others) == (name in OTHERS)

    @pytest.mark.parametrize("name", [*NETS, *OTHERS, "transposed", "two_heads"])
    def test_a_plan_makes_them_those_of_the_rebuilt_model(self, name):
        model = build(name)
        graph = tfprune.trace(model)
        plan = tfprune.plan(graph, ratio=0.5)
        layout = read_layout(graph)
        small = tfprune.trace(tfprune.rebuild(model, plan))
        expected = read_layout(small).network(everything(small))
        keep = keep_mask(graph, plan.kept)
        assert layout.network(keep) == expected
        if layout.others:
            before = {layer.path: layer.macs for layer in tfprune.cost(model).layers}
            after = {layer.path: layer.macs for layer in tfprune.cost(small.model).layers}
            shares = [sum(cost[p] for p in layout.others) for cost in (after, before)]
            assert layout.others_share(keep) == pytest.approx(shares[0] / shares[1])

    def test_what_a_converter_folds_away_is_left_out(self):
        x = keras.Input((8, 8, 3))
        y = layers.Conv2D(4, 3, strides=2, padding="same", dilation_rate=1)(
            layers.ZeroPadding2D()(x)
        )
        y = layers.Activation("swish")(layers.ReLU()(layers.BatchNormalization()(y)))
        y = layers.Dense(2)(layers.Dropout(0.5)(layers.GlobalAveragePooling2D()(y)))
        graph = tfprune.trace(keras.Model(x, y))
        found = [str(sized) for sized in read_layout(graph).network(everything(graph))]
        assert found == [
            "convolution 5x5 kernel 3x3 strides 2x2 3>4",
            "sigmoid 5x5 4>4",
            "mean 25x1 4>4",
            "dense 1x1 4>2",
        ]

    def test_open_sizes_are_refused(self):
        with pytest.raises(ModelError, match="fixed sizes"):
            tfprune.plan(build("unknown_sizes"), latency_ms=1)

    def test_a_model_of_other_layers_only_is_refused(self, path):
        given_ = keras.Input((4, 3))
        model = keras.Model(given_, layers.LSTM(2)(layers.LSTM(4, return_sequences=True)(given_)))
        with pytest.raises(ModelError, match="cannot be told"):
            open_table(tfprune.trace(model), path, timer=FakeTimer())


def _macs(content: bytes) -> int | None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "network.tflite"
        file.write_bytes(content)
        timer.LiteRT().load(file, 1).run()
        return count_macs(file)


@pytest.mark.parametrize(
    ("layer", "macs"),
    [
        (Layer("convolution", (4, 5), (3, 2), (2, 1), (1, 1)), 4 * 5 * 6 * 6 * 8),
        (Layer("convolution", (4, 4), (3, 3), groups=2), 16 * 9 * 6 * 8),
        (Layer("convolution", (4, 4), (3, 3), dilation=(2, 2)), 16 * 9 * 6 * 8),
        (Layer("transposed", (4, 4), (3, 3), (2, 2)), 4 * 9 * 6 * 8),
        (Layer("dense", (5, 1)), 5 * 6 * 8),
        (Layer("depthwise", (4, 4), (3, 3), (2, 2)), 16 * 9 * 12),
        (Layer("add", (4, 4)), 0),
        (Layer("sigmoid", (4, 4)), 0),
        (Layer("max_pool", (4, 4), (3, 3), (2, 2)), 0),
        (Layer("average_pool", (4, 4), (2, 2), (2, 2)), 0),
        (Layer("mean", (16, 1)), 0),
    ],
)
def test_a_file_of_one_layer_runs_and_does_its_work(layer, macs):
    widths = (6, 12) if layer.kind == "depthwise" else (6, 6) if layer.paired else (6, 8)
    assert _macs(network_file([Sized(layer, *widths)])) == macs


class TestStaircase:
    @pytest.mark.parametrize("step", [1, 2, 4, 8, 16])
    def test_steps_are_found(self, step):
        times = [3 + -(-width // step) for width in WIDTHS]
        found = find_staircase(WIDTHS, times)
        assert found.step == step
        if step > 1:
            assert [found.up(w) for w in range(8, 200)] == [
                -(-w // step) * step for w in range(8, 200)
            ]

    def test_registers_that_can_be_used_by_halves(self):
        # As measured on AVX-512: up to 16 half a register, then whole ones of 32, of which an
        # incomplete first one is done as two halves.
        times = [7.8 if w <= 16 else 11.5 if w == 32 else 15.1 if w < 32 else 0 for w in WIDTHS]
        times = [t or 11.2 * -(-w // 32) for w, t in zip(WIDTHS, times, strict=True)]
        found = find_staircase(WIDTHS, times)
        assert found == Staircase(16, (16, 32, 64))
        assert [found.up(w) for w in (3, 17, 48, 65, 130)] == [16, 32, 64, 96, 160]

    def test_some_noise_does_no_harm_and_much_is_told(self):
        generator = np.random.default_rng(0)
        clean = np.array([10 + 5 * -(-width // 8) for width in WIDTHS])
        calm = clean * generator.normal(1, 0.003, len(WIDTHS))
        assert find_staircase(WIDTHS, calm).step == 8
        wild = clean * generator.normal(1, 0.5, len(WIDTHS))
        assert find_staircase(WIDTHS, wild) == NONE
        assert find_staircase(WIDTHS, np.ones(len(WIDTHS))) == NONE


class TestSurface:
    @given(
        st.sampled_from(["convolution", "dense"]),
        st.tuples(st.integers(1, 600), st.integers(0, 3)),
        st.tuples(st.integers(1, 600), st.integers(0, 3)),
        st.sampled_from([NONE, Staircase(8, (8, 16, 24)), Staircase(16, (16, 32, 64))]),
        st.data(),
    )
    def test_it_is_exact_for_multiply_accumulates(self, kind, reads, makes, stairs, data):
        spans = [Span(min(least, full), full) for full, least in (reads, makes)]
        layer = Layer(kind, (6, 6))
        points = grid(layer, *spans, stairs)

        def law(read, made):
            return 2 + 0.1 * read + 0.2 * made + 0.05 * read * made

        ms = np.array([[law(point.reads, point.makes) for point in row] for row in points])
        found = surface(points, ms, stairs)
        corner = points[0][0]
        read, made = (
            data.draw(st.integers(low, span.full))
            for low, span in zip(corner[1:], spans, strict=True)
        )
        up = min(stairs.up(made), spans[1].full)
        assert found.at(read, made) == pytest.approx(law(read, up))
        assert math.isclose(found.at(1, 1), found.at(*corner[1:]))

    def test_widths_that_go_together_are_timed_together(self):
        layer = Layer("depthwise", (6, 6), (3, 3))
        (row,) = grid(layer, Span(0, 32), Span(0, 64), NONE)
        assert [point[1:] for point in row] == [(2, 4), (4, 8), (8, 16), (16, 32), (32, 64)]
        assert surface([row], np.array([[1, 2, 4, 8, 16]]), NONE).at(9, 18) == pytest.approx(4.5)

    def test_a_width_that_cannot_change_is_timed_once(self):
        points = grid(Layer("convolution", (6, 6)), Span(3, 3), Span(10, 10), NONE)
        assert [point[1:] for row in points for point in row] == [(3, 10)]

    def test_noise_makes_no_wider_layer_faster(self):
        points = grid(Layer("dense", (1, 1)), Span(0, 64), Span(0, 64), NONE)
        noise = np.random.default_rng(0).uniform(1, 2, (len(points), len(points[0])))
        found = surface(points, noise, NONE)
        times = np.array([[found.at(read, made) for made in range(1, 65)] for read in range(1, 65)])
        assert (np.diff(times, axis=0) >= -1e-12).all()
        assert (np.diff(times, axis=1) >= -1e-12).all()


def test_a_curve_never_falls():
    curve = Curve.through([(3, 2), (1, 1), (2, 4)])
    assert [curve(x) for x in (0.5, 1, 1.5, 2, 3, 6)] == [0.5, 1, 2.5, 4, 4, 8]


class TestTable:
    @pytest.mark.parametrize("name", NETS)
    def test_the_unpruned_model_is_told_as_measured(self, name, path):
        made = FakeTimer(cold=0.5, extra=0.2)
        graph, found = table(name, path, made)
        assert found.predict(everything(graph)) == pytest.approx(made.model_ms(graph.model))

    @pytest.mark.parametrize("name", NETS)
    @pytest.mark.parametrize("scope", ["layer", "global"])
    def test_pruned_models_are_told_within_a_few_percent(self, name, scope, path):
        made = FakeTimer(cold=0.5, extra=0.2)
        graph, found = table(name, path, made)
        for ratio in (0.25, 0.5, 0.8):
            plan = tfprune.plan(graph, ratio=ratio, scope=scope)
            told = found.predict(keep_mask(graph, plan.kept))
            assert told == pytest.approx(made.model_ms(tfprune.rebuild(graph, plan)), rel=0.08)

    @pytest.mark.parametrize("name", OTHERS)
    def test_layers_that_cannot_be_timed_alone_shrink_by_their_work(self, name, path):
        made = FakeTimer(extra=3.0)
        graph, found = table(name, path, made)
        whole = made.model_ms(graph.model)
        assert found.predict(everything(graph)) == pytest.approx(whole)
        plan = tfprune.plan(graph, ratio=0.5)
        keep = keep_mask(graph, plan.kept)
        layout = read_layout(graph)
        rest = 0.75 * whole * layout.others_share(keep)
        expected = rest + sum(map(macs_law, layout.network(keep)))
        assert found.predict(keep) == pytest.approx(expected, rel=0.05)

    @pytest.mark.parametrize("name", [*NETS, *OTHERS])
    def test_it_never_rises_when_channels_go(self, name, path):
        generator = np.random.default_rng(0)
        noisy = FakeTimer(lambda sized: macs_law(sized) * generator.uniform(0.7, 1.4))
        graph, found = table(name, path, noisy)
        free = [group for group in graph.groups if group.prunable]
        stays = np.ones(len(graph.label), bool)
        last = found.predict(stays[graph.label])
        for channel in generator.permutation(np.concatenate([group.channels for group in free])):
            stays[channel] = False
            now = found.predict(stays[graph.label])
            assert now <= last * (1 + 1e-12)
            last = now

    def test_refining_makes_it_exact_at_those_widths(self, path):
        made = FakeTimer(cold=3.0)
        graph, found = table("mini_resnet", path, made)
        keep = keep_mask(graph, tfprune.plan(graph, ratio=0.42, scope="global").kept)
        found.refine(keep)
        truth = made.truth(read_layout(graph).network(keep))
        assert found.predict(keep) == pytest.approx(truth)
        assert not found.refine(keep)

    def test_learning_from_a_pruned_model(self, path):
        made = FakeTimer(extra=0.1)
        graph, found = table("mini_resnet", path, made)
        plan = tfprune.plan(graph, ratio=0.6)
        small, keep = tfprune.rebuild(graph, plan), keep_mask(graph, plan.kept)
        made.extra = 0.5  # what lies between the layers weighs more in a small model
        assert found.learn(small, keep) == (pytest.approx(made.model_ms(small)), pytest.approx(1))
        assert found.predict(keep) == pytest.approx(made.model_ms(small))
        again = open_table(graph, path, timer=made)
        assert again.predict(keep) == pytest.approx(made.model_ms(small))


class TestFile:
    def test_nothing_is_timed_twice(self, path):
        first = FakeTimer()
        graph, found = table("mini_resnet", path, first)
        told = found.predict(everything(graph))
        assert set(first.timed.values()) == {1}
        second = FakeTimer()
        again = open_table(graph, path, timer=second)
        assert not second.timed
        assert again.predict(everything(graph)) == told

    def test_another_model_of_the_same_layers_times_no_layer_anew(self, path):
        table("residual", path, FakeTimer())
        second = FakeTimer()
        x = keras.Input((8, 8, 3))
        model = build("residual")
        clone = keras.Model(x, layers.Dense(7)(layers.Flatten()(model(x))))
        open_table(tfprune.trace(clone), path, timer=second)
        kinds = {name.split()[0] for name in second.timed}
        assert kinds == {"dense", "network", "model"}

    def test_places_are_kept_apart(self, path):
        table("residual", path, FakeTimer())
        elsewhere = FakeTimer(place="another machine")
        table("residual", path, elsewhere)
        assert elsewhere.timed
        assert set(json.loads(path.read_text())["places"]) == {"fake", "another machine"}

    def test_what_was_timed_before_an_interruption_is_kept(self, path):
        class Interrupted(FakeTimer):
            def layers(self, networks):
                if len(self.timed) > 70:  # the widths of the staircase, and a few
                    raise KeyboardInterrupt
                return super().layers(networks)

        broken = Interrupted()
        with pytest.raises(KeyboardInterrupt):
            table("mini_resnet", path, broken)
        second = FakeTimer()
        table("mini_resnet", path, second)
        assert not set(broken.timed) & set(second.timed)

    def test_what_another_process_wrote_meanwhile_stays(self, path):
        mine, other = Store(path, "fake"), Store(path, "fake")
        other.put("layers", {"a": 1.0})
        mine.put("layers", {"b": 2.0})
        assert Store(path, "fake").get("layers", "a") == 1.0
        assert Store(path, "fake").get("layers", "b") == 2.0

    @pytest.mark.parametrize(
        "content",
        [
            "",
            "{",
            "[]",
            '{"format": "tfprune.plan/1"}',
            '{"format": "tfprune.latency/1"}',
            '{"format": "tfprune.latency/1", "places": {"fake": 3}}',
            '{"format": "tfprune.latency/1", "places": {"fake": {"layers": {"a": "fast"}}}}',
            '{"format": "tfprune.latency/1", "places": {"fake": {"layers": {"a": NaN}}}}',
            '{"format": "tfprune.latency/1", "places": {"fake": {"models": {"a": [{}]}}}}',
            '{"format": "tfprune.latency/1", "places": {"fake": {"models": {"a": {}}}}}',
        ],
    )
    def test_a_damaged_file_is_named_and_left_alone(self, content, path, fake):
        path.write_text(content)
        with pytest.raises(FileError, match=r"latency\.json.*delete it to measure anew"):
            tfprune.plan(build("residual"), latency_ms=1.0, latency_table=path)
        assert path.read_text() == content
        assert not fake.timed

    def test_a_file_that_cannot_be_written_is_refused_before_anything_is_timed(self, path, fake):
        with pytest.raises(FileError, match="does not exist"):
            tfprune.plan(
                build("residual"), latency_ms=1, latency_table=path.parent / "no" / "t.json"
            )
        with pytest.raises(FileError, match="folder"):
            tfprune.plan(build("residual"), latency_ms=1, latency_table=path.parent)
        assert not fake.timed

    def test_without_a_file_the_users_caches_are_taken(self, tmp_path, monkeypatch, fake):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
        assert simd_step() == 8
        assert default_path() == tmp_path / "caches" / "tfprune" / "latency.json"
        assert default_path().exists()

    def test_caches_that_cannot_be_written_are_done_without(self, tmp_path, monkeypatch, fake):
        (tmp_path / "caches").write_text("a file")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
        assert simd_step() == 8
        assert (tmp_path / "caches").read_text() == "a file"


class TestPlan:
    @pytest.mark.parametrize("scope", ["layer", "block", "global"])
    def test_the_target_is_met_and_nearly_reached(self, scope, path, monkeypatch):
        made = FakeTimer(cold=0.05, extra=0.2)
        monkeypatch.setattr(opening, "runtime_timer", lambda runtime, threads: made)
        model = wide_net()
        whole = made.model_ms(model)
        for share in (0.8, 0.4, 0.15):
            plan = tfprune.plan(model, latency_ms=share * whole, latency_table=path, scope=scope)
            assert plan.settings["latency_ms"] == share * whole
            assert plan.settings["unpruned_ms"] == pytest.approx(whole)
            assert plan.settings["runtime"] == "fake"
            assert plan.settings["predicted_ms"] <= share * whole
            truth = made.model_ms(tfprune.rebuild(model, plan))
            assert truth == pytest.approx(plan.settings["predicted_ms"], rel=0.02)
            assert truth == pytest.approx(share * whole, rel=0.1)

    def test_a_second_plan_measures_nothing_anew_and_is_the_same(self, path, fake):
        model = build("mini_resnet")
        limit = 0.7 * fake.model_ms(model)
        first = tfprune.plan(model, latency_ms=limit, latency_table=path, scope="global")
        fake.timed.clear()
        second = tfprune.plan(model, latency_ms=limit, latency_table=path, scope="global")
        assert second == first
        assert not fake.timed

    def test_channels_that_cost_no_time_stay(self, path, fake):
        model = build("mini_resnet")
        limit = 0.7 * fake.model_ms(model)
        plan = tfprune.plan(model, latency_ms=limit, latency_table=path)
        graph = tfprune.trace(model)
        found = open_table(graph, path)
        keep = keep_mask(graph, plan.kept)
        assert found.predict(keep) <= limit
        for group in graph.groups:
            for channel in group.channels[~keep[group.channels]]:
                more = keep.copy()
                more[channel] = True
                assert found.predict(more) > limit

    def test_limits_hold(self, path, fake):
        model = build("mini_resnet")
        limit = 0.8 * fake.model_ms(model)
        settings = {"exclude": "conv2d", "max_ratio": 0.75, "min_channels": 3, "round_to": 2}
        plan = tfprune.plan(model, latency_ms=limit, latency_table=path, **settings)
        assert "conv2d" not in plan.kept
        for one in plan.groups:
            assert one.kept >= max(3, 0.25 * one.size) or one.reason
            assert one.kept % 2 == 0 or one.kept == one.size

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"latency_ms": 0}, "milliseconds, more than 0"),
            ({"latency_ms": -1.0}, "milliseconds, more than 0"),
            ({"latency_ms": True}, "milliseconds, more than 0"),
            ({"latency_ms": "fast"}, "milliseconds, more than 0"),
            ({"latency_ms": math.nan}, "milliseconds, more than 0"),
            ({"latency_ms": math.inf}, "milliseconds, more than 0"),
            ({"latency_ms": 1.0, "macs": 0.5}, "exactly one target"),
            ({"latency_ms": 1e6}, "nothing needs to be removed"),
            ({"latency_ms": 1e-6}, "the least is"),
            ({"latency_ms": 1.0, "round_to": 0}, "whole number"),
        ],
    )
    def test_what_makes_no_sense(self, settings, message, path, fake):
        with pytest.raises(PlanError, match=message):
            tfprune.plan(build("residual"), latency_table=path, **settings)

    @pytest.mark.parametrize(
        "settings", [{"runtime": "abacus"}, {"threads": 0}, {"threads": 1.5}, {"threads": True}]
    )
    def test_runtimes_and_threads_that_make_no_sense(self, settings, path):
        with pytest.raises(PlanError, match=next(iter(settings))):
            tfprune.plan(build("residual"), latency_ms=1.0, latency_table=path, **settings)
        assert not path.exists()

    def test_a_latency_model_of_ones_own(self):
        class Counting:
            def predict(self, keep):
                return float(keep.sum())

            def refine(self, keep):
                return False

            def as_dict(self):
                return {"runtime": "one millisecond a channel"}

        model = build("residual")
        whole = len(tfprune.trace(model).label)
        plan = tfprune.plan(model, latency_ms=0.7 * whole, latency_table=Counting())
        assert 0.7 * whole - 8 < plan.settings["predicted_ms"] <= 0.7 * whole
        assert plan.settings["runtime"] == "one millisecond a channel"

    def test_the_plan_survives_its_file(self, path, tmp_path, fake):
        model = build("residual")
        limit = 0.7 * fake.model_ms(model)
        plan = tfprune.plan(model, latency_ms=limit, latency_table=path)
        plan.save(tmp_path / "plan.json")
        assert tfprune.PruningPlan.load(tmp_path / "plan.json") == plan
        assert "latency_ms=" in str(plan)


class TestRoundToAuto:
    @pytest.mark.parametrize("step", [4, 16])
    def test_widths_are_multiples_of_the_step(self, step, path, monkeypatch):
        made = FakeTimer(lambda sized: macs_law(sized, step))
        monkeypatch.setattr(opening, "runtime_timer", lambda runtime, threads: made)
        model = build("mini_resnet")
        plan = tfprune.plan(model, ratio=0.4, round_to="auto", latency_table=path)
        assert plan.settings["round_to"] == step
        assert plan == tfprune.plan(model, ratio=0.4, round_to=step)
        made.timed.clear()
        tfprune.plan(model, ratio=0.6, round_to="auto", latency_table=path)
        assert not made.timed

    def test_noise_is_told_and_eight_is_taken(self, path, monkeypatch, caplog):
        generator = np.random.default_rng(0)
        made = FakeTimer(lambda sized: generator.uniform(1, 2))
        monkeypatch.setattr(opening, "runtime_timer", lambda runtime, threads: made)
        plan = tfprune.plan(build("residual"), ratio=0.4, round_to="auto", latency_table=path)
        assert plan.settings["round_to"] == 8
        assert "too noisy" in caplog.text


class TestCheck:
    def test_the_error_of_the_prediction(self, path, fake):
        model = build("mini_resnet")
        limit = 0.7 * fake.model_ms(model)
        plan = tfprune.plan(model, latency_ms=limit, latency_table=path)
        fake.extra = 0.25
        found = check(model, plan, path)
        assert found.target_ms == limit
        assert found.predicted_ms == plan.settings["predicted_ms"]
        assert found.measured_ms == pytest.approx(1.25 * found.predicted_ms, rel=0.02)
        assert found.error == pytest.approx(0.25, abs=0.02)
        assert found.slowdown == pytest.approx(1)
        assert "+25" in str(found)
        assert json.loads(json.dumps(found.as_dict()))["error"] == found.error
        better = tfprune.plan(model, latency_ms=limit, latency_table=path)
        assert check(model, better, path).error == pytest.approx(0, abs=0.02)

    def test_plans_of_other_targets(self, path, fake):
        model = build("residual")
        found = check(model, tfprune.plan(model, ratio=0.5), path)
        assert found.target_ms is None
        assert found.error == pytest.approx(0, abs=0.05)
        assert "asked" not in str(found)

    def test_a_plan_of_another_model_is_refused(self, path, fake):
        plan = tfprune.plan(build("residual"), ratio=0.5)
        with pytest.raises(PlanError, match="fingerprint"):
            check(build("mini_resnet"), plan, path)
        assert not fake.timed


def test_names_of_networks_tell_them_apart():
    layer = Layer("convolution", (4, 4), (3, 3))
    one, other = Sized(layer, 3, 8), Sized(layer, 8, 8)
    assert name_of((one,)) == "convolution 4x4 kernel 3x3 3>8"
    assert len({name_of(network) for network in ((one,), (one, one), (one, other))}) == 3


def test_on_the_runtime_itself(path, monkeypatch):
    """Nothing is asserted of how long anything takes, but that a plan is made, built and timed."""
    monkeypatch.setattr(timer, "_SHORT", timer.Turn(0.0005, 0.0, 20))
    monkeypatch.setattr(timer, "_LONG", timer.Turn(0.001, 0.0, 20))
    monkeypatch.setattr(timer, "_ROUNDS", 2)
    x = keras.Input((16, 16, 8))
    y = layers.GlobalAveragePooling2D()(layers.Conv2D(64, 3, activation="relu")(x))
    model = keras.Model(x, layers.Dense(2)(y))
    with pytest.raises(PlanError, match="least"):  # and all widths that a plan asks for are timed
        tfprune.plan(model, latency_ms=1e-9, latency_table=path)
    graph = tfprune.trace(model)
    whole = open_table(graph, path).predict(everything(graph))
    assert 0 < whole < 1e3
    plan = tfprune.plan(model, latency_ms=0.9 * whole, latency_table=path)
    assert "LiteRT" in plan.settings["runtime"]
    measured = check(model, plan, path)
    assert measured.measured_ms > 0
    assert measured.predicted_ms <= 0.9 * whole
