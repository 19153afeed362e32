"""Compiles, fine-tunes and evaluates the models of a run."""

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
from absl import logging

from tfprune.errors import ModelError, PlanError
from tfprune.training import fitting
from tfprune.training.optimizer_state import (
    OptimizerState,
    Shifted,
    innermost,
    iterations_of,
    learning_rate_of,
    read_state,
    schedule_of,
    write_state,
)
from tfprune.training.settings import Settings

Compiler = Callable[[Any], None]
Callbacks = Callable[[], Sequence[Any]]


def compiler_of(model: Any, given: Any) -> Compiler:
    """Returns what compiles each smaller model.

    Args:
        model: the unpruned model, compiled unless `given` is.
        given: a function that compiles a model, or None for what `model` was compiled with.

    Raises:
        ModelError: there is nothing to compile with.
        PlanError: `given` is something else.
    """
    if given is not None:
        if not callable(given):
            raise PlanError(
                f"expected compile as a function that compiles the model handed to it, received "
                f"{given!r}"
            )
        return lambda small: _check_compiled(given(small), small)
    if not getattr(model, "compiled", False):
        raise ModelError(
            f"expected a compiled model, received '{model.name}', which is not: call "
            "model.compile(...) first, or pass compile=, a function that compiles each model"
        )
    config = _compile_config(model)
    custom = _custom_objects(model)

    def compile_(small: Any) -> None:
        try:
            with keras.saving.custom_object_scope(custom):
                small.compile_from_config(copy.deepcopy(config))
        except (TypeError, ValueError) as error:
            raise _not_again(model, error) from error

    return compile_


def _check_compiled(_: Any, small: Any) -> None:
    if not getattr(small, "compiled", False):
        raise ModelError(
            "expected compile to compile the model handed to it, in place; it was left uncompiled"
        )


def _compile_config(model: Any) -> dict[str, Any]:
    try:
        config = model.get_compile_config()
    except (TypeError, ValueError) as error:
        raise _not_again(model, error) from error
    if not config:
        raise ModelError(
            f"'{model.name}' does not say how it was compiled (its compile method is its own): "
            "pass compile=, a function that compiles each model"
        )
    # The optimizer as it is now, inside one that scales the loss if Keras put it there.
    return {**config, "optimizer": keras.saving.serialize_keras_object(model.optimizer)}


def _not_again(model: Any, error: Exception) -> ModelError:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    reason = lines[0].split(". Make sure")[0]
    return ModelError(
        f"Keras cannot compile '{model.name}' again from its configuration ({reason}): register "
        "its losses and metrics with keras.saving.register_keras_serializable, or pass compile=, "
        "a function that compiles each model"
    )


def _custom_objects(model: Any) -> dict[str, Any]:
    """The user's own losses and optimizer, by name: they need not be registered.

    Metrics can be read off a model only once it was evaluated.
    """
    found = [type(model.optimizer), *keras.tree.flatten(model.loss)]
    named = [one if hasattr(one, "__name__") else type(one) for one in found if one is not None]
    return {one.__name__: one for one in named if one.__module__.split(".")[0] != "keras"}


def state_at_start(model: Any, settings: Settings, compile_: Any) -> OptimizerState:
    """What the unpruned model's optimizer hands to the first fine-tuning."""
    if compile_ is not None or getattr(model, "optimizer", None) is None:
        return OptimizerState()
    return remember(model, settings, iterations_of(model.optimizer))


def remember(model: Any, settings: Settings, position: int) -> OptimizerState:
    """What a model's optimizer hands on: its state only where it is asked for."""
    optimizer = model.optimizer
    found = read_state(model, optimizer) if settings.carry_optimizer else OptimizerState()
    return OptimizerState(found.slots, found.counters, learning_rate_of(optimizer), position)


def prepare(model: Any, settings: Settings, state: OptimizerState) -> int:
    """Sets a freshly compiled model's optimizer to where the last one stood.

    Args:
        model: the smaller model.
        settings: of the run.
        state: what the last optimizer handed on, cut to the model.

    Returns:
        The position in the learning-rate schedule at which the fine-tuning begins.
    """
    rate = learning_rate_of(model.optimizer)
    if settings.carry_optimizer:
        write_state(model, model.optimizer, state)
    optimizer = innermost(model.optimizer)
    position = 0 if settings.rewind else state.position
    schedule = schedule_of(optimizer)
    shift = position - iterations_of(optimizer)
    if schedule is not None and shift:
        optimizer.learning_rate = Shifted(schedule, shift)
        if not float(keras.ops.convert_to_numpy(schedule(position))):
            logging.warning(
                "the learning-rate schedule has ended at 0, so this fine-tuning changes nothing: "
                "pass rewind=True to begin it anew after each step, or make it longer"
            )
    elif rate is not None:
        stopped = None if settings.rewind else state.learning_rate
        optimizer.learning_rate = rate if stopped is None else stopped
    return position


def fine_tune(
    model: Any, data: Any, settings: Settings, callbacks: Callbacks | None, step: int
) -> None:
    """Trains a model in place.

    Raises:
        ModelError: the loss becomes NaN or infinite.
    """
    if not settings.epochs:
        return
    own = callbacks() if callbacks else ()
    epoch = fit(model, data, settings.epochs, settings.fit_options, own)
    if epoch is not None:
        raise diverged(step, f"in epoch {epoch + 1} of fine-tuning")


def fit(
    model: Any, data: Any, epochs: int, options: Mapping[str, Any], callbacks: Sequence[Any] = ()
) -> int | None:
    """Trains a model in place; returns the epoch in which the loss became no number, or None."""
    watch = _StopOnNaN()
    every = {"verbose": 0, **options}
    fitting.fit(model, data, epochs=epochs, callbacks=[*callbacks, watch], **every)
    return watch.epoch


def diverged(step: int, when: str) -> ModelError:
    """The error of a loss that is no number."""
    return ModelError(
        f"expected a finite loss, received NaN or infinity {when}, step {step}: lower the learning "
        "rate or look at the data; the steps before are kept in checkpoint_dir, if there is one"
    )


class _StopOnNaN(keras.callbacks.Callback):
    """Ends training once the loss of an epoch is no number."""

    def __init__(self) -> None:
        super().__init__()
        self.epoch: int | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Looks at the loss."""
        if not math.isfinite((logs or {}).get("loss", 0.0)):
            self.epoch = epoch
            self.model.stop_training = True


def evaluate(model: Any, data: Any, settings: Settings) -> dict[str, float]:
    """The model's loss and metrics, by name.

    Raises:
        DataError: the data turn out to be empty.
        ModelError: the monitored metric is not among them.
    """
    options = settings.fit_options
    batch_size = options.get("validation_batch_size", options.get("batch_size"))
    metrics = fitting.evaluate(
        model, data, batch_size=batch_size, steps=options.get("validation_steps") or None
    )
    if settings.monitor not in metrics:
        raise ModelError(
            f"expected the metric to monitor, {settings.monitor!r}, among those that the model is "
            f"compiled with, received {', '.join(metrics)}: compile it with "
            f"metrics=[{settings.monitor!r}], or pass monitor="
        )
    return metrics


def within(settings: Settings, unpruned: float, now: float) -> bool:
    """Whether the stop rule is kept; float32 metrics may be off by a millionth."""
    if settings.max_drop is None:
        return True
    drop = unpruned - now if settings.mode == "max" else now - unpruned
    return drop <= settings.max_drop + 1e-6


def compiled_as(model: Any) -> Mapping[str, Any]:
    """How a model is compiled, in plain values, to compare two runs."""
    config = innermost(model.optimizer).get_config()
    losses = [getattr(one, "name", getattr(one, "__name__", one)) for one in _losses(model)]
    return {"optimizer": type(innermost(model.optimizer)).__name__, **_flat(config), "loss": losses}


def _losses(model: Any) -> list[Any]:
    return [one for one in keras.tree.flatten(model.loss) if one is not None]


def _flat(config: Mapping[str, Any]) -> dict[str, Any]:
    plain = str | int | float | bool | None
    return {k: v if isinstance(v, plain) else str(v) for k, v in config.items() if k != "name"}
