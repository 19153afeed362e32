"""What an optimizer remembers goes along with the weights, and is cut as they are."""

import keras
import numpy as np
import pytest
from iterate_job import data, net
from topologies import build

import tfprune
from tfprune.cloning.masking import masked_weights
from tfprune.cloning.state import kept_weights
from tfprune.errors import ModelError
from tfprune.planning.keep import keep_mask
from tfprune.training import iterate
from tfprune.training.optimizer_state import (
    Shifted,
    read_state,
    weights_by_place,
    write_state,
)

optimizers = keras.optimizers
LOSS = "sparse_categorical_crossentropy"
OPTIMIZERS = {
    "sgd": lambda: optimizers.SGD(0.05, momentum=0.9),
    "nesterov": lambda: optimizers.SGD(0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
    "adam": lambda: optimizers.Adam(0.01),
    "amsgrad": lambda: optimizers.Adam(0.01, amsgrad=True),
    "adamw": lambda: optimizers.AdamW(0.01, weight_decay=0.1),
    "rmsprop": lambda: optimizers.RMSprop(0.01, momentum=0.5, centered=True),
    "adagrad": lambda: optimizers.Adagrad(0.01),
    "lion": lambda: optimizers.Lion(0.001),
    "ema": lambda: optimizers.Adam(0.01, use_ema=True),
    "accumulating": lambda: optimizers.Adam(0.01, gradient_accumulation_steps=2),
    "scaling": lambda: optimizers.LossScaleOptimizer(optimizers.Adam(0.01), initial_scale=8.0),
    "schedule": lambda: optimizers.Adam(optimizers.schedules.ExponentialDecay(0.02, 2, 0.5)),
}


def steps(model, count, begin=0, after=lambda: None):
    """Trains on batch after batch."""
    x, y = data(48)
    for step in range(begin, begin + count):
        part = slice(4 * step, 4 * step + 4)
        model.train_on_batch(x[part], y[part])
        after()


def trained(optimizer, model=None):
    model = model or without_dropout()
    model.compile(optimizer, LOSS, run_eagerly=True)
    steps(model, 3)
    return model


def without_dropout():
    """Dropout would draw other channels in the smaller net."""
    model = net()
    model.get_layer("drop").rate = 0.0
    return model


def carried(model, plan, optimizer):
    """The smaller model with the larger one's optimizer state."""
    graph = tfprune.trace(model)
    small = tfprune.rebuild(graph, plan)
    small.compile(optimizer, LOSS, run_eagerly=True)
    state = read_state(model, model.optimizer).cut(graph, keep_mask(graph, plan.kept))
    write_state(small, small.optimizer, state)
    return small


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_on_is_training_the_masked_original_on(name):
    """The property that defines a carried state: both go the same way from there."""
    model = trained(OPTIMIZERS[name]())
    plan = tfprune.plan(model, "l2", ratio=0.5)
    small = carried(model, plan, OPTIMIZERS[name]())
    graph = tfprune.trace(model)
    keep = keep_mask(graph, plan.kept)

    def silence():
        for record in graph.records.values():
            for index, value in masked_weights(record, keep).items():
                record.weights[index].assign(value)

    silence()
    steps(model, 4, 3, silence)
    steps(small, 4, 3)
    found = weights_by_place(small)
    for path, record in graph.records.items():
        for index, expected in enumerate(kept_weights(record, keep)):
            value = found[path, index].numpy()
            np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-5)
    rest = read_state(model, model.optimizer).cut(graph, keep)
    ours = read_state(small, small.optimizer)
    assert ours.slots.keys() == rest.slots.keys()
    for slot, expected in rest.slots.items():
        np.testing.assert_allclose(ours.slots[slot], expected, rtol=1e-4, atol=1e-5)


def test_without_it_training_goes_elsewhere():
    """The test above can tell."""
    model = trained(OPTIMIZERS["adam"]())
    plan = tfprune.plan(model, "l2", ratio=0.5)
    with_state = carried(model, plan, OPTIMIZERS["adam"]())
    without = tfprune.rebuild(model, plan)
    without.compile(OPTIMIZERS["adam"](), LOSS, run_eagerly=True)
    steps(with_state, 2, 3)
    steps(without, 2, 3)
    assert not np.allclose(with_state.weights[0], without.weights[0], atol=1e-3)


@pytest.mark.parametrize("name", ["nested_functional", "shared_layer", "mini_resnet", "depthwise"])
def test_each_slot_is_found_by_its_weight(name):
    """Slots set to their weights' values are the smaller model's weights afterwards."""
    model = build(name)
    optimizer = optimizers.Adam()
    optimizer.build(model.trainable_variables)
    slots = [v for v in optimizer.variables if v.name.endswith(("momentum", "velocity"))]
    for number, slot in enumerate(slots):
        slot.assign(model.trainable_variables[number // 2])
    plan = tfprune.plan(model, ratio=0.5)
    graph = tfprune.trace(model)
    small = tfprune.rebuild(graph, plan)
    own = optimizers.Adam()
    write_state(small, own, read_state(model, optimizer).cut(graph, keep_mask(graph, plan.kept)))
    found = read_state(small, own).slots
    assert len(found) == 2 * len(small.trainable_variables)
    weights = weights_by_place(small)
    for (path, index, _), value in found.items():
        np.testing.assert_array_equal(value, weights[path, index].numpy())


def test_frozen_layers_have_none():
    model = without_dropout()
    model.get_layer("first").trainable = False
    trained(OPTIMIZERS["adam"](), model)
    plan = tfprune.plan(model, "l2", ratio=0.5)
    small = carried(model, plan, OPTIMIZERS["adam"]())
    assert not [slot for slot in read_state(small, small.optimizer).slots if slot[0] == "first"]


@pytest.mark.parametrize("kind", [optimizers.Adafactor, optimizers.Nadam])
def test_what_cannot_be_carried_is_refused_by_name(kind):
    model = trained(kind(0.01))
    with pytest.raises(ModelError, match=f"{kind.__name__}.*carry_optimizer=False"):
        iterate(model, data(), data(), step=4, carry_optimizer=True)
    settings = {"step": 4, "target": 0.25, "max_drop": None, "monitor": "loss"}
    assert len(iterate(model, data(), data(), **settings).history) == 2


# Learning rates


class Rates(keras.callbacks.Callback):
    """The learning rate of each step."""

    def __init__(self, seen, lower=1.0):
        super().__init__()
        self._seen, self._lower = seen, lower

    def on_train_batch_begin(self, batch, logs=None):
        self._seen.append(round(float(self.model.optimizer.learning_rate), 6))

    def on_train_end(self, logs=None):
        if self._lower < 1:
            self.model.optimizer.learning_rate = self._lower * self._seen[-1]


def rates(optimizer, lower=1.0, **settings):
    """The learning rates of two fine-tunings of two steps, after three steps of training."""
    model = trained(optimizer)
    seen = []
    iterate(
        model,
        data(8),
        data(8),
        step=4,
        target=0.5,
        max_drop=None,
        monitor="loss",
        fit_options={"batch_size": 4},
        callbacks=lambda: [Rates(seen, lower)],
        **settings,
    )
    return seen


def halving():
    return optimizers.Adam(optimizers.schedules.ExponentialDecay(0.08, 1, 0.5))


@pytest.mark.parametrize("carry", [False, True])
def test_a_schedule_goes_on_or_is_rewound(carry):
    on = [0.01, 0.005, 0.0025, 0.00125]
    assert rates(halving(), carry_optimizer=carry) == on
    assert rates(halving(), carry_optimizer=carry, rewind=True) == [0.08, 0.04, 0.08, 0.04]


@pytest.mark.parametrize("carry", [False, True])
def test_a_rate_that_was_lowered_stays_or_is_rewound(carry):
    settings = {"lower": 0.5, "carry_optimizer": carry}
    assert rates(optimizers.SGD(0.04), **settings) == [0.04, 0.04, 0.02, 0.02]
    assert rates(optimizers.SGD(0.04), rewind=True, **settings) == [0.04] * 4


def test_a_shifted_schedule_can_be_saved():
    schedule = Shifted(optimizers.schedules.ExponentialDecay(0.08, 1, 0.5), 3)
    optimizer = optimizers.SGD.from_config(optimizers.SGD(schedule).get_config())
    assert float(optimizer.learning_rate) == pytest.approx(0.01)


def test_mixed_precision_scales_its_loss_again():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = without_dropout()
    finally:
        keras.config.set_dtype_policy("float32")
    found = iterate(
        model, data(8), data(8), step=4, target=0.5, max_drop=None, carry_optimizer=True
    )
    assert isinstance(found.model.optimizer, optimizers.LossScaleOptimizer)
    assert len(found.history) == 3
