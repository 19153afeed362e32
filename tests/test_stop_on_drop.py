"""The rule of three points, on metrics that a callback makes up."""

import keras
import numpy as np
import pytest
from topologies import build

import tfprune
from tfprune.callbacks import FilterPruning, StopOnDrop
from tfprune.errors import ModelError, PlanError
from tfprune.planning.schedules import linear


class Pretend(keras.callbacks.Callback):
    """Writes into the logs what validation would have found."""

    def __init__(self, *values, name="val_accuracy", frequency=1):
        super().__init__()
        self.values = values
        self.name = name
        self.frequency = frequency

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.frequency == 0:
            logs[self.name] = self.values[epoch]


def small_model():
    x = keras.Input((4,))
    return keras.Model(x, keras.layers.Dense(2)(keras.layers.Dense(8, "relu")(x)))


def fit(model, *callbacks, epochs=5, rate=0.1, **settings):
    model.compile(keras.optimizers.SGD(rate), "mse")
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(16, 4)), generator.normal(size=(16, 2))
    if model.input_shape[1:] != (4,):
        x = generator.normal(size=(16, *model.input_shape[1:]))
        y = generator.normal(size=(16, *model.output_shape[1:]))
    history = model.fit(x, y, epochs=epochs, verbose=0, callbacks=list(callbacks), **settings)
    return len(history.epoch), x


@pytest.mark.parametrize(
    ("values", "epochs"),
    [
        ((0.90, 0.95, 0.87, 0.86, 0.9), 4),  # from 0.9, though it was higher since
        ((0.90, 0.87, 0.87, 0.87, 0.87), 5),  # three points are allowed
        ((0.90, 0.8699, 0.9, 0.9, 0.9), 2),
        ((0.90, 0.91, 0.92, 0.93, 0.94), 5),
    ],
)
@pytest.mark.parametrize("dtype", [float, np.float32])
def test_the_rule(values, epochs, dtype):
    stop = StopOnDrop()
    done, _ = fit(small_model(), Pretend(*map(dtype, values)), stop)
    assert done == epochs
    assert stop.reference == pytest.approx(0.9)
    assert stop.stopped_epoch == (epochs - 1 if epochs < 5 else None)


def test_a_reference_that_is_given():
    stop = StopOnDrop(reference=0.95, max_drop=0.1)
    assert fit(small_model(), Pretend(0.9, 0.86, 0.84, 0.9, 0.9), stop)[0] == 3


def test_a_loss_must_not_rise():
    stop = StopOnDrop("val_loss", 0.5, mode="min")
    pretend = Pretend(1.0, 0.2, 1.5, 1.51, 1.0, name="val_loss")
    assert fit(small_model(), pretend, stop)[0] == 4


def test_patience_counts_in_a_row():
    values = (0.9, 0.8, 0.9, 0.8, 0.8, 0.8, 0.9)
    assert fit(small_model(), Pretend(*values), StopOnDrop(patience=2), epochs=7)[0] == 6


def test_epochs_without_validation_are_passed_over():
    stop = StopOnDrop(validation_freq=2)
    pretend = Pretend(0, 0.9, 0, 0.89, 0, 0.8, 0, frequency=2)
    assert fit(small_model(), pretend, stop, epochs=7)[0] == 6


def test_the_reference_is_measured_before_anything_is_silenced():
    keras.utils.set_random_seed(0)
    model = small_model()
    model.compile("sgd", "mse", metrics=["mae"])
    generator = np.random.default_rng(1)
    x, y = generator.normal(size=(16, 4)), generator.normal(size=(16, 2))
    before = model.evaluate(x, y, verbose=0, return_dict=True)["mae"]
    pruning = FilterPruning(ratio=0.75)
    stop = StopOnDrop("val_mae", 9.0, data=(x, y), mode="min", pruning=pruning)
    settings = {"validation_data": (x, y), "verbose": 0}
    model.fit(x, y, callbacks=[pruning, stop], **settings)
    assert stop.reference == pytest.approx(before)
    model.fit(x, y, callbacks=[pruning, stop], **settings)
    assert stop.reference == pytest.approx(before)
    stop.reset()
    model.fit(x, y, callbacks=[pruning, stop], **settings)
    assert stop.reference != pytest.approx(before)


@pytest.mark.parametrize("pruning_first", [True, False])
def test_it_goes_back_to_what_was_silenced_most_within_the_rule(pruning_first):
    model = build("chain")
    pruning = FilterPruning(ratio=0.75, schedule=linear(0, 1))
    stop = StopOnDrop(reference=0.9, restore_best_weights=True, pruning=pruning)
    seen = []

    class Keep(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append((pruning.plan, self.model.get_weights()))

    order = [pruning, stop] if pruning_first else [stop, pruning]
    done, x = fit(model, Pretend(0.95, 0.88, 0.86, 0.95, 0.95), *order, Keep())
    assert (done, stop.stopped_epoch, stop.best_epoch) == (3, 2, 1)
    plan, weights = seen[1]
    assert pruning.plan == plan
    for found, expected in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(found, expected)
    small = tfprune.rebuild(model, pruning.plan)
    expected = keras.ops.convert_to_numpy(model(x))
    found = keras.ops.convert_to_numpy(small(x))
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


def test_of_equally_silent_epochs_it_takes_the_best():
    model = small_model()
    stop = StopOnDrop(reference=0.9, restore_best_weights=True)
    seen = []

    class Keep(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(self.model.get_weights())

    fit(model, Pretend(0.91, 0.93, 0.92, 0.88, 0.9), stop, Keep())
    assert stop.best_epoch == 1
    for found, expected in zip(model.get_weights(), seen[1], strict=True):
        np.testing.assert_array_equal(found, expected)


def test_without_any_epoch_within_the_rule_nothing_has_happened():
    model = small_model()
    before = model.get_weights()
    pruning = FilterPruning(ratio=0.5)
    stop = StopOnDrop(reference=0.9, restore_best_weights=True, pruning=pruning)
    assert fit(model, Pretend(0.5), pruning, stop)[0] == 1
    assert pruning.plan is None
    assert stop.best_epoch is None
    for found, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_metric_that_is_not_there_is_named():
    with pytest.raises(PlanError, match=r"expected the metric 'val_acc.*received loss: pass vali"):
        fit(small_model(), StopOnDrop())
    with pytest.raises(PlanError, match="expected the metric 'f1'"):
        fit(small_model(), StopOnDrop("f1"))
    with pytest.raises(PlanError, match="expected the metric 'accuracy'"):
        fit(small_model(), StopOnDrop(data=(np.ones((2, 4)), np.ones((2, 2)))))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_metric_that_is_no_number_is_named(value):
    with pytest.raises(ModelError, match=r"expected a finite 'val_accuracy'.*epoch 1"):
        fit(small_model(), Pretend(0.9, value), StopOnDrop())


def test_settings_are_checked_before_training():
    for settings, message in (
        ({"max_drop": -0.1}, "expected max_drop"),
        ({"max_drop": "3 %"}, "expected max_drop"),
        ({"reference": np.nan}, "expected reference"),
        ({"mode": "auto"}, "expected mode"),
        ({"patience": -1}, "expected patience"),
        ({"validation_freq": 0}, "expected validation_freq"),
    ):
        with pytest.raises(PlanError, match=message):
            StopOnDrop(**settings)
