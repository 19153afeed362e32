"""The loop of pruning and fine-tuning: what it removes, when it stops, what it hands back."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from iterate_job import compiled, data, net, run
from topologies import build

import tfprune
from tfprune.errors import DataError, FileError, ModelError, PlanError
from tfprune.training import iterate, tuning

TESTS = Path(__file__).resolve().parent


def weights(model):
    return [weight.numpy() for weight in model.weights]


def same(a, b):
    assert len(weights(a)) == len(weights(b))
    for one, other in zip(weights(a), weights(b), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.fixture(scope="module")
def whole():
    """The run that others are compared with."""
    return run()


# What it removes and reports


def test_history(whole):
    assert [one.ratio for one in whole.history] == [0, 0.25, 0.5, 0.75]
    assert [sum(map(len, one.removed.values())) for one in whole.history] == [0, 4, 4, 4]
    first, last = whole.history[0], whole.history[-1]
    assert first.before == first.after
    found = tfprune.cost(whole.model)
    assert last.macs == found.macs
    assert last.parameters == found.parameters
    assert last.weight_bytes == found.weight_bytes
    assert last.metrics.keys() == {"loss", "accuracy"}
    assert whole.best == last
    assert "target" in whole.reason


def test_the_numbers_are_those_of_the_model(whole):
    x, y = data(16, 1)
    loss, accuracy = whole.model.evaluate(x, y, batch_size=8, verbose=0)
    assert accuracy == pytest.approx(whole.best.after)
    assert loss == pytest.approx(whole.best.loss_after, rel=1e-5)


def test_no_filter_goes_twice_and_the_plan_sums_them_up(whole):
    for path in ("first", "second"):
        gone = [i for one in whole.history for i in one.removed.get(path, ())]
        assert len(set(gone)) == len(gone)
        kept = whole.plan.kept.get(path, range(8))
        assert sorted({*range(8)} - set(kept)) == sorted(gone)
        assert whole.removed_per_layer()[path] == len(gone) / 8
    small = tfprune.rebuild(net(), whole.plan)
    assert [w.shape for w in small.weights] == [w.shape for w in whole.model.weights]


def test_what_goes_is_what_the_plan_would_remove():
    """Without fine-tuning and by a criterion of each filter alone, many steps are one."""
    settings = {"criterion": "l1", "epochs": 0, "normalizer": "none", "exclude": "second"}
    found = run(step=1, target=0.5, **settings)
    plan = tfprune.plan(net(), "l1", ratio=0.5, scope="global", exclude="second")
    assert found.plan.kept == plan.kept
    same(found.model, tfprune.rebuild(net(), plan))


def test_the_unpruned_model_is_left_as_it_was():
    model = net()
    before = weights(model), [v.numpy() for v in model.optimizer.variables]
    run(model=model, target=0.25)
    for old, new in zip(before[0], weights(model), strict=True):
        np.testing.assert_array_equal(old, new)
    assert len(before[1]) == len(model.optimizer.variables)


def test_two_runs_are_equal(whole):
    again = run()
    assert again.history == whole.history
    same(again.model, whole.model)
    assert run(seed=1).history != whole.history


def test_table_and_json(whole, tmp_path):
    text = str(whole)
    assert "accuracy before" in text
    assert "75.0%" in text
    assert "<- model" in text
    whole.save(tmp_path / "run.json")
    content = json.loads((tmp_path / "run.json").read_text())
    assert [one["ratio"] for one in content["history"]] == [0, 0.25, 0.5, 0.75]
    assert tfprune.PruningPlan.from_dict(content["plan"]) == whole.plan


# How much a step is


def test_a_share_is_of_the_original():
    found = run(step=0.25, target=None, criterion="l2", epochs=0, min_channels=2)
    assert [one.ratio for one in found.history] == [0, 0.25, 0.5, 0.75]
    assert found.reason == "nothing more may be removed"


def test_the_last_step_is_cut_to_the_target():
    found = run(step=0.4, target=0.5, criterion="l2", epochs=0)
    assert [one.ratio for one in found.history] == [0, 0.4375, 0.5]


def test_macs():
    found = run(step=None, step_macs=0.25, target=0.6, criterion="l2", epochs=0)
    full = found.history[0].macs
    left = [one.macs / full for one in found.history]
    assert left[1] <= 0.75
    assert left[-1] <= 0.4
    assert left[-2] > 0.4


def test_by_layer_the_layers_shrink_alike():
    found = run(step=2, scope="layer", criterion="l2", epochs=0)
    assert found.removed_per_layer()["first"] == found.removed_per_layer()["second"] == 0.75
    assert found.removed_per_layer(step=2) == {"first": 0.25, "second": 0.25, "head": 0.0}


def test_max_ratio_is_of_the_original():
    found = run(step=2, target=None, criterion="l2", epochs=0, max_ratio=0.5)
    assert found.removed_per_layer() == {"first": 0.5, "second": 0.5, "head": 0.0}


def test_round_to_moves_even_where_a_step_is_smaller():
    found = run(step=1, target=None, criterion="l2", epochs=0, round_to=4)
    assert [one.ratio for one in found.history] == [0, 0.25, 0.5]


# When it stops


def hopeless(small):
    compiled(small, keras.optimizers.SGD(0.0))


def test_stops_at_the_drop_and_returns_the_step_before():
    settings = {"criterion": "random", "step": 2, "target": None, "monitor": "loss"}
    model = net()
    compiled(model, keras.optimizers.Adam(0.01))
    model.fit(*data(), batch_size=8, epochs=8, verbose=0)
    found = run(model=model, compile=hopeless, max_drop=0.05, carry_optimizer=False, **settings)
    last = found.history[-1]
    start = found.history[0].after
    assert not last.within
    assert last.after > start + 0.05
    assert all(one.after <= start + 0.05 for one in found.history[:-1])
    assert found.best is found.history[-2]
    assert tfprune.cost(found.model).parameters == found.best.parameters
    assert "rose" in found.reason
    assert "too large a drop" in str(found)


def test_a_first_step_too_far_hands_back_a_copy():
    model = net()
    compiled(model, keras.optimizers.Adam(0.01))
    model.fit(*data(), batch_size=8, epochs=8, verbose=0)
    found = run(model=model, compile=hopeless, max_drop=0.0, step=14, target=None)
    if found.history[-1].within:
        pytest.fail("one filter a layer was as good as eight")
    assert found.best.step == 0
    assert found.model is not model
    same(found.model, model)


# Forms of data


@pytest.mark.parametrize("form", ["dataset", "function", "sequence", "weights"])
def test_forms_of_data(form):
    import tensorflow as tf

    x, y = data()

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            part = slice(8 * index, 8 * index + 8)
            return x[part], y[part]

    dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(8)
    forms = {
        "dataset": dataset,
        "function": lambda: dataset.shuffle(24, seed=3),
        "sequence": Batches(),
        "weights": (x, y, np.ones(24, "float32")),
    }
    found = iterate(net(), forms[form], dataset, step=4, target=0.25, max_drop=None)
    assert len(found.history) == 2


def test_repair_callbacks_and_options():
    class Count(keras.callbacks.Callback):
        seen = 0

        def on_epoch_end(self, epoch, logs=None):
            Count.seen += 1

    options = {"batch_size": 12, "class_weight": {0: 1.0, 1: 2.0, 2: 1.0}}
    found = run(
        callbacks=lambda: [Count()], epochs=2, repair="bias", target=0.5, fit_options=options
    )
    assert Count.seen == 4
    assert len(found.history) == 3


# Data sets that shuffle


def shuffled(seed=3):
    import tensorflow as tf

    keras.utils.set_random_seed(0)  # a data set's chance is of both seeds
    return tf.data.Dataset.from_tensor_slices(data()).shuffle(24, seed=seed).batch(8)


def run_on(dataset, folder=None, **settings):
    options = {"step": 4, "target": 0.75, "max_drop": None, "checkpoint_dir": folder, **settings}
    return iterate(net(), dataset, data(16, 1), **options)


def test_a_data_set_that_shuffles_is_taken_back(tmp_path):
    expected = run_on(shuffled())
    with pytest.raises(RuntimeError, match="enough"):
        run_on(shuffled(), tmp_path, callbacks=_failing_at(3))
    used = shuffled()
    for _ in range(5):
        next(iter(used))
    found = run_on(used, tmp_path)
    assert found.history == expected.history
    same(found.model, expected.model)
    assert run_on(shuffled(4)).history != expected.history


def _failing_at(step):
    calls = []

    def callbacks():
        calls.append(1)
        if len(calls) == step:
            raise RuntimeError("enough")
        return []

    return callbacks


def test_chance_that_cannot_be_taken_back(tmp_path):
    import tensorflow as tf

    def noisy(x, y):
        return x + tf.random.normal(tf.shape(x)), y

    with pytest.raises(DataError, match="pass a function"):
        run_on(shuffled().map(noisy), tmp_path)
    assert len(run_on(shuffled().map(noisy), target=0.25).history) == 2
    again = [
        run_on(lambda: shuffled().map(noisy), folder, target=0.25) for folder in (None, tmp_path)
    ]
    assert again[0].history == again[1].history


def test_many_models_are_no_mistake(caplog):
    import logging

    from tfprune.training.advice import no_retracing_advice

    log = logging.getLogger("tensorflow")
    log.addHandler(caplog.handler)
    try:
        with no_retracing_advice():
            log.warning("5 out of the last 5 calls to x triggered tf.function retracing.")
            log.warning("something else")
        log.warning("6 out of the last 6 calls to x triggered tf.function retracing.")
    finally:
        log.removeHandler(caplog.handler)
    kept = {record.getMessage().split()[0] for record in caplog.records}
    assert kept == {"something", "6"}


# Errors, before any work is lost


@pytest.mark.parametrize(
    ("settings", "error", "match"),
    [
        ({"step": None}, PlanError, "one of step"),
        ({"step": 2, "step_macs": 0.1}, PlanError, "one of step"),
        ({"step": 0}, PlanError, "at least one filter"),
        ({"step": 1.5}, PlanError, "between 0 and 1"),
        ({"step": True}, PlanError, "number of filters"),
        ({"step": None, "step_macs": 2.0}, PlanError, "step_macs"),
        ({"target": 1.0}, PlanError, "target"),
        ({"max_drop": 3}, PlanError, "0.03 is three points"),
        ({"max_drop": -0.1}, PlanError, "max_drop"),
        ({"max_drop": "little"}, PlanError, "max_drop"),
        ({"max_drop": float("nan")}, PlanError, "max_drop"),
        ({"epochs": -1}, PlanError, "epochs"),
        ({"seed": 0.5}, PlanError, "seed"),
        ({"mode": "up"}, PlanError, "mode"),
        ({"scope": "net"}, PlanError, "scope"),
        ({"criterion": "best"}, PlanError, "criterion"),
        ({"repair": "glue"}, PlanError, "repair"),
        ({"exclude": "frist"}, PlanError, "did you mean first"),
        ({"fit_options": {"epochs": 3}}, PlanError, "without epochs"),
        ({"monitor": "auc"}, ModelError, "accuracy, loss"),
        ({"compile": "adam"}, PlanError, "expected compile"),
        ({"compile": lambda small: None}, ModelError, "left uncompiled"),
    ],
)
def test_settings(settings, error, match):
    with pytest.raises(error, match=match):
        run(**settings)


def test_uncompiled():
    with pytest.raises(ModelError, match=r"model\.compile"):
        run(model=tfprune.prune(net(), ratio=0.5))


x, y = data(8)


def own_loss(labels, answers):
    return keras.losses.sparse_categorical_crossentropy(labels, answers)


def own_metric(labels, answers):
    return keras.metrics.sparse_categorical_accuracy(labels, answers)


def test_losses_of_ones_own_need_no_registering():
    model = net()
    model.compile("sgd", own_loss, metrics=["accuracy"], run_eagerly=True)
    assert len(run(model=model, target=0.25).history) == 2


def test_metrics_of_ones_own_do():
    def compile_(small):
        small.compile("sgd", own_loss, metrics=[own_metric], run_eagerly=True)

    model = net()
    compile_(model)
    settings = {"monitor": "own_metric", "target": 0.25, "carry_optimizer": False}
    with pytest.raises(ModelError, match=r"own_metric.*compile="):
        run(model=model, **settings)
    assert len(run(model=model, compile=compile_, **settings).history) == 2


@pytest.mark.parametrize(
    ("train", "validation", "match"),
    [
        ((x, y), None, "validation data, received None"),
        ((x[:0], y[:0]), (x, y), "one example of training"),
        ((x, y), (x[:0], y[:0]), "one example of validation"),
        ((x, y[:4]), (x, y), "as many examples"),
        ((x,), (x, y), "tuple of 1"),
        (x, (x, y), "received a ndarray"),
        (iter([(x, y)]), (x, y), "passed over again"),
    ],
)
def test_data(train, validation, match):
    with pytest.raises(DataError, match=match):
        iterate(net(), train, validation, step=4)


def test_endless_data():
    import tensorflow as tf

    endless = tf.data.Dataset.from_tensor_slices((x, y)).batch(4).repeat()
    with pytest.raises(DataError, match="with an end"):
        iterate(net(), endless, (x, y), step=4)
    options = {"steps_per_epoch": 2}
    found = iterate(
        net(), endless, (x, y), score_data=(x, y), step=4, target=0.25, fit_options=options
    )
    assert len(found.history) == 2


def test_a_loss_that_is_no_number_leaves_the_checkpoint(tmp_path):
    calls = []

    def explode(small):
        calls.append(1)
        compiled(small, keras.optimizers.SGD(float(1e30 if len(calls) > 3 else 0.01)))

    with pytest.raises(ModelError, match="step 2"):
        run(tmp_path, compile=explode, carry_optimizer=False, rewind=True)
    content = json.loads((tmp_path / "iterate.json").read_text())
    assert [one["step"] for one in content["history"]] == [0, 1]


@pytest.mark.parametrize("rewind", [False, True])
def test_a_schedule_that_has_ended_is_told(rewind, monkeypatch):
    told = []
    monkeypatch.setattr(tuning.logging, "warning", lambda text, *_: told.append(text))

    def falling(small):
        rate = keras.optimizers.schedules.CosineDecay(0.01, decay_steps=3)  # one epoch's steps
        compiled(small, keras.optimizers.Adam(rate))

    run(compile=falling, carry_optimizer=False, rewind=rewind, target=0.5)
    assert len([text for text in told if "rewind=True" in text]) == (0 if rewind else 1)


# Checkpoints


def kill(folder, moment, done=0):
    environment = {**os.environ, "PYTHONPATH": f"{TESTS}:{TESTS.parent}", "STEPS_DONE": "x" * done}
    command = [sys.executable, str(TESTS / "iterate_job.py"), str(folder), moment]
    found = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert found.returncode == -signal.SIGKILL, found.stderr


def test_killed_twice_it_ends_as_if_never(whole, tmp_path):
    kill(tmp_path, "tuning:2")
    steps = json.loads((tmp_path / "iterate.json").read_text())["history"]
    assert [one["step"] for one in steps] == [0, 1]
    kill(tmp_path, "saving:3", done=1)
    assert (tmp_path / "step-00003.npz").exists()
    steps = json.loads((tmp_path / "iterate.json").read_text())["history"]
    assert [one["step"] for one in steps] == [0, 1, 2]
    found = run(tmp_path)
    assert found.history == whole.history
    assert found.plan == whole.plan
    same(found.model, whole.model)
    # All but what is needed is gone.
    assert sorted(p.name for p in tmp_path.iterdir()) == ["iterate.json", "step-00003.npz"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    return folder, run(folder, target=0.25)


def test_a_finished_run_is_read_back(finished):
    folder, found = finished
    again = run(folder, target=0.25)
    assert again.history == found.history
    assert again.reason == found.reason
    same(again.model, found.model)


def test_the_rule_broken_is_remembered(tmp_path):
    model = net()
    compiled(model, keras.optimizers.Adam(0.01))
    model.fit(*data(), batch_size=8, epochs=8, verbose=0)
    start = weights(model)

    def again():
        for weight, value in zip(model.weights, start, strict=True):
            weight.assign(value)
        return run(tmp_path, model=model, compile=hopeless, max_drop=0.0, step=14, target=None)

    first, second = again(), again()
    assert second.history == first.history
    assert second.reason == first.reason
    same(first.model, second.model)


@pytest.mark.parametrize(
    "name", ["mini_resnet", "nested_functional", "shuffled_halves", "squeeze_excite", "grouped"]
)
def test_all_kinds_of_nets_are_read_back(name, tmp_path):
    model = build(name)
    model.compile("sgd", "mse", run_eagerly=True)
    generator = np.random.default_rng(0)
    x, y = (
        generator.normal(size=(4, *tensor.shape[1:])).astype("float32")
        for tensor in (model.inputs[0], model.outputs[0])
    )
    options = {"criterion": "l1", "step": 0.3, "target": 0.6, "epochs": 0, "monitor": "loss"}
    first, again = (
        iterate(model, (x, y), (x, y), max_drop=None, checkpoint_dir=tmp_path, **options)
        for _ in range(2)
    )
    same(first.model, again.model)
    assert again.history == first.history
    assert again.best.macs == tfprune.cost(again.model).macs
    if name == "grouped":  # no single plan would lead there
        assert first.plan is None
    else:
        small = tfprune.rebuild(model, first.plan)
        assert [w.shape for w in small.weights] == [w.shape for w in first.model.weights]


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"seed": 1}, "seed=0, received 1"),
        ({"step": 5}, "step=4, received 5"),
        ({"criterion": "l2"}, "criterion='taylor', received 'l2'"),
        ({"fit_options": {"batch_size": 4}}, "fit_options"),
        ({"model": net(9)}, "model="),
    ],
)
def test_a_checkpoint_of_another_run(finished, change, match):
    folder, _ = finished
    before = {file: file.read_bytes() for file in folder.iterdir()}
    with pytest.raises(FileError, match=match):
        run(folder, **{"target": 0.25, **change})
    assert {file: file.read_bytes() for file in folder.iterdir()} == before


def test_other_weights_or_another_optimizer(finished):
    folder, _ = finished
    model = net()
    model.layers[-1].bias.assign([1.0, 0.0, 0.0])
    with pytest.raises(FileError, match="weights="):
        run(folder, model=model, target=0.25)
    model = net()
    compiled(model, keras.optimizers.Adam(0.02))
    with pytest.raises(FileError, match="compiled="):
        run(folder, model=model, target=0.25)


def test_other_data_of_the_same_shape(finished):
    folder, found = finished
    with pytest.raises(FileError, match="data="):
        run(folder, target=0.25, train=data(seed=5))
    x, y = data()
    turned = np.random.default_rng(0).permutation(len(x))
    assert run(folder, target=0.25, train=(x[turned], y[turned])).history == found.history


@pytest.mark.parametrize(
    ("name", "change", "match"),
    [
        ("iterate.json", lambda text: text[: len(text) // 2], "not JSON"),
        ("iterate.json", lambda text: text.replace(b'"ratio": 0.25', b'"ratio": 0.5'), "checksum"),
        ("iterate.json", lambda text: b'{"format": "other/3"}', "'other/3'"),
        ("iterate.json", lambda text: b"[1]", "'list'"),
        ("step-00001.npz", lambda data: data[:-9], "checksum"),
        ("step-00001.npz", lambda data: None, "missing"),
    ],
)
def test_a_damaged_or_foreign_checkpoint(finished, tmp_path, name, change, match):
    for file in finished[0].iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    changed = change((tmp_path / name).read_bytes())
    if changed is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes(changed)
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(FileError, match=match):
        run(tmp_path, target=0.25)
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_lost_pass(tmp_path):
    run_on(shuffled(), tmp_path, target=0.25)
    (tmp_path / "train-pass.data-00000-of-00001").write_bytes(b"no")
    with pytest.raises(FileError, match="train-pass"):
        run_on(shuffled(), tmp_path, target=0.25)


def test_a_file_for_a_folder(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(FileError, match="cannot make the folder"):
        run(tmp_path / "taken")
