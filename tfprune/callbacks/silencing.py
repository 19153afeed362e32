"""Silencing channels in place: zeros in the weights that read them, and nowhere else."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tfprune._keras import to_numpy
from tfprune.errors import PlanError
from tfprune.graph import ChannelGraph

_ON_JAX = keras.backend.backend() == "jax"


@dataclass(frozen=True)
class Reader:
    """A weight that reads channels.

    Attributes:
        variable: the weight.
        slices: axes of it, each with the channel id that every position reads.
        own_state: whether its layer may write it while it runs, the optimizer having no part in it.
    """

    variable: Any
    slices: tuple[tuple[int, np.ndarray], ...]
    own_state: bool

    def mask(self, keep: np.ndarray) -> np.ndarray:
        """Zeros where it reads channels that go, else ones; one long along the other axes.

        Args:
            keep: (ids,) which channel ids stay.
        """
        mask = np.ones([1] * len(self.variable.shape), np.float32)
        for axis, ids in self.slices:
            shape = [1] * len(self.variable.shape)
            shape[axis] = -1
            mask = mask * keep[ids].reshape(shape)
        return mask


def readers(graph: ChannelGraph, free: np.ndarray) -> tuple[Reader, ...]:
    """The weights that read channels which may go, each once.

    The channels' own weights are not among them. They stay as they are: with no reader they change
    nothing, the silenced model computes exactly what the rebuilt one will, and scores can still be
    compared.

    Args:
        graph: the traced model.
        free: (ids,) which channel ids may go.
    """
    found: dict[int, Reader] = {}
    for record in graph.records.values():
        for cut in record.slices:
            if cut.role != "consumes" or not free[cut.ids].any():
                continue
            variable = record.weights[cut.weight]
            before = found[id(variable)].slices if id(variable) in found else ()
            own_state = bool(record.operation.trainable) and not variable.trainable
            found[id(variable)] = Reader(variable, (*before, (cut.axis, cut.ids)), own_state)
    return tuple(found.values())


class Silence(keras.constraints.Constraint):
    """What the optimizer does to a weight after each update, inside the compiled step.

    Args:
        mask: a variable that broadcasts to the weight, of zeros and ones.
        inner: the constraint that the weight had before, or None.
        session: whose it is: two that hold the same weight in one `fit` would lose its zeros.
    """

    def __init__(self, mask: Any, inner: Any, session: Any) -> None:
        self.mask = mask
        self.inner = inner
        self.session = session

    def __call__(self, w: Any) -> Any:
        """Returns the weight with zeros where the mask has them."""
        silent = keras.ops.multiply(w, self.mask)
        # The inner one may divide by a norm, which silent entries must not count in.
        return silent if self.inner is None else keras.ops.multiply(self.inner(silent), self.mask)


class Silencer:
    """Keeps channels of one model silent: it holds the masks of the weights that read them.

    Args:
        model: the model.
        found: its `readers`.
        ids: how many channel ids its trace has.
    """

    def __init__(self, model: Any, found: Sequence[Reader], ids: int) -> None:
        self.model = model
        self.readers = tuple(found)
        self._masks = [_mask_variable(reader, ids) for reader in self.readers]
        self._whole = [True] * len(self.readers)  # nothing that it reads is silent
        self._keep: np.ndarray | None = None
        self._attached = False
        self._step: Any = None
        self._plain_step: Any = None

    def holds(self, model: Any, found: Sequence[Reader]) -> bool:
        """Whether it is for this model and these of its weights."""
        mine, theirs = (
            [(id(one.variable), one.own_state) for one in some] for some in (self.readers, found)
        )
        return self.model is model and mine == theirs

    def silence(self, keep: np.ndarray) -> None:
        """Sets which channels are silent, and zeroes what reads them.

        Args:
            keep: (ids,) which channel ids stay.
        """
        if self._keep is None or not np.array_equal(keep, self._keep):
            self._set_masks(keep)
        self.zero()

    def zero(self, only_own_state: bool = False) -> None:
        """Zeroes now; all weights, or those alone that their layers write."""
        for reader, mask, whole in zip(self.readers, self._masks, self._whole, strict=True):
            if not whole and (reader.own_state or not only_own_state):
                reader.variable.assign(keras.ops.multiply(reader.variable, mask))

    def _set_masks(self, keep: np.ndarray) -> None:
        self._keep = keep
        for index, (reader, variable) in enumerate(zip(self.readers, self._masks, strict=True)):
            mask = reader.mask(keep)
            self._whole[index] = bool(mask.all())
            variable.assign(mask)
        if _ON_JAX:
            # What a compiled step of JAX reads outside its arguments is a constant in it.
            self._step = None
            if self._attached:
                _make_step(self.model)

    def is_silent(self, keep: np.ndarray) -> bool:
        """Whether all that reads channels that go is zero."""
        return not any(
            (to_numpy(one.variable) * (1 - one.mask(keep))).any() for one in self.readers
        )

    def attach(self, session: Any) -> None:
        """Has the optimizer apply the masks after each update.

        Args:
            session: what only one `fit` has.

        Raises:
            PlanError: another silencer has weights of the model in the same session.
        """
        pairs = list(zip(self.readers, self._masks, strict=True))
        if any(isinstance(reader.variable.constraint, Silence) for reader in self.readers):
            _make_step(self.model)  # that of a fit that broke off has masks
        before = [_own_constraint(reader.variable, mask, session) for reader, mask in pairs]
        for (reader, mask), inner in zip(pairs, before, strict=True):
            reader.variable.constraint = Silence(mask, inner, session)
        self._attached = True
        self._take_step()

    def detach(self) -> None:
        """Gives the weights their own constraints back, and the model a step without masks."""
        for reader in self.readers:
            if isinstance(reader.variable.constraint, Silence):
                reader.variable.constraint = reader.variable.constraint.inner
        self._attached = False
        self._step = self.model.train_function
        self.model.train_function = self._plain_step

    def _take_step(self) -> None:
        """Gives the model a step that is compiled with the masks: that of the last fit if it can.

        One compiled before knows nothing of the masks. It is put by, to be given back.
        """
        found = self.model.train_function
        if self._step is not None and found is not None and found is self._plain_step:
            self.model.train_function = self._step
            return
        if _ON_JAX:
            _make_step(self.model)  # see there: Keras's own must not be kept
        self._plain_step = self.model.train_function
        _make_step(self.model)


def _make_step(model: Any) -> None:
    """Gives a model a step that is yet to be compiled."""
    if not _ON_JAX:
        model.make_train_function(force=True)
        return
    # JAX knows a function that it has compiled by equality, and finds the methods of one model
    # equal: as long as the old step lives, the new one would be the old one.
    own, train_step = "train_step" in vars(model), model.train_step
    model.train_step = lambda state, data: train_step(state, data)
    try:
        model.make_train_function(force=True)
    finally:
        if own:
            model.train_step = train_step
        else:
            del model.train_step


def _own_constraint(variable: Any, mask: Any, session: Any) -> Any:
    """The constraint that a weight has without those that an earlier fit, broken off, has left."""
    found = variable.constraint
    while isinstance(found, Silence):
        if session is not None and found.session is session and found.mask is not mask:
            raise PlanError(
                f"expected one FilterPruning in a fit, received two that silence what "
                f"'{variable.path}' reads: exclude its layers from one of them"
            )
        found = found.inner
    return found


def _mask_variable(reader: Reader, ids: int) -> Any:
    """A variable, for a compiled step of TensorFlow or PyTorch reads its value anew each time."""
    return keras.Variable(
        reader.mask(np.ones(ids, bool)),
        dtype=reader.variable.dtype,
        trainable=False,
        autocast=False,
        name="silence",
    )
