"""The callback: silences on schedule, keeps silent, and changes nothing else."""

import itertools

import keras
import numpy as np
import pytest
from topologies import build, randomise

import tfprune
from tfprune.callbacks import FilterPruning
from tfprune.cloning.masking import masked_weights
from tfprune.errors import DataError, ModelError, PlanError
from tfprune.planning.keep import keep_mask
from tfprune.planning.schedules import linear, one_shot, polynomial

BACKEND = keras.backend.backend()
tensorflow_only = pytest.mark.skipif(
    BACKEND != "tensorflow", reason="one backend is enough: the others run what depends on them"
)


def data(model, examples=16):
    generator = np.random.default_rng(0)
    x = generator.normal(size=(examples, *model.inputs[0].shape[1:])).astype("float32")
    return x, generator.normal(size=(examples, *model.outputs[0].shape[1:])).astype("float32")


def fit(model, *callbacks, epochs=2, optimizer="sgd", compiled=(), **settings):
    """Trains with validation data; returns inputs."""
    model.compile(optimizer, "mse", **dict(compiled))
    x, y = data(model)
    model.fit(
        x,
        y,
        batch_size=4,
        epochs=epochs,
        verbose=0,
        callbacks=list(callbacks),
        validation_data=(x[:4], y[:4]),
        **settings,
    )
    return x


def answers(model, x):
    return keras.ops.convert_to_numpy(model(x, training=False)).astype("float64")


def loudest(model, plan):
    """The largest weight that reads a channel which the plan removes."""
    graph = tfprune.trace(model)
    keep = keep_mask(graph, plan.kept)
    heard = [0.0]
    for record in graph.records.values():
        for index, masked in masked_weights(record, keep).items():
            found = record.weights[index].numpy().astype("float64")
            heard.append(np.abs(found - masked.astype("float64")).max())
    return max(heard)


def check(model, callback, x, tolerance=1e-5):
    """The invariant: silent to the last bit, and what it computes is what the rebuilt one does."""
    assert callback.silenced > 0
    assert loudest(model, callback.plan) == 0
    small = tfprune.rebuild(model, callback.plan)
    assert small.count_params() < model.count_params()
    expected = answers(model, x)
    assert np.abs(answers(small, x) - expected).max() <= tolerance * np.abs(expected).max()


class Watch(keras.callbacks.Callback):
    """Listens after every step, in training and in validation."""

    def __init__(self, callback):
        super().__init__()
        self.callback = callback
        self.heard = []
        self.moved = []

    def on_train_batch_end(self, batch, logs=None):
        self.heard.append(loudest(self.model, self.callback.plan))
        self.moved.append(self.model.get_weights())

    def on_test_batch_end(self, batch, logs=None):
        self.heard.append(loudest(self.model, self.callback.plan))

    def check(self, training=True):
        assert self.heard
        assert max(self.heard) == 0
        first, last = self.moved[0], self.moved[-1]
        assert training == any((a != b).any() for a, b in zip(first, last, strict=True))


@pytest.mark.parametrize("name", ["residual", "flatten_dense"])
def test_silent_after_every_batch(name):
    model = build(name)
    callback = FilterPruning(ratio=0.5, schedule=linear(0, 1))
    watch = Watch(callback)
    optimizer = keras.optimizers.AdamW(0.01, weight_decay=0.1)
    x = fit(model, callback, watch, optimizer=optimizer)
    watch.check()
    assert callback.silenced == pytest.approx(0.5, abs=0.05)
    check(model, callback, x)


def test_momentum_and_averages_of_weights():
    model = build("chain")
    optimizer = keras.optimizers.SGD(
        0.05, momentum=0.9, nesterov=True, use_ema=True, ema_overwrite_frequency=3
    )
    callback = FilterPruning(ratio=0.5, schedule=linear(0, 1))
    watch = Watch(callback)
    x = fit(model, callback, watch, optimizer=optimizer)
    watch.check()
    check(model, callback, x)


def test_fits_before_between_and_after():
    """A step that was compiled without the masks is not used with them, nor the other way round."""
    model = build("chain")
    x, y = data(model)
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), "mse")
    callback = FilterPruning(ratio=0.5)
    watch = Watch(callback)
    settings = {"batch_size": 4, "verbose": 0}
    model.fit(x, y, **settings)
    model.fit(x, y, **settings, callbacks=[callback, watch])
    model.fit(x, y, **settings, epochs=2, initial_epoch=1, callbacks=[callback, watch])
    watch.check()
    check(model, callback, x)
    model.fit(x, y, **settings)
    assert loudest(model, callback.plan) > 0
    model.fit(x, y, **settings, callbacks=[callback, watch])
    watch.check()
    check(model, callback, x)


def test_another_optimizer():
    """It is the new one that trains, with the masks and after them."""
    model = build("chain")
    x, y = data(model)
    callback = FilterPruning(ratio=0.5)
    for callbacks in ([], [callback], [callback], []):
        for rate in (0.1, 0.0):
            # A rate that is a constant in the compiled step.
            model.compile(keras.optimizers.SGD(lambda rate=rate: rate), "mse")
            before = model.get_layer("head").kernel.numpy()
            model.fit(x, y, batch_size=8, verbose=0, callbacks=callbacks)
            if callbacks:
                assert loudest(model, callback.plan) == 0
            mask = before != 0
            same = (model.get_layer("head").kernel.numpy() == before)[mask].all()
            assert same == (rate == 0)


def test_by_steps():
    model = build("chain")
    callback = FilterPruning(
        ratio=0.5, schedule=linear(0, 1), by="step", start=1, end=7, frequency=2
    )
    shares = []

    class Shares(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            shares.append(callback.silenced)

    x = fit(model, callback, Shares())
    expected = [0.0, 1 / 6, 1 / 6, 1 / 3, 1 / 3, 0.5, 0.5, 0.5]
    np.testing.assert_allclose(shares, expected, atol=0.04)
    check(model, callback, x)


def test_taylor_takes_the_loss_that_the_model_was_compiled_with():
    model = build("chain")
    callback = FilterPruning("taylor", 0.5, data=data(model, 8), by="step", frequency=3)
    x = fit(model, callback)
    assert callback.plan.criterion == "taylor"
    check(model, callback, x)


OPTIMIZERS = {
    "weight_decay": lambda: keras.optimizers.SGD(0.05, momentum=0.9, weight_decay=0.1),
    "average_at_the_end": lambda: keras.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9),
    "clipnorm": lambda: keras.optimizers.Adam(0.01, clipnorm=0.1),
    "global_clipnorm": lambda: keras.optimizers.RMSprop(0.01, momentum=0.5, global_clipnorm=0.1),
    "clipvalue": lambda: keras.optimizers.Lion(0.01, clipvalue=0.01),
    "accumulation": lambda: keras.optimizers.AdamW(0.01, gradient_accumulation_steps=2),
    "loss_scale": lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.Nadam(0.01)),
}


@tensorflow_only
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name):
    model = build("chain")
    callback = FilterPruning(ratio=0.5, schedule=linear(0, 1))
    watch = Watch(callback)
    x = fit(model, callback, watch, optimizer=OPTIMIZERS[name]())
    watch.check()
    check(model, callback, x)


COMPILED = {
    "several_steps": {"steps_per_execution": 3},
    "several_steps_xla": {"steps_per_execution": 2, "jit_compile": True},
    "eager": {"run_eagerly": True},
}


@tensorflow_only
@pytest.mark.parametrize("name", COMPILED)
def test_ways_to_compile(name):
    model = build("chain")
    callback = FilterPruning(ratio=0.5, schedule=linear(0, 1))
    watch = Watch(callback)
    optimizer = keras.optimizers.AdamW(0.01, weight_decay=0.1)
    x = fit(model, callback, watch, optimizer=optimizer, compiled=COMPILED[name])
    watch.check()
    check(model, callback, x)


@tensorflow_only
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "bfloat16", "float64"])
def test_precisions(policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = build("chain")
        callback = FilterPruning(ratio=0.5, schedule=linear(0, 1))
        watch = Watch(callback)
        x = fit(model, callback, watch, optimizer=keras.optimizers.Adam(0.01), epochs=3)
        watch.check()
        # Half precision sums fewer terms in another order.
        check(model, callback, x, 1e-5 if policy == "float64" else 3e-2)
    finally:
        keras.config.set_dtype_policy(before)


@tensorflow_only
@pytest.mark.parametrize(
    ("name", "scope"),
    [
        ("nested_functional", "layer"),
        ("mini_resnet", "global"),
        ("depthwise", "block"),
        ("shared_layer_in_a_row", "global"),
    ],
)
def test_the_rebuilt_model_is_the_silenced_one(name, scope):
    model = build(name)
    callback = FilterPruning(ratio=0.5, scope=scope)
    x = fit(model, callback, optimizer=keras.optimizers.AdamW(0.01, weight_decay=0.1))
    check(model, callback, x)


@tensorflow_only
@pytest.mark.parametrize("frozen", ["readers", "all_but_the_head"])
def test_frozen_layers(frozen):
    model = build("chain")
    for layer in model.layers:
        layer.trainable = layer.name == "head" if frozen != "readers" else layer.name != "head"
    before = model.get_layer("head").kernel.numpy()
    callback = FilterPruning(ratio=0.5)
    x = fit(model, callback, optimizer=keras.optimizers.SGD(0.05, momentum=0.9))
    check(model, callback, x)
    after = model.get_layer("head").kernel.numpy()
    assert (frozen == "readers") == ((after == before) | (after == 0)).all()


def _own_model(train_step):
    import tensorflow as tf

    class Own(keras.Model):
        def train_step(self, batch):
            x, y = batch
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((self(x, training=True) - y) ** 2)
            variables = self.trainable_variables
            train_step(self, tape.gradient(loss, variables), variables)
            return {"loss": loss}

    base = build("chain")
    return randomise(Own(base.inputs[0], base.outputs[0]))


def _by_optimizer(model, gradients, variables):
    model.optimizer.apply_gradients(zip(gradients, variables, strict=True))


def _by_hand(model, gradients, variables):
    for gradient, variable in zip(gradients, variables, strict=True):
        variable.assign_sub(0.05 * gradient)


@tensorflow_only
@pytest.mark.parametrize("train_step", [_by_optimizer, _by_hand])
def test_a_train_step_of_ones_own(train_step):
    model = _own_model(train_step)
    callback = FilterPruning(ratio=0.5)
    watch = Watch(callback)
    x = fit(model, callback, watch, optimizer=keras.optimizers.SGD(0.05, momentum=0.9))
    if train_step is _by_optimizer:
        watch.check()
    check(model, callback, x)


@tensorflow_only
def test_an_optimizer_with_an_apply_of_its_own():
    class Wandering(keras.optimizers.SGD):
        def apply(self, grads, trainable_variables=None):
            super().apply(grads, trainable_variables)
            for variable in trainable_variables:
                variable.assign_add(keras.ops.full(variable.shape, 0.01))

    model = build("chain")
    callback = FilterPruning(ratio=0.5)
    seen = []

    class Saves(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(loudest(self.model, callback.plan))

    x = fit(model, callback, Saves(), optimizer=Wandering(0.05))
    assert seen == [0, 0]
    check(model, callback, x)


class Drift(keras.layers.Layer):
    """Reads channels with a weight that it changes itself as it trains."""

    def build(self, shape):
        self.drift = self.add_weight(shape=(shape[-1], 3), name="drift", trainable=False)

    def call(self, x, training=False):
        if training:
            self.drift.assign(self.drift + 0.01)
        return x @ self.drift


def _drift_rule(call):
    call.consume(call.layer.drift, 0, call.read(axis=-1))
    return call.along(call.make(3))


def test_a_weight_that_its_layer_writes():
    tfprune.register_rule(Drift, _drift_rule)
    x = keras.Input((4,))
    hidden = keras.layers.Dense(8, "relu")(x)
    model = keras.Model(x, keras.layers.Dense(2)(keras.activations.relu(Drift()(hidden))))
    callback = FilterPruning(ratio=0.5, schedule=one_shot())
    inputs = fit(model, callback)
    assert loudest(model, callback.plan) == 0
    check(model, callback, inputs)


@tensorflow_only
def test_what_it_silences_changes_nothing_else():
    """With a learning rate of zero only the consumers' readings of silent channels change."""
    model = build("chain")
    before = {w.path: w.numpy() for w in model.weights}
    callback = FilterPruning(ratio=0.5)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False  # or its statistics would follow the data
    fit(model, callback, optimizer=keras.optimizers.SGD(0.0))
    graph = tfprune.trace(model)
    kept = callback.plan.kept
    readers = {consumer: g for g in graph.groups for consumer in g.consumers}
    for layer in model.layers:
        for weight in layer.weights:
            found, expected = weight.numpy(), before[weight.path].copy()
            if layer.name in readers and weight.name == "kernel":
                stays = list(kept[readers[layer.name].name])
                gone = np.setdiff1d(np.arange(expected.shape[-2]), stays)
                expected[..., gone, :] = 0
            np.testing.assert_array_equal(found, expected)


@tensorflow_only
def test_constraints_are_kept_and_given_back(tmp_path):
    def unit(w):
        return w / keras.ops.sqrt(keras.ops.sum(keras.ops.square(w), axis=0, keepdims=True))

    x = keras.Input((6,))
    y = keras.layers.Dense(8, "relu", kernel_constraint="non_neg")(x)
    model = keras.Model(x, keras.layers.Dense(3, kernel_constraint=unit)(y))
    before = [weight.constraint for weight in model.weights]
    callback = FilterPruning(ratio=0.5)
    saver = keras.callbacks.ModelCheckpoint(tmp_path / "saved.keras")
    inputs = fit(model, callback, saver, optimizer=keras.optimizers.SGD(0.1, momentum=0.9))
    assert [weight.constraint for weight in model.weights] == before
    check(model, callback, inputs)
    norms = (model.layers[-1].kernel.numpy() ** 2).sum(axis=0)
    np.testing.assert_allclose(norms, 1, rtol=1e-5)
    assert (model.layers[1].kernel.numpy() >= 0).all()
    loaded = keras.models.load_model(tmp_path / "saved.keras", custom_objects={"unit": unit})
    assert loudest(loaded, callback.plan) == 0
    assert type(loaded.weights[0].constraint) is type(before[0])


@tensorflow_only
def test_callbacks_that_write_weights():
    model = build("chain")
    callback = FilterPruning(ratio=0.5, schedule=linear(0, 1))
    stop = keras.callbacks.EarlyStopping("loss", mode="max", restore_best_weights=True, patience=9)
    optimizer = keras.optimizers.SGD(0.05, use_ema=True, ema_momentum=0.9)
    watch = Watch(callback)
    swap = keras.callbacks.SwapEMAWeights()
    x = fit(model, swap, stop, callback, watch, optimizer=optimizer, epochs=3)
    watch.check()
    check(model, callback, x)


@tensorflow_only
def test_the_schedule_is_followed_and_nothing_comes_back():
    model = build("mini_resnet")
    callback = FilterPruning(ratio=0.5, schedule=linear(0, 1), scope="global", round_to=2)
    seen = []

    class Keep(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append((callback.silenced, callback.plan.kept))

    fit(model, callback, Keep(), epochs=4)
    np.testing.assert_allclose([share for share, _ in seen], [0.125, 0.25, 0.375, 0.5], atol=0.1)
    for (_, earlier), (_, later) in itertools.pairwise(seen):
        for path, kept in later.items():
            assert set(kept) <= set(earlier.get(path, kept))


@tensorflow_only
def test_start_end_and_frequency_in_epochs():
    model = build("chain")
    callback = FilterPruning(ratio=0.5, schedule=linear(0, 1), start=1, end=5, frequency=2)
    seen = []

    class Keep(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(callback.silenced)

    fit(model, callback, Keep(), epochs=6)
    np.testing.assert_allclose(seen, [0, 0.25, 0.25, 0.5, 0.5, 0.5], atol=0.04)


@tensorflow_only
@pytest.mark.filterwarnings("ignore:Your input ran out of data")
def test_steps_of_data_of_unknown_length():
    import tensorflow as tf

    model = build("chain")
    model.compile("sgd", "mse")
    batches = tf.data.Dataset.from_tensor_slices(data(model)).batch(4).filter(lambda x, y: True)
    callback = FilterPruning(ratio=0.5, schedule=linear(0, 1), by="step", end=8, frequency=1)
    settings = {"verbose": 0, "shuffle": False}
    model.fit(batches, epochs=2, **settings, callbacks=[callback])
    assert callback.silenced == pytest.approx(0.5, abs=0.05)
    with pytest.raises(PlanError, match="how many steps went before"):
        model.fit(batches, epochs=3, initial_epoch=2, **settings, callbacks=[callback])
    endless = FilterPruning(by="step")
    with pytest.raises(PlanError, match="how many steps the training has"):
        model.fit(batches, epochs=2, **settings, callbacks=[endless])


@tensorflow_only
def test_steps_are_counted_from_the_first_epoch():
    model = build("chain")
    callback = FilterPruning(ratio=0.5, schedule=one_shot(), by="step", start=6, frequency=1)
    x = fit(model, callback, epochs=1)  # four steps
    assert callback.plan is None
    fit(model, callback, epochs=2, initial_epoch=1, compiled={"steps_per_execution": 2})
    check(model, callback, x)


@tensorflow_only
def test_training_goes_on_in_another_process(tmp_path):
    """With the model and the plan that were saved."""
    model = build("chain")
    first = FilterPruning(ratio=0.5, schedule=linear(0, 1))
    fit(model, first, epochs=2)
    model.save(tmp_path / "model.keras")
    first.plan.save(tmp_path / "plan.json")
    again = keras.models.load_model(tmp_path / "model.keras")
    plan = tfprune.PruningPlan.load(tmp_path / "plan.json")
    second = FilterPruning(ratio=0.75, schedule=linear(0, 1), plan=plan)
    watch = Watch(second)
    x = fit(again, second, watch, epochs=4, initial_epoch=2)
    watch.check()
    assert second.silenced == pytest.approx(0.75, abs=0.05)
    for path, kept in second.plan.kept.items():
        assert set(kept) <= set(plan.kept[path])
    check(again, second, x)


@tensorflow_only
def test_a_plan_of_layers_that_are_excluded_now():
    model = build("chain")
    plan = tfprune.plan(model, ratio=0.5)
    first = next(iter(plan.kept))
    callback = FilterPruning(ratio=0.75, exclude=first, plan=plan)
    x = fit(model, callback)
    assert callback.plan.kept[first] == plan.kept[first]
    check(model, callback, x)


@tensorflow_only
def test_a_second_fit_goes_on():
    model = build("chain")
    callback = FilterPruning(ratio=0.5)
    fit(model, callback, epochs=4)
    kept = callback.plan.kept
    step = model.train_function
    x = fit(model, callback, epochs=6, initial_epoch=4)
    assert callback.plan.kept == kept
    assert model.train_function is not step  # compiled again, as `fit` does
    check(model, callback, x)


@tensorflow_only
def test_fits_in_a_loop_compile_once():
    model = build("chain")
    x, y = data(model)
    traced = []

    class Counted(keras.losses.MeanSquaredError):
        def call(self, y_true, y_pred):
            traced.append(1)
            return super().call(y_true, y_pred)

    model.compile("sgd", Counted())
    callback = FilterPruning(ratio=0.5)
    for epoch in range(4):
        settings = {"initial_epoch": epoch, "epochs": epoch + 1, "verbose": 0}
        model.fit(x, y, **settings, callbacks=[callback])
        model.fit(x, y, **settings)
        if epoch == 0:
            traced.clear()
    assert not traced


@tensorflow_only
def test_one_epoch_is_enough():
    model = build("chain")
    callback = FilterPruning(ratio=0.5)
    fit(model, callback, epochs=1)
    assert callback.silenced == pytest.approx(0.5)


@tensorflow_only
def test_the_natural_ratio_of_the_cosine_criterion():
    model = build("chain")
    natural = tfprune.plan(model, "cosine")
    callback = FilterPruning("cosine", None, schedule=one_shot())
    x = fit(model, callback, optimizer=keras.optimizers.SGD(0.0))
    assert callback.plan.kept == natural.kept
    assert callback.plan.settings["ratio"] == "natural"
    check(model, callback, x)
    gradual = FilterPruning("cosine", None, schedule=linear(0, 1))
    model = build("chain")
    seen = []

    class Keep(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(gradual.silenced)

    x = fit(model, gradual, Keep(), epochs=4)
    assert sorted(set(seen)) == seen
    check(model, gradual, x)


@tensorflow_only
def test_settings_reach_the_plan():
    model = build("layer_normalisation")
    assert not FilterPruning(normalizer="l2", group_reduction="max").plan
    callback = FilterPruning(ratio=0.5, include_inexact=True, normalizer="max", scope="global")
    fit(model, callback)
    assert not callback.plan.exact
    assert callback.plan.settings["normalizer"] == "max"
    assert callback.plan.settings["include_inexact"]
    assert loudest(model, callback.plan) == 0
    assert set(callback.scores) >= set(callback.plan.kept)


def test_settings_are_checked_before_training():
    for settings, message in (
        ({"ratio": 1.5}, "ratio between"),
        ({"ratio": None}, "has no ratio of its own"),
        ({"criterion": "l9"}, "expected a criterion"),
        ({"criterion": "taylor"}, "expected data"),
        ({"loss": "mse"}, "expected loss=None"),
        ({"scope": "net"}, "expected scope"),
        ({"round_to": -1}, "round_to"),
        ({"normalizer": "sd"}, "expected normalizer"),
        ({"group_reduction": "median"}, "expected group_reduction"),
        ({"by": "batch"}, "expected by="),
        ({"start": -1}, "expected start"),
        ({"start": 3, "end": 3}, "expected end"),
        ({"frequency": 0.5}, "expected frequency"),
    ):
        with pytest.raises(PlanError, match=message):
            FilterPruning(**settings)
    for make in (linear, polynomial):
        with pytest.raises(PlanError, match="begin <= end"):
            make(0.7, 0.3)


@tensorflow_only
def test_another_model_is_refused():
    callback = FilterPruning(ratio=0.5)
    fit(build("chain"), callback)
    with pytest.raises(PlanError, match="make a new FilterPruning"):
        fit(build("residual"), callback)
    with pytest.raises(PlanError, match="silenced channels of another model"):
        fit(build("chain"), callback)  # of the same structure
    callback.reset()
    model = build("chain")
    check(model, callback, fit(model, callback))


@tensorflow_only
def test_the_same_model_loaded_anew_is_not_another(tmp_path):
    callback = FilterPruning(ratio=0.5)
    model = build("chain")
    fit(model, callback)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    check(loaded, callback, fit(loaded, callback, epochs=3, initial_epoch=2))


@tensorflow_only
def test_diverged_training_is_named():
    model = build("chain")
    model.layers[1].kernel.assign(np.full((3, 3, 3, 8), np.nan))
    with pytest.raises(ModelError, match="NaN or infinite"):
        fit(model, FilterPruning(ratio=0.5))


@tensorflow_only
def test_a_loss_that_is_missing_is_named():
    model = _own_model(_by_optimizer)
    model.compile("sgd")
    x, y = data(model)
    callback = FilterPruning("taylor", data=(x, y))
    with pytest.raises(DataError, match="expected a loss"):
        model.fit(x, y, verbose=0, callbacks=[callback])


@tensorflow_only
def test_two_callbacks_in_one_fit_are_refused():
    with pytest.raises(PlanError, match="expected one FilterPruning in a fit"):
        fit(build("chain"), FilterPruning(), FilterPruning())


@tensorflow_only
def test_after_a_fit_that_broke_off():
    class Breaks(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 2:
                raise KeyboardInterrupt

    model = build("chain")
    before = [weight.constraint for weight in model.weights]
    callback = FilterPruning(ratio=0.5)
    with pytest.raises(KeyboardInterrupt):
        fit(model, callback, Breaks())
    x, y = data(model)
    model.fit(x, y, verbose=0, callbacks=[callback])
    check(model, callback, x)
    with pytest.raises(KeyboardInterrupt):
        fit(model, callback, Breaks())
    new = FilterPruning("random", ratio=0.25)
    model.fit(x, y, verbose=0, callbacks=[new])
    check(model, new, x)
    assert [weight.constraint for weight in model.weights] == before
    model.fit(x, y, verbose=0)
    assert loudest(model, new.plan) > 0
