"""Stops training when pruning costs too much."""

import math
from dataclasses import dataclass
from typing import Any, Literal

import keras
import numpy as np
from absl import logging

from tfprune.callbacks.filter_pruning import FilterPruning
from tfprune.errors import ModelError, PlanError
from tfprune.planning.pruning_plan import PruningPlan

# Metrics are float32: a drop of 0.03 comes out as 0.03000003.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class _Kept:
    """A model within the rule: the larger `rank`, the better."""

    rank: tuple[float, float]
    epoch: int
    weights: list[np.ndarray]
    plan: PruningPlan | None


class StopOnDrop(keras.callbacks.Callback):
    """Stops training when a metric falls too far below what it was before pruning.

    The rule of Wu's loop: go on pruning "while the loss of accuracy is at most 3 points". A point
    is 0.01. It is the absolute difference that counts, whatever the metric.

    Args:
        monitor: the metric, as `fit` logs it. Defaults to `"val_accuracy"`.
        max_drop: how far it may fall, in the metric's own units. Defaults to `0.03`.
        reference: what it may fall from. Defaults to `None`: its value when `fit` starts, on
            `data`; without these its value after the first epoch that is evaluated. It is kept
            from one `fit` to the next, until `reset()`.
        data: what `evaluate` takes to measure the reference: `(x, y)` or a data set, as
            `validation_data` of `fit`. Defaults to `None`.
        mode: "max" where a fall is bad, "min" where a rise is ("val_loss"). Defaults to `"max"`.
        patience: how many evaluations in a row may break the rule, since training makes up for
            what has just been pruned; the next one stops. Defaults to `0`.
        validation_freq: the same as in `fit`: other epochs are not looked at. Defaults to `1`.
        restore_best_weights: whether to go back, when training ends, to the epoch within the rule
            that silenced most, of several to that with the best metric. Without any, to the
            weights that `fit` started with. Defaults to `False`.
        pruning: the `FilterPruning` of the same `fit`: its plan is restored with the weights.
            Defaults to `None`.

    Attributes:
        reference: what it may fall from; None before it is known.
        stopped_epoch: the epoch at which training was stopped, or None.
        best_epoch: the epoch that was restored, or None.

    Raises:
        PlanError: a setting makes no sense; (while training) the metric is not among those that
            `fit` logs.
        ModelError: (while training) the metric is NaN or infinite.

    Example:
        >>> import keras, numpy as np, tfprune
        >>> model = keras.Sequential(
        ...     [keras.Input((4,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(1)]
        ... )
        >>> model.compile(keras.optimizers.SGD(0.0), "mse")
        >>> x, y = np.ones((8, 4)), np.ones((8, 1))
        >>> pruning = tfprune.callbacks.FilterPruning(ratio=0.75)
        >>> stop = tfprune.callbacks.StopOnDrop(
        ...     "val_loss", max_drop=1e9, data=(x, y), mode="min", pruning=pruning
        ... )
        >>> history = model.fit(
        ...     x, y, epochs=3, verbose=0, validation_data=(x, y), callbacks=[stop, pruning]
        ... )
        >>> len(history.epoch), stop.stopped_epoch
        (3, None)
    """

    def __init__(
        self,
        monitor: str = "val_accuracy",
        max_drop: float = 0.03,
        *,
        reference: float | None = None,
        data: Any = None,
        mode: Literal["max", "min"] = "max",
        patience: int = 0,
        validation_freq: int = 1,
        restore_best_weights: bool = False,
        pruning: FilterPruning | None = None,
    ) -> None:
        super().__init__()
        if mode not in ("max", "min"):
            raise PlanError(f"expected mode='max' or mode='min', received {mode!r}")
        _check_number("max_drop", max_drop, 0)
        _check_whole("patience", patience, 0)
        _check_whole("validation_freq", validation_freq, 1)
        if reference is not None:
            _check_number("reference", reference, -math.inf)
        self._monitor = monitor
        self._max_drop = max_drop
        self._given = reference
        self._data = data
        self._sign = 1.0 if mode == "max" else -1.0
        self._patience = patience
        self._frequency = validation_freq
        self._restores = restore_best_weights
        self._pruning = pruning
        self.reset()

    def reset(self) -> None:
        """Forgets what it has seen: the next `fit` has a reference of its own."""
        self.reference = self._given
        self.stopped_epoch: int | None = None
        self.best_epoch: int | None = None
        self._broken = 0  # evaluations in a row outside the rule
        self._best: _Kept | None = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Takes the reference, where there are data for it."""
        self.stopped_epoch = self.best_epoch = None
        self._broken = 0
        if self.reference is None and self._data is not None:
            self.reference = self._evaluated()
        self._best = self._kept(-1, -math.inf) if self._restores else None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Looks at the metric."""
        if (epoch + 1) % self._frequency:
            return
        value = _finite(self._monitor, _found(self._monitor, logs or {}), epoch)
        if self.reference is None:
            self.reference = value
        drop = self._sign * (self.reference - value)
        if drop <= self._max_drop + _ROUNDING:
            self._broken = 0
            self._keep_if_best(epoch, value)
            return
        self._broken += 1
        if self._broken > self._patience:
            self.stopped_epoch = epoch
            self.model.stop_training = True
            logging.info(
                "stopped at epoch %d: %s is %.4f, %.4f from %.4f",
                *(epoch, self._monitor, value, drop, self.reference),
            )

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Restores the best weights, and the plan that goes with them."""
        best, self._best = self._best, None
        if best is None:
            return
        self.best_epoch = best.epoch if best.epoch >= 0 else None
        self.model.set_weights(best.weights)
        if self._pruning is not None:
            self._pruning.restore(best.plan)

    def _keep_if_best(self, epoch: int, value: float) -> None:
        if self._best is not None:
            rank = (self._silenced(), self._sign * value)
            if self._best.epoch < 0 or rank > self._best.rank:
                self._best = self._kept(epoch, self._sign * value)

    def _kept(self, epoch: int, value: float) -> _Kept:
        plan = self._pruning.plan if self._pruning is not None else None
        return _Kept((self._silenced(), value), epoch, self.model.get_weights(), plan)

    def _silenced(self) -> float:
        return self._pruning.silenced if self._pruning is not None else 0.0

    def _evaluated(self) -> float:
        """The metric of the model as it is."""
        data = self._data if isinstance(self._data, tuple) else (self._data,)
        found = self.model.evaluate(*data, verbose=0, return_dict=True)
        name = self._monitor.removeprefix("val_")
        return _finite(name, _found(name, found), None)


def _found(monitor: str, logs: dict[str, Any]) -> Any:
    if monitor not in logs:
        hint = "pass validation_data to fit, or " if monitor.startswith("val_") else ""
        raise PlanError(
            f"expected the metric '{monitor}' in what fit logs, received "
            f"{', '.join(sorted(logs)) or 'nothing'}: {hint}name one of these as monitor"
        )
    return logs[monitor]


def _finite(monitor: str, value: Any, epoch: int | None) -> float:
    number = float(value)
    if not math.isfinite(number):
        when = "before training" if epoch is None else f"after epoch {epoch}"
        raise ModelError(
            f"expected a finite '{monitor}', received {number} {when}: the training diverged; "
            "lower the learning rate or the ratio"
        )
    return number


def _check_number(name: str, value: Any, least: float) -> None:
    known = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not known or not math.isfinite(value) or value < least:
        above = f" from {least} up" if math.isfinite(least) else ""
        raise PlanError(f"expected {name} to be a finite number{above}, received {value!r}")


def _check_whole(name: str, value: Any, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise PlanError(f"expected {name} to be a whole number from {least} up, received {value!r}")
