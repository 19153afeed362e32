"""What an iterative run was asked to do, checked before any work."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np

from tfprune.criteria.groups import Reduction
from tfprune.errors import PlanError
from tfprune.planning.limits import Limits
from tfprune.planning.select import Normalizer, Scope, check_scope
from tfprune.surgery.repair import Repair

Mode = Literal["auto", "max", "min"]

_RESERVED = ("x", "y", "epochs", "callbacks", "initial_epoch")
_ERRORS = ("loss", "error", "mse", "mae", "mape", "msle", "divergence", "crossentropy")


@dataclass(frozen=True)
class Settings:
    """How a run removes, fine-tunes and stops.

    Attributes:
        step: filters and units a step: a number, or a share of the original's prunable ones.
        step_macs: the share of the original's multiply-accumulates a step, in place of `step`.
        target: the share of the original's filters and units (of its multiply-accumulates with
            `step_macs`) at which the run ends; None for no end but the others.
        epochs: of each fine-tuning.
        max_drop: how much of the monitored number may be lost; None for no such rule.
        monitor: the metric that is watched.
        mode: whether it is to be high ("max") or low ("min").
        scope, limits, reduction, normalizer: as in `tfprune.plan`; the limits' max_ratio is of
            the original's groups.
        repair: as in `tfprune.rebuild`.
        carry_optimizer: whether the optimizer's state goes along.
        rewind: whether each fine-tuning begins with the learning rate of the first.
        seed: of all chance.
        fit_options: further arguments of `fit`.
    """

    step: float | None
    step_macs: float | None
    target: float | None
    epochs: int
    max_drop: float | None
    monitor: str
    mode: Literal["max", "min"]
    scope: Scope
    limits: Limits
    reduction: Reduction
    normalizer: Normalizer | None
    repair: tuple[Repair, ...]
    carry_optimizer: bool
    rewind: bool
    seed: int
    fit_options: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The settings as plain values, for JSON; of the options of `fit` those that are plain."""
        options = {key: plain(value) for key, value in sorted(self.fit_options.items())}
        return {
            **{name: plain(value) for name, value in vars(self).items()},
            "limits": self.limits.as_dict(),
            "repair": [repair.name for repair in self.repair],
            "fit_options": {key: value for key, value in options.items() if value is not None},
        }


def make_settings(given: dict[str, Any], limits: Limits, mode: Mode) -> Settings:
    """Checks each setting by itself.

    Args:
        given: those of `Settings` but for the two others, by name.
        limits: what groups must keep.
        mode: "auto" reads off the metric's name whether it is to be high or low.

    Raises:
        PlanError: one makes no sense.
    """
    settings = Settings(**given, limits=limits, mode=_mode(given["monitor"], mode))
    check_scope(settings.scope)
    _check_step(settings)
    if settings.target is not None:
        _check_share("target", settings.target)
    for name in ("epochs", "seed"):
        value = getattr(settings, name)
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
            raise PlanError(f"expected {name} as a whole number from 0 up, received {value!r}")
    _check_drop(settings)
    wrong = sorted(set(settings.fit_options) & set(_RESERVED))
    if wrong:
        raise PlanError(
            f"expected fit_options without {', '.join(wrong)}: each is given by an argument of "
            "its own (train, epochs, callbacks)"
        )
    return settings


def _mode(monitor: str, mode: str) -> Literal["max", "min"]:
    if mode not in get_args(Mode):
        raise PlanError(f"expected mode 'auto', 'max' or 'min', received {mode!r}")
    if mode == "auto":
        return "min" if any(monitor.lower().endswith(end) for end in _ERRORS) else "max"
    return mode  # type: ignore[return-value]


def _check_step(settings: Settings) -> None:
    step, macs = settings.step, settings.step_macs
    if (step is None) == (macs is None):
        raise PlanError(
            "expected one of step (filters and units, as a number or a share of the original's) "
            f"and step_macs (a share of its MACs), received step={step!r}, step_macs={macs!r}"
        )
    if macs is not None:
        _check_share("step_macs", macs)
    elif isinstance(step, bool) or not isinstance(step, int | float | np.number):
        raise PlanError(f"expected step as a number of filters or a share, received {step!r}")
    elif isinstance(step, int | np.integer):
        if step < 1:
            raise PlanError(f"expected a step of at least one filter, received {step!r}")
    else:
        _check_share("step", step)


def _check_share(name: str, value: Any) -> None:
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not 0 < float(value) < 1:
        raise PlanError(
            f"expected {name} as a share of the original's, between 0 and 1, received {value!r}"
        )


def _check_drop(settings: Settings) -> None:
    drop = settings.max_drop
    if drop is None:
        return
    number = isinstance(drop, int | float | np.number) and not isinstance(drop, bool)
    if not number or not 0 <= float(drop) < math.inf:
        raise PlanError(
            f"expected max_drop as a number from 0 up, or None for no limit, received {drop!r}"
        )
    if "accuracy" in settings.monitor and drop >= 1:
        raise PlanError(
            f"expected max_drop of {settings.monitor} as a share below 1, received {drop!r}: "
            "0.03 is three points"
        )


def plain(value: Any) -> Any:
    """A value where JSON can hold it, or None: arrays of sample weights stay out."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, np.number):
        return value.item()
    return value if isinstance(value, str | int | float | bool) else None
