"""Ranks and silences filters and units while a model trains."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from absl import logging

from tfprune.callbacks.choosing import Asked, choose, kept_by
from tfprune.callbacks.pace import Pace, Steps, Unit
from tfprune.callbacks.silencing import Silencer, readers
from tfprune.criteria import Criterion, get
from tfprune.criteria.groups import Reduction
from tfprune.errors import PlanError
from tfprune.graph import ChannelGraph, Group, trace
from tfprune.planning.keep import keep_mask
from tfprune.planning.limits import Limits, as_patterns, candidates
from tfprune.planning.planner import make_plan
from tfprune.planning.pruning_plan import PruningPlan
from tfprune.planning.ranking import ranked
from tfprune.planning.schedules import Schedule, polynomial
from tfprune.planning.select import Normalizer, Scope
from tfprune.planning.weights import check_weights


class FilterPruning(keras.callbacks.Callback):
    """Silences the least important filters and units, a few more at each epoch.

    At the start of an epoch (or every so many steps) all channels are scored, and the lowest are
    silenced: the weights that read them become zero, and stay zero. Nothing else is touched, so
    the model computes at any time what `tfprune.rebuild(model, callback.plan)` computes. A
    silenced channel stays silent; `fit` may be called again with the same callback.

    This is the one place where tfprune changes a model in place. While `fit` runs, the weights
    carry a constraint, which the optimizer applies after each update inside the compiled step:
    momentum, weight decay, averages of weights and `steps_per_execution` change nothing about the
    zeros. At the end of `fit` the weights have the constraints back that they had before. A `fit`
    that breaks off leaves them in place until the next one with a FilterPruning, or until
    `on_train_end()` is called.

    What an optimizer of Keras does not write is zeroed before the next execution, and when an epoch
    or an evaluation begins or ends: weights that a layer writes while it runs, and all of them
    where the model has a `train_step` of its own or the optimizer an `apply` of its own. Callbacks
    that write weights (`EarlyStopping` with `restore_best_weights`) must come before this one in
    the list. On JAX the step is compiled again each time that more is silenced.

    Args:
        criterion: the name of a criterion, or an object with `name` and `score(graph)`.
            Defaults to `"l2"`.
        ratio: the share of the prunable filters and units to silence in the end, in (0, 1). None
            for criteria that have a ratio of their own ("cosine"). Defaults to `0.5`.
        schedule: from the progress of training in (0, 1] to the share of `ratio` to have silenced
            by then (see `tfprune.planning.schedules`). In the last of n epochs the progress
            is 1, in the first 1/n. Defaults to `polynomial(begin=0, end=0.5)`.
        data: for criteria that look at data; refused by those that do not. Defaults to `None`.
        by: what `start`, `end` and `frequency` count: "epoch", or "step", a batch seen by the
            optimizer. Both are counted from the first epoch of all, `initial_epoch` included.
            Defaults to `"epoch"`.
        start: the first epoch or step at which channels are silenced. Defaults to `0`.
        end: the epoch or step at which the progress is 1. Defaults to `None`: the end of training.
        frequency: how many epochs or steps lie between two rankings. Defaults to `None`: every
            epoch, or every 100 steps.
        loss: for criteria that look at the loss: a name, a function or a `keras.losses.Loss`.
            Defaults to what the model was compiled with.
        plan: what is silent from the first moment, to go on where an earlier training stopped.
            Defaults to `None`.
        scope, round_to, min_channels, max_ratio, exclude, include_residual, include_inexact,
            group_reduction, normalizer: as in `tfprune.plan`.

    Attributes:
        plan: the `PruningPlan` of what is silent now; None before anything is.
        scores: the scores of the last ranking, one a channel, by group.

    Raises:
        PlanError: a setting makes no sense; (when `fit` starts) the callback has silenced another
            model; a second FilterPruning holds the same layers; steps are to be counted that `fit`
            does not know.
        ModelError: (when `fit` starts) the model cannot be traced, or its weights hold NaN.

    Example:
        >>> import keras, numpy as np, tfprune
        >>> model = keras.Sequential(
        ...     [keras.Input((4,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(1)]
        ... )
        >>> model.compile("sgd", "mse")
        >>> callback = tfprune.callbacks.FilterPruning(ratio=0.75)
        >>> x, y = np.ones((8, 4)), np.ones((8, 1))
        >>> _ = model.fit(x, y, epochs=2, verbose=0, callbacks=[callback])
        >>> tfprune.rebuild(model, callback.plan).layers[0].units
        2
    """

    def __init__(
        self,
        criterion: str | Criterion = "l2",
        ratio: float | None = 0.5,
        schedule: Schedule | None = None,
        data: Any = None,
        *,
        by: Unit = "epoch",
        start: int = 0,
        end: int | None = None,
        frequency: int | None = None,
        loss: Any = None,
        plan: PruningPlan | None = None,
        scope: Scope = "layer",
        round_to: int = 1,
        min_channels: int = 1,
        max_ratio: float | Mapping[str, float] = 1.0,
        exclude: str | Sequence[str] = (),
        include_residual: bool = True,
        include_inexact: bool = False,
        group_reduction: Reduction = "mean",
        normalizer: Normalizer | None = None,
    ) -> None:
        super().__init__()
        limits = Limits(
            round_to,
            min_channels,
            max_ratio,
            as_patterns(exclude),
            include_residual,
            include_inexact,
        )
        criterion = get(criterion, data, loss)
        self._asked = Asked(criterion, ratio, scope, limits, group_reduction, normalizer)
        self._schedule = schedule or polynomial()
        self._pace = Pace(by, start, end, frequency)
        self._given = plan
        self.reset()

    def reset(self) -> None:
        """Forgets what it has silenced: it may then be used on another model."""
        self.plan: PruningPlan | None = self._given
        self.scores: Mapping[str, np.ndarray] = {}
        self._share = 0.0  # of the ratio, asked for so far
        self._graph: ChannelGraph | None = None
        self._groups: tuple[Group, ...] = ()
        self._silencer: Silencer | None = None
        self._bypassed = False  # whether something else than an optimizer of Keras writes weights
        self._own_state = False
        self._averaged = False
        self._steps = Steps()

    @property
    def silenced(self) -> float:
        """Share of the prunable filters and units that are silent."""
        return self.plan.removed if self.plan else 0.0

    def restore(self, plan: PruningPlan | None) -> None:
        """Goes back, or on, to what a plan silences; None silences nothing.

        Set the weights first: those that were zeroed do not come back by themselves.

        Raises:
            PlanError: the plan was made for another model.
        """
        self.plan = plan
        self._share = 0.0
        if self._graph is not None and self._silencer is not None:
            self._check_fingerprint(self._graph)
            self._silencer.silence(self._keep(self._graph))

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Traces the model; what was silent before stays silent."""
        model = self.model
        graph = trace(model)
        self._check_fingerprint(graph)
        self._groups = candidates(graph, self._asked.limits)
        self._silencer = self._silencer_for(model, graph)
        self._graph = graph
        self._steps = Steps()
        self._silencer.attach(self.params)
        self._silencer.silence(self._keep(graph))
        self._bypassed = not _applies_constraints(model)
        self._averaged = bool(getattr(_inner(model.optimizer), "use_ema", True))
        self._own_state = any(reader.own_state for reader in self._silencer.readers)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Silences as much as the schedule asks for."""
        self._zero()
        params = self.params or {}
        epochs = max(params.get("epochs") or 1, epoch + 1)
        if self._pace.by == "epoch":
            self._go_to(epoch, epochs)
        else:
            self._steps = self._steps.at(epoch, epochs, params.get("steps"), self._iterations)

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """The same, by steps; and zeroes what the optimizer has no part in."""
        if self._bypassed or self._own_state:
            self._zero(only_own_state=not self._bypassed)
        if self._pace.by == "step":
            self._go_to(self._steps.first + batch, self._steps.total)

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Other callbacks may have set other weights to be evaluated, such as averages."""
        self._zero()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Zeroes what the optimizer has no part in, or averages that were put in place."""
        if self._bypassed or self._own_state or self._averaged:
            self._zero()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Takes the constraints off; averages that the optimizer has put in place are silenced."""
        if self._silencer is not None:
            self._silencer.detach()
            self._zero()

    def _zero(self, only_own_state: bool = False) -> None:
        if self._silencer is not None and self.plan is not None:
            _ = self.model  # on JAX the weights are in the model once it is asked for
            self._silencer.zero(only_own_state)

    def _go_to(self, moment: int, total: float) -> None:
        """Silences what the schedule asks for before an epoch or step."""
        progress = self._pace.progress(moment, total)
        share = 0.0 if progress is None else min(1.0, self._schedule(progress))
        if share > self._share:
            self._select(share)
            self._share = share
            logging.info("%s %d: %.1f %% silenced", self._pace.by, moment, 100 * self.silenced)

    def _select(self, share: float) -> None:
        graph, silencer, asked = self._graph, self._silencer, self._asked
        if graph is None or silencer is None:
            raise PlanError("expected to be called by fit: pass the callback to model.fit")
        model = self.model
        check_weights(graph)
        self.scores = ranked(graph, asked.criterion, asked.reduction, asked.normalizer)
        before = kept_by(graph.groups, self.plan)
        chosen = choose(asked, graph, self._groups, self.scores, share, before)
        held = [group for group in graph.groups if group.name in before]
        groups = {group.name: group for group in (*self._groups, *held)}
        self.plan = make_plan(
            graph,
            model.name,
            asked.criterion.name,
            asked.as_dict(share),
            tuple(groups.values()),
            {**before, **chosen},
        )
        silencer.silence(self._keep(graph))

    def _silencer_for(self, model: Any, graph: ChannelGraph) -> Silencer:
        """The silencer of the last fit where it still fits, or a new one."""
        keep = self._keep(graph)
        channels = np.concatenate([group.channels for group in self._groups])
        found = readers(graph, np.isin(graph.label, channels) | ~keep)
        last = self._silencer
        if last is not None and last.holds(model, found):
            return last
        new = Silencer(model, found, len(graph.label))
        if last is not None and last.model is not model and not new.is_silent(keep):
            raise PlanError(
                f"this callback has silenced channels of another model '{last.model.name}', which "
                f"are not silent in this '{model.name}': make a new FilterPruning for it"
            )
        return new

    def _keep(self, graph: ChannelGraph) -> np.ndarray:
        return keep_mask(graph, self.plan.kept if self.plan else {})

    def _check_fingerprint(self, graph: ChannelGraph) -> None:
        if self.plan is not None and self.plan.fingerprint != graph.fingerprint:
            raise PlanError(
                f"this callback has pruned '{self.plan.model}' and cannot go on with "
                f"'{graph.model.name}': make a new FilterPruning for it"
            )

    def _iterations(self) -> int:
        return int(keras.ops.convert_to_numpy(self.model.optimizer.iterations))


def _applies_constraints(model: Any) -> bool:
    """Whether Keras's own code writes the weights, which applies constraints after each update."""
    optimizer = model.optimizer
    applying = [getattr(one, "apply", None) for one in (optimizer, _inner(optimizer))]
    methods = [model.train_step, *applying]
    return all(str(getattr(one, "__module__", "")).split(".")[0] == "keras" for one in methods)


def _inner(optimizer: Any) -> Any:
    """The optimizer that one for mixed precision wraps."""
    return getattr(optimizer, "inner_optimizer", optimizer)
